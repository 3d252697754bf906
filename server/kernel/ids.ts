/** Names for things. An id is not a secret, but none can be guessed: all carry at least 96 random bits. */
import { randomUUIDv7 } from 'node:crypto'
import { randomBytes } from './secrets.ts'

/** A short public id such as `cli_8fK…`: the prefix says what it names, 18 random bytes follow as base64url. */
export const newId = (prefix: string): string => `${prefix}_${randomBytes(18).toString('base64url')}`

/** 24 hexadecimal characters: the form of Auth0's user ids, so that `auth0|<id>` fits what applications store. */
export const newObjectId = (): string => randomBytes(12).toString('hex')

/** 32 letters and digits: the form of Auth0's client ids. */
export const newClientId = (): string => randomBytes(16).toString('hex')

/** A UUID of version 7 (RFC 9562 §5.7): later ids sort after earlier ones, which keeps an append-only table's index warm. */
export const newSortableId = (): string => randomUUIDv7()
