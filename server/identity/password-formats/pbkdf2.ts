/**
 * PBKDF2 (RFC 8018 §5.2) as passlib writes it (`$pbkdf2-sha256$rounds$salt$digest`) and as a PHC string
 * (`$pbkdf2-sha256$i=…,l=…$salt$digest`). Other systems' ways of writing it are in files of theirs.
 */
import { createHash, pbkdf2 } from 'node:crypto'
import { promisify } from 'node:util'
import { count, decode, decodeDigest, equal, groups } from './bytes.ts'
import { type PasswordCheck, type PasswordFormat, UnusableHash } from './format.ts'
import { pbkdf2Work } from './work.ts'

const derive = promisify(pbkdf2)

const FORM = /^\$pbkdf2(?:-([a-z0-9-]{1,10}))?\$(?:i=(\d+)(?:,l=(\d+))?|(\d+))\$([A-Za-z0-9+/.=]*)\$([A-Za-z0-9+/.=]+)$/

export const pbkdf2Format: PasswordFormat = {
  name: 'PBKDF2',
  recognise: hash => /^\$pbkdf2[-$]/.test(hash),
  parse(hash) {
    const [digest, phcIterations, length, iterations, salt = '', value = ''] = groups(
      hash,
      FORM,
      '$pbkdf2-sha256$iterations$salt$digest',
    )
    const derived = decodeDigest(withPlus(value), 'base64')
    if (length && count(length, 'length') !== derived.length)
      throw new UnusableHash('The digest has another length than it says.')
    return pbkdf2Check(digest || 'sha1', {
      iterations: count(phcIterations || iterations, 'number of iterations'),
      salt: decode(withPlus(salt), 'base64', 'salt'),
      derived,
    })
  },
}

/** passlib writes a dot where base64 has a plus. */
const withPlus = (text: string): string => text.replaceAll('.', '+')

/** `digest` as Node calls it. */
export function pbkdf2Check(
  digest: string,
  { iterations, salt, derived }: { readonly iterations: number; readonly salt: Buffer; readonly derived: Buffer },
): PasswordCheck {
  return {
    work: pbkdf2Work(digest, digestBytes(digest), iterations, derived.length),
    matches: async password => equal(await derive(password, salt, iterations, derived.length, digest), derived),
  }
}

function digestBytes(digest: string): number {
  try {
    return createHash(digest).digest().length
  } catch {
    throw new UnusableHash('PBKDF2 over this digest is not supported.')
  }
}
