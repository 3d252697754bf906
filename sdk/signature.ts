/**
 * The first stage: from text to a token whose signature holds. Size, shape, header, algorithm, key, signature, in
 * that order, and nothing of the payload is believed before the end. What the claims must say is claims.ts.
 */
import { constants, KeyObject, verify } from 'node:crypto'
import { compactVerify, errors } from 'jose'
import type { Algorithm, AlgorithmName } from './algorithms.ts'
import { VerificationError } from './errors.ts'
import type { KeySource, SignerKeys, VerificationKey } from './keys.ts'
import { parseObject } from './strict-json.ts'

/** What a server takes in one header line is 16 KiB with most HTTP stacks; a token beyond it is no token of ours. */
export const MAXIMUM_CHARACTERS = 16 * 1024

/** Of one signer, with a key going and a key coming and no names for them, in every algorithm's spelling. */
const MOST_CANDIDATES = 8

export interface TokenHeader {
  readonly alg: AlgorithmName
  readonly kid: string | undefined
  readonly typ: string | undefined
}

/** Signed by `key`, and no more than that: issuer, audience and times are not yet looked at. */
export interface SignedToken {
  readonly header: TokenHeader
  readonly claims: Readonly<Record<string, unknown>>
  readonly key: VerificationKey
}

/**
 * Verifies a JWS in compact form (RFC 7515 §7.1).
 * @throws VerificationError, or what the key source throws.
 */
export async function verifySignature(
  token: string,
  keys: KeySource | SignerKeys,
  allowed: ReadonlyMap<string, Algorithm>,
): Promise<SignedToken> {
  const [headerBytes, payloadBytes, signatureBytes] = splitStrictly(token)
  const { header, algorithm } = readHeader(headerBytes, allowed)
  if (signatureBytes.length !== (algorithm.signatureBytes ?? signatureBytes.length))
    throw new VerificationError('bad_signature', 'the signature has the wrong length')

  const found = [(await keys({ kid: header.kid, alg: header.alg })) ?? []].flat()
  // A source that looks at kid alone must not let the token pick how its key is used.
  const candidates = found.filter(({ alg }) => alg === header.alg).slice(0, MOST_CANDIDATES)
  if (candidates.length === 0) throw new VerificationError('unknown_key', 'no key fits this kid and algorithm')
  const key = await firstThatHolds(token, signatureBytes, candidates)
  if (!key) throw new VerificationError('bad_signature', 'the signature does not hold')

  const claims = parseObject(payloadBytes)
  if (!claims) throw new VerificationError('malformed', 'the payload is not a JSON object with distinct names')
  return { header, claims, key }
}

/** RFC 8017 §8.1.2: as long as the modulus. A library that skips the zeros before a number takes it without them too. */
function hasItsLength(signatureBytes: Uint8Array, { key }: VerificationKey): boolean {
  // A secret is bytes, and has no algorithm of its own.
  const { modulusLength } = (key as { algorithm?: { modulusLength?: number } }).algorithm ?? {}
  return modulusLength === undefined || signatureBytes.length === Math.ceil(modulusLength / 8)
}

async function firstThatHolds(
  token: string,
  signatureBytes: Uint8Array,
  candidates: readonly VerificationKey[],
): Promise<VerificationKey | undefined> {
  for (const key of candidates) {
    if (!hasItsLength(signatureBytes, key)) continue
    const [scheme, quick] = [RSA.get(key.alg), quickKeyOf(key)]
    if (scheme && quick ? holdsAtOnce(token, signatureBytes, quick, scheme) : await holds(token, key)) return key
  }
  return undefined
}

async function holds(token: string, { key, alg }: VerificationKey): Promise<boolean> {
  try {
    await compactVerify(token, key, { algorithms: [alg] })
    return true
  } catch (error) {
    if (error instanceof errors.JOSEError) return false
    throw error
  }
}

interface RsaScheme {
  readonly hash: string
  readonly padding: number
}

