/**
 * Carries a WebSocket, or what else a connection is upgraded to, between a client and a target: byte for byte and in both
 * directions, until either goes or the caller's token is over. Requests that stay requests are `carriage.ts`.
 */
import type { ClientRequest, IncomingMessage } from 'node:http'
import { connect, isIP, Socket } from 'node:net'
import { type Duplex, pipeline } from 'node:stream'
import { connect as connectSecurely } from 'node:tls'
import { request as connectTo, ServerResponse } from '../kernel/node-http.ts'
import { answerHeaders } from './answer-headers.ts'
import { BEARER_PROTOCOL, protocolsOf } from './credentials/bearer-text.ts'
import type { Deadlines, Timed } from './deadlines.ts'
import type { Passage, Refusal } from './exchange.ts'
import { isIdempotent } from './upstreams/retry.ts'
import type { Target } from './upstreams/target.ts'
import type { Upstream } from './upstreams/upstream.ts'
import type { Watch, Watched } from './watch.ts'
import { closeFrame, Frames, GOING_AWAY, TOKEN_OVER } from './web-socket-frames.ts'

/** For how long one side may go on after the other has ended, in milliseconds. */
const HALF_OPEN = 30_000
/** For how long a client may take to go that was told to. */
const GOODBYE = 2000
/** After how long without a word the system asks whether a peer is still there. */
const KEEP_ALIVE = 60_000
const SOON_SECONDS = 1
/** What an upstream answers that cannot serve at all. */
const UNABLE: ReadonlySet<number> = new Set([502, 503, 504])

export interface TunnelParts {
  readonly deadlines: Deadlines
  readonly watch: Watch
  readonly clock: () => number
  refuseUpgrade(socket: Duplex, passage: Passage, refusal: Refusal): void
}

/**
 * - `placing`: nothing came from the target yet
 * - `open`: bytes go both ways
 * - `ending`: one side has said its last word, and the other has a while to
 * - `over`
 */
type Phase = 'placing' | 'open' | 'ending' | 'over'

export class Tunnel implements Timed {
  place = -1
  readonly #parts: TunnelParts
  readonly #upstream: Upstream
  readonly #passage: Passage
  readonly #request: IncomingMessage
  readonly #client: Duplex
  readonly #head: Buffer
  readonly #done: () => void
  readonly #startedAt: number
  #phase: Phase = 'placing'
  #until: number
  #target: Target | null = null
  readonly #tried: Target[] = []
  #isTrial = false
  #asking: ClientRequest | null = null
  #service: Duplex | null = null
  /** Of a WebSocket. */
  #frames: Frames | null = null
  #watched: Watched | null = null

  constructor(
    parts: TunnelParts,
    upstream: Upstream,
    passage: Passage,
    request: IncomingMessage,
    client: Duplex,
    head: Buffer,
    done: () => void,
  ) {
    this.#parts = parts
    this.#upstream = upstream
    this.#passage = passage
    this.#request = request
    this.#client = client
    this.#head = head
    this.#done = done
    this.#startedAt = parts.clock()
    const { connect: connecting, response } = passage.route.timeout
    this.#until = this.#startedAt + connecting + response
  }

  start(): void {
    const { note } = this.#passage
    const client = this.#client
    note.upstream = this.#upstream.plan.name
    if (client.destroyed) {
      note.isAborted = true
      this.#done()
      return
    }
    client.on('close', () => this.#clientClosed())
    this.#parts.deadlines.add(this)
    this.#upstream.budget.requested(this.#startedAt)
    this.#try(this.#startedAt)
  }

  #try(now: number): void {
    const chosen = this.#upstream.choose(this.#passage.arrival, now, this.#tried)
    // Nobody waits for a place that somebody else may hold for hours.
    if (typeof chosen === 'string') this.#refuse({ code: chosen, retryAfterSeconds: SOON_SECONDS })
    else if (!chosen.enterAtOnce()) this.#refuse({ code: 'no_target', retryAfterSeconds: SOON_SECONDS })
    else this.#ask(chosen)
  }

