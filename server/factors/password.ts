/** The password: something the person knows. Hashing belongs to `identity/password-hash.ts`, its turn to `hash-queue.ts`. */
import type { HashQueue } from '../identity/hash-queue.ts'
import { hashPassword, isOutdated, verifyNothing, verifyPassword } from '../identity/password-hash.ts'
import { LONGEST_PASSWORD_BYTES } from '../policy/password-rule.ts'
import type { Store } from '../store/store.ts'
import type { Factor } from './factor.ts'

/** Throws `BusyError` when the queue of hashes is full: nothing was checked. */
export const passwordFactor = ({ store, queue }: { store: Store; queue: HashQueue }): Factor<string> => ({
  kind: 'password',
  spec: 'NIST SP 800-63B §3.1.1',
  amr: ['pwd'],
  proves: 'knowledge',

  async verify(user, password, address) {
    // Longer than any that could have been chosen: the same cost, without hashing what was sent.
    const offered = Buffer.byteLength(password) > LONGEST_PASSWORD_BYTES ? '' : password
    const [credential] = user ? await store.credentials.of(user.tenant, user.id, 'password') : []
    if (!credential) return queue.run(address, () => verifyNothing(offered))

    const matches = await queue.run(address, () => verifyPassword(offered, credential.secret))
    if (matches && isOutdated(credential.secret)) {
      const renewed = await queue.run(address, () => hashPassword(offered))
      await store.credentials.replaceSecret(credential, credential.secret, renewed)
    }
    return matches
  },
})