/** RFC 7518 §3.3, §3.5. */
const RSA: ReadonlyMap<AlgorithmName, RsaScheme> = new Map(
  (['256', '384', '512'] as const).flatMap((size): [AlgorithmName, RsaScheme][] => [
    [`RS${size}`, { hash: `sha${size}`, padding: constants.RSA_PKCS1_PADDING }],
    [`PS${size}`, { hash: `sha${size}`, padding: constants.RSA_PKCS1_PSS_PADDING }],
  ]),
)

/** Of a key: longer ones, and greater exponents, take as long as their owner likes. */
const QUICK = { bits: 4096, exponentBytes: 3 }

/** By the key that jose has read; null where it is none to verify with at once. */
const quickKeys = new WeakMap<VerificationKey, KeyObject | null>()

function quickKeyOf(key: VerificationKey): KeyObject | null {
  const known = quickKeys.get(key)
  if (known !== undefined) return known
  const object =
    RSA.has(key.alg) && isQuick(key) ? KeyObject.from(key.key as Parameters<typeof KeyObject.from>[0]) : null
  quickKeys.set(key, object)
  return object
}

function isQuick({ key }: VerificationKey): boolean {
  const { modulusLength, publicExponent } = key.algorithm as { modulusLength?: number; publicExponent?: Uint8Array }
  return (
    (modulusLength ?? Number.POSITIVE_INFINITY) <= QUICK.bits &&
    (publicExponent?.length ?? Number.POSITIVE_INFINITY) <= QUICK.exponentBytes
  )
}

/**
 * With the usual exponent an RSA signature is verified in 20 µs, less than it takes to hand it to another thread and back
 * as jose does through Web Crypto. What is signed, and that the key is sound, was found by then.
 */
function holdsAtOnce(token: string, signature: Uint8Array, key: KeyObject, { hash, padding }: RsaScheme): boolean {
  const signed = Buffer.from(token.slice(0, token.lastIndexOf('.')))
  // RFC 7518 §3.5: the salt is as long as the hash.
  return verify(hash, signed, { key, padding, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }, signature)
}

function splitStrictly(token: string): [Uint8Array, Uint8Array, Uint8Array] {
  if (typeof token !== 'string') throw new VerificationError('malformed', 'the token is not text')
  if (token.length > MAXIMUM_CHARACTERS) throw new VerificationError('too_large', 'the token is larger than 16 KiB')
  const [header, payload, signature, ...rest] = token.split('.').map(decodeStrictly)
  if (!header || !payload || !signature || rest.length > 0)
    throw new VerificationError('malformed', 'the token is not three parts of base64url')
  return [header, payload, signature]
}

/**
 * Only the one spelling RFC 7515 §2 has for these bytes. Decoders skip padding, spaces and stray bits in the last
 * character; taking them would give one signature many spellings, and one token many cache keys.
 */
export function decodeStrictly(part: string): Uint8Array | undefined {
  const bytes = Buffer.from(part, 'base64url')
  return bytes.length > 0 && bytes.toString('base64url') === part ? bytes : undefined
}

/**
 * Keys that travel in the token (`jwk`, `jku`, `x5u`, `x5c`) are never read: they prove only that the sender has a
 * key. `crit` and `b64` change what a signature covers, and this verifier understands no extension (RFC 7515 §4.1.11).
 */
function readHeader(bytes: Uint8Array, allowed: ReadonlyMap<string, Algorithm>) {
  const header = parseObject(bytes)
  if (!header) throw new VerificationError('malformed', 'the header is not a JSON object with distinct names')
  const { alg, kid, typ } = header
  if (Object.hasOwn(header, 'crit') || Object.hasOwn(header, 'b64'))
    throw new VerificationError('unsupported_header', 'the header asks for an extension')
  if (!isAbsentOrText(kid) || !isAbsentOrText(typ))
    throw new VerificationError('malformed', 'kid and typ are text where they are given')

  const algorithm = typeof alg === 'string' ? allowed.get(alg) : undefined
  if (!algorithm) throw new VerificationError('algorithm_not_allowed', 'the algorithm is not one of those allowed')
  return { header: { alg: algorithm.name, kid, typ } satisfies TokenHeader, algorithm }
}

export const isAbsentOrText = (value: unknown): value is string | undefined =>
  value === undefined || (typeof value === 'string' && value !== '')
