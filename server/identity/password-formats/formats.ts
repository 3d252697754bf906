/**
 * THE LIST: hashes of passwords that were made elsewhere and can be checked here. Each is replaced by ours at its
 * owner's first sign-in. How each is written, and what of it is refused, is told to operators in `docs/importing-people.md`.
 */
import { argon2Format } from './argon2.ts'
import { auth0Format } from './auth0.ts'
import { bcryptFormat, passlibBcryptFormat, wordpressFormat } from './bcrypt.ts'
import { djangoFormats } from './django.ts'
import { firebaseFormats } from './firebase.ts'
import { type PasswordCheck, type PasswordFormat, UnusableHash } from './format.ts'
import { keycloakFormat } from './keycloak.ts'
import { ldapFormat } from './ldap.ts'
import { pbkdf2Format } from './pbkdf2.ts'
import { drupalFormat, phpassFormat } from './phpass.ts'
import { scryptFormat } from './scrypt.ts'
import { shaCryptFormat } from './sha-crypt.ts'
import { werkzeugFormats } from './werkzeug.ts'

export const formats: readonly PasswordFormat[] = [
  argon2Format,
  bcryptFormat,
  passlibBcryptFormat,
  wordpressFormat,
  pbkdf2Format,
  scryptFormat,
  shaCryptFormat,
  phpassFormat,
  drupalFormat,
  ...djangoFormats,
  ...werkzeugFormats,
  ldapFormat([bcryptFormat, shaCryptFormat, argon2Format]),
  keycloakFormat,
  ...firebaseFormats,
  auth0Format,
]

/** In characters. The longest that any system writes is below a quarter of it. */
const LONGEST = 4096

/** Throws `UnusableHash` with the reason. */
export function readForeignHash(hash: string): PasswordCheck {
  const format = hash.length > LONGEST ? undefined : formats.find(one => one.recognise(hash))
  if (!format) throw new UnusableHash('It is a hash of no format that is known here.')
  return format.parse(hash)
}
