/**
 * One place where a service runs: its sockets, which are bounded, and who waits for one, who are bounded too. Whether it
 * is gone to at all is `upstream.ts`'s.
 */
import { isIP, type Socket } from 'node:net'
import type { Pool } from 'undici'
import type { Breaker } from './breaker.ts'
import type { Health } from './health.ts'

/** Loaded with the first request that is forwarded: it takes 28 MiB that a server which forwards none should not. */
export type Undici = typeof import('undici')

/** Of those that wait, to those that are served. More would wait longer than their clients do. */
const WAITING = 2
/** For how long a socket to a name is used, in milliseconds: the name may be somebody else's by then. */
const NAME_HOLDS = 60_000
/** Below the 5 s after which Node, the shortest of the usual servers, closes what is idle. */
const KEEP_ALIVE = 4000
const HEADER_BYTES = 64 * 1024

/** Whoever wants a socket and has to wait. */
export interface Waiter {
  /** A place is kept for it. */
  admitted(target: Target): void
}

interface Settings {
  readonly url: URL
  readonly weight: number
  readonly connections: number
  /** How long a connection may take at most, whoever waits for it. */
  readonly connectTimeout: number
}

export class Target {
  readonly name: string
  readonly url: URL
  readonly hostname: string
  readonly weight: number
  readonly health: Health
  readonly breaker: Breaker | null
  inFlight = 0
  owed = 0
  /** Whether an answer is being ended by a reset of its connection, which undici takes for the end of one without a length. */
  isReset = false
  readonly #connections: number
  readonly #connectTimeout: number
  readonly #waiting = new Set<Waiter>()
  #pool: Pool | null = null
  #isClosed = false

  constructor(settings: Settings, health: Health, breaker: Breaker | null) {
    this.name = settings.url.host
    this.url = settings.url
    // Without the brackets of IPv6.
    this.hostname = settings.url.hostname.replace(/^\[|\]$/g, '')
    this.weight = settings.weight
    this.#connections = settings.connections
    this.#connectTimeout = settings.connectTimeout
    this.health = health
    this.breaker = breaker
  }

  /** A place, at once or when one is free; false where too many wait already. Each is given back by `release`. */
  enter(waiter: Waiter): 'admitted' | 'waits' | 'full' {
    if (this.enterAtOnce()) return 'admitted'
    if (this.#waiting.size >= WAITING * this.#connections) return 'full'
    this.#waiting.add(waiter)
    return 'waits'
  }

  /** A place, or none: for who would hold it for longer than anybody waits. */
  enterAtOnce(): boolean {
    if (this.isFull) return false
    this.inFlight++
    return true
  }

  get isFull(): boolean {
    return this.inFlight >= this.#connections
  }

  leave(waiter: Waiter): void {
    this.#waiting.delete(waiter)
  }

  release(): void {
    if (this.#waiting.size > 0) this.#admitNext()
    else if (--this.inFlight === 0 && this.#isClosed) this.#end()
  }

  #admitNext(): void {
    for (const waiter of this.#waiting) {
      this.#waiting.delete(waiter)
      // Not at once: this is called in the midst of what undici does with the socket.
      process.nextTick(admit, waiter, this)
      return
    }
  }

  pool(undici: Undici): Pool {
    this.#pool ??= this.#open(undici)
    return this.#pool
  }

  /** Once what is under way is over. */
  close(): void {
    this.#isClosed = true
    if (this.inFlight === 0) this.#end()
  }

  #end(): void {
    void this.#pool?.destroy()
    this.#pool = null
  }

  readonly #noteReset = (error: NodeJS.ErrnoException): void => {
    this.isReset = error.code === 'ECONNRESET'
    process.nextTick(forgetReset, this)
  }

  #open({ Pool, buildConnector }: Undici): Pool {
    const connect = buildConnector({ timeout: this.#connectTimeout, allowH2: false })
    // RFC 6066 §3: an address is no name.
    const isName = isIP(this.hostname) === 0
    const servername = isName ? this.hostname : ''
    return new Pool(this.url.origin, {
      connections: this.#connections,
      // Both are `forward.ts`'s, which knows the route.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: KEEP_ALIVE,
      maxHeaderSize: HEADER_BYTES,
      ...(isName && { clientTtl: NAME_HOLDS }),
      // Before undici listens, so that it is known by the time that undici ends an answer for it.
      connect: (options, callback) =>
        connect({ ...options, servername }, (...outcome) => {
          const [, socket] = outcome
          if (socket) readOn(socket.on('error', this.#noteReset))
          callback(...outcome)
        }),
    })
  }
}

/**
 * A service that has answered may close before it has read what it was sent. That it cannot be sent is then no reason
 * not to read the answer, with which a stream that has failed to write would be done; and what it is that ends the
 * connection is said by the reading side as well.
 */
function readOn(socket: Socket): void {
  const { _write: write, _writev: writeSeveral } = socket
  socket._write = (chunk, encoding, done) => write.call(socket, chunk, encoding, error => done(unlessGone(error)))
  socket._writev = (chunks, done) => writeSeveral?.call(socket, chunks, error => done(unlessGone(error)))
}

const unlessGone = (error: NodeJS.ErrnoException | null | undefined) =>
  error?.code === 'EPIPE' || error?.code === 'ECONNRESET' ? null : error

const forgetReset = (target: Target): void => {
  target.isReset = false
}
const admit = (waiter: Waiter, target: Target): void => waiter.admitted(target)
