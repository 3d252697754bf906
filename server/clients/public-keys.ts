/**
 * The public keys that a client is registered with: what is wrong with one, and how those of its metadata read. Keys
 * it publishes at a URL, and what is signed with any of them, are `client-keys.ts`'.
 */
import { createPublicKey, type KeyObject } from 'node:crypto'
import { type AlgorithmName, type JWK, PRIVATE_MEMBERS } from '@latchkey/sdk/verify'
import type { Instant } from '../kernel/clock.ts'
import { isObject, type JsonObject, type JsonValue } from '../kernel/json.ts'

/** What a client may sign with its keys, in the order of preference that discovery tells. */
export const CLIENT_KEY_ALGORITHMS = [
  'ES256',
  'EdDSA',
  'Ed25519',
  'PS256',
  'RS256',
  'RS384',
] as const satisfies AlgorithmName[]

export interface RegisteredKey {
  readonly jwk: JWK
  /** Null for one that is good for as long as it is registered. */
  readonly expiresAt: Instant | null
}

/** A client has a key going and a key coming for each of a few algorithms. */
const MOST_KEYS = 20
/** Below it RFC 7518 §3.3 forbids a modulus; above it verifying takes a stranger's word for too much work. */
const RSA_BITS = { least: 2048, most: 8192 } as const
/** OpenSSL's own bound, which it keeps to for a modulus over 3072 bits alone: below, a long one is a thousand times the work. */
const MOST_EXPONENT = 2n ** 64n
const KNOWN_TYPES = ['RSA', 'EC', 'OKP']
const LONGEST_KID = 255

/** What is wrong with a key set (RFC 7517 §5) that somebody wants to register; keys of unknown types are passed over, as §5 asks. */
export function keySetFault(value: JsonValue, name: string): string | undefined {
  const keys = isObject(value) ? value['keys'] : undefined
  if (!Array.isArray(keys)) return `${name} must be a JWK set: an object with a list of keys.`
  if (keys.length === 0 || keys.length > MOST_KEYS) return `${name} must hold 1 to ${MOST_KEYS} keys.`
  for (const key of keys as readonly JsonValue[]) {
    const fault = keyFault(key)
    if (fault) return `${name} holds a key that ${fault}.`
  }
  return undefined
}

/** What is wrong with a JWK, to be read after "a key that". */
export function keyFault(jwk: JsonValue): string | undefined {
  if (!isObject(jwk) || typeof jwk['kty'] !== 'string') return 'is not a JWK'
  if (PRIVATE_MEMBERS.some(member => jwk[member] !== undefined)) return 'is private or secret, and now known to others'
  const { kid } = jwk
  if (kid !== undefined && (typeof kid !== 'string' || kid === '' || kid.length > LONGEST_KID))
    return 'has a kid that is not text of 1 to 255 characters'
  if (!KNOWN_TYPES.includes(jwk['kty'])) return undefined
  try {
    return weakness(createPublicKey({ key: jwk as JWK & JsonObject, format: 'jwk' } as never))
  } catch {
    return `cannot be read as one of its type (${jwk['kty'].slice(0, 10)})`
  }
}

function weakness(key: KeyObject): string | undefined {
  if (key.asymmetricKeyType !== 'rsa') return undefined
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {}
  if (modulusLength < RSA_BITS.least || modulusLength > RSA_BITS.most)
    return `has a modulus of ${modulusLength} bits, where ${RSA_BITS.least} to ${RSA_BITS.most} are taken`
  if (publicExponent > MOST_EXPONENT) return 'has an exponent of more than 64 bits'
  return publicExponent > 1n && publicExponent % 2n === 1n ? undefined : 'has an exponent that is not odd and above 1'
}

/**
 * Auth0's credentials of a client: each a public key or a certificate in PEM. An export leaves the PEM out and
 * names them by id alone; such an entry stays and vouches for nobody.
 */
export function credentialsFault(value: JsonValue, name: string): string | undefined {
  if (!Array.isArray(value) || value.length > MOST_KEYS) return `${name} must be a list of at most ${MOST_KEYS} keys.`
  for (const credential of value as readonly JsonValue[]) {
    if (!isObject(credential)) return `${name} must be a list of mappings.`
    const { pem, alg, kid, expires_at } = credential
    for (const text of [alg, kid, expires_at])
      if (text !== undefined && text !== null && typeof text !== 'string')
        return `${name} holds an alg, kid or expires_at that is not text.`
    if (typeof alg === 'string' && !(CLIENT_KEY_ALGORITHMS as readonly string[]).includes(alg))
      return `${name} holds a key for ${alg}, where ${CLIENT_KEY_ALGORITHMS.join(', ')} are known.`
    if (typeof expires_at === 'string' && Number.isNaN(Date.parse(expires_at)))
      return `${name} holds an expires_at that is not a date.`
    if (pem === undefined || pem === null) continue
    if (typeof pem !== 'string' || pem.includes('PRIVATE KEY'))
      return `${name} holds a pem that is not a public key or a certificate.`
    try {
      const fault = weakness(createPublicKey(pem))
      if (fault) return `${name} holds a key that ${fault}.`
    } catch {
      return `${name} holds a pem that cannot be read as a public key or a certificate.`
    }
  }
  return undefined
}

/** Of metadata that the checks above found sound. */
export function readRegisteredKeys(
  jwks: JsonValue | undefined,
  credentials: JsonValue | undefined,
): readonly RegisteredKey[] {
  const keys = isObject(jwks) ? (jwks['keys'] as readonly (JWK & JsonObject)[]) : []
  const inPem = Array.isArray(credentials) ? (credentials as readonly JsonObject[]) : []
  return [
    ...keys.map(jwk => ({ jwk, expiresAt: null })),
    ...inPem.flatMap(({ pem, alg, kid, expires_at }) =>
      typeof pem === 'string'
        ? {
            jwk: {
              ...(createPublicKey(pem).export({ format: 'jwk' }) as JWK),
              ...(typeof alg === 'string' && { alg }),
              ...(typeof kid === 'string' && { kid }),
            },
            expiresAt: typeof expires_at === 'string' ? Date.parse(expires_at) : null,
          }
        : [],
    ),
  ]
}
