/**
 * The token verifier: the only one in the repository, and the face of this package. It puts the two stages in a
 * row; each can be had alone. Where keys come from is the caller's (jwks.ts fetches them), and so is revocation.
 *
 *   of an encrypted token, all of it opened first      decrypt.ts
 *   size, shape, header, algorithm, key, signature     signature.ts
 *   type, issuer, audience, times, profile             claims.ts
 *   the same for what a client signs                   assertion.ts
 */
import { type AlgorithmName, allowAlgorithms } from './algorithms.ts'
import { checkClaims, type Profile, type VerifiedToken } from './claims.ts'
import { type DecryptionKey, decryptionKeySet, decryptToken, isEncrypted } from './decrypt.ts'
import type { ContentEncryption } from './encryption.ts'
import type { KeySource } from './keys.ts'
import { verifySignature } from './signature.ts'

export { type Algorithm, type AlgorithmName, allowAlgorithms } from './algorithms.ts'
export { type AssertionProfile, assertion, checkAssertion } from './assertion.ts'
export {
  accessToken,
  checkClaims,
  idToken,
  idTokenHint,
  type Profile,
  requireScopes,
  type VerifiedClaims,
  type VerifiedToken,
} from './claims.ts'
export {
  type DecryptionKey,
  decryptionKeySet,
  decryptToken,
  importDecryptionKey,
  isEncrypted,
} from './decrypt.ts'
export {
  type ContentEncryption,
  ENCRYPTION_ALGORITHMS,
  type EncryptionAlgorithm,
  encryptionKeyFault,
} from './encryption.ts'
export { KeysUnavailableError, type VerificationCode, VerificationError } from './errors.ts'
export { halfHash } from './half-hash.ts'
export type { JWK } from './jwk.ts'
export {
  importPublicKey,
  importSecret,
  type KeyRequest,
  type KeySource,
  keySet,
  PRIVATE_MEMBERS,
  type SignerKeys,
  type VerificationKey,
} from './keys.ts'
export { type SignedToken, type TokenHeader, verifySignature } from './signature.ts'

export interface VerifierOptions {
  readonly keys: KeySource
  /** The algorithms to accept. There is no default: a verifier that takes what a token asks for can be talked into anything. */
  readonly algorithms: readonly AlgorithmName[]
  readonly profile: Profile
  /**
   * The API's own, where its tokens are encrypted to it. Tokens that are only signed are taken as well: encryption keeps a
   * token from others' eyes, and says nothing of who made it.
   */
  readonly decryptionKeys?: readonly DecryptionKey[]
  /** `A256GCM` alone, as Latchkey does it, unless others are named. */
  readonly contentEncryption?: readonly ContentEncryption[]
  /** Milliseconds since 1970; the system's clock by default. */
  readonly clock?: () => number
}

/** @throws VerificationError for every token that is not good; whatever the key source throws passes through. */
export type Verifier = (token: string) => Promise<VerifiedToken>

/**
 * A verifier for one purpose, to be made once and used for every token.
 * @throws TypeError for an empty or unknown algorithm, or a missing option.
 */
export function createVerifier({
  keys,
  algorithms,
  profile,
  decryptionKeys,
  contentEncryption,
  clock = Date.now,
}: VerifierOptions): Verifier {
  const allowed = allowAlgorithms(algorithms)
  if (typeof keys !== 'function') throw new TypeError('keys is a function that finds a key')
  if (!profile) throw new TypeError('profile says what the token is for')
  const openers = decryptionKeys && decryptionKeySet(decryptionKeys)
  return async token => {
    const signed = openers && isEncrypted(token) ? await decryptToken(token, openers, contentEncryption) : token
    return checkClaims(await verifySignature(signed, keys, allowed), profile, clock())
  }
}
