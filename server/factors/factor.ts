/** How a person proves who they are: the type every factor has. Which there are is `compose.ts`'s to hand in. */
import type { IdentityRecord } from '../store/users.ts'

export interface Verdict {
  readonly isProven: boolean
  /** Why the answer could not be tried, for the operator, in one word; null when it was. */
  readonly reason: string | null
}

/** Whom an answer is of: the person, by which of their identities. Each has a password of its own; left out, it is the first. */
export interface Claimant {
  readonly id: string
  readonly identity?: IdentityRecord
}

export interface Factor<Answer = unknown> {
  /** Equal to the file's name, and the kind of its credentials. */
  readonly kind: string
  readonly spec: string
  /** RFC 8176 §2. */
  readonly amr: readonly string[]
  readonly proves: 'knowledge' | 'possession' | 'inherence'
  /**
   * Whether the answer is this person's, in a tenant. `undefined` for the claimant of an account that does not exist, which
   * costs and takes what a real one does. `address` bounds what one caller may make the server do.
   */
  verify(tenant: string, claimant: Claimant | undefined, answer: Answer, address: string): Promise<Verdict>
}
