/** What a session remembers of each time a person proved who they are; `acr`, `amr` and `auth_time` follow from these. */
import type { Instant } from '../kernel/clock.ts'

export interface Proof {
  /** The factor's kind: `password`, `totp`, … */
  readonly factor: string
  /** Authentication method references (RFC 8176 §2), such as `pwd`. */
  readonly amr: readonly string[]
  readonly at: Instant
}

/** `auth_time` (OpenID Connect Core §2): when the person last proved who they are, not when a token was made. */
export const authenticatedAt = (proofs: readonly Proof[]): Instant => Math.max(...proofs.map(proof => proof.at))

/** `amr` of all proofs, each once, in the order they were given; `mfa` (RFC 8176 §2) when more than one factor was. */
export function methodsOf(proofs: readonly Proof[]): string[] {
  const methods = new Set(proofs.flatMap(proof => proof.amr))
  if (new Set(proofs.map(proof => proof.factor)).size > 1) methods.add('mfa')
  return [...methods]
}

/** `acr`: how many different kinds of proof the person gave. Computed from the proofs, never from the path taken. */
export const authenticationContext = (proofs: readonly Proof[]): string =>
  new Set(proofs.map(proof => proof.factor)).size > 1 ? '2' : '1'

/** A newer proof takes the place of an older one of the same factor. */
export const addProofs = (known: readonly Proof[], given: readonly Proof[]): Proof[] => [
  ...known.filter(proof => !given.some(newer => newer.factor === proof.factor)),
  ...given,
]
