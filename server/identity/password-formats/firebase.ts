/**
 * Firebase's scrypt: the derived key is not compared but used to encrypt a key of the project's, and the ciphertext is
 * the hash. As an object, with the project's parameters beside the person's, or as
 * `$firescrypt$ln=14,r=8,p=1$salt$hash$separator$signerkey`.
 */
import { createCipheriv } from 'node:crypto'
import { count, decode, decodeDigest, equal, groups } from './bytes.ts'
import { asDocument, numberOf, textOf } from './documents.ts'
import type { PasswordCheck, PasswordFormat } from './format.ts'
import { costOfScrypt, deriveScrypt, type ScryptCost } from './scrypt.ts'

const B64 = '[A-Za-z0-9+/_=-]'
const FORM = new RegExp(
  `^\\$firescrypt\\$ln=(\\d{1,2}),r=(\\d+),p=(\\d+)\\$(${B64}*)\\$(${B64}+)\\$(${B64}*)\\$(${B64}+)$`,
)
/** AES-256. */
const KEY_BYTES = 32
const MOST_LOGARITHM = 30

export const firebaseFormats: readonly PasswordFormat[] = [
  {
    name: 'Firebase scrypt',
    recognise: hash => asDocument(hash)?.['signerKey'] !== undefined,
    parse(hash) {
      const document = asDocument(hash) ?? {}
      return firebaseCheck({
        cost: {
          cost: 2 ** Math.min(numberOf(document, 'memCost'), MOST_LOGARITHM),
          blockSize: numberOf(document, 'rounds'),
          parallelism: 1,
        },
        salt: textOf(document, 'salt'),
        separator: textOf(document, 'saltSeparator'),
        signerKey: textOf(document, 'signerKey'),
        value: textOf(document, 'passwordHash'),
      })
    },
  },
  {
    name: 'Firebase scrypt, in one string',
    recognise: hash => hash.startsWith('$firescrypt$'),
    parse(hash) {
      const [ln, r, p, salt = '', value = '', separator = '', signerKey = ''] = groups(
        hash,
        FORM,
        '$firescrypt$ln=…,r=…,p=…$salt$hash$separator$signerkey',
      )
      const cost = { cost: 2 ** count(ln, 'ln'), blockSize: count(r, 'r'), parallelism: count(p, 'p') }
      return firebaseCheck({ cost, salt, separator, signerKey, value })
    },
  },
]

interface FirebaseHash {
  readonly cost: ScryptCost
  readonly salt: string
  readonly separator: string
  readonly signerKey: string
  readonly value: string
}

function firebaseCheck({ cost, salt, separator, signerKey, value }: FirebaseHash): PasswordCheck {
  const whole = Buffer.concat([read(salt, 'salt'), read(separator, 'salt separator')])
  const plaintext = read(signerKey, 'signer key')
  const expected = decodeDigest(standard(value), 'base64')
  return {
    work: costOfScrypt(cost),
    async matches(password) {
      const key = await deriveScrypt(password, whole, cost, KEY_BYTES)
      // The counter begins at zero: each key encrypts this one text.
      const cipher = createCipheriv('aes-256-ctr', key, Buffer.alloc(16))
      return equal(Buffer.concat([cipher.update(plaintext), cipher.final()]), expected)
    },
  }
}

/** An export may come in base64url. */
const standard = (text: string): string => text.replaceAll('-', '+').replaceAll('_', '/')
const read = (text: string, what: string): Buffer => decode(standard(text), 'base64', what)
