/** scrypt (RFC 7914) as passlib and others write it: `$scrypt$ln=15,r=8,p=1$salt$digest`. */
import { type ScryptOptions, scrypt } from 'node:crypto'
import { count, decode, decodeDigest, equal, groups } from './bytes.ts'
import type { PasswordCheck, PasswordFormat } from './format.ts'
import { scryptWork } from './work.ts'

const FORM = /^\$scrypt\$ln=(\d{1,2}),r=(\d+),p=(\d+)\$([A-Za-z0-9+/=]*)\$([A-Za-z0-9+/=]+)$/

export interface ScryptCost {
  /** Not its logarithm. */
  readonly cost: number
  readonly blockSize: number
  readonly parallelism: number
}

export const scryptFormat: PasswordFormat = {
  name: 'scrypt',
  recognise: hash => hash.startsWith('$scrypt$'),
  parse(hash) {
    const [ln, r, p, salt = '', digest = ''] = groups(hash, FORM, '$scrypt$ln=…,r=…,p=…$salt$digest')
    const cost = { cost: 2 ** count(ln, 'ln'), blockSize: count(r, 'r'), parallelism: count(p, 'p') }
    return scryptCheck(cost, decode(salt, 'base64', 'salt'), decodeDigest(digest, 'base64'))
  },
}

export const scryptCheck = (cost: ScryptCost, salt: Buffer, digest: Buffer): PasswordCheck => ({
  work: costOfScrypt(cost),
  matches: async password => equal(await deriveScrypt(password, salt, cost, digest.length), digest),
})

/** Throws `UnusableHash`. */
export const costOfScrypt = ({ cost, blockSize, parallelism }: ScryptCost): number =>
  scryptWork(cost, blockSize, parallelism)

/** On libuv's pool. */
export function deriveScrypt(
  password: string | Buffer,
  salt: Buffer,
  { cost, blockSize, parallelism }: ScryptCost,
  length: number,
): Promise<Buffer> {
  // Node's default bound lies below what is usual. Beside the memory there is a block for each lane, and one to mix in.
  const maxmem = 128 * blockSize * (cost + parallelism + 2)
  const options: ScryptOptions = { N: cost, r: blockSize, p: parallelism, maxmem }
  return new Promise((resolve, reject) => {
    scrypt(password, salt, length, options, (error, derived) => (error ? reject(error) : resolve(derived)))
  })
}
