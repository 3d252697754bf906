/**
 * Whether a target is well: from what the checks of its upstream find, and from how requests to it end. Pure counting;
 * `checks.ts` asks, and `upstream.ts` says what follows.
 */
import type { UpstreamPlan } from '../plan.ts'

type Settings = Pick<NonNullable<UpstreamPlan['health']>, 'healthy' | 'unhealthy'>

/** Without checks: so many requests in a row have to fail, and for so many milliseconds the target is left alone. */
const UNCHECKED = { unhealthy: 3, rest: 10_000 }

export class Health {
  readonly #settings: Settings | null
  readonly #moved: (isWell: boolean) => void
  #isWell = true
  /** Said by a check, and not only by requests that failed. */
  #isCheckedIll = false
  #good = 0
  #bad = 0
  #restsUntil = 0

  /** Without settings nobody checks. */
  constructor(settings: Settings | null, moved: (isWell: boolean) => void) {
    this.#settings = settings
    this.#moved = moved
  }

  isWell(now: number): boolean {
    if (this.#isWell || this.#settings || now < this.#restsUntil) return this.#isWell
    // Nobody else will find out whether it is back: the next failure says that it is not.
    this.#bad = UNCHECKED.unhealthy - 1
    this.#move(true)
    return true
  }

  /** A check said so: no request goes there, though it were the only target. */
  get isCheckedIll(): boolean {
    return this.#isCheckedIll
  }

  checked(isGood: boolean): void {
    const { healthy = 1, unhealthy = 1 } = this.#settings ?? {}
    if (isGood) {
      this.#bad = 0
      if (++this.#good < healthy) return
      this.#isCheckedIll = false
      this.#move(true)
    } else {
      this.#good = 0
      if (++this.#bad < unhealthy) return
      this.#isCheckedIll = true
      this.#move(false)
    }
  }

  carried(isGood: boolean, now: number): void {
    if (isGood) {
      // A check that has failed is not made up for by an answer to something else.
      if (this.#isWell) this.#bad = 0
      return
    }
    this.#good = 0
    if (++this.#bad < (this.#settings?.unhealthy ?? UNCHECKED.unhealthy)) return
    this.#restsUntil = now + UNCHECKED.rest
    this.#move(false)
  }

  #move(isWell: boolean): void {
    if (this.#isWell === isWell) return
    this.#isWell = isWell
    this.#moved(isWell)
  }
}
