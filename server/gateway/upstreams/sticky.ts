/**
 * Which target made which session of `sticky-query`, as with Socket.IO's polling: the first request carries no `sid`
 * and may go anywhere, and its answer names one that only the target behind it knows. So it is read there, once, where
 * the answer is small enough to be an opening. Bounded; a session that nobody uses is forgotten.
 */

/** A session lives as long as its client polls: Socket.IO gives up after 45 s without a sign of it. */
const IDLE = 120_000
const MOST = 100_000
/** Of an answer that may name a session. Engine.IO's is some 120 bytes, and its own limit of an id 36. */
const LONGEST_OPENING = 1024
const LONGEST_ID = 128

interface Kept<T> {
  readonly target: T
  usedAt: number
}

export class Sticky<T> {
  readonly parameter: string
  readonly #named: RegExp
  /** The one that was used longest ago comes first. */
  readonly #kept = new Map<string, Kept<T>>()

  constructor(parameter: string) {
    this.parameter = parameter
    const name = RegExp.escape(parameter)
    this.#named = new RegExp(`"${name}"\\s*:\\s*"([\\w.~-]{1,${LONGEST_ID}})"`)
  }

  get size(): number {
    return this.#kept.size
  }

  /** As the query says it, or undefined: this request begins a session, if any. */
  idIn(query: string): string | undefined {
    if (query.length < 2) return undefined
    const id = new URLSearchParams(query).get(this.parameter)
    return id === null || id === '' ? undefined : id
  }

  find(id: string, now: number): T | undefined {
    const kept = this.#kept.get(id)
    if (!kept) return undefined
    this.#kept.delete(id)
    if (now - kept.usedAt > IDLE) return undefined
    kept.usedAt = now
    this.#kept.set(id, kept)
    return kept.target
  }

  /** Learns from the first bytes of an answer to a request without an id. */
  learn(opening: Uint8Array, target: T, now: number): void {
    if (opening.length > LONGEST_OPENING) return
    const id = this.#named.exec(Buffer.from(opening.buffer, opening.byteOffset, opening.length).toString('latin1'))?.[1]
    if (id === undefined) return
    for (const [oldest, { usedAt }] of this.#kept) {
      if (this.#kept.size < MOST && now - usedAt <= IDLE) break
      this.#kept.delete(oldest)
    }
    this.#kept.set(id, { target, usedAt: now })
  }
}
