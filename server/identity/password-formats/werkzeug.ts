/** Werkzeug, and with it Flask: `scrypt:32768:8:1$salt$hex` and `pbkdf2:sha256:600000$salt$hex`. */
import { count, decodeDigest, groups } from './bytes.ts'
import type { PasswordFormat } from './format.ts'
import { pbkdf2Check } from './pbkdf2.ts'
import { scryptCheck } from './scrypt.ts'

const SCRYPT = /^scrypt:(\d+):(\d+):(\d+)\$([^$]*)\$([0-9a-f]+)$/
const PBKDF2 = /^pbkdf2:([a-z0-9]{1,10}):(\d+)\$([^$]*)\$([0-9a-f]+)$/

export const werkzeugFormats: readonly PasswordFormat[] = [
  {
    name: 'Werkzeug scrypt',
    recognise: hash => hash.startsWith('scrypt:'),
    parse(hash) {
      const [cost, blockSize, parallelism, salt = '', value = ''] = groups(hash, SCRYPT, 'scrypt:cost:r:p$salt$hex')
      return scryptCheck(
        { cost: count(cost, 'cost'), blockSize: count(blockSize, 'r'), parallelism: count(parallelism, 'p') },
        Buffer.from(salt),
        decodeDigest(value, 'hex'),
      )
    },
  },
  {
    name: 'Werkzeug PBKDF2',
    recognise: hash => hash.startsWith('pbkdf2:'),
    parse(hash) {
      const [digest = '', iterations, salt = '', value = ''] = groups(hash, PBKDF2, 'pbkdf2:sha256:iterations$salt$hex')
      return pbkdf2Check(digest, {
        iterations: count(iterations, 'number of iterations'),
        salt: Buffer.from(salt),
        derived: decodeDigest(value, 'hex'),
      })
    },
  },
]
