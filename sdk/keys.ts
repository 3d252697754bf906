/**
 * Keys that verify, and what each may vouch for. Everything that is wrong with a key is found here, when it is
 * made, never when a token arrives. Fetching keys is jwks.ts.
 */
import { importJWK } from 'jose'
import { type Algorithm, type AlgorithmName, algorithmNamed, fits } from './algorithms.ts'
import { isSoundPoint } from './ed25519-point.ts'
import type { CryptoKey, JWK } from './jwk.ts'

/**
 * A key, bound to one algorithm. The binding is what stops a public key from being used as an HMAC secret: the
 * token's `alg` must equal the key's, so a stranger's choice of `alg` only ever chooses among keys made for it.
 */
export interface VerificationKey {
  readonly kid: string | undefined
  readonly alg: AlgorithmName
  readonly key: CryptoKey
  /** Secrets only: who knows one can also sign, so it is believed for this audience, alone in `aud`, and no other. */
  readonly audience: string | undefined
  /** Secrets only: instead, the one who shares it to sign its own assertions, and is believed as this issuer alone. */
  readonly issuer?: string
}

/** What a token's header asks for. Both values are a stranger's until the signature holds. */
export interface KeyRequest {
  readonly kid: string | undefined
  readonly alg: AlgorithmName
}

/** Answers with the one key for the request, or undefined. May throw `KeysUnavailableError`. */
export type KeySource = (request: KeyRequest) => Promise<VerificationKey | undefined>

/** The same of one signer who does not name its keys: those that fit, of which the first that holds counts. */
export type SignerKeys = (request: KeyRequest) => Promise<readonly VerificationKey[]>

/** Members of a JWK that nobody but its owner may know (RFC 7518 §6), so that whoever has them has been told too much. */
export const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k', 'priv'] as const

/**
 * A public key from its JWK (RFC 7517). `alg` may be left out when the JWK names its own.
 * @throws TypeError when the JWK is empty, secret, private, of another type, for another use, or too short.
 */
export async function importPublicKey(jwk: JWK, alg = jwk?.alg as AlgorithmName | undefined): Promise<VerificationKey> {
  if (!alg) throw new TypeError('say which algorithm the key is for')
  const algorithm = algorithmNamed(alg)
  if (algorithm.kty === 'oct') throw new TypeError(`${alg} takes a secret: use importSecret`)
  if (!fits(jwk, algorithm)) throw new TypeError(`the key is not one to verify ${alg} with`)
  if (PRIVATE_MEMBERS.some(member => jwk[member] !== undefined)) throw new TypeError('a private key does not verify')

  assertExactMembers(jwk, algorithm)
  const key = (await importJWK(jwk, alg).catch(cause => {
    throw new TypeError(`the key cannot be read as one for ${alg}`, { cause })
  })) as CryptoKey
  if (algorithm.kty === 'RSA') assertSoundRsa(key, algorithm.minimumBits ?? 0)
  return { kid: jwk.kid, alg, key, audience: undefined }
}

/** Importing accepts what verifying must not: a short modulus, or the exponent 1, under which a signature is its own message. */
function assertSoundRsa(key: CryptoKey, minimumBits: number): void {
  const { modulusLength, publicExponent } = key.algorithm as { modulusLength?: number; publicExponent?: Uint8Array }
  if ((modulusLength ?? 0) < minimumBits) throw new TypeError(`an RSA key has at least ${minimumBits} bits`)
  const exponent = Buffer.from(publicExponent ?? [])
    .toString('hex')
    .replace(/^0+/, '')
  if (exponent === '1' || !/[13579bdf]$/.test(exponent)) throw new TypeError('the RSA exponent is odd and above 1')
}

