/**
 * Tries counted in this process alone, for what is too cheap or too frequent to ask a database about. It begins anew
 * with the process; what must not is counted by a `Counter`.
 */
import type { Instant } from '../kernel/clock.ts'
import type { Rule } from '../kernel/counter.ts'
import { PageError } from '../kernel/errors.ts'
import { networkOf } from '../kernel/network-of.ts'
import { SECOND } from '../kernel/seconds.ts'
import { type Standing, step } from '../policy/rate.ts'
import type { Incoming } from './route.ts'

export interface RateLimit {
  /** When the next may come under that key; undefined for now. */
  freeAt(key: string, now: Instant): Instant | undefined
  /** Counts one, unless it has to wait: then answers until when. */
  take(key: string, now: Instant): Instant | undefined
  /** Nothing was ever counted: for whoever asks so often that even a key is worth sparing. */
  isEmpty(): boolean
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
    isEmpty: () => standings.size === 0,
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

/** In milliseconds, of an instant to come; undefined where there is none. */
export const waitOf = (freeAt: Instant | undefined, now: Instant): number | undefined =>
  freeAt === undefined ? undefined : freeAt - now

/** Counts a request of this network, which leaves a row behind. Throws `too_many`: a page also where a client could be told. */
export function refuseFlood(limit: RateLimit, { tenant, address }: Incoming, now: Instant): void {
  const wait = waitOf(limit.take(`${tenant} ${networkOf(address)}`, now), now)
  if (wait !== undefined)
    throw new PageError('too_many', 'More requests of this network wait for a sign-in than one network needs.', {
      'retry-after': String(Math.ceil(wait / SECOND)),
    })
}
