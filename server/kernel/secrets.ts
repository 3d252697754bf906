/**
 * Randomness, digests and comparison: the only file that draws random bytes. What is done with a key
 * (sealing, signing) belongs to `keys/`.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/** 32 random bytes as 43 characters of base64url: 256 bits, and enough entropy for every measure of the conformance suite. */
export const randomSecret = (): string => randomBytes(32).toString('base64url')

export const randomKey = (): Buffer => randomBytes(32)

/** SHA-256 as base64url: the form in which codes, session ids and refresh families are stored. */
export const sha256 = (text: string | Uint8Array): string => createHash('sha256').update(text).digest('base64url')

export const hmacSha256 = (key: Uint8Array, text: string): string =>
  createHmac('sha256', key).update(text).digest('base64url')

/** Compares in constant time for equal lengths; a length is not a secret of any value compared here. */
export function equalSecrets(one: string, other: string): boolean {
  const left = Buffer.from(one)
  const right = Buffer.from(other)
  return left.length === right.length && timingSafeEqual(left, right)
}
