/** Argon2 as PHC strings (RFC 9106): `$argon2id$v=19$m=19456,t=2,p=1$salt$digest`, of each of its three variants. */
import { argon2 } from 'node:crypto'
import { promisify } from 'node:util'
import { count, decode, decodeDigest, equal, groups } from './bytes.ts'
import { type PasswordCheck, type PasswordFormat, UnusableHash } from './format.ts'
import { argon2Work } from './work.ts'

const derive = promisify(argon2)

export type Variant = 'argon2d' | 'argon2i' | 'argon2id'

export interface Argon2Cost {
  /** In kibibytes. */
  readonly memory: number
  readonly passes: number
  readonly parallelism: number
}

export interface Argon2Hash extends PasswordCheck {
  readonly variant: Variant
  readonly cost: Argon2Cost
}

const PHC =
  /^\$(argon2(?:id|i|d))(?:\$v=(\d{1,3}))?\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{16,171})$/
const DESCRIBED = '$argon2id$v=19$m=…,t=…,p=…$salt$digest'
const MOST_PASSES = 16
const MOST_LANES = 16
/** RFC 9106 §3.1. */
const FEWEST_SALT_BYTES = 8
const VERSION = '19'

export const argon2Format: PasswordFormat = {
  name: 'Argon2',
  recognise: hash => hash.startsWith('$argon2'),
  parse: parseArgon2,
}

export function parseArgon2(hash: string): Argon2Hash {
  const [variant, version, memory, passes, parallelism, salt = '', digest = ''] = groups(hash, PHC, DESCRIBED)
  return argon2Check(variant as Variant, version || '16', {
    cost: {
      memory: count(memory, 'memory'),
      passes: count(passes, 'number of passes'),
      parallelism: count(parallelism, 'number of lanes'),
    },
    salt: decode(salt, 'base64', 'salt'),
    digest: decodeDigest(digest, 'base64'),
  })
}

export function argon2Check(
  variant: Variant,
  version: string,
  { cost, salt, digest }: { readonly cost: Argon2Cost; readonly salt: Buffer; readonly digest: Buffer },
): Argon2Hash {
  const { memory, passes, parallelism } = cost
  // Version 16 is of before the algorithm was settled, and what a string means that names none.
  if (version !== VERSION) throw new UnusableHash('Of Argon2 only version 19 can be checked.')
  if (passes > MOST_PASSES) throw new UnusableHash(`Argon2 may have ${MOST_PASSES} passes at most.`)
  if (parallelism > MOST_LANES) throw new UnusableHash(`Argon2 may have ${MOST_LANES} lanes at most.`)
  if (memory < 8 * parallelism) throw new UnusableHash('Argon2 needs 8 KiB for each lane.')
  if (salt.length < FEWEST_SALT_BYTES) throw new UnusableHash('The salt is shorter than 8 bytes.')
  return {
    variant,
    cost,
    work: argon2Work(memory, passes),
    matches: async password =>
      equal(await deriveArgon2(variant, Buffer.from(password), salt, cost, digest.length), digest),
  }
}

/** On libuv's pool. */
export const deriveArgon2 = (
  variant: Variant,
  password: Uint8Array,
  salt: Uint8Array,
  cost: Argon2Cost,
  length: number,
): Promise<Buffer> => derive(variant, { message: password, nonce: salt, tagLength: length, ...cost }) as Promise<Buffer>
