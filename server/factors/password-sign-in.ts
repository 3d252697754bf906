/**
 * Who somebody is, by what they type: an address and a password. The one place where passwords are tried, whichever
 * surface asks, so that what stands against guessing stands everywhere. One answer and one cost for a wrong password
 * and for an account that does not exist; whether a person who is found may go on is the surfaces' to ask.
 */
import { type Occasion, signInFailed } from '../audit/events.ts'
import type { AuditBuffer } from '../audit/log.ts'
import { BusyError } from '../identity/hash-queue.ts'
import { emailKey, readEmailAddress } from '../policy/email-address.ts'
import type { Proof } from '../policy/proof.ts'
import type { ConnectionRecord } from '../store/connections.ts'
import type { Store } from '../store/store.ts'
import type { UserRecord } from '../store/users.ts'
import type { Factor } from './factor.ts'

export interface Attempt {
  /** Where the account is looked for. */
  readonly connection: ConnectionRecord
  /** As it was typed. */
  readonly name: string
  readonly password: string
  /** The client's id. */
  readonly client: string
  /** The caller's, as an IP address. */
  readonly address: string
  readonly occasion: Occasion
}

/** `busy`: nothing was checked, and the person may simply try again. */
export type Outcome =
  | { readonly state: 'proven'; readonly user: UserRecord; readonly proof: Proof }
  | { readonly state: 'wrong' }
  | { readonly state: 'busy' }

export type PasswordSignIn = (attempt: Attempt) => Promise<Outcome>

/** Of what was typed, this much is kept with the event. */
const LONGEST_NAME = 254

export function createPasswordSignIn(services: {
  readonly store: Store
  readonly password: Factor<string>
  readonly audit: AuditBuffer
}): PasswordSignIn {
  const { store, password: factor, audit } = services

  return async ({ connection, name, password, client, address, occasion }) => {
    const { tenant, at } = occasion
    const email = readEmailAddress(name)
    const user =
      email === undefined ? undefined : await store.users.findByEmailKey(tenant, connection.id, emailKey(email))
    try {
      const { isProven, reason } = await factor.verify(user, password, address)
      if (isProven && user) return { state: 'proven', user, proof: { factor: factor.kind, amr: factor.amr, at } }
      const typed = name.slice(0, LONGEST_NAME)
      audit.add(signInFailed(occasion, client, user?.id ?? null, typed, connection.name, reason))
      return { state: 'wrong' }
    } catch (error) {
      if (error instanceof BusyError) return { state: 'busy' }
      throw error
    }
  }
}
