/** What a format of password hashes is: how one is recognised, read, and what checking a password against it takes. */

export interface PasswordFormat {
  readonly name: string
  /** Whether a text is meant as one of these, sound or not. No text is two formats'. */
  readonly recognise: (hash: string) => boolean
  /** Throws `UnusableHash` for one that is malformed or dearer than the bounds. */
  readonly parse: (hash: string) => PasswordCheck
}

export interface PasswordCheck {
  /** What one check costs, in the unit of `work.ts`. */
  readonly work: number
  /** The same of this password, where a long one is dearer. */
  readonly workOf?: (password: string) => number
  /** Why this password cannot be tried against it; left out where every password can. */
  readonly refusal?: (password: string) => Refusal | undefined
  /** The password as it is to be taken, without another form of its letters being tried. */
  readonly matches: (password: string) => Promise<boolean>
}

/** For the operator, in the event of the sign-in. `nul`: C would have read the password to its first NUL byte only. */
export type Refusal = 'longer-than-72-bytes' | 'too-long-to-check' | 'nul' | 'not-in-its-encoding'

/** Why a hash cannot be imported, in a sentence that repeats at most the name of an algorithm. */
export class UnusableHash extends Error {
  override readonly name = 'UnusableHash'
}
