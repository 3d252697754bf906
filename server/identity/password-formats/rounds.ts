/**
 * Hashes that no function of Node's own computes off the event loop. They run in a worker thread (`worker.ts`), and
 * nothing else loads this file: what may ask for them, and how, is `off-thread.ts`.
 */
import { hash } from 'node:crypto'
import { compareSync } from 'bcryptjs'

export const rounds = {
  /** Of `$2a$`, `$2b$` and `$2y$`, which differ in what other implementations once got wrong. */
  bcrypt: (password: string, encoded: string): boolean => compareSync(password, encoded),

  /** phpass and Drupal: a digest of the salt and the password, then of that and the password, over and over. */
  chain(digest: 'md5' | 'sha512', salt: string, password: Uint8Array, times: number): Uint8Array {
    let value = hash(digest, Buffer.concat([Buffer.from(salt), password]), 'buffer')
    const block = Buffer.alloc(value.length + password.length)
    block.set(password, value.length)
    for (let round = 0; round < times; round++) {
      block.set(value)
      value = hash(digest, block, 'buffer')
    }
    return value
  },

  shaCrypt,
} as const

/** Ulrich Drepper's SHA-crypt, version 0.6 of its specification; the steps' numbers are the specification's. */
function shaCrypt(digest: 'sha256' | 'sha512', password: Uint8Array, salt: Uint8Array, times: number): Uint8Array {
  const sha = (...parts: readonly Uint8Array[]): Buffer => hash(digest, Buffer.concat(parts), 'buffer')
  const size = digest === 'sha256' ? 32 : 64
  const repeat = (block: Uint8Array, length: number): Buffer =>
    Buffer.concat([...Array(Math.ceil(length / size)).fill(block)], length)

  // 4 to 12.
  const b = sha(password, salt, password)
  const parts: Uint8Array[] = [password, salt, repeat(b, password.length)]
  for (let bits = password.length; bits > 0; bits >>= 1) parts.push(bits & 1 ? b : password)
  let value = sha(...parts)
  // 13 to 20.
  const p = repeat(sha(...Array<Uint8Array>(password.length).fill(password)), password.length)
  const s = repeat(sha(...Array<Uint8Array>(16 + (value[0] as number)).fill(salt)), salt.length)
  // 21. What is hashed has one of few forms: each is laid out once, with the places where the last value goes.
  const layouts = [...Array(42).keys()].map(round => {
    const isOdd = round % 2 === 1
    const middle = [...(round % 3 === 0 ? [] : [s]), ...(round % 7 === 0 ? [] : [p])]
    const blank = Buffer.alloc(size)
    return { block: Buffer.concat(isOdd ? [p, ...middle, blank] : [blank, ...middle, p]), isOdd }
  })
  for (let round = 0; round < times; round++) {
    const { block, isOdd } = layouts[round % 42] as (typeof layouts)[number]
    block.set(value, isOdd ? block.length - size : 0)
    value = hash(digest, block, 'buffer')
  }
  return value
}

export type Rounds = typeof rounds
