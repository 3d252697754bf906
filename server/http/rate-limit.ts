/**
 * Tries counted in this process alone, for what is too cheap or too frequent to ask a database about. It begins anew
 * with the process; what must not is counted by a `Counter`.
 */
import type { Instant } from '../kernel/clock.ts'
import type { Rule } from '../kernel/counter.ts'
import { type Standing, step } from '../policy/rate.ts'

export interface RateLimit {
  /** When the next may come under that key; undefined for now. */
  freeAt(key: string, now: Instant): Instant | undefined
  /** Counts one, unless it has to wait: then answers until when. */
  take(key: string, now: Instant): Instant | undefined
  /** Somebody else counts too, and says so. */
  holdUntil(key: string, freeAt: Instant): void
}

/** Of one rule: a stranger who changes keys pushes out others' counts, and gains nothing under their own. */
const MOST_KEYS = 10_000

export function createRateLimit(rule: Rule, limit = MOST_KEYS): RateLimit {
  /** The least recently counted first. */
  const standings = new Map<string, Standing>()

  function put(key: string, standing: Standing): void {
    standings.delete(key)
    standings.set(key, standing)
    if (standings.size > limit) standings.delete(standings.keys().next().value as string)
  }

  function freeAt(key: string, now: Instant): Instant | undefined {
    const standing = standings.get(key)
    return standing && now < standing.freeAt ? standing.freeAt : undefined
  }

  return {
    freeAt,
    take(key, now) {
      const made = step(standings.get(key), rule, now)
      if (!made.may) return made.freeAt
      put(key, made.standing)
      return undefined
    },
    holdUntil(key, freeAt) {
      const standing = standings.get(key)
      put(key, { emptyAt: Math.max(standing?.emptyAt ?? 0, freeAt), freeAt: Math.max(standing?.freeAt ?? 0, freeAt) })
    },
  }
}