  #ask(target: Target): void {
    const { note, headers, target: path, arrival } = this.#passage
    this.#target = target
    this.#isTrial = target.breaker?.begin() ?? false
    note.attempts++
    note.target = target.name
    const asking = connectTo({
      method: arrival.method,
      path,
      headers: [...headers, 'connection', 'Upgrade', 'upgrade', String(arrival.headers['upgrade'])],
      setHost: false,
      createConnection: () => connectionTo(target),
    })
    this.#asking = asking
    asking.on('upgrade', (answer, service, head) => this.#open(answer, service, head))
    asking.on('response', answer => this.#answer(answer))
    asking.on('error', () => {
      if (this.#asking === asking) this.#failed('upstream_failed')
    })
    asking.end()
  }

  #open(answer: IncomingMessage, service: Duplex, head: Buffer): void {
    const client = this.#client
    const { note, arrival } = this.#passage
    this.#service = service
    service.on('error', () => {})
    service.on('close', () => this.#serviceClosed(service))
    if (this.#phase !== 'placing') {
      service.destroy()
      return
    }
    this.#praise()
    this.#phase = 'open'
    note.status = 101
    note.upstreamMs = this.#parts.clock() - this.#startedAt
    for (const socket of [client, service]) if (socket instanceof Socket) stayAlive(socket)
    const upgraded = String(answer.headers.upgrade ?? arrival.headers['upgrade'])
    if (upgraded.toLowerCase() === 'websocket') this.#frames = new Frames()
    client.write(switching(answer, upgraded, this.#passage), 'latin1')
    this.#carry(client, service)
    this.#carry(service, client, chunk => {
      note.bytesOut += chunk.length
      this.#frames?.pass(chunk)
    })
    // Both have said more than their heads, perhaps.
    if (this.#head.length > 0) client.unshift(this.#head)
    if (head.length > 0) service.unshift(head)
    this.#watch()
  }

  #carry(from: Duplex, to: Duplex, passing?: (chunk: Buffer) => void): void {
    from.on('data', (chunk: Buffer) => {
      if (this.#phase === 'over' || to.writableEnded) return
      passing?.(chunk)
      if (!to.write(chunk)) from.pause()
    })
    to.on('drain', () => from.resume())
    from.on('end', () => {
      to.end()
      this.#ending()
    })
  }

  #watch(): void {
    const { caller, route } = this.#passage
    if (!caller) return
    this.#watched = { caller, route, isLasting: true, end: refusal => this.#dismiss(TOKEN_OVER, refusal) }
    this.#parts.watch.add(this.#watched)
  }

  /** The gateway is closing. */
  goAway(): void {
    this.#dismiss(GOING_AWAY, { code: 'closing' })
  }

  /**
   * The service is let go at once, and the client told why: between two frames, because in the midst of one the words
   * would be a part of it. Then, or where there are no frames, its connection just ends.
   */
  #dismiss(code: number, refusal: Refusal): void {
    const client = this.#client
    if (this.#phase === 'placing') {
      this.#refuse(refusal)
      return
    }
    if (this.#phase === 'over') return
    this.#passage.note.decision = refusal.code
    const mayBeTold = this.#frames?.isBetween && !this.#frames.isClosed && client.writable
    this.#phase = 'over'
    this.#service?.destroy()
    if (!mayBeTold) {
      client.destroy()
      return
    }
    client.end(closeFrame(code, refusal.code))
    // What it still says is read, or its system would take the answer back with the connection.
    client.resume()
    this.#until = this.#parts.clock() + GOODBYE
  }

  #ending(): void {
    if (this.#phase !== 'open') return
    this.#phase = 'ending'
    this.#until = this.#parts.clock() + HALF_OPEN
  }

  /** What it sent reaches the client whole, unless it did not come whole. */
  #serviceClosed(service: Duplex): void {
    const client = this.#client
    if (this.#phase !== 'open' && this.#phase !== 'ending') return
    if (!service.readableEnded || client.writableFinished) client.destroy()
    else client.on('finish', () => client.destroy())
  }

  #clientClosed(): void {
    this.#phase = 'over'
    this.#asking?.destroy()
    this.#service?.destroy()
    if (this.#watched) this.#parts.watch.delete(this.#watched)
    this.#parts.deadlines.delete(this)
    this.#target?.breaker?.abandoned(this.#isTrial)
    this.#target?.release()
    this.#target = null
    this.#done()
  }

  look(now: number): void {
    if (this.#phase === 'open' || now < this.#until) return
    if (this.#phase === 'placing') this.#failed('upstream_timeout')
    else {
      this.#client.destroy()
      this.#service?.destroy()
    }
  }

  /** A service that does not switch says so like any other answer; there is no other request on this connection. */
  #answer(answer: IncomingMessage): void {
    const client = this.#client
    const { note, arrival } = this.#passage
    const { statusCode: status = 502 } = answer
    if (this.#phase !== 'placing' || !(client instanceof Socket)) {
      answer.destroy()
      return
    }
    if (UNABLE.has(status)) this.#blame()
    else this.#praise()
    this.#phase = 'ending'
    this.#until = this.#startedAt + this.#passage.route.timeout.total
    note.status = status
    note.upstreamMs = this.#parts.clock() - this.#startedAt
    const response = new ServerResponse(this.#request)
    response.assignSocket(client)
    response.shouldKeepAlive = false
    response.writeHead(status, answerHeaders(answer.headers, arrival.id, []))
    answer.on('data', (chunk: Buffer) => {
      note.bytesOut += chunk.length
    })
    pipeline(answer, response, error => {
      if (error) client.destroy()
      else client.end(() => client.destroy())
    })
  }

  #failed(code: 'upstream_failed' | 'upstream_timeout'): void {
    if (this.#phase !== 'placing') return
    const now = this.#parts.clock()
    this.#blame()
    if (code === 'upstream_failed' && this.#mayTryAgain(now)) {
      this.#leaveTarget()
      this.#try(now)
    } else this.#refuse({ code })
  }

  /** As for any request: nothing was answered, and there is no body. */
  #mayTryAgain(now: number): boolean {
    const { note, route, arrival } = this.#passage
    return note.attempts <= route.retries && isIdempotent(arrival.method) && this.#upstream.budget.grants(now)
  }

  #leaveTarget(): void {
    this.#asking = null
    if (!this.#target) return
    this.#tried.push(this.#target)
    this.#target.release()
    this.#target = null
  }

  #refuse(refusal: Refusal): void {
    this.#phase = 'over'
    this.#until = this.#parts.clock() + GOODBYE
    this.#asking?.destroy()
    this.#parts.refuseUpgrade(this.#client, this.#passage, refusal)
  }

  #praise(): void {
    this.#target?.breaker?.succeeded(this.#isTrial)
    this.#target?.health.carried(true, this.#parts.clock())
    this.#isTrial = false
  }

  #blame(): void {
    const now = this.#parts.clock()
    this.#target?.breaker?.failed(this.#isTrial, now)
    this.#target?.health.carried(false, now)
    this.#isTrial = false
  }
}

