/**
 * The form of API keys: `lk_` and 24 hexadecimal digits, which is the key's id and no secret; the secret, 32 random
 * bytes; and a checksum, by which a typing error, and a scanner that reads somebody's repository, can tell a key without
 * asking. All of it is letters, digits and underscores, so that a double click takes the whole.
 */
import { crc32 } from 'node:zlib'
import { newObjectId } from '../kernel/ids.ts'
import { equalSecrets, randomKey, sha256 } from '../kernel/secrets.ts'

export interface ApiKey {
  readonly id: string
  readonly secret: string
}

const FORM = /^(lk_[0-9a-f]{24})_([0-9a-f]{64})([0-9a-f]{8})$/

export const newApiKey = (): ApiKey => ({ id: `lk_${newObjectId()}`, secret: randomKey().toString('hex') })

export function formatApiKey({ id, secret }: ApiKey): string {
  const text = `${id}_${secret}`
  return `${text}${checksum(text)}`
}

/** Undefined for what is no key of any Latchkey: whether it is one of ours, the store knows. */
export function parseApiKey(text: string): ApiKey | undefined {
  const [, id = '', secret = '', sum] = FORM.exec(text) ?? []
  return sum !== undefined && sum === checksum(`${id}_${secret}`) ? { id, secret } : undefined
}

/** CRC-32 (as in gzip), eight hexadecimal digits. It finds mistakes and keeps nobody from making one up. */
const checksum = (text: string): string => crc32(text).toString(16).padStart(8, '0')

/** The secret is as good as a key, so that a digest without a salt tells nothing of it. */
export const apiKeyHash = ({ secret }: ApiKey): string => sha256(secret)

export const isGenuineApiKey = (key: ApiKey, secretHash: string): boolean => equalSecrets(apiKeyHash(key), secretHash)

/**
 * The `jti` that is told of a key, in the form of an access token's: what stands before the dot is what the log ends it
 * by, here the key itself in the place of an authorization. There is one token to a key.
 */
export const apiKeyTokenId = (id: string): string => `${id}.key`
