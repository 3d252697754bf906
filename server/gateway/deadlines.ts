/**
 * Everything that may not take for ever, looked at by one timer: a timer of its own for each request would cost more
 * than most requests do. What is late is noticed up to one look late.
 */

/** In milliseconds. Well below anything that an operator sets. */
const LOOKS_EVERY = 100

export interface Timed {
  look(now: number): void
}

export class Deadlines {
  /** When it was last looked: near enough for whoever only wants to know whether something moves. */
  now: number
  readonly #clock: () => number
  readonly #timed = new Set<Timed>()
  #timer: NodeJS.Timeout | null = null

  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock
    this.now = clock()
  }

  get size(): number {
    return this.#timed.size
  }

  add(timed: Timed): void {
    this.#timed.add(timed)
    if (this.#timer) return
    this.now = this.#clock()
    this.#timer = setInterval(() => this.look(), LOOKS_EVERY)
    this.#timer.unref()
  }

  delete(timed: Timed): void {
    this.#timed.delete(timed)
  }

  look(): void {
    this.now = this.#clock()
    for (const timed of this.#timed) timed.look(this.now)
    if (this.#timed.size > 0 || !this.#timer) return
    clearInterval(this.#timer)
    this.#timer = null
  }
}
