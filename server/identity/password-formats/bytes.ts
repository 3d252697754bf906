/** Reading what stands in a hash: numbers, encodings, and the comparison that all formats end with. */
import { timingSafeEqual } from 'node:crypto'
import { UnusableHash } from './format.ts'

/** Fewer bytes of a digest could be hit by guessing. */
const FEWEST_DIGEST_BYTES = 12
/** No algorithm here makes more. */
const MOST_DIGEST_BYTES = 128

/** Alphabets of base64; padding may be there or be left out. */
const ALPHABETS = {
  base64: /^[A-Za-z0-9+/]*={0,2}$/,
  /** passlib's: a dot for the plus. */
  ab64: /^[A-Za-z0-9./]*$/,
  base64url: /^[A-Za-z0-9_-]*={0,2}$/,
  hex: /^(?:[0-9A-Fa-f]{2})*$/,
} as const

export type Encoding = keyof typeof ALPHABETS

export function decode(text: string, encoding: Encoding, what: string): Buffer {
  // One character left over stands for no byte.
  if (!ALPHABETS[encoding].test(text) || (encoding !== 'hex' && text.replace(/=+$/, '').length % 4 === 1))
    throw new UnusableHash(`The ${what} is not ${encoding === 'ab64' ? 'base64' : encoding}.`)
  if (encoding === 'ab64') return Buffer.from(text.replaceAll('.', '+'), 'base64')
  return Buffer.from(text, encoding)
}

export function decodeDigest(text: string, encoding: Encoding): Buffer {
  const digest = decode(text, encoding, 'digest')
  if (digest.length < FEWEST_DIGEST_BYTES || digest.length > MOST_DIGEST_BYTES)
    throw new UnusableHash(`The digest must have ${FEWEST_DIGEST_BYTES} to ${MOST_DIGEST_BYTES} bytes.`)
  return digest
}

/** A whole number above zero, in at most nine digits. */
export function count(text: string | number | undefined, what: string): number {
  if (!/^[1-9]\d{0,8}$/.test(String(text))) throw new UnusableHash(`The ${what} must be a whole number above zero.`)
  return Number(text)
}

/** Lengths are no secret. */
export const equal = (one: Uint8Array, other: Uint8Array): boolean =>
  one.length === other.length && timingSafeEqual(one, other)

/** The groups of the expression. Throws when the text is not of that form. */
export function groups(text: string, form: RegExp, described: string): readonly string[] {
  const found = form.exec(text)
  if (!found) throw new UnusableHash(`It is not of the form ${described}.`)
  return found.slice(1).map(group => group ?? '')
}
