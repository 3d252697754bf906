/** Which requests may be tried again, and how often all of them together: a service in trouble is not helped by twice the load. */

/** RFC 9110 §9.2.2. */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])

export const isIdempotent = (method: string): boolean => IDEMPOTENT.has(method)

/** Seconds that the budget looks back over. */
const SPAN = 10
/** Where so few requests come that a part of them is less than one, these many are granted all the same. */
const ALWAYS = 3

export class RetryBudget {
  readonly #part: number
  /** Of each of the latest seconds, at its number modulo `SPAN`. */
  readonly #requests = new Uint32Array(SPAN)
  readonly #retries = new Uint32Array(SPAN)
  #second = 0

  constructor(part: number) {
    this.#part = part
  }

  /** `now` in milliseconds, never falling. */
  requested(now: number): void {
    const at = this.#turnTo(now)
    this.#requests[at] = (this.#requests[at] ?? 0) + 1
  }

  /** Counts the retry where it is granted. */
  grants(now: number): boolean {
    const at = this.#turnTo(now)
    const retries = sum(this.#retries)
    if (this.#part === 0 || retries >= Math.max(ALWAYS, this.#part * sum(this.#requests))) return false
    this.#retries[at] = (this.#retries[at] ?? 0) + 1
    return true
  }

  #turnTo(now: number): number {
    const second = Math.floor(now / 1000)
    const steps = Math.min(second - this.#second, SPAN)
    for (let step = 1; step <= steps; step++) {
      const at = (second - steps + step) % SPAN
      this.#requests[at] = 0
      this.#retries[at] = 0
    }
    this.#second = second
    return second % SPAN
  }
}

const sum = (counts: Uint32Array): number => counts.reduce((total, count) => total + count, 0)
