/** phpass, `$P$` and `$H$` (WordPress until 6.7, phpBB 3), and Drupal 7's `$S$`, which is the same over SHA-512. */
import { hash as digestOf } from 'node:crypto'
import { equal, groups } from './bytes.ts'
import { CRYPT_ALPHABET, encodeCrypt } from './crypt-base64.ts'
import { type PasswordCheck, type PasswordFormat, UnusableHash } from './format.ts'
import { runOffThread } from './off-thread.ts'
import { repeatedCheck } from './repeated.ts'

const PHPASS = /^\$[PH]\$([./A-Za-z0-9])([./A-Za-z0-9]{8})([./A-Za-z0-9]{22})$/
const DRUPAL = /^\$S\$([./A-Za-z0-9])([./A-Za-z0-9]{8})([./A-Za-z0-9]{43})$/

export const phpassFormat: PasswordFormat = {
  name: 'phpass',
  recognise: hash => /^\$[PH]\$/.test(hash),
  parse: hash => parsePortable(hash, asTyped),
}

export const drupalFormat: PasswordFormat = {
  name: 'Drupal 7',
  recognise: hash => /^U?\$S\$|^U\$[PH]\$/.test(hash),
  parse: hash => (hash.startsWith('U') ? parsePortable(hash.slice(1), asMigrated) : parsePortable(hash, asTyped)),
}

const asTyped = (password: string): Buffer => Buffer.from(password)
/** What Drupal 6 kept was hashed once more, so that nobody had to sign in for it. */
const asMigrated = (password: string): Buffer => Buffer.from(digestOf('md5', password))

function parsePortable(hash: string, read: (password: string) => Buffer): PasswordCheck {
  const isDrupal = hash.startsWith('$S$')
  const [times = '', salt = '', encoded = ''] = isDrupal
    ? groups(hash, DRUPAL, '$S$…, of 55 characters')
    : groups(hash, PHPASS, '$P$…, of 34 characters')
  const logarithm = CRYPT_ALPHABET.indexOf(times)
  if (logarithm < 7 || logarithm > 30) throw new UnusableHash('Its number of rounds is out of range.')
  const rounds = 2 ** logarithm
  return repeatedCheck(rounds, read, async bytes => {
    const value = await runOffThread('chain', isDrupal ? 'sha512' : 'md5', salt, bytes, rounds)
    // Drupal keeps no more than the first characters.
    return equal(Buffer.from(encodeCrypt(value).slice(0, encoded.length)), Buffer.from(encoded))
  })
}
