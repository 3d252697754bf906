/**
 * Before the first stage: an access token that was encrypted to an API, opened to the signed token inside (RFC 7519 §5.2,
 * RFC 7516). Whoever has the API's public key can encrypt to it, so that a token that opens is not believed for that:
 * what it is worth is said by the signature inside, which signature.ts looks at.
 */
import { compactDecrypt, importJWK } from 'jose'
import { mediaType } from './claims.ts'
import {
  CONTENT_ENCRYPTIONS,
  type ContentEncryption,
  ENCRYPTION_ALGORITHMS,
  type EncryptionAlgorithm,
  type EncryptionRow,
  encryptionKeyFault,
} from './encryption.ts'
import { VerificationError } from './errors.ts'
import type { CryptoKey, JWK } from './jwk.ts'
import { decodeStrictly, isAbsentOrText, MAXIMUM_CHARACTERS } from './signature.ts'
import { parseObject } from './strict-json.ts'

/** A private key of an API, bound to one algorithm: what a token says of itself never decides how it is used. */
export interface DecryptionKey {
  /** Undefined: for tokens whose `kid` no other key has. */
  readonly kid: string | undefined
  readonly alg: EncryptionAlgorithm
  readonly key: CryptoKey
}

/** Latchkey's own. Others are there for other issuers, when they are named. */
export const CONTENT_ENCRYPTION: readonly ContentEncryption[] = ['A256GCM']

/**
 * A private key from its JWK. `alg` may be left out when the JWK names its own; a key from PEM is made one by
 * `createPrivateKey(pem).export({ format: 'jwk' })` of `node:crypto`.
 * @throws TypeError when it is public, secret, of another type or curve, for another use, too short or too long.
 */
export async function importDecryptionKey(
  jwk: JWK,
  { alg = jwk?.alg as EncryptionAlgorithm, kid = jwk?.kid }: { alg?: EncryptionAlgorithm; kid?: string } = {},
): Promise<DecryptionKey> {
  const row = rowOf(alg)
  if (typeof jwk?.d !== 'string') throw new TypeError('a decryption key is a private key')
  if (jwk.alg !== undefined && jwk.alg !== alg) throw new TypeError(`the key says that it is for ${jwk.alg}`)
  if (jwk.use !== undefined && jwk.use !== 'enc') throw new TypeError('the key says that it is not for encryption')
  const fault = encryptionKeyFault(jwk, row)
  if (fault) throw new TypeError(`the key ${fault}`)
  // What it may be used for follows from the algorithm.
  const { key_ops: _operations, ext: _extractable, ...bare } = jwk
  // Without the cause: what a library says of a key that it cannot read may quote it.
  const key = (await importJWK(bare, alg).catch(() => undefined)) as CryptoKey | undefined
  if (!key) throw new TypeError(`the key cannot be read as one for ${alg}`)
  return { kid, alg, key }
}

function rowOf(alg: EncryptionAlgorithm): EncryptionRow {
  const row = ENCRYPTION_ALGORITHMS.get(alg)
  if (!row) throw new TypeError(`unknown encryption algorithm: ${alg}`)
  return row
}

/** Whether the text has the shape of an encrypted token, five parts, so that it is to be opened first. */
export const isEncrypted = (token: string): boolean => typeof token === 'string' && token.split('.', 6).length === 5

/**
 * The token inside, as text and unverified. A token of any size, header or spelling costs nothing before a key was found
 * for it, and why a key does not open it is not told: what an attacker changed and what was not for this key read alike.
 * @throws VerificationError
 */
export async function decryptToken(
  token: string,
  keys: readonly DecryptionKey[],
  contentEncryption: readonly ContentEncryption[] = CONTENT_ENCRYPTION,
): Promise<string> {
  const { alg, enc, kid } = readStrictly(token, contentEncryption)
  const key = selectDecryptionKey(keys, kid, alg)
  if (!key) throw new VerificationError('unknown_key', 'no key opens a token of this kid and algorithm')
  const inner = await open(token, key, enc)
  // Encrypted twice, or signed by nobody.
  if (inner.split('.', 4).length !== 3)
    throw new VerificationError('malformed', 'what is encrypted is not a signed token')
  return inner
}

