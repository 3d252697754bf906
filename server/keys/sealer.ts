/**
 * Sealing at rest: authenticated encryption bound to where the value belongs. Where master keys come from is
 * `keys/wrapping/`; the type, which the store is handed, is `kernel/sealer.ts`.
 */
import { createCipheriv, createDecipheriv, createHmac, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'
import { type SealContext, SealError, type Sealer } from '../kernel/sealer.ts'
import { randomKey } from '../kernel/secrets.ts'
import type { MasterKey, MasterKeys } from './wrapping/master-keys.ts'

const VERSION = '1'
const CIPHER = 'aes-256-gcm'
const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16
const PURPOSE = /^[a-z][a-z0-9-]*$/

/**
 * A sealed value is `1.<master key id>.<purpose>.<nonce>.<ciphertext and tag>`, the last two in base64url.
 *
 * Its key is made in two steps: HKDF (RFC 5869) from the master key for the purpose, then HMAC of that for the
 * record. The second step is what makes a random 96-bit nonce safe: NIST SP 800-38D §8.3 allows 2^32 of them per
 * key, which a busy purpose such as tickets would reach in weeks, and no single record ever does.
 */
export function createSealer(masters: MasterKeys): Sealer {
  const purposeKeys = new Map<string, KeyObject>()

  function purposeKey(master: MasterKey, purpose: string): KeyObject {
    const name = `${master.id}.${purpose}`
    const known = purposeKeys.get(name)
    if (known) return known
    const key = createSecretKey(
      Buffer.from(hkdfSync('sha256', master.key, '', `latchkey seal ${VERSION} ${purpose}`, KEY_BYTES)),
    )
    purposeKeys.set(name, key)
    return key
  }

  function recordKey(master: MasterKey, purpose: string, bound: Buffer): Buffer {
    return createHmac('sha256', purposeKey(master, purpose)).update(bound).digest()
  }

  return {
    seal(context, plaintext) {
      if (!PURPOSE.test(context.purpose))
        throw new TypeError('a purpose to seal for is lower-case words joined by hyphens')
      const master = masters.current
      const bound = bind(master.id, context)
      const nonce = randomKey().subarray(0, NONCE_BYTES)
      const cipher = createCipheriv(CIPHER, recordKey(master, context.purpose, bound), nonce, {
        authTagLength: TAG_BYTES,
      })
      cipher.setAAD(bound)
      const body = Buffer.concat([
        typeof plaintext === 'string' ? cipher.update(plaintext, 'utf8') : cipher.update(plaintext),
        cipher.final(),
        cipher.getAuthTag(),
      ])
      return [VERSION, master.id, context.purpose, nonce.toString('base64url'), body.toString('base64url')].join('.')
    },

    open(context, sealed) {
      const { id, purpose, nonce, body } = parse(sealed)
      const master = masters.find(id)
      if (!master) throw new SealError('unknown-master-key', `sealed under the master key ${id}, which is not listed`)
      // Before any key is derived: the purposes of our own callers are few, those a value may claim are not.
      if (purpose !== context.purpose) throw doesNotOpen(id)
      const bound = bind(id, context)
      const decipher = createDecipheriv(CIPHER, recordKey(master, purpose, bound), nonce, { authTagLength: TAG_BYTES })
      decipher.setAAD(bound)
      decipher.setAuthTag(body.subarray(-TAG_BYTES))
      try {
        return Buffer.concat([decipher.update(body.subarray(0, -TAG_BYTES)), decipher.final()])
      } catch {
        throw doesNotOpen(id)
      }
    },
  }
}

/**
 * The id of the master key a value says it was sealed under, for the operator to be told which one is wanted.
 * @throws SealError for what is not a sealed value.
 */
export const masterKeyIdOf = (sealed: string): string => parse(sealed).id

const doesNotOpen = (id: string) =>
  new SealError('does-not-open', `changed, moved from where it was sealed, or not sealed by this master key ${id}`)

/** Everything the value is bound to. JSON, because an array of strings has one form and two arrays never share it. */
const bind = (masterKeyId: string, { purpose, tenant, record }: SealContext): Buffer =>
  Buffer.from(JSON.stringify([VERSION, masterKeyId, purpose, tenant, record]))

function parse(sealed: string): { id: string; purpose: string; nonce: Buffer; body: Buffer } {
  const [version, id = '', purpose = '', nonceText = '', bodyText = '', ...rest] = sealed.split('.')
  const nonce = Buffer.from(nonceText, 'base64url')
  const body = Buffer.from(bodyText, 'base64url')
  const wellFormed =
    version === VERSION &&
    rest.length === 0 &&
    // Buffer reads past what is not base64url; a value has one spelling only.
    nonce.toString('base64url') === nonceText &&
    body.toString('base64url') === bodyText &&
    nonce.length === NONCE_BYTES &&
    body.length >= TAG_BYTES
  if (!wellFormed) throw new SealError('malformed', 'not a sealed value of a version this server knows')
  return { id, purpose, nonce, body }
}
