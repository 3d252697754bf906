/**
 * The key that an API's access tokens are encrypted to, under Auth0's names (`token_encryption`): what is wrong with one,
 * and how it reads. It is the public half; nothing here can open a token. Encrypting is `tokens/encrypted-token.ts`'s.
 */
import { createPublicKey } from 'node:crypto'
import { ENCRYPTION_ALGORITHMS, type EncryptionAlgorithm, encryptionKeyFault, type JWK } from '@latchkey/sdk/verify'
import { isObject, type JsonObject, type JsonValue } from '../kernel/json.ts'
import { keyFault } from './public-keys.ts'

export interface TokenEncryption {
  readonly alg: EncryptionAlgorithm
  /** Null: the API has one key and needs no name for it. */
  readonly kid: string | null
  readonly jwk: JWK
}

/** Auth0's only one: signed first, then encrypted, in compact form (RFC 7519 §5.2). */
const FORMAT = 'compact-nested-jwe'

/** A sentence that begins with the member's name; undefined where nothing is wrong. */
export function tokenEncryptionFault(value: JsonValue, name: string): string | undefined {
  if (!isObject(value)) return `${name} must be a mapping of format and encryption_key.`
  const { format, encryption_key: given } = value
  if (format !== undefined && format !== FORMAT) return `${name}.format must be ${FORMAT}.`
  const at = `${name}.encryption_key`
  if (!isObject(given)) return `${at} is missing: without it nothing would be encrypted.`
  const { alg, kid, pem, jwk } = given
  const row = typeof alg === 'string' ? ENCRYPTION_ALGORITHMS.get(alg) : undefined
  if (!row) return `${at}.alg must be one of ${[...ENCRYPTION_ALGORITHMS.keys()].join(', ')}.`
  if (isGiven(pem) === isGiven(jwk)) return `${at} needs a public key: pem or jwk, and not both.`
  if (typeof pem === 'string' && pem.includes('PRIVATE KEY'))
    return `${at}.pem is a private key, and now known to others. Make another, and give the public half.`
  const key = readKey(given)
  if (!key) return `${at}.${isGiven(pem) ? 'pem' : 'jwk'} cannot be read as a public key or a certificate.`
  const fault = keyFault(isGiven(kid) ? { ...key, kid } : key) ?? encryptionKeyFault(key, row)
  return fault && `${at} holds a key that ${fault}.`
}

const isGiven = (value: JsonValue | undefined): value is JsonValue => value !== undefined && value !== null

function readKey({ pem, jwk }: JsonObject): JsonObject | undefined {
  if (isObject(jwk)) return jwk
  try {
    return typeof pem === 'string' ? (createPublicKey(pem).export({ format: 'jwk' }) as JsonObject) : undefined
  } catch {
    return undefined
  }
}

/** Null for what the check above finds wrong too: it was stored by a version that gave it no meaning. */
export function readTokenEncryption(value: JsonValue | undefined): TokenEncryption | null {
  if (!isGiven(value) || tokenEncryptionFault(value, 'token_encryption') !== undefined) return null
  const given = (value as JsonObject)['encryption_key'] as JsonObject
  const { use: _use, key_ops: _operations, alg: _alg, kid: own, ...jwk } = readKey(given) ?? {}
  const kid = [given['kid'], own].find(name => typeof name === 'string')
  return { alg: given['alg'] as EncryptionAlgorithm, kid: typeof kid === 'string' ? kid : null, jwk: jwk as JWK }
}
