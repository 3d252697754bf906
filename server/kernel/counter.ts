/**
 * How tries are counted for all nodes: the type. `store/` and `bus/` implement it, `policy/rate.ts` is the arithmetic
 * behind each of them, and what is counted under which key is the caller's.
 */
import type { Instant } from './clock.ts'

/** How often something may be tried. Durations in milliseconds. */
export interface Rule {
  /** Tries that nothing stands before; at least one. */
  readonly free: number
  /**
   * What has to pass after the last free try before the next, after that one, and so on; the last for all that follow.
   * None is longer than `forgets`.
   */
  readonly pauses: readonly number[]
  /** For each of these one try is forgotten, so that what is not tried for long may be tried freely again. */
  readonly forgets: number
}

export interface Count {
  /** Whatever is counted: short, and without a secret. */
  readonly key: string
  readonly rule: Rule
}

export interface Counted extends Count {
  /** What is remembered of the key by now, this one included. */
  readonly tries: number
  /** From then on the next may come; long ago where nothing stands before it. */
  readonly freeAt: Instant
}

export type Counting =
  | { readonly state: 'counted'; readonly counts: readonly Counted[] }
  /** Nothing was counted, under any of the keys. `freeAt`: when none of them is in the way any more. */
  | { readonly state: 'refused'; readonly freeAt: Instant }

/** Keys are a tenant's own. No verb keeps what is over: an entry goes by itself once all of it is forgotten. */
export interface Counter {
  /**
   * Counts a try under every key, or under none when one of them has to wait. Of any number of calls at once no more
   * get through than would one after another.
   */
  count(tenant: string, counts: readonly Count[], now: Instant): Promise<Counting>
  /** The tries were none after all: each is forgotten, with the pause that it began. */
  giveBack(tenant: string, counts: readonly Counted[], now: Instant): Promise<void>
  /** Of those under which something has to wait, when it may come. */
  waits(tenant: string, keys: readonly string[], now: Instant): Promise<ReadonlyMap<string, Instant>>
  /** Nothing was ever tried under these keys. */
  forget(tenant: string, keys: readonly string[]): Promise<void>
}
