/**
 * Password hashes: ours are Argon2id from Node's own crypto, written as PHC strings
 * (`$argon2id$v=19$m=19456,t=2,p=1$salt$hash`), so that any library can verify them; those that were imported are of
 * one of the formats in `password-formats/`. When a hash may be computed is `hash-queue.ts`'s to say.
 */
import { randomKey } from '../kernel/secrets.ts'
import { type Argon2Cost, type Argon2Hash, deriveArgon2 } from './password-formats/argon2.ts'
import { type PasswordCheck, type Refusal, UnusableHash } from './password-formats/format.ts'
import { readForeignHash } from './password-formats/formats.ts'

/** OWASP's second configuration: 19 MiB, two passes, about 40 ms. */
const COST: Argon2Cost = { memory: 19_456, passes: 2, parallelism: 1 }
/** Of one check, in the unit of `password-formats/work.ts`. */
export const OUR_WORK = COST.memory * COST.passes
const SALT_BYTES = 16
const TAG_BYTES = 32

const unpadded = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64').replace(/=+$/, '')

const compute = (password: string, salt: Uint8Array, cost: Argon2Cost): Promise<Buffer> =>
  deriveArgon2('argon2id', Buffer.from(password), salt, cost, TAG_BYTES)

/** Passwords are compared in NFKC (RFC 8265 §4.2.2), so that a keyboard's way of composing a letter does not matter. */
const composed = (password: string): string => password.normalize('NFKC')

export async function hashPassword(password: string): Promise<string> {
  const salt = randomKey().subarray(0, SALT_BYTES)
  const tag = await compute(composed(password), salt, COST)
  return `$argon2id$v=19$m=${COST.memory},t=${COST.passes},p=${COST.parallelism}$${unpadded(salt)}$${unpadded(tag)}`
}

/** Why a hash cannot be imported, in a sentence; undefined for one that can be verified here. */
export function hashProblem(hash: string): string | undefined {
  try {
    readForeignHash(hash)
    return undefined
  } catch (error) {
    if (error instanceof UnusableHash) return error.message
    throw error
  }
}

function read(hash: string): PasswordCheck | undefined {
  try {
    return readForeignHash(hash)
  } catch (error) {
    if (error instanceof UnusableHash) return undefined
    throw error
  }
}

/** Of a check against this hash, in the unit of `password-formats/work.ts`. */
export const workOf = (hash: string): number => read(hash)?.work ?? OUR_WORK

export interface Verification {
  readonly matches: boolean
  /** Whether the hash should be replaced while the password is at hand: it is not one that we would make of it. */
  readonly isOutdated: boolean
  /** Why the password could not be tried, for the operator; null when it was. */
  readonly refusal: Refusal | 'unusable-hash' | null
}

/**
 * Never costs less than `verifyNothing`: an imported hash that is cheaper than ours would otherwise tell by the time of
 * the answer that its account exists. A dearer one costs what it costs, and `failure-holds.ts` hides that.
 */
export async function verifyPassword(password: string, hash: string): Promise<Verification> {
  const check = read(hash)
  const isOurs = check !== undefined && isAtOurCost(check)
  const refusal = check ? (isOurs ? null : refusalOf(check, password)) : 'unusable-hash'
  if (!check || refusal !== null) {
    await verifyNothing(password)
    return { matches: false, isOutdated: !isOurs, refusal }
  }
  for (const form of formsOf(password)) {
    // Composed, a letter may be eighteen.
    const isTried = isOurs || refusalOf(check, form) === null
    if (isTried && (await check.matches(form)))
      return { matches: true, isOutdated: !isOurs || form !== composed(password), refusal }
    await makeUp(isTried ? (check.workOf?.(form) ?? check.work) : 0)
  }
  return { matches: false, isOutdated: !isOurs, refusal }
}

/**
 * Composed as we compose it, and as it was typed: other systems hash what they are sent. The two differ for few
 * passwords, whose every check costs twice, whoever's account it is for.
 */
const formsOf = (password: string): readonly string[] => [...new Set([composed(password), password])]

/** Systems written in C read to the first NUL byte, and HMAC takes no notice of those at the end. */
const refusalOf = (check: PasswordCheck, password: string): Refusal | null =>
  password.includes('\0') ? 'nul' : (check.refusal?.(password) ?? null)

/** Below that there is nothing to hash with, nor to measure: Argon2 fills at least 8 KiB (RFC 9106 §3.1). */
const LEAST_WORK = 8 * COST.passes

async function makeUp(work: number): Promise<void> {
  const missing = OUR_WORK - work
  if (missing >= LEAST_WORK) await waste({ ...COST, memory: Math.ceil(missing / COST.passes) })
}

function isAtOurCost(check: PasswordCheck): boolean {
  const { variant, cost } = check as Partial<Argon2Hash>
  return (
    variant === 'argon2id' &&
    cost?.memory === COST.memory &&
    cost.passes === COST.passes &&
    cost.parallelism === COST.parallelism
  )
}

/** Whether it is of another format or cost than ours. */
export function isOutdated(hash: string): boolean {
  const check = read(hash)
  return !check || !isAtOurCost(check)
}

/** Costs what a real check costs, for an account that does not exist. Always false. */
export async function verifyNothing(password: string): Promise<false> {
  for (const _form of formsOf(password)) await waste(COST)
  return false
}

const waste = (cost: Argon2Cost): Promise<Buffer> => compute('', Buffer.alloc(SALT_BYTES), cost)
