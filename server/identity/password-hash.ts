/**
 * Password hashes: Argon2id from Node's own crypto, written as PHC strings
 * (`$argon2id$v=19$m=19456,t=2,p=1$salt$hash`), so that any library can verify them. When a hash may be
 * computed is `hash-queue.ts`'s to say.
 */
import { argon2, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { randomKey } from '../kernel/secrets.ts'

/** OWASP's second configuration: 19 MiB, two passes, about 40 ms. */
const COST = { memory: 19_456, passes: 2, parallelism: 1 } as const
const SALT_BYTES = 16
const TAG_BYTES = 32

interface Cost {
  readonly memory: number
  readonly passes: number
  readonly parallelism: number
}

const derive = promisify(argon2)
const unpadded = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64').replace(/=+$/, '')

const compute = (password: string, salt: Uint8Array, cost: Cost, tagLength: number): Promise<Buffer> =>
  derive('argon2id', {
    message: Buffer.from(password.normalize('NFKC')),
    nonce: salt,
    tagLength,
    ...cost,
  }) as Promise<Buffer>

/** Passwords are compared in NFKC (RFC 8265 §4.2.2), so that a keyboard's way of composing a letter does not matter. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomKey().subarray(0, SALT_BYTES)
  const tag = await compute(password, salt, COST, TAG_BYTES)
  return `$argon2id$v=19$m=${COST.memory},t=${COST.passes},p=${COST.parallelism}$${unpadded(salt)}$${unpadded(tag)}`
}

const PHC = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{16,86})$/

/** Bounds on what an imported hash may cost us: 256 MiB and 16 passes. */
const MOST: Cost = { memory: 262_144, passes: 16, parallelism: 16 }

interface Parsed {
  readonly cost: Cost
  readonly salt: Buffer
  readonly tag: Buffer
}

function parse(phc: string): Parsed | undefined {
  const match = PHC.exec(phc)
  if (!match) return undefined
  const [, memory, passes, parallelism, salt = '', tag = ''] = match
  const cost = { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) }
  const sound =
    cost.memory >= 8 * cost.parallelism &&
    cost.passes >= 1 &&
    cost.parallelism >= 1 &&
    cost.memory <= MOST.memory &&
    cost.passes <= MOST.passes &&
    cost.parallelism <= MOST.parallelism
  return sound ? { cost, salt: Buffer.from(salt, 'base64'), tag: Buffer.from(tag, 'base64') } : undefined
}

/** Whether a stored or imported hash is of a form that can be verified here. */
export const isVerifiable = (phc: string): boolean => parse(phc) !== undefined

/**
 * False also for what is no hash. Never costs less than `verifyNothing`: an imported hash that is cheaper than ours
 * would otherwise tell by the time of the answer that its account exists. A dearer one costs what it costs, which no
 * other answer can be made to cost without everybody paying for it; its owner's first sign-in replaces it.
 */
export async function verifyPassword(password: string, phc: string): Promise<boolean> {
  const parsed = parse(phc)
  if (!parsed) return verifyNothing(password)
  const tag = await compute(password, parsed.salt, parsed.cost, parsed.tag.length)
  const missing = work(COST) - work(parsed.cost)
  // Below that there is nothing to hash with, nor to measure.
  if (missing >= LEAST_WORK) await waste(password, { ...COST, memory: Math.floor(missing / COST.passes) })
  return timingSafeEqual(tag, parsed.tag)
}

/** In kibibytes filled: the time it takes, near enough. */
const work = ({ memory, passes }: Cost): number => memory * passes

/** Argon2 fills at least 8 KiB in each lane (RFC 9106 §3.1). */
const LEAST_WORK = 8 * COST.parallelism * COST.passes

/** Whether it was made at another cost than ours, and should be replaced while the password is at hand. */
export function isOutdated(phc: string): boolean {
  const cost = parse(phc)?.cost
  return !cost || cost.memory !== COST.memory || cost.passes !== COST.passes || cost.parallelism !== COST.parallelism
}

/** Costs what a real check costs, for an account that does not exist. Always false. */
export async function verifyNothing(password: string): Promise<false> {
  await waste(password, COST)
  return false
}

const waste = (password: string, cost: Cost): Promise<Buffer> =>
  compute(password, Buffer.alloc(SALT_BYTES), cost, TAG_BYTES)
