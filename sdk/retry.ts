/** When a call may be tried again, after what pause, and how many such calls there may be. */

const SECOND = 1000

export interface RetryOptions {
  /** The first one included: 3. 1 never tries again. */
  readonly tries?: number
  /** The longest first pause in milliseconds, twice as long each time: 100. Each is a random part of it. */
  readonly firstPause?: number
  /** 2,000. A service that asks for more with Retry-After is not tried again. */
  readonly longestPause?: number
}

export type RetryPolicy = Required<RetryOptions>

export const RETRY: RetryPolicy = { tries: 3, firstPause: 100, longestPause: 2 * SECOND }

/**
 * How long to wait before the next try, or undefined for never. Full jitter: those who failed together come back
 * apart. What the service asked for is the least.
 */
export function pauseBefore(
  tries: number,
  policy: RetryPolicy,
  retryAfter: number | undefined,
  random: () => number,
): number | undefined {
  if (tries >= policy.tries || (retryAfter ?? 0) > policy.longestPause) return undefined
  const ceiling = Math.min(policy.longestPause, policy.firstPause * 2 ** (tries - 1))
  return (retryAfter ?? 0) + random() * ceiling
}

/**
 * A service in trouble is not helped by three times the calls: over time, only a fifth of them may be tried again,
 * and ten at once after a quiet time.
 */
export interface RetryBudget {
  /** A call begins. */
  earn(): void
  /** Whether one more try may be made; it is spent with that. */
  spend(): boolean
}

/** In calls: a fifth of them, and ten times that many saved. */
const PRICE = 5
const MOST_SAVED = 10 * PRICE

export function createRetryBudget(): RetryBudget {
  let saved = MOST_SAVED
  return {
    earn() {
      saved = Math.min(MOST_SAVED, saved + 1)
    },
    spend() {
      if (saved < PRICE) return false
      saved -= PRICE
      return true
    },
  }
}

/** Milliseconds of a Retry-After, which is in seconds or a date (RFC 9110 §10.2.3); undefined where it says neither. */
export function readRetryAfter(value: string | null, now: number): number | undefined {
  if (value === null) return undefined
  if (/^\d{1,9}$/.test(value)) return Number(value) * SECOND
  const date = Date.parse(value)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}
