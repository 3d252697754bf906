/**
 * The signature algorithms this verifier knows, one row each, and which JWK fits a row. What the caller allows
 * is the caller's list (verify.ts); turning a JWK into a key is keys.ts.
 */
import type { JWK } from './jwk.ts'

/** One row: everything that distinguishes an algorithm here. Functions take the row, never the name. */
export interface Algorithm {
  readonly name: AlgorithmName
  readonly kty: 'RSA' | 'EC' | 'OKP' | 'AKP' | 'oct'
  readonly crv?: string
  /** Of the modulus or the secret. RFC 7518 §3.3: 2048 for RSA; §3.2: the hash's output for HMAC. */
  readonly minimumBits?: number
  /** Where it is fixed, so that a signature of another length is refused before any arithmetic. RSA's is its modulus'. */
  readonly signatureBytes?: number
}

export type AlgorithmName =
  | 'RS256'
  | 'RS384'
  | 'RS512'
  | 'PS256'
  | 'PS384'
  | 'PS512'
  | 'ES256'
  | 'ES384'
  | 'ES512'
  | 'EdDSA'
  | 'Ed25519'
  | 'ML-DSA-44'
  | 'ML-DSA-65'
  | 'ML-DSA-87'
  | 'HS256'
  | 'HS384'
  | 'HS512'

/**
 * RFC 7518 §3.1, RFC 8037 §3.1 (EdDSA), RFC 9864 §2.2 (Ed25519, its fully-specified name), and ML-DSA with the
 * `AKP` key type and the signature sizes of FIPS 204 §4.
 */
const ROWS: readonly Algorithm[] = [
  { name: 'RS256', kty: 'RSA', minimumBits: 2048 },
  { name: 'RS384', kty: 'RSA', minimumBits: 2048 },
  { name: 'RS512', kty: 'RSA', minimumBits: 2048 },
  { name: 'PS256', kty: 'RSA', minimumBits: 2048 },
  { name: 'PS384', kty: 'RSA', minimumBits: 2048 },
  { name: 'PS512', kty: 'RSA', minimumBits: 2048 },
  { name: 'ES256', kty: 'EC', crv: 'P-256', signatureBytes: 64 },
  { name: 'ES384', kty: 'EC', crv: 'P-384', signatureBytes: 96 },
  { name: 'ES512', kty: 'EC', crv: 'P-521', signatureBytes: 132 },
  { name: 'EdDSA', kty: 'OKP', crv: 'Ed25519', signatureBytes: 64 },
  { name: 'Ed25519', kty: 'OKP', crv: 'Ed25519', signatureBytes: 64 },
  { name: 'ML-DSA-44', kty: 'AKP', signatureBytes: 2420 },
  { name: 'ML-DSA-65', kty: 'AKP', signatureBytes: 3309 },
  { name: 'ML-DSA-87', kty: 'AKP', signatureBytes: 4627 },
  { name: 'HS256', kty: 'oct', minimumBits: 256, signatureBytes: 32 },
  { name: 'HS384', kty: 'oct', minimumBits: 384, signatureBytes: 48 },
  { name: 'HS512', kty: 'oct', minimumBits: 512, signatureBytes: 64 },
]

/** A Map, not an object: `alg` comes from strangers, and `constructor` must not be found. */
export const ALGORITHMS: ReadonlyMap<string, Algorithm> = new Map(ROWS.map(row => [row.name, row]))

/**
 * The caller's allow-list as rows.
 * @throws TypeError for an empty list or a name that has no row, `none` among them.
 */
export function allowAlgorithms(names: readonly AlgorithmName[]): ReadonlyMap<string, Algorithm> {
  if (!Array.isArray(names) || names.length === 0) throw new TypeError('name at least one algorithm to allow')
  return new Map(names.map(name => [name, algorithmNamed(name)]))
}

/** @throws TypeError for a name that has no row. */
export function algorithmNamed(name: AlgorithmName): Algorithm {
  const row = ALGORITHMS.get(name)
  if (!row) throw new TypeError(`unknown signature algorithm: ${name}`)
  return row
}

/**
 * Whether a JWK says of itself that it may verify this algorithm. A JWK without `alg` fits every row of its type,
 * which is safe only because the row comes from the caller's list and never from the token.
 */
export const fits = (jwk: JWK, { name, kty, crv }: Algorithm): boolean =>
  jwk.kty === kty &&
  (crv === undefined || jwk.crv === crv) &&
  (jwk.alg === undefined || jwk.alg === name) &&
  (jwk.use === undefined || jwk.use === 'sig') &&
  (jwk.key_ops === undefined || (Array.isArray(jwk.key_ops) && jwk.key_ops.includes('verify')))
