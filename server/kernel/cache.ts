/**
 * A bounded map of things read from the store, for as long as they are as they were read: the bus says when they
 * changed, and because a message can be lost, nothing is believed for long. Least recently used entries leave
 * first, so that a flood of strange names cannot push out the rest for long.
 */
import type { Bus, BusMessage } from './bus.ts'
import type { Clock, Instant } from './clock.ts'
import { SECOND } from './seconds.ts'

export interface CacheOptions {
  readonly limit: number
  readonly clock: Clock
  readonly bus: Bus
  /** Of the messages that say an entry changed: one, or several. */
  readonly topic: string | readonly string[]
  /** The entry that a message is about. */
  readonly keyOf: (message: BusMessage) => string
  /** In milliseconds, `LONGEST_AGE` unless told. For entries that are renewed in another way. */
  readonly longestAge?: number
}

export interface Cache<T> {
  /** The value under the key, loaded at most once at a time. A failed load is not remembered. */
  get(key: string, load: () => Promise<T>): Promise<T>
  /** Forgets the key, also for a load that is under way: what it read may be older than the change. */
  drop(key: string): void
}

/**
 * For how long a change may go unnoticed of which no word came: a node that died between its commit and its
 * message, a message dropped on its way. Short enough to wait for when a leaked secret is replaced, long enough
 * that a busy entry costs one read in thousands of uses.
 */
export const LONGEST_AGE = 30 * SECOND

interface Entry<T> {
  readonly value: Promise<T>
  /** When its load began: what changed since is not in it. */
  readonly since: Instant
  /** How many loads there had been when it became the most recently used. */
  place: number
}

/** By what its entries are, of all caches of this process: how often they were there, and how often they had to be read. */
const lookups = new Map<string, { hits: number; misses: number }>()

export const cacheLookups = (): ReadonlyMap<string, { readonly hits: number; readonly misses: number }> => lookups

function countsOf(name: string): { hits: number; misses: number } {
  const counts = lookups.get(name) ?? { hits: 0, misses: 0 }
  lookups.set(name, counts)
  return counts
}

export function createCache<T>({ limit, clock, bus, topic, keyOf, longestAge = LONGEST_AGE }: CacheOptions): Cache<T> {
  const entries = new Map<string, Entry<T>>()
  const counts = countsOf([topic].flat()[0] ?? '')
  const drop = (key: string): void => void entries.delete(key)
  let loaded = 0
  // Moving an entry takes longer than finding it. One that fewer have come after is far from the end.
  const stays = limit >> 2
  function put(key: string, entry: Entry<T>): void {
    entries.delete(key)
    entries.set(key, entry)
    entry.place = loaded
  }
  for (const each of [topic].flat())
    bus.subscribe(each, { heard: message => drop(keyOf(message)), missed: () => entries.clear() })

  return {
    drop,
    get(key, load) {
      const now = clock()
      const known = entries.get(key)
      // The distance, not the difference: a clock that was set back must not make an entry last.
      if (known && Math.abs(now - known.since) < longestAge) {
        if (loaded - known.place > stays) put(key, known)
        counts.hits++
        return known.value
      }
      counts.misses++
      loaded += 1
      const entry = { value: load(), since: now, place: loaded }
      put(key, entry)
      entry.value.catch(() => entries.get(key) === entry && entries.delete(key))
      if (entries.size > limit) entries.delete(entries.keys().next().value as string)
      return entry.value
    },
  }
}
