/** Names for things. An id is not a secret, but none can be guessed: all carry at least 56 random bits. */
import { randomUUIDv7 } from 'node:crypto'
import { SECOND } from './seconds.ts'
import { randomBytes } from './secrets.ts'

/**
 * A short public id such as `aut_8fK…`: the prefix says what it names, then follow as base64url the second it was made in
 * (4 bytes) and 14 random bytes. What is made at one time lies together in an index, and few of its pages are written.
 */
export function newId(prefix: string): string {
  const bytes = randomBytes(18)
  bytes.writeUInt32BE(Math.floor(Date.now() / SECOND))
  return `${prefix}_${bytes.toString('base64url')}`
}

/** So many in a second: the first byte behind the seconds counts them. */
const PARTS_OF_A_SECOND = 256

/**
 * 24 hexadecimal characters: the form of Auth0's user ids, so that `auth0|<id>` fits what applications store. As there, they
 * begin with the second they were made in, and with the part of it, for the reason of `newId`: of people who come by the
 * thousand in a second, each batch lies beside the one before it, and the work is half. 56 random bits behind it, of one part
 * of one second, are more than anybody guesses.
 */
export function newObjectId(): string {
  const bytes = randomBytes(12)
  bytes.writeUIntBE(Math.floor((Date.now() * PARTS_OF_A_SECOND) / SECOND), 0, 5)
  return bytes.toString('hex')
}

/** 32 letters and digits: the form of Auth0's client ids. */
export const newClientId = (): string => randomBytes(16).toString('hex')

/** A UUID of version 7 (RFC 9562 §5.7): later ids sort after earlier ones, which keeps an append-only table's index warm. */
export const newSortableId = (): string => randomUUIDv7()

/** Sorts before every one that was made then or later, and behind all that were made before. Milliseconds. */
export function firstSortableIdAt(instant: number): string {
  const time = Math.min(Math.max(0, Math.ceil(instant)), 2 ** 48 - 1)
    .toString(16)
    .padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}`
}
