/**
 * The passwords that are tried first: 49,000 of zxcvbn-ts's list, as a sorted file of fingerprints that is read when
 * the first password is chosen. The list itself would take 20 MiB of memory to say yes or no. What being on it means
 * is `policy/password-rule.js`'s.
 */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'

export const COMMON_PASSWORDS_FILE = new URL('./common-passwords.gen.bin', import.meta.url)

/** Of SHA-256, in bytes: somebody's own password meets one of the list once in twenty million. */
const LENGTH = 5

const fingerprint = (text: string): number => createHash('sha256').update(text).digest().readUIntBE(0, LENGTH)

/** The bytes of the file for a list. `tools/generate.ts` writes them. */
export function packPasswords(list: readonly string[]): Buffer {
  const sorted = [...new Set(list.map(fingerprint))].sort((one, other) => one - other)
  const bytes = Buffer.alloc(sorted.length * LENGTH)
  for (const [index, value] of sorted.entries()) bytes.writeUIntBE(value, index * LENGTH, LENGTH)
  return bytes
}

let read: Promise<Buffer> | undefined

/** Answers whether a text in lower case is on the list. */
export async function loadCommonPasswords(): Promise<(text: string) => boolean> {
  read ??= readFile(COMMON_PASSWORDS_FILE).catch(error => {
    read = undefined
    throw error
  })
  const sorted = await read
  return text => includes(sorted, fingerprint(text))
}

/** By halves. */
function includes(sorted: Buffer, wanted: number): boolean {
  let [low, high] = [0, sorted.length / LENGTH - 1]
  while (low <= high) {
    const middle = (low + high) >>> 1
    const found = sorted.readUIntBE(middle * LENGTH, LENGTH)
    if (found === wanted) return true
    if (found < wanted) low = middle + 1
    else high = middle - 1
  }
  return false
}
