/**
 * What a session is kept as: sealed with the operator's own keys (AES-256-GCM), so that whoever reads the Redis, or the
 * browser's cookies, reads nothing, and nobody else can write any. The first key seals and all of them open: to replace
 * one, put the new one before it and take the old one out when its sessions are over.
 */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync } from 'node:crypto'
import { parseObject } from '@latchkey/sdk/strict-json'
import type { JsonObject } from '../../../kernel/json.ts'
import { randomBytes } from '../../../kernel/secrets.ts'

export type SealPurpose = 'session' | 'sign-in'

export interface Seals {
  /** Opens again under the same purpose and record alone. */
  seal(purpose: SealPurpose, record: string, value: JsonObject): string
  /** Undefined for whatever was not sealed here for that. */
  open(purpose: SealPurpose, record: string, sealed: string): JsonObject | undefined
}

const CIPHER = 'aes-256-gcm'
const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16

interface Key {
  readonly id: string
  readonly ofPurpose: Readonly<Record<SealPurpose, Uint8Array>>
}

/** @throws TypeError for keys of another length, or none. */
export function createSeals(secrets: readonly Uint8Array[]): Seals {
  const keys = secrets.map(readKey)
  const [current] = keys
  if (!current) throw new TypeError('say at least one key to seal sessions with')
  const byId = new Map(keys.map(key => [key.id, key]))

  return {
    seal(purpose, record, value) {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv(CIPHER, recordKey(current, purpose, record), nonce, { authTagLength: TAG_BYTES })
      const body = [cipher.update(JSON.stringify(value), 'utf8'), cipher.final(), cipher.getAuthTag()]
      return [current.id, nonce.toString('base64url'), Buffer.concat(body).toString('base64url')].join('.')
    },

    open(purpose, record, sealed) {
      const [id = '', nonceText = '', bodyText = '', ...rest] = sealed.split('.')
      const key = byId.get(id)
      const [nonce, body] = [Buffer.from(nonceText, 'base64url'), Buffer.from(bodyText, 'base64url')]
      if (!key || rest.length > 0 || nonce.length !== NONCE_BYTES || body.length < TAG_BYTES) return undefined
      const decipher = createDecipheriv(CIPHER, recordKey(key, purpose, record), nonce, { authTagLength: TAG_BYTES })
      decipher.setAuthTag(body.subarray(-TAG_BYTES))
      try {
        const opened = Buffer.concat([decipher.update(body.subarray(0, -TAG_BYTES)), decipher.final()])
        return parseObject(opened) as JsonObject | undefined
      } catch {
        return undefined
      }
    },
  }
}

function readKey(secret: Uint8Array): Key {
  if (secret.length !== KEY_BYTES) throw new TypeError(`a key to seal sessions with has ${KEY_BYTES} bytes`)
  const derived = (name: string): Uint8Array =>
    new Uint8Array(hkdfSync('sha256', secret, '', `latchkey edge ${name}`, KEY_BYTES))
  return {
    id: Buffer.from(derived('key id').subarray(0, 6)).toString('base64url'),
    ofPurpose: { session: derived('session'), 'sign-in': derived('sign-in') },
  }
}

/**
 * One for each record, which binds what is sealed to it, and makes a random nonce safe however many there are: NIST SP
 * 800-38D §8.3 allows 2^32 of them for one key.
 */
const recordKey = ({ ofPurpose }: Key, purpose: SealPurpose, record: string): Buffer =>
  createHmac('sha256', ofPurpose[purpose]).update(record).digest()
