/**
 * Tokens that were verified, under their SHA-256: who presents one again is known by a look-up. What is kept holds nothing
 * that a route, the time or a revocation can change (`Caller`), and counts for as long as the issuer's keys are those it
 * was verified with. What was found wrong is remembered for a moment and apart, so that junk pushes nothing out.
 */
import { hash } from 'node:crypto'
import type { Instant } from '../kernel/clock.ts'
import { MINUTE, SECOND } from '../kernel/seconds.ts'
import { type Caller, Refused } from './exchange.ts'

export interface TokenCache {
  /** At once where it is known; else `read` is asked, once for all who wait. Throws and rejects with what `read` did. */
  get(token: string, now: Instant, read: () => Promise<Caller>): Caller | Promise<Caller>
  readonly size: number
}

/** Some kilobytes each, with the claims. */
export const MOST_TOKENS = 100_000
const FAILURE_LASTS = SECOND
const MOST_FAILURES = 10_000
/** Between two turns. To verify a token again takes less than 0.1 ms. */
const TURNS_EVERY = 2 * MINUTE

export function createTokenCache(
  noted: (outcome: 'hit' | 'miss') => void = () => {},
  mostTokens: number = MOST_TOKENS,
): TokenCache {
  /**
   * Two generations: what was used since the last turn is in the first, and a turn lets go of the second. It comes when the
   * first is full, and every so often, since most tokens are not seen again after some minutes. What is being
   * read stands in its place: a map of its own, from which everything soon goes, would keep what went alive (see
   * `deadlines.ts`).
   */
  let recent = new Map<string, Caller | Promise<Caller>>()
  let older = new Map<string, Caller | Promise<Caller>>()
  let turnedAt: Instant = Number.NEGATIVE_INFINITY
  let failures = new Map<string, Refused>()
  let failuresSince: Instant = Number.NEGATIVE_INFINITY

  function find(name: string): Caller | Promise<Caller> | undefined {
    const found = recent.get(name)
    if (found) return isSound(found) ? found : undefined
    const before = older.get(name)
    if (!before) return undefined
    older.delete(name)
    if (!isSound(before)) return undefined
    put(name, before)
    return before
  }

  function turn(): void {
    older = recent
    recent = new Map()
  }

  function put(name: string, caller: Caller | Promise<Caller>): void {
    if (recent.size >= mostTokens / 2) turn()
    recent.set(name, caller)
  }

  /** Unless another is read under that name by now. */
  function forget(name: string, begun: Promise<Caller>): void {
    for (const generation of [recent, older]) if (generation.get(name) === begun) generation.delete(name)
  }

  function failureOf(name: string, now: Instant): Refused | undefined {
    // The distance, not the difference: a clock that was set back must not make a failure last.
    if (Math.abs(now - failuresSince) >= FAILURE_LASTS) {
      failures = new Map()
      failuresSince = now
    }
    return failures.get(name)
  }

  return {
    get size() {
      return recent.size + older.size
    },
    get(token, now, read) {
      if (Math.abs(now - turnedAt) >= TURNS_EVERY) {
        turn()
        turnedAt = now
      }
      const name = hash('sha256', token, 'base64')
      const known = find(name)
      noted(known && !(known instanceof Promise) ? 'hit' : 'miss')
      if (known) return known
      const failure = failureOf(name, now)
      if (failure) throw failure
      const begun: Promise<Caller> = read().then(
        caller => {
          put(name, caller)
          return caller
        },
        (error: unknown) => {
          forget(name, begun)
          if (isAboutToken(error) && failures.size < MOST_FAILURES) failures.set(name, error)
          throw error
        },
      )
      put(name, begun)
      return begun
    },
  }
}

const isSound = (found: Caller | Promise<Caller>): boolean =>
  found instanceof Promise || found.issuer.keysVersion() === found.keysVersion

/** That the issuer cannot be asked says nothing about the token. */
const isAboutToken = (error: unknown): error is Refused =>
  error instanceof Refused && error.refusal.code === 'invalid_token'
