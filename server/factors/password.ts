/** The password: something the person knows. Hashing belongs to `identity/password-hash.ts`, its turn to `hash-queue.ts`. */
import type { HashQueue } from '../identity/hash-queue.ts'
import { hashPassword, verifyNothing, verifyPassword } from '../identity/password-hash.ts'
import { LONGEST_PASSWORD_BYTES } from '../policy/password-rule.js'
import type { Store } from '../store/store.ts'
import type { Factor, Verdict } from './factor.ts'

/** Throws `BusyError` when the queue of hashes is full: nothing was checked. */
export const passwordFactor = ({ store, queue }: { store: Store; queue: HashQueue }): Factor<string> => ({
  kind: 'password',
  spec: 'NIST SP 800-63B §3.1.1',
  amr: ['pwd'],
  proves: 'knowledge',

  async verify(user, password, address) {
    // Asked for nobody too: on a database across the network a question can be told by its time.
    const { tenant, id } = user ?? NOBODY
    const [credential] = await store.credentials.of(tenant, id, 'password')
    const isTooLong = Buffer.byteLength(password) > LONGEST_PASSWORD_BYTES
    // Longer than any that could have been chosen: the same cost, without hashing what was sent.
    if (!credential || isTooLong) {
      await queue.run(address, () => verifyNothing(isTooLong ? '' : password))
      return WRONG
    }

    const { matches, refusal, renewed } = await queue.run(address, async () => {
      const { matches, isOutdated, refusal } = await verifyPassword(password, credential.secret)
      // In the same turn: whoever proved themselves is not sent away because there was no second one.
      return { matches, refusal, renewed: matches && isOutdated ? await hashPassword(password) : null }
    })
    if (renewed !== null) await store.credentials.replaceSecret(credential, credential.secret, renewed)
    return { isProven: matches, reason: refusal }
  },
})

const WRONG: Verdict = { isProven: false, reason: null }
/** No tenant and no person is called so. */
const NOBODY = { tenant: '', id: '' } as const
