/**
 * Auth0's `custom_password_hash` of its bulk import: an algorithm's name with the hash, the salt and how the password is
 * turned into bytes. `argon2`, `bcrypt`, `ldap` and `pbkdf2` hold a hash in its algorithm's own form.
 */
import { createHmac, hash as digestOf, getHashes } from 'node:crypto'
import type { JsonObject } from '../../kernel/json.ts'
import { argon2Format } from './argon2.ts'
import { bcryptFormat } from './bcrypt.ts'
import { decode, decodeDigest, equal } from './bytes.ts'
import { asDocument, numberOf, objectOf, textOf } from './documents.ts'
import { type PasswordCheck, type PasswordFormat, UnusableHash } from './format.ts'
import { ldapFormat } from './ldap.ts'
import { pbkdf2Format } from './pbkdf2.ts'
import { costOfScrypt, deriveScrypt } from './scrypt.ts'
import { INSTANT } from './work.ts'

/** Whose hash is a text that says everything. */
const WHOLE: Readonly<Record<string, PasswordFormat>> = {
  argon2: argon2Format,
  bcrypt: bcryptFormat,
  ldap: ldapFormat([]),
  pbkdf2: pbkdf2Format,
}
const DIGESTS: readonly string[] = ['md5', 'sha1', 'sha256', 'sha512']
const HMAC_DIGESTS: readonly string[] = ['md5', 'ripemd160', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512']
const ENCODINGS: readonly string[] = ['ascii', 'utf8', 'utf16le', 'ucs2', 'latin1', 'binary']
const ONE_BYTE: readonly string[] = ['ascii', 'latin1', 'binary']

export const auth0Format: PasswordFormat = {
  name: 'Auth0 custom_password_hash',
  recognise(hash) {
    const document = asDocument(hash)
    return typeof document?.['algorithm'] === 'string' && 'hash' in document
  },
  parse(text) {
    const document = asDocument(text) ?? {}
    const algorithm = textOf(document, 'algorithm')
    const hash = objectOf(document, 'hash')
    const encoding = encodingOf(document)
    const whole = Object.hasOwn(WHOLE, algorithm) ? WHOLE[algorithm] : undefined
    if (whole) {
      if (encoding !== 'utf8') throw new UnusableHash(`The password of ${algorithm} can only be encoded as utf8.`)
      return parseWhole(whole, textOf(hash, 'value'))
    }
    return { ...parseParts(algorithm, document, hash, encoding), refusal: refusalFor(encoding) }
  },
}

function parseWhole(format: PasswordFormat, value: string): PasswordCheck {
  if (!format.recognise(value)) throw new UnusableHash(`Its hash.value is no ${format.name}.`)
  return format.parse(value)
}

function parseParts(
  algorithm: string,
  document: JsonObject,
  hash: JsonObject,
  encoding: BufferEncoding,
): Omit<PasswordCheck, 'refusal'> {
  const expected = decodeDigest(textOf(hash, 'value'), encodingNamed(hash, 'hex', ['base64', 'hex']))
  const { salt, isSuffix } = saltOf(document)
  const salted = (password: string): Buffer => {
    const bytes = Buffer.from(password, encoding)
    return Buffer.concat(isSuffix ? [bytes, salt] : [salt, bytes])
  }

  if (DIGESTS.includes(algorithm))
    return {
      work: INSTANT,
      matches: async password => equal(digestOf(algorithm, salted(password), 'buffer'), expected),
    }
  if (algorithm === 'hmac') {
    const digest = textOf(hash, 'digest')
    if (!HMAC_DIGESTS.includes(digest) || !getHashes().includes(digest))
      throw new UnusableHash(`Its hash.digest must be one of ${HMAC_DIGESTS.join(', ')}.`)
    const key = bytesOf(objectOf(hash, 'key'), 'hash.key')
    return {
      work: INSTANT,
      matches: async password => equal(createHmac(digest, key).update(salted(password)).digest(), expected),
    }
  }
  if (algorithm === 'scrypt') {
    const cost = {
      cost: numberOf(document, 'cost', 16_384),
      blockSize: numberOf(document, 'blockSize', 8),
      parallelism: numberOf(document, 'parallelization', 1),
    }
    if (numberOf(document, 'keylen') !== expected.length)
      throw new UnusableHash('Its hash.value has another length than keylen says.')
    return {
      work: costOfScrypt(cost),
      matches: async password =>
        equal(await deriveScrypt(Buffer.from(password, encoding), salt, cost, expected.length), expected),
    }
  }
  throw new UnusableHash(
    `Its algorithm must be one of ${[...Object.keys(WHOLE), ...DIGESTS, 'hmac', 'scrypt'].join(', ')}.`,
  )
}

function encodingOf(document: JsonObject): BufferEncoding {
  const { encoding = 'utf8' } = objectOf(document, 'password')
  if (typeof encoding !== 'string' || !ENCODINGS.includes(encoding))
    throw new UnusableHash(`Its password.encoding must be one of ${ENCODINGS.join(', ')}.`)
  return encoding as BufferEncoding
}

/** One byte each: other letters would be cut to one that they share with letters they are not. */
const refusalFor =
  (encoding: BufferEncoding): NonNullable<PasswordCheck['refusal']> =>
  password =>
    ONE_BYTE.includes(encoding) && [...password].some(sign => sign > (encoding === 'ascii' ? '\x7f' : '\xff'))
      ? 'not-in-its-encoding'
      : undefined

function saltOf(document: JsonObject): { salt: Buffer; isSuffix: boolean } {
  const given = objectOf(document, 'salt')
  if (given['value'] === undefined) return { salt: Buffer.alloc(0), isSuffix: false }
  const { position = 'prefix' } = given
  if (position !== 'prefix' && position !== 'suffix')
    throw new UnusableHash('Its salt.position must be prefix or suffix.')
  return { salt: bytesOf(given, 'salt'), isSuffix: position === 'suffix' }
}

function bytesOf(given: JsonObject, what: string): Buffer {
  const value = textOf(given, 'value')
  const encoding = encodingNamed(given, 'utf8', ['base64', 'hex', 'utf8'])
  return encoding === 'utf8' ? Buffer.from(value) : decode(value, encoding, what)
}

function encodingNamed<E extends 'base64' | 'hex' | 'utf8'>(given: JsonObject, fallback: E, allowed: readonly E[]): E {
  const { encoding = fallback } = given
  const found = allowed.find(one => one === encoding)
  if (!found) throw new UnusableHash(`An encoding must be one of ${allowed.join(', ')}.`)
  return found
}
