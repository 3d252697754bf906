/**
 * Who somebody is, by what they type: an address and a password. The one place where passwords are tried, whichever
 * surface asks, so that what stands against guessing stands everywhere. One answer and one cost for a wrong password
 * and for an account that does not exist; whether a person who is found may go on is the surfaces' to ask.
 */
import { type Occasion, signInFailed } from '../audit/events.ts'
import type { AuditBuffer } from '../audit/log.ts'
import type { Brake } from '../identity/brake.ts'
import { databaseOptions } from '../identity/database-options.ts'
import { BusyError } from '../identity/hash-queue.ts'
import type { Correspondence } from '../identity/password-reset.ts'
import type { Instant } from '../kernel/clock.ts'
import { emailKey, readEmailAddress } from '../policy/email-address.ts'
import type { Proof } from '../policy/proof.ts'
import { usernameKey } from '../policy/username.ts'
import type { ConnectionRecord } from '../store/connections.ts'
import type { Store } from '../store/store.ts'
import type { UserRecord } from '../store/users.ts'
import type { Factor, Verdict } from './factor.ts'

export interface Attempt {
  /** Where the account is looked for. */
  readonly connection: ConnectionRecord
  /** As it was typed. */
  readonly name: string
  readonly password: string
  /** The client's id; null where somebody comes from none. */
  readonly client: string | null
  /** The caller's, as an IP address. */
  readonly address: string
  /** Of the browser in front of us, as `identity/browsers.ts` has it; null where there is none. */
  readonly browserHash: string | null
  /** For the mail that tells the person of guesses. */
  readonly correspondence: Correspondence
  readonly occasion: Occasion
}

/** `busy`: nothing was checked, and the person may simply try again. `held`: nothing was checked, and is not before `freeAt`. */
export type Outcome =
  | { readonly state: 'proven'; readonly user: UserRecord; readonly proof: Proof }
  | { readonly state: 'wrong' }
  | { readonly state: 'busy' }
  | { readonly state: 'held'; readonly freeAt: Instant }

export type PasswordSignIn = (attempt: Attempt) => Promise<Outcome>

/** Of what was typed, this much is kept with the event. */
const LONGEST_NAME = 254

export function createPasswordSignIn(services: {
  readonly store: Store
  readonly password: Factor<string>
  readonly brake: Brake
  readonly audit: AuditBuffer
}): PasswordSignIn {
  const { store, password: factor, brake, audit } = services

  return async ({ connection, password, client, address, browserHash, correspondence, occasion, ...attempt }) => {
    const { tenant, at } = occasion
    const email = readEmailAddress(attempt.name)
    const name = email ?? attempt.name.trim().slice(0, LONGEST_NAME)
    const { username, isGuarded } = databaseOptions(connection.options)
    // Which of the two a name is, its form tells, and so whether it is looked for: not whether there is somebody.
    const key = email === undefined ? { usernameKey: usernameKey(name) } : { emailKey: emailKey(email) }
    const found =
      email === undefined && username === null
        ? undefined
        : await store.users.findByIdentity(tenant, connection.id, key)
    const user = found?.user
    const counted = { name, key: key.emailKey ?? key.usernameKey, isGuarded }
    const guess = { connection: connection.id, ...counted, user, address, browserHash, occasion, correspondence }
    const begun = await brake.begin(guess)
    if (begun.state === 'held') return begun
    let verdict: Verdict
    try {
      verdict = await factor.verify(tenant, found && { id: found.user.id, identity: found.identity }, password, address)
    } catch (error) {
      await begun.unmade()
      if (error instanceof BusyError) return { state: 'busy' }
      throw error
    }
    if (verdict.isProven && user) {
      await begun.right()
      return { state: 'proven', user, proof: { factor: factor.kind, amr: factor.amr, at } }
    }
    await begun.wrong()
    audit.add(signInFailed(occasion, client, user?.id ?? null, name, connection.name, verdict.reason))
    return { state: 'wrong' }
  }
}
