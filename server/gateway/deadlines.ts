/**
 * Everything that may not take for ever, looked at by one timer: a timer of its own for each request would cost more
 * than most requests do. What is late is noticed up to one look late.
 */

/** In milliseconds. Well below anything that an operator sets. */
const LOOKS_EVERY = 100

export interface Timed {
  /** Where it stands in the list, kept by the list alone; -1 while it is in none. */
  place: number
  look(now: number): void
}

/**
 * A list, since a set from which everything soon goes is made anew all the time, and each table that it was refers to the
 * next: one that has grown old keeps all of them alive, with what was in them, until all of memory is looked through.
 */
export class Deadlines {
  /** When it was last looked: near enough for whoever only wants to know whether something moves. */
  now: number
  readonly #clock: () => number
  readonly #timed: Timed[] = []
  #timer: NodeJS.Timeout | null = null

  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock
    this.now = clock()
  }

  get size(): number {
    return this.#timed.length
  }

  add(timed: Timed): void {
    if (timed.place >= 0) return
    timed.place = this.#timed.push(timed) - 1
    if (this.#timer) return
    this.now = this.#clock()
    this.#timer = setInterval(() => this.look(), LOOKS_EVERY)
    this.#timer.unref()
  }

  /** The last takes its place. */
  delete(timed: Timed): void {
    const { place } = timed
    if (place < 0) return
    timed.place = -1
    const last = this.#timed.pop()
    if (!last || last === timed) return
    this.#timed[place] = last
    last.place = place
  }

  look(): void {
    this.now = this.#clock()
    // From the end, so that whoever goes meanwhile leaves their place to one that was looked at.
    for (let at = this.#timed.length - 1; at >= 0; at--) this.#timed[at]?.look(this.now)
    if (this.#timed.length > 0 || !this.#timer) return
    clearInterval(this.#timer)
    this.#timer = null
  }
}
