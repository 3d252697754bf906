/** The password: something the person knows. Hashing belongs to `identity/password-hash.ts`, its turn to `hash-queue.ts`. */
import { setTimeout as pause } from 'node:timers/promises'
import type { FailureHolds } from '../identity/failure-holds.ts'
import type { HashQueue } from '../identity/hash-queue.ts'
import { hashPassword, verifyNothing, verifyPassword } from '../identity/password-hash.ts'
import { LONGEST_PASSWORD_BYTES } from '../policy/password-rule.js'
import { FIRST_PASSWORD, passwordIdOf } from '../store/credentials.ts'
import type { Store } from '../store/store.ts'
import type { Factor, Verdict } from './factor.ts'

interface PasswordServices {
  readonly store: Store
  readonly queue: HashQueue
  readonly holds: FailureHolds
}

/** Throws `BusyError` when the queue of hashes is full: nothing was checked. */
export const passwordFactor = ({ store, queue, holds }: PasswordServices): Factor<string> => ({
  kind: 'password',
  spec: 'NIST SP 800-63B §3.1.1',
  amr: ['pwd'],
  proves: 'knowledge',

  async verify(tenant, claimant, password, address) {
    // Asked for nobody too: on a database across the network a question can be told by its time.
    const passwords = await store.credentials.of(tenant, claimant?.id ?? NOBODY, 'password')
    const ofIdentity = claimant?.identity ? passwordIdOf(claimant.identity) : FIRST_PASSWORD
    const credential = passwords.find(({ id }) => id === ofIdentity)
    const hold = await holds(tenant)
    const isTooLong = Buffer.byteLength(password) > LONGEST_PASSWORD_BYTES
    // Longer than any that could have been chosen: the same cost, without hashing what was sent.
    if (!credential || isTooLong) {
      await waitFor(
        hold,
        await queue.run(address, async () => {
          const began = performance.now()
          await verifyNothing(isTooLong ? '' : password)
          return began
        }),
      )
      return WRONG
    }

    const { began, matches, refusal, renewed } = await queue.run(address, async () => {
      const began = performance.now()
      const { matches, isOutdated, refusal } = await verifyPassword(password, credential.secret)
      // In the same turn: whoever proved themselves is not sent away because there was no second one.
      return { began, matches, refusal, renewed: matches && isOutdated ? await hashPassword(password) : null }
    })
    if (renewed !== null) await store.credentials.replaceSecret(credential, credential.secret, renewed)
    // Outside the queue: whoever comes next has the turn.
    if (!matches) await waitFor(hold, began)
    return { isProven: matches, reason: refusal }
  },
})

const WRONG: Verdict = { isProven: false, reason: null }
/** No person is called so. */
const NOBODY = ''

async function waitFor(hold: number, began: number): Promise<void> {
  const left = began + hold - performance.now()
  if (left > 0) await pause(left)
}
