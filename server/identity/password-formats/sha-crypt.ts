/** SHA-crypt, `$5$` and `$6$`, of `/etc/shadow` and passlib: `$6$rounds=656000$salt$digest`. */
import { count, equal, groups } from './bytes.ts'
import { CRYPT_ALPHABET } from './crypt-base64.ts'
import { type PasswordFormat, UnusableHash } from './format.ts'
import { runOffThread } from './off-thread.ts'
import { repeatedCheck } from './repeated.ts'

const FORM = /^\$([56])\$(?:rounds=(\d+)\$)?([^$:\n]{0,16})\$([./A-Za-z0-9]{43}|[./A-Za-z0-9]{86})$/
const DEFAULT_ROUNDS = 5000
const FEWEST_ROUNDS = 1000

/** Which bytes of the digest each four characters stand for, most significant first; what is left over comes last. */
const ORDERS = {
  sha256: { size: 32, step: 10, rest: [31, 30] },
  sha512: { size: 64, step: 21, rest: [63] },
} as const

export const shaCryptFormat: PasswordFormat = {
  name: 'SHA-crypt',
  recognise: hash => /^\$[56]\$/.test(hash),
  parse(hash) {
    const [kind, given, salt = '', encoded = ''] = groups(hash, FORM, '$6$rounds=…$salt$digest')
    const digest = kind === '5' ? 'sha256' : 'sha512'
    const expected = decodeShuffled(encoded, digest)
    const times = given ? Math.max(FEWEST_ROUNDS, count(given, 'number of rounds')) : DEFAULT_ROUNDS
    return repeatedCheck(
      times,
      password => Buffer.from(password),
      async bytes => equal(await runOffThread('shaCrypt', digest, bytes, Buffer.from(salt), times), expected),
    )
  },
}

function decodeShuffled(encoded: string, digest: keyof typeof ORDERS): Buffer {
  const { size, step, rest } = ORDERS[digest]
  const bytes = Buffer.alloc(size)
  if (encoded.length !== Math.ceil((size * 8) / 6)) throw new UnusableHash(`The digest must have ${size} bytes.`)
  // The triple turns by one place each time: 0 10 20, 21 1 11, 12 22 2, … and for 64 bytes 0 21 42, 22 43 1, …
  let triple: readonly [number, number, number] = [0, step, 2 * step]
  for (let at = 0; at < encoded.length; at += 4) {
    const characters = encoded.slice(at, at + 4)
    const value = [...characters].reduce((sum, sign, place) => sum + (CRYPT_ALPHABET.indexOf(sign) << (6 * place)), 0)
    const places = characters.length === 4 ? triple : rest
    for (const [index, place] of places.entries()) bytes[place] = (value >> (8 * (places.length - 1 - index))) & 0xff
    const [first, second, third] = triple
    triple = digest === 'sha256' ? [third + 1, first + 1, second + 1] : [second + 1, third + 1, first + 1]
  }
  return bytes
}
