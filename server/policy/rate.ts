/**
 * How tries add up, and when the next may come. Pure: two instants stand for all that happened under a key, so that
 * every place that counts (`store/counters.ts`, `bus/redis-counter.ts`, `http/rate-limit.ts`) keeps the same and does
 * the same. Which tries are counted together is `policy/guessing.ts`'s.
 */
import type { Instant } from '../kernel/clock.ts'
import type { Rule } from '../kernel/counter.ts'
import { SECOND } from '../kernel/seconds.ts'

/** What is remembered of a key. */
export interface Standing {
  /** When the last try is forgotten, if there is none until then. What lies between is how many are remembered. */
  readonly emptyAt: Instant
  /** Before it none may come. */
  readonly freeAt: Instant
}

/** Undefined for a key of which nothing is remembered. */
export type Step =
  | { readonly may: true; readonly standing: Standing; readonly tries: number }
  | { readonly may: false; readonly freeAt: Instant }

/** Not the instant of a try: another may come that began before it, here or on a node whose clock is late. */
const FREE: Instant = 0

/**
 * Tries made together are counted in any order, and nodes' clocks are apart: one that began so long before others that
 * were counted before it is as many tries as it would be after them. No longer than half of what forgets one.
 */
export const LATE = SECOND

/** What a try makes of it. */
export function step(standing: Standing | undefined, rule: Rule, now: Instant): Step {
  if (standing && now < standing.freeAt) return { may: false, freeAt: standing.freeAt }
  const emptyAt = Math.max(standing?.emptyAt ?? now, now) + rule.forgets
  const tries = Math.ceil((emptyAt - now - Math.min(LATE, rule.forgets / 2)) / rule.forgets)
  const pause = pauseAfter(tries, rule)
  return { may: true, standing: { emptyAt, freeAt: pause === 0 ? FREE : now + pause }, tries }
}

const pauseAfter = (tries: number, { free, pauses }: Rule): number =>
  tries < free ? 0 : (pauses[Math.min(tries - free, pauses.length - 1)] ?? 0)

/** Without one of its tries, which began a pause until `freeAt`, or none. Undefined when nothing is left to remember. */
export function stepBack(
  { emptyAt, freeAt }: Standing,
  { rule, freeAt: begun }: { readonly rule: Rule; readonly freeAt: Instant },
  now: Instant,
): Standing | undefined {
  const left = { emptyAt: emptyAt - rule.forgets, freeAt: freeAt === begun ? FREE : freeAt }
  return left.emptyAt > now ? left : undefined
}

/** From the first pause, each twice the one before, up to the longest. */
export function doubling(first: number, longest: number): readonly number[] {
  const pauses = [first]
  while ((pauses.at(-1) ?? longest) < longest) pauses.push(Math.min(longest, 2 * (pauses.at(-1) ?? longest)))
  return pauses
}
