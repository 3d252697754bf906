/**
 * A circuit breaker: after so many failures nobody is asked for a while, and then one is, whose outcome decides. It
 * counts what it is told; what a failure is, its owner says.
 */

export interface BreakerOptions {
  /** How many failures open it: 5. */
  readonly failures?: number
  /** In this time, in milliseconds: 10,000. */
  readonly within?: number
  /** For how long it stays open before one is let through to try: 5,000. */
  readonly open?: number
  /** Milliseconds that never run backwards. */
  readonly clock?: () => number
}

export interface Breaker {
  /** Undefined while it is open, or half-open with its one trial under way. Whoever gets a pass must hand it back. */
  pass(): Pass | undefined
  readonly state: 'closed' | 'open' | 'half-open'
  /** Until the next trial, in milliseconds; 0 unless it is open. */
  readonly wait: number
}

export interface Pass {
  succeeded(): void
  failed(): void
  /** Nothing was learnt, for instance because the caller left. */
  abandoned(): void
}

/** May be shared by several clients of one service. */
export function createBreaker(options: BreakerOptions = {}): Breaker {
  const { failures: limit = 5, within = 10_000, open = 5000, clock = () => performance.now() } = options
  if (!(Number.isInteger(limit) && limit > 0 && within > 0 && open > 0))
    throw new TypeError('a breaker opens after one failure or more, and both its times are above 0')

  /** When the last failures were, never more than open it. */
  let failures: number[] = []
  let openUntil: number | undefined
  let isTrying = false

  const shut = () => {
    failures = []
    openUntil = undefined
  }

  function trial(): Pass {
    isTrying = true
    return once(outcome => {
      isTrying = false
      if (outcome === 'succeeded') shut()
      if (outcome === 'failed') openUntil = clock() + open
    })
  }

  /** One that was given while it was closed says nothing of how it is since it opened. */
  const ordinary = () =>
    once(outcome => {
      if (openUntil !== undefined || outcome === 'abandoned') return
      if (outcome === 'succeeded') return
      const now = clock()
      failures = [...failures.filter(at => now - at < within), now]
      if (failures.length < limit) return
      failures = []
      openUntil = now + open
    })

  return {
    pass() {
      if (openUntil === undefined) return ordinary()
      return isTrying || clock() < openUntil ? undefined : trial()
    },
    get state() {
      if (openUntil === undefined) return 'closed'
      return isTrying || clock() >= openUntil ? 'half-open' : 'open'
    },
    get wait() {
      return openUntil === undefined ? 0 : Math.max(0, openUntil - clock())
    },
  }
}

function once(settle: (outcome: 'succeeded' | 'failed' | 'abandoned') => void): Pass {
  let isSettled = false
  const as = (outcome: Parameters<typeof settle>[0]) => () => {
    if (isSettled) return
    isSettled = true
    settle(outcome)
  }
  return { succeeded: as('succeeded'), failed: as('failed'), abandoned: as('abandoned') }
}
