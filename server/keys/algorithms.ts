/**
 * The algorithms we sign with, one row each: how a key is made, how it signs, what of it is published. Functions
 * take the row, not the name. The verifying side has a table of its own in `sdk/`.
 */
import {
  constants,
  createHmac,
  createPrivateKey,
  createSecretKey,
  generateKeyPair,
  type KeyObject,
  type SignKeyObjectInput,
  sign,
} from 'node:crypto'
import { availableParallelism } from 'node:os'
import type { JsonObject } from '../kernel/json.ts'

export type PairAlgorithmName = 'RS256' | 'PS256' | 'ES256' | 'EdDSA' | 'ML-DSA-44'
export type SigningAlgorithmName = PairAlgorithmName | 'HS256'

export interface PairAlgorithm {
  readonly kind: 'pair'
  readonly name: PairAlgorithmName
  /** What Node calls a key of this algorithm. */
  readonly keyType: string
  /** The JWK members that are public and ours to publish; whatever else an export holds stays here. */
  readonly publicMembers: readonly string[]
  generate(): Promise<{ publicKey: KeyObject; privateKey: KeyObject }>
  sign(privateKey: KeyObject, input: Uint8Array): Promise<Buffer>
}

export interface SecretAlgorithm {
  readonly kind: 'secret'
  readonly name: 'HS256'
  /** RFC 7518 §3.2: a key of the size of the hash output or larger. */
  readonly minimumBytes: number
  sign(secret: KeyObject, input: Uint8Array): Promise<Buffer>
}

/**
 * RFC 7518 §3.3 asks for 2048 bits or more. 2048 it is: NIST SP 800-57 part 1 accepts it through 2030, a key signs
 * for three months only, and 3072 bits cost four times the time to sign and half again the length of each token.
 */
const RSA_BITS = 2048

/**
 * A signature on a curve takes 20 to 40 µs, less than the way to the thread pool and back, where it would wait behind
 * passwords that are hashed. With RSA it takes ten times that, too long to hold up everybody else.
 */
const SIGNED_AT_ONCE: ReadonlySet<string> = new Set(['ec', 'ed25519'])
/** Then nobody else could do it meanwhile, and only the way to the pool is left to be spared. */
const isAlone = availableParallelism() === 1

/**
 * Node's own calls rather than a JOSE library's: they run on the same thread pool at the same speed, and they know
 * ML-DSA as a finished feature where Web Crypto still warns of an experiment.
 */
const pair = (
  name: PairAlgorithmName,
  keyType: 'rsa' | 'ec' | 'ed25519' | 'ml-dsa-44',
  publicMembers: readonly string[],
  digest: 'sha256' | null,
  options: Omit<SignKeyObjectInput, 'key'> = {},
): PairAlgorithm => ({
  kind: 'pair',
  name,
  keyType,
  publicMembers,
  generate: () =>
    new Promise((resolve, reject) => {
      // Each type reads only the option that is its own.
      generateKeyPair(
        keyType as 'rsa',
        { modulusLength: RSA_BITS, namedCurve: 'P-256' } as { modulusLength: number },
        (error, publicKey, privateKey) => (error ? reject(error) : resolve({ publicKey, privateKey })),
      )
    }),
  sign:
    SIGNED_AT_ONCE.has(keyType) || isAlone
      ? async (key, input) => sign(digest, input, { ...options, key })
      : (key, input) =>
          new Promise((resolve, reject) => {
            sign(digest, input, { ...options, key }, (error, signature) => (error ? reject(error) : resolve(signature)))
          }),
})

export const HS256: SecretAlgorithm = {
  kind: 'secret',
  name: 'HS256',
  minimumBytes: 32,
  sign: async (secret, input) => createHmac('sha256', secret).update(input).digest(),
}

/** In the order in which the key set lists them: RS256 first, for verifiers that take the first key they see. */
export const SIGNING_ALGORITHMS: ReadonlyMap<string, PairAlgorithm | SecretAlgorithm> = new Map(
  [
    pair('RS256', 'rsa', ['kty', 'n', 'e'], 'sha256', { padding: constants.RSA_PKCS1_PADDING }),
    // RFC 7518 §3.5: the salt is as long as the hash.
    pair('PS256', 'rsa', ['kty', 'n', 'e'], 'sha256', { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }),
    // RFC 7518 §3.4: R and S side by side, not in ASN.1.
    pair('ES256', 'ec', ['kty', 'crv', 'x', 'y'], 'sha256', { dsaEncoding: 'ieee-p1363' }),
    pair('EdDSA', 'ed25519', ['kty', 'crv', 'x'], null),
    pair('ML-DSA-44', 'ml-dsa-44', ['kty', 'pub'], null),
    HS256,
  ].map(row => [row.name, row]),
)

/** @throws TypeError for a name that has no row. */
export function signingAlgorithm(name: string): PairAlgorithm | SecretAlgorithm {
  const row = SIGNING_ALGORITHMS.get(name)
  if (!row) throw new TypeError(`no such signing algorithm: ${name}`)
  return row
}

/** The public half as it is stored and published (RFC 7517 §4), from the row's members alone. */
export function publicJwk(algorithm: PairAlgorithm, publicKey: KeyObject, kid: string): JsonObject {
  const all = publicKey.export({ format: 'jwk' }) as JsonObject
  const members = algorithm.publicMembers.map(name => [name, all[name]] as const)
  if (members.some(([, value]) => typeof value !== 'string'))
    throw new TypeError(`a public key of ${algorithm.name} lacks one of its members`)
  const { kty, ...rest } = Object.fromEntries(members)
  return { kid, kty, alg: algorithm.name, use: 'sig', ...rest }
}

/** A private key or secret as bytes to be sealed: PKCS #8, or the secret itself. */
export const toBytes = (key: KeyObject): Buffer =>
  key.type === 'secret' ? key.export() : key.export({ format: 'der', type: 'pkcs8' })

/** @throws TypeError when the bytes are not a key of this algorithm. */
export function fromBytes(algorithm: PairAlgorithm | SecretAlgorithm, bytes: Buffer): KeyObject {
  if (algorithm.kind === 'secret') {
    if (bytes.length < algorithm.minimumBytes) throw new TypeError(`the secret is too short for ${algorithm.name}`)
    return createSecretKey(bytes)
  }
  const key = createPrivateKey({ key: bytes, format: 'der', type: 'pkcs8' })
  if (key.asymmetricKeyType !== algorithm.keyType)
    throw new TypeError(`the private key is not one of ${algorithm.name}`)
  return key
}
