/**
 * The algorithms by which an access token may be encrypted to an API, one row each. Those that are missing are missing on
 * purpose: RSA1_5 (its padding tells), PBES2 (a stranger would choose how long we compute), `dir` and key wrapping (a
 * secret that two share vouches for neither). What opens a token is decrypt.ts.
 */

export type EncryptionAlgorithm = 'RSA-OAEP-256' | 'RSA-OAEP-384' | 'RSA-OAEP-512' | 'ECDH-ES' | 'ECDH-ES+A256KW'
export type ContentEncryption = 'A256GCM' | 'A128GCM' | 'A256CBC-HS512' | 'A128CBC-HS256'

export interface EncryptionRow {
  readonly name: EncryptionAlgorithm
  readonly kty: 'RSA' | 'EC'
  /** EC only. */
  readonly curves?: readonly string[]
  /** Of the modulus: RFC 7518 §4.3 for the least, and the most is what opening one token may cost. */
  readonly bits?: { readonly least: number; readonly most: number }
  /** Without one the key that encrypts is agreed on, and what stands in its place is empty (RFC 7518 §4.6). */
  readonly hasEncryptedKey: boolean
}

const BITS = { least: 2048, most: 4096 }
const CURVES = ['P-256', 'P-384', 'P-521']

/** RFC 7518 §4.1, and the SHA-384 and SHA-512 variants that are registered with Web Cryptography. */
const ROWS: readonly EncryptionRow[] = [
  { name: 'RSA-OAEP-256', kty: 'RSA', bits: BITS, hasEncryptedKey: true },
  { name: 'RSA-OAEP-384', kty: 'RSA', bits: BITS, hasEncryptedKey: true },
  { name: 'RSA-OAEP-512', kty: 'RSA', bits: BITS, hasEncryptedKey: true },
  { name: 'ECDH-ES', kty: 'EC', curves: CURVES, hasEncryptedKey: false },
  { name: 'ECDH-ES+A256KW', kty: 'EC', curves: CURVES, hasEncryptedKey: true },
]

/** A Map, not an object: `alg` comes from strangers. */
export const ENCRYPTION_ALGORITHMS: ReadonlyMap<string, EncryptionRow> = new Map(ROWS.map(row => [row.name, row]))

/** RFC 7518 §5: the widths of the initialization vector and of the tag, in bytes. */
export const CONTENT_ENCRYPTIONS: ReadonlyMap<string, { readonly iv: number; readonly tag: number }> = new Map([
  ['A256GCM', { iv: 12, tag: 16 }],
  ['A128GCM', { iv: 12, tag: 16 }],
  ['A256CBC-HS512', { iv: 16, tag: 32 }],
  ['A128CBC-HS256', { iv: 16, tag: 16 }],
])

/**
 * Why a key, private or public, is not one for the algorithm; undefined for one that is. `jwk` is as `node:crypto` or Web
 * Crypto exports it.
 */
export function encryptionKeyFault(
  jwk: { readonly kty?: unknown; readonly crv?: unknown; readonly n?: unknown },
  { name, kty, curves, bits }: EncryptionRow,
): string | undefined {
  if (jwk.kty !== kty) return `is not a key of the type of ${name} (${kty})`
  if (curves && !curves.includes(String(jwk.crv))) return `is not on one of the curves ${curves.join(', ')}`
  const modulus = Buffer.from(String(jwk.n ?? ''), 'base64url')
    .toString('hex')
    .replace(/^0+/, '')
  const length = modulus === '' ? 0 : BigInt(`0x${modulus}`).toString(2).length
  if (bits && (length < bits.least || length > bits.most))
    return `has a modulus of ${length} bits, where ${bits.least} to ${bits.most} are taken`
  return undefined
}
