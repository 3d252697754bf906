/**
 * LDAP's `userPassword` (RFC 2307 §5.3): `{SSHA}` and its like, and `{CRYPT}` or `{ARGON2}` before a hash of another
 * format. Checked in no time, by anybody who stole it too: the first sign-in replaces it.
 */
import { hash as digestOf } from 'node:crypto'
import { decode, equal, groups } from './bytes.ts'
import { type PasswordCheck, type PasswordFormat, UnusableHash } from './format.ts'
import { INSTANT } from './work.ts'

interface Scheme {
  readonly digest: string
  readonly bytes: number
  readonly isSalted: boolean
}

const SCHEMES: Readonly<Record<string, Scheme>> = {
  SSHA: { digest: 'sha1', bytes: 20, isSalted: true },
  SSHA256: { digest: 'sha256', bytes: 32, isSalted: true },
  SSHA384: { digest: 'sha384', bytes: 48, isSalted: true },
  SSHA512: { digest: 'sha512', bytes: 64, isSalted: true },
  SMD5: { digest: 'md5', bytes: 16, isSalted: true },
  SHA: { digest: 'sha1', bytes: 20, isSalted: false },
  SHA256: { digest: 'sha256', bytes: 32, isSalted: false },
  SHA384: { digest: 'sha384', bytes: 48, isSalted: false },
  SHA512: { digest: 'sha512', bytes: 64, isSalted: false },
  MD5: { digest: 'md5', bytes: 16, isSalted: false },
}

const FORM = /^\{([A-Za-z0-9]{1,10})\}(.+)$/
const MOST_SALT_BYTES = 64

/** `inner`: what may stand behind `{CRYPT}`. */
export const ldapFormat = (inner: readonly PasswordFormat[]): PasswordFormat => ({
  name: 'LDAP',
  recognise: hash => /^\{[A-Za-z0-9]{1,10}\}/.test(hash),
  parse(hash) {
    const [name = '', value = ''] = groups(hash, FORM, '{SSHA}base64')
    const scheme = name.toUpperCase()
    if (scheme === 'CRYPT' || scheme === 'ARGON2') {
      const format = inner.find(one => one.recognise(value))
      if (!format) throw new UnusableHash(`What stands behind {${scheme}} is no hash that can be checked.`)
      return format.parse(value)
    }
    const known = Object.hasOwn(SCHEMES, scheme) ? SCHEMES[scheme] : undefined
    if (!known) throw new UnusableHash(`{${scheme}} is not one of ${Object.keys(SCHEMES).join(', ')}, CRYPT, ARGON2.`)
    return saltedCheck(known, decode(value, 'base64', 'digest'))
  },
})

function saltedCheck({ digest, bytes, isSalted }: Scheme, value: Buffer): PasswordCheck {
  const [expected, salt] = [value.subarray(0, bytes), value.subarray(bytes)]
  if (expected.length !== bytes || salt.length > 0 !== isSalted || salt.length > MOST_SALT_BYTES)
    throw new UnusableHash(`The digest must have ${bytes} bytes${isSalted ? ' with a salt behind them' : ''}.`)
  return {
    work: INSTANT,
    matches: async password =>
      equal(digestOf(digest, Buffer.concat([Buffer.from(password), salt]), 'buffer'), expected),
  }
}
