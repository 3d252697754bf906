/**
 * What the log covers, packed: a million entries take some 40 MB in one array that no garbage collector walks, and one
 * is found in a microsecond. A slot holds a digest in place of the name: names are ids of ours, and of a million
 * entries and one name two agree in 96 bits of SHA-256 once in 10^22 tries. Nothing is ever taken out of a slot;
 * what is over is left behind when the array is made anew.
 */
import { hash } from 'node:crypto'

/** Milliseconds since 1970. */
type Instant = number

export interface PackedEntries {
  readonly size: number
  /** Of an entry that is there, the later end and the wider reach count. `false` when there is no room for it. */
  add(name: string, entry: { readonly epoch: number | null; readonly expiresAt: Instant }, now: Instant): boolean
  /** Undefined without an entry; else the epoch below which tokens are covered, `Infinity` when all are. */
  covers(name: string): number | undefined
  /** The same of the name whose digest `writeDigest` put there: for who asks about the same names again and again. */
  coversDigest(digests: Uint32Array, at: number): number | undefined
  /** Lets go of what is over. A million entries take some 50 ms. */
  sweep(now: Instant): void
}

const SECOND = 1000

/** In 32-bit words. */
export const DIGEST_WORDS = 3
/** The digest, the end in seconds (until 2106), the epoch. An end of 0 is a free slot. */
const WORDS = 5
const END = DIGEST_WORDS
const EPOCH = 4
const LATEST_END = 0xffff_ffff
/** In the place of an epoch, none of which is 0 once it was raised. */
const WHATEVER_EPOCH = 0
const FEWEST_SLOTS = 1024
/** Three quarters of them are used: 1.5 million entries, 40 MB. */
export const MOST_SLOTS = 2 ** 21
const fill = (slots: number): number => slots * 0.75

export function createPackedEntries(mostSlots: number = MOST_SLOTS): PackedEntries {
  let slots = Math.min(FEWEST_SLOTS, mostSlots)
  let words = new Uint32Array(slots * WORDS)
  let size = 0

  /** Where the digest stands, or the free slot in which it would. */
  function placeOf(first: number, second: number, third: number): number {
    for (let slot = first & (slots - 1); ; slot = (slot + 1) & (slots - 1)) {
      const at = slot * WORDS
      if (words[at + END] === 0) return at
      if (words[at] === first && words[at + 1] === second && words[at + 2] === third) return at
    }
  }

  const find = (digests: Uint32Array, at: number): number =>
    placeOf(digests[at] as number, digests[at + 1] as number, digests[at + 2] as number)

  function coversDigest(digests: Uint32Array, from: number): number | undefined {
    if (size === 0) return undefined
    const at = find(digests, from)
    if (words[at + END] === 0) return undefined
    const epoch = words[at + EPOCH] as number
    return epoch === WHATEVER_EPOCH ? Number.POSITIVE_INFINITY : epoch
  }

  function rebuild(wanted: number, now: Instant): void {
    const before = words
    const from = now / SECOND
    slots = wanted
    words = new Uint32Array(slots * WORDS)
    size = 0
    for (let old = 0; old < before.length; old += WORDS) {
      if ((before[old + END] as number) <= from) continue
      const at = placeOf(before[old] as number, before[old + 1] as number, before[old + 2] as number)
      for (let word = 0; word < WORDS; word++) words[at + word] = before[old + word] as number
      size++
    }
  }

  return {
    get size() {
      return size
    },

    add(name, { epoch, expiresAt }, now) {
      if (size + 1 > fill(slots)) {
        rebuild(slots, now)
        // Half full at most, so that it is not made anew for every entry.
        if (size > slots / 2 && slots < mostSlots) rebuild(slots * 2, now)
        if (size + 1 > fill(slots)) return false
      }
      writeDigest(name, scratch, 0)
      const at = find(scratch, 0)
      const reach = epoch ?? WHATEVER_EPOCH
      const isNew = words[at + END] === 0
      if (isNew) {
        words.set(scratch, at)
        size++
      }
      words[at + EPOCH] = isNew ? reach : wider(words[at + EPOCH] as number, reach)
      words[at + END] = Math.max(words[at + END] as number, Math.min(Math.ceil(expiresAt / SECOND), LATEST_END))
      return true
    },

    covers(name) {
      writeDigest(name, scratch, 0)
      return coversDigest(scratch, 0)
    },

    coversDigest,

    sweep: now => rebuild(slots, now),
  }
}

const scratch = new Uint32Array(DIGEST_WORDS)

/** What stands for the name in a slot, into three words from `at` on. */
export function writeDigest(name: string, into: Uint32Array, at: number): void {
  const digest = hash('sha256', name, 'buffer')
  for (let word = 0; word < DIGEST_WORDS; word++) into[at + word] = digest.readUInt32LE(word * 4)
}

const wider = (one: number, other: number): number =>
  one === WHATEVER_EPOCH || other === WHATEVER_EPOCH ? WHATEVER_EPOCH : Math.max(one, other)