/** RFC 7518 §6.2.1.2: a coordinate has the curve's whole width. Importing skips zeros before it, and takes what is no point of Ed25519. */
function assertExactMembers(jwk: JWK, { kty, signatureBytes = 0 }: Algorithm): void {
  const bytesOf = (member: unknown): Buffer => Buffer.from(typeof member === 'string' ? member : '', 'base64url')
  if (kty === 'RSA' && ((bytesOf(jwk.n).at(-1) ?? 0) & 1) === 0) throw new TypeError('an RSA modulus is odd')
  if (kty === 'EC' && [jwk.x, jwk.y].some(member => bytesOf(member).length !== signatureBytes / 2))
    throw new TypeError('a coordinate of the key has another width than its curve')
  if (kty === 'OKP' && !isSoundPoint(bytesOf(jwk.x)))
    throw new TypeError('the key is no point that vouches for anything')
}

/**
 * A shared secret for HS256, HS384 or HS512, believed for one audience, or of one issuer (a client that signs with
 * its secret). A text secret is passed as its UTF-8 bytes.
 * @throws TypeError when the secret is missing, shorter than the hash (RFC 7518 §3.2), or is a public key in any
 * spelling: it ends up here only by mistake, and everyone knows it.
 */
export async function importSecret(
  secret: Uint8Array,
  {
    alg,
    audience,
    issuer,
    kid,
  }: { alg: 'HS256' | 'HS384' | 'HS512'; kid?: string } & (
    | { audience: string; issuer?: never }
    | { audience?: never; issuer: string }
  ),
): Promise<VerificationKey> {
  const algorithm = algorithmNamed(alg)
  if (algorithm.kty !== 'oct') throw new TypeError(`${alg} does not take a secret`)
  const bound = [audience, issuer].filter(name => name !== undefined)
  if (bound.length !== 1 || typeof bound[0] !== 'string' || bound[0] === '')
    throw new TypeError('a secret is bound to one audience, or to one issuer')
  if (!(secret instanceof Uint8Array) || secret.length * 8 < (algorithm.minimumBits ?? 0))
    throw new TypeError(`a secret for ${alg} is at least ${algorithm.minimumBits} bits of bytes`)
  if (isKeyText(Buffer.from(secret).toString('latin1')) || isKeyStructure(Buffer.from(secret)))
    throw new TypeError('the secret is a key, not a secret')

  const key = (await importJWK({ kty: 'oct', k: Buffer.from(secret).toString('base64url') }, alg)) as unknown
  return { kid, alg, key: key as CryptoKey, audience, ...(issuer !== undefined && { issuer }) }
}

function isKeyText(text: string): boolean {
  if (text.includes('-----BEGIN ')) return true
  if (/^[A-Za-z0-9+/=\s]+$/.test(text) && isKeyStructure(Buffer.from(text, 'base64'))) return true
  try {
    const value: object = JSON.parse(text)
    return 'kty' in value || 'keys' in value
  } catch {
    return false
  }
}

/** The beginnings of a SubjectPublicKeyInfo (RFC 5280 §4.1) and of an RSAPublicKey (RFC 8017 A.1.1), in DER. */
function isKeyStructure(bytes: Buffer): boolean {
  const beginning = bytes.subarray(0, 12).toString('hex')
  return (
    /^30(?:82....|81..|[0-7].)30(?:82....|81..|[0-7].)06/.test(beginning) || /^30(?:82....|81..)028[12]/.test(beginning)
  )
}

/**
 * A fixed set of keys as a source.
 * @throws TypeError when it is empty or two keys answer to the same request.
 */
export function keySet(keys: readonly VerificationKey[]): KeySource {
  if (keys.length === 0) throw new TypeError('a key set holds at least one key')
  const names = new Set(keys.map(({ kid, alg }) => JSON.stringify([kid, alg])))
  if (names.size < keys.length) throw new TypeError('two keys have the same kid and algorithm')
  return async request => selectKey(keys, request)
}

/** Exactly one, or none: a token without `kid` is served when there is no choice, and never by trying keys in turn. */
export function selectKey(keys: readonly VerificationKey[], { kid, alg }: KeyRequest): VerificationKey | undefined {
  const candidates = keys.filter(key => key.alg === alg && (kid === undefined || key.kid === kid))
  return candidates.length === 1 ? candidates[0] : undefined
}
