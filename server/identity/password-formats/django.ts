/** Django: `pbkdf2_sha256$…`, `pbkdf2_sha1$…`, `argon2$…`, `bcrypt_sha256$…`, `bcrypt$…`, `scrypt$…`. */
import { createHash } from 'node:crypto'
import { parseArgon2 } from './argon2.ts'
import { parseBcrypt, parsePrehashed } from './bcrypt.ts'
import { count, decodeDigest, groups } from './bytes.ts'
import type { PasswordFormat } from './format.ts'
import { pbkdf2Check } from './pbkdf2.ts'
import { scryptCheck } from './scrypt.ts'

const PBKDF2 = /^pbkdf2_(sha1|sha256)\$(\d+)\$([^$]*)\$([A-Za-z0-9+/=]+)$/
const SCRYPT = /^scrypt\$(\d+)\$([^$]*)\$(\d+)\$(\d+)\$([A-Za-z0-9+/=]+)$/

const afterPrefix = (hash: string): string => hash.slice(hash.indexOf('$') + 1)

export const djangoFormats: readonly PasswordFormat[] = [
  {
    name: 'Django PBKDF2',
    recognise: hash => /^pbkdf2_[a-z0-9]+\$/.test(hash),
    parse(hash) {
      const [digest = '', iterations, salt = '', value = ''] = groups(
        hash,
        PBKDF2,
        'pbkdf2_sha256$iterations$salt$digest',
      )
      return pbkdf2Check(digest, {
        iterations: count(iterations, 'number of iterations'),
        salt: Buffer.from(salt),
        derived: decodeDigest(value, 'base64'),
      })
    },
  },
  {
    name: 'Django Argon2',
    recognise: hash => hash.startsWith('argon2$'),
    parse: hash => parseArgon2(`$${afterPrefix(hash)}`),
  },
  {
    name: 'Django bcrypt',
    recognise: hash => hash.startsWith('bcrypt$'),
    parse: hash => parseBcrypt(afterPrefix(hash)),
  },
  {
    name: 'Django bcrypt over SHA-256',
    recognise: hash => hash.startsWith('bcrypt_sha256$'),
    parse: hash => parsePrehashed(afterPrefix(hash), password => createHash('sha256').update(password).digest('hex')),
  },
  {
    name: 'Django scrypt',
    recognise: hash => hash.startsWith('scrypt$'),
    parse(hash) {
      const [cost, salt = '', blockSize, parallelism, value = ''] = groups(
        hash,
        SCRYPT,
        'scrypt$cost$salt$blocksize$parallelism$digest',
      )
      return scryptCheck(
        {
          cost: count(cost, 'cost'),
          blockSize: count(blockSize, 'block size'),
          parallelism: count(parallelism, 'parallelism'),
        },
        Buffer.from(salt),
        decodeDigest(value, 'base64'),
      )
    },
  },
]
