/**
 * What a check may cost. The unit is a kibibyte that Argon2 fills, of which a usual core does a thousand in a
 * millisecond; each other algorithm's factor was measured beside it. One bound holds for all of them, so that no
 * imported hash holds one of the few threads for longer than about two seconds, nor takes more memory than one server has.
 */
import { LONGEST_PASSWORD_BYTES } from '../../policy/password-rule.js'
import { UnusableHash } from './format.ts'

export const MOST_WORK = 2_000_000
/** In kibibytes. */
const MOST_MEMORY = 262_144

/** Of one iteration of PBKDF2, for each block of its output. */
const PBKDF2_ITERATION: Readonly<Record<string, number>> = {
  md5: 0.3,
  sha1: 0.35,
  sha224: 0.45,
  sha256: 0.45,
  sha384: 0.65,
  sha512: 0.65,
}

export const argon2Work = (memory: number, passes: number): number => within(memory * passes, memory)

export function pbkdf2Work(digest: string, digestBytes: number, iterations: number, length: number): number {
  const each = PBKDF2_ITERATION[digest]
  if (each === undefined) throw new UnusableHash(`PBKDF2 with ${digest} is not supported.`)
  return within(each * iterations * Math.ceil(length / digestBytes))
}

/** It fills its memory and reads it again in no order: two and a half times what filling costs. */
export function scryptWork(cost: number, blockSize: number, parallelism: number): number {
  if (cost < 2 || (cost & (cost - 1)) !== 0) throw new UnusableHash('The cost of scrypt must be a power of two.')
  const filled = (cost * blockSize) / 8
  // Each lane has a block of its own besides (RFC 7914 §6).
  return within(2.5 * filled * parallelism, filled + (parallelism * blockSize) / 8)
}

export const bcryptWork = (cost: number): number => within(90 * 2 ** cost)

/** Of a digest over a password of some hundred bytes, again and again. */
const ROUND = 3
/** The same for each byte of a longer one. */
const BYTE_OF_ROUND = 5 / LONGEST_PASSWORD_BYTES

export const roundsWork = (rounds: number): number => within(ROUND * rounds)

/** With a password of so many bytes: none is worth more than the bound, and what nobody could have chosen is worth nothing. */
export const roundsWorkOf = (rounds: number, bytes: number): number =>
  bytes > LONGEST_PASSWORD_BYTES ? Number.POSITIVE_INFINITY : rounds * Math.max(ROUND, BYTE_OF_ROUND * bytes)

/** A digest or two. */
export const INSTANT = 1

function within(work: number, memory = 0): number {
  if (!(work <= MOST_WORK))
    throw new UnusableHash('It costs more than two seconds to check a password against it, which is the most allowed.')
  if (memory > MOST_MEMORY)
    throw new UnusableHash('It takes more than 256 MiB to check a password against it, which is the most allowed.')
  return work
}