/** Everything that a stranger chose, before anything is computed with it. */
function readStrictly(token: string, contentEncryption: readonly ContentEncryption[]) {
  if (typeof token !== 'string') throw new VerificationError('malformed', 'the token is not text')
  if (token.length > MAXIMUM_CHARACTERS) throw new VerificationError('too_large', 'the token is larger than 16 KiB')
  const [first = '', second = '', ...rest] = token.split('.')
  const [headerBytes, iv, ciphertext, tag] = [first, ...rest].map(decodeStrictly)
  const encryptedKey = second === '' ? Buffer.alloc(0) : decodeStrictly(second)
  if (!headerBytes || !encryptedKey || !iv || !ciphertext || !tag || rest.length !== 3)
    throw new VerificationError('malformed', 'the token is not five parts of base64url')

  const header = parseObject(headerBytes)
  if (!header) throw new VerificationError('malformed', 'the header is not a JSON object with distinct names')
  // RFC 7516 §4.1.13: no extension is understood. §4.1.3: what unpacks itself can be larger than it looks.
  if (Object.hasOwn(header, 'crit') || Object.hasOwn(header, 'zip'))
    throw new VerificationError('unsupported_header', 'the header asks for an extension or for compression')
  const { alg, enc, kid, cty } = header
  if (!isAbsentOrText(kid)) throw new VerificationError('malformed', 'kid is text where it is given')
  // RFC 7519 §5.2: what is encrypted is a token, and says so.
  if (typeof cty !== 'string' || mediaType(cty) !== 'jwt')
    throw new VerificationError('wrong_type', 'what is encrypted is not said to be a token')

  const row = typeof alg === 'string' ? ENCRYPTION_ALGORITHMS.get(alg) : undefined
  const allowed = contentEncryption.find(name => name === enc)
  const widths = allowed && CONTENT_ENCRYPTIONS.get(allowed)
  if (!row || !allowed || !widths)
    throw new VerificationError('algorithm_not_allowed', 'the algorithm is not one of those allowed')
  if (iv.length !== widths.iv || tag.length !== widths.tag || encryptedKey.length > 0 !== row.hasEncryptedKey)
    throw new VerificationError('malformed', 'a part of the token has another width than its algorithm')
  return { alg: row.name, enc: allowed, kid }
}

/** By its own name, or else the one key without a name: never by trying one after the other. */
function selectDecryptionKey(
  keys: readonly DecryptionKey[],
  kid: string | undefined,
  alg: EncryptionAlgorithm,
): DecryptionKey | undefined {
  const fitting = keys.filter(key => key.alg === alg)
  const named = kid === undefined ? fitting : fitting.filter(key => key.kid === kid)
  const candidates = named.length > 0 ? named : fitting.filter(key => key.kid === undefined)
  return candidates.length === 1 ? candidates[0] : undefined
}

/**
 * One answer to whatever goes wrong. A key that is not wrapped as it should be is replaced by a random one by the library
 * and fails where a changed text does, so that neither word nor time tells the two apart (RFC 7516 §11.5).
 */
async function open(token: string, { key, alg }: DecryptionKey, enc: ContentEncryption): Promise<string> {
  try {
    const allowed = { keyManagementAlgorithms: [alg], contentEncryptionAlgorithms: [enc] }
    const { plaintext } = await compactDecrypt(token, key, allowed)
    return Buffer.from(plaintext).toString('latin1')
  } catch {
    throw new VerificationError('cannot_decrypt', 'the token cannot be decrypted')
  }
}

/**
 * Keys for one verifier.
 * @throws TypeError when there is none, or two answer to the same token.
 */
export function decryptionKeySet(keys: readonly DecryptionKey[]): readonly DecryptionKey[] {
  if (!Array.isArray(keys) || keys.length === 0) throw new TypeError('name at least one decryption key')
  const names = new Set(keys.map(({ kid, alg }) => JSON.stringify([kid, alg])))
  if (names.size < keys.length) throw new TypeError('two decryption keys have the same kid and algorithm')
  return [...keys]
}
