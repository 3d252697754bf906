/**
 * bcrypt, `$2b$12$…`, and what others made of it. It reads 72 bytes and no more: a longer password would be as good as
 * any that begins alike, so it never matches, and the event of the sign-in says why.
 */
import { createHash, createHmac } from 'node:crypto'
import { count, groups } from './bytes.ts'
import type { PasswordCheck, PasswordFormat } from './format.ts'
import { runOffThread } from './off-thread.ts'
import { bcryptWork } from './work.ts'

const FORM = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/
const DESCRIBED = '$2b$cost$…, with $2a$ and $2y$ for $2b$'
const MOST_BYTES = 72

export const bcryptFormat: PasswordFormat = {
  name: 'bcrypt',
  recognise: hash => /^\$2[a-z]?\$/.test(hash),
  parse: parseBcrypt,
}

export function parseBcrypt(hash: string): PasswordCheck {
  return {
    ...parsePrehashed(hash, password => password),
    refusal: password => (Buffer.byteLength(password) > MOST_BYTES ? 'longer-than-72-bytes' : undefined),
  }
}

/** Over a digest of the password, which is short enough whatever the password. */
export function parsePrehashed(hash: string, prehash: (password: string) => string): PasswordCheck {
  const [cost] = groups(hash, FORM, DESCRIBED)
  return {
    // bcrypt's own least is 4; the leading zero is part of the form.
    work: bcryptWork(Math.max(4, count(cost?.replace(/^0/, ''), 'cost'))),
    matches: password => runOffThread('bcrypt', prehash(password), hash),
  }
}

const PASSLIB =
  /^\$bcrypt-sha256\$(?:(2[ab]),(\d{1,2})|v=2,t=(2b),r=(\d{1,2}))\$([./A-Za-z0-9]{22})\$([./A-Za-z0-9]{31})$/

/** passlib: over base64, since a digest as it is may hold the zero byte that ends what bcrypt reads. */
export const passlibBcryptFormat: PasswordFormat = {
  name: 'passlib bcrypt-sha256',
  recognise: hash => hash.startsWith('$bcrypt-sha256$'),
  parse(hash) {
    const [oldIdent, oldCost, ident, cost, salt = '', digest] = groups(
      hash,
      PASSLIB,
      '$bcrypt-sha256$v=2,t=2b,r=12$salt$digest',
    )
    const inner = `$${oldIdent || ident}$${(oldCost || cost || '').padStart(2, '0')}$${salt}${digest}`
    return parsePrehashed(inner, password =>
      oldIdent
        ? createHash('sha256').update(password).digest('base64')
        : createHmac('sha256', salt).update(password).digest('base64'),
    )
  },
}

/** WordPress since 6.8. */
export const wordpressFormat: PasswordFormat = {
  name: 'WordPress',
  recognise: hash => hash.startsWith('$wp$2'),
  parse: hash =>
    parsePrehashed(hash.slice('$wp'.length), password =>
      createHmac('sha384', 'wp-sha384').update(trimmed(password)).digest('base64'),
    ),
}

/** As PHP's `trim` does. */
const trimmed = (password: string): string => password.replace(/^[ \n\r\t\v]+|[ \n\r\t\v]+$/g, '')
