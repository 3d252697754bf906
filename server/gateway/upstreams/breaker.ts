/**
 * Whether a target is spared for a while because it failed too often: closed, open, and half-open while one request
 * tries it. One per target; what counts as a failure is `forward.ts`'s to say.
 */
import type { UpstreamPlan } from '../plan.ts'

export type BreakerState = 'closed' | 'open' | 'half-open'

type Settings = NonNullable<UpstreamPlan['breaker']>

export class Breaker {
  state: BreakerState = 'closed'
  readonly #settings: Pick<Settings, 'failures' | 'within' | 'open'>
  readonly #moved: (state: BreakerState) => void
  /** When the latest failures were, the oldest at `#at`: as many as it takes to open. */
  readonly #failures: Float64Array
  #at = 0
  #opensAgainAt = 0
  #isTrying = false

  constructor(settings: Pick<Settings, 'failures' | 'within' | 'open'>, moved: (state: BreakerState) => void) {
    this.#settings = settings
    this.#moved = moved
    this.#failures = new Float64Array(settings.failures).fill(Number.NEGATIVE_INFINITY)
  }

  allows(now: number): boolean {
    if (this.state === 'closed') return true
    return !this.#isTrying && now >= this.#opensAgainAt
  }

  /** A request sets out to a target that `allows` it. Answers whether it is the trial, which alone can close the breaker. */
  begin(): boolean {
    if (this.state === 'closed') return false
    this.#isTrying = true
    this.#move('half-open')
    return true
  }

  succeeded(isTrial: boolean): void {
    if (!isTrial) return
    this.#isTrying = false
    this.#failures.fill(Number.NEGATIVE_INFINITY)
    this.#move('closed')
  }

  failed(isTrial: boolean, now: number): void {
    // What set out before it opened says nothing new.
    if (!isTrial && this.state !== 'closed') return
    this.#failures[this.#at] = now
    this.#at = (this.#at + 1) % this.#failures.length
    const oldest = this.#failures[this.#at] ?? now
    if (isTrial || now - oldest <= this.#settings.within) this.#open(now)
  }

  /** The request ended without a verdict: its client left. The next one tries. */
  abandoned(isTrial: boolean): void {
    if (isTrial) this.#isTrying = false
  }

  #open(now: number): void {
    this.#isTrying = false
    this.#opensAgainAt = now + this.#settings.open
    this.#move('open')
  }

  #move(state: BreakerState): void {
    if (this.state === state) return
    this.state = state
    this.#moved(state)
  }
}
