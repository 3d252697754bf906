/**
 * Randomness, digests and comparison: the only file that draws random bytes. What is done with a key
 * (sealing, signing) belongs to `keys/`.
 */
import { createHmac, hash, randomFillSync, timingSafeEqual } from 'node:crypto'

/** Drawn at once: asking the system costs several microseconds, however little is asked for. */
const DRAWN = 4096
const drawn = Buffer.allocUnsafeSlow(DRAWN)
let used = DRAWN

/** A copy, of bytes that nobody was given before and that are kept nowhere afterwards. */
export function randomBytes(count: number): Buffer {
  if (count > DRAWN) throw new RangeError(`at most ${DRAWN} bytes at once`)
  if (used + count > DRAWN) {
    randomFillSync(drawn)
    used = 0
  }
  const taken = Buffer.from(drawn.subarray(used, used + count))
  drawn.fill(0, used, used + count)
  used += count
  return taken
}

/** 32 random bytes as 43 characters of base64url: 256 bits, and enough entropy for every measure of the conformance suite. */
export const randomSecret = (): string => randomBytes(32).toString('base64url')

/** Six digits, for what a person types. Each of the million is as likely as any other. */
export function randomCode(): string {
  const codes = 1_000_000
  // Of what is left above the last whole million, the small ones would be likelier.
  const usable = 2 ** 32 - (2 ** 32 % codes)
  for (;;) {
    const drawn = randomBytes(4).readUInt32BE()
    if (drawn < usable) return String(drawn % codes).padStart(6, '0')
  }
}

export const randomKey = (): Buffer => randomBytes(32)

/** SHA-256 as base64url: the form in which codes, session ids and refresh families are stored. */
export const sha256 = (text: string | Uint8Array): string => hash('sha256', text, 'base64url')

export const hmacSha256 = (key: Uint8Array, text: string): string =>
  createHmac('sha256', key).update(text).digest('base64url')

/** Compares in constant time for equal lengths; a length is not a secret of any value compared here. */
export function equalSecrets(one: string, other: string): boolean {
  const left = Buffer.from(one)
  const right = Buffer.from(other)
  return left.length === right.length && timingSafeEqual(left, right)
}