function connectionTo({ hostname: host, url: { protocol, port } }: Target): Socket {
  // Either side may end before the other does.
  const options = { host, allowHalfOpen: true }
  if (protocol !== 'https:') return connect({ ...options, port: Number(port || 80) })
  const servername = isIP(host) === 0 ? host : ''
  return connectSecurely({ ...options, port: Number(port || 443), servername, ALPNProtocols: ['http/1.1'] })
}

function stayAlive(socket: Socket): void {
  socket.setTimeout(0)
  socket.setNoDelay(true)
  socket.setKeepAlive(true, KEEP_ALIVE)
}

/** The head of the answer that switches. */
function switching(answer: IncomingMessage, upgraded: string, { arrival }: Passage): string {
  const headers = answerHeaders(answer.headers, arrival.id, [])
  headers.push('connection', 'Upgrade', 'upgrade', upgraded)
  // RFC 6455 §4.1: a client that offered protocols and is answered none goes. Where the token came as one, the service
  // was offered none, or has chosen none of the others.
  const offered = protocolsOf(arrival.headers['sec-websocket-protocol'])
  const asBearer = offered.find(protocol => protocol.toLowerCase() === BEARER_PROTOCOL)
  if (asBearer !== undefined && answer.headers['sec-websocket-protocol'] === undefined)
    headers.push('sec-websocket-protocol', asBearer)
  let head = 'HTTP/1.1 101 Switching Protocols\r\n'
  for (let at = 0; at < headers.length; at += 2)
    for (const value of [headers[at + 1] ?? ''].flat()) head += `${String(headers[at])}: ${value}\r\n`
  return `${head}\r\n`
}
