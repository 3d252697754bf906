/**
 * Carries an admitted request to a target and its answer back, as both come. How long either may take, what is tried
 * again and what counts as a failure is decided here; which target is `upstreams/`, an upgrade is `upgrade.ts`.
 *
 * One object for a request and one for each attempt, their methods the callbacks: whatever is made for each header,
 * chunk or timer instead is what a gateway spends its time on.
 */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { Dispatcher } from 'undici'
import { answerHeaders } from './answer-headers.ts'
import type { Deadlines, Timed } from './deadlines.ts'
import type { Passage, Refusal } from './exchange.ts'
import { hasBody, RequestBody } from './request-body.ts'
import { isIdempotent } from './upstreams/retry.ts'
import type { Sticky } from './upstreams/sticky.ts'
import type { Target, Undici, Waiter } from './upstreams/target.ts'
import type { Upstream } from './upstreams/upstream.ts'
import type { Watch, Watched } from './watch.ts'

/**
 * For how long nothing may move while a body is under way, in milliseconds: an upstream that has hung in the midst of
 * its answer, or a client that does not read it.
 */
const STILL = 60_000
/** From when on a request is watched, in milliseconds: what is over sooner ends no later than it would be ended. */
const LONG = 1000
/** No target had room, or none is well: when asking again is worth it. */
const SOON_SECONDS = 1
const NO_TARGET: Refusal = { code: 'no_target', retryAfterSeconds: SOON_SECONDS }
/** What an upstream answers that cannot serve at all. Any other answer is the service's own word. */
const UNABLE: ReadonlySet<number> = new Set([502, 503, 504])
/** RFC 9110 §6.4.1. */
const BODILESS: ReadonlySet<number> = new Set([204, 304])
/** RFC 8297. What else may come before an answer says only that it takes a while. */
const EARLY_HINTS = 103
const LEFT = new Error('Nobody waits for the answer')

/** In bytes, of an answer that is copied so as to leave with its head. */
const MOST_IN_ONE_PIECE = 16 * 1024

export type Refuse = (response: ServerResponse, passage: Passage, refusal: Refusal) => void

/** What every carriage shares. */
export interface Carrier {
  readonly deadlines: Deadlines
  readonly clock: () => number
  readonly watch: Watch
  readonly refuse: Refuse
  readonly undici: Undici
}

type Failure = 'upstream_failed' | 'upstream_timeout'

/**
 * - `placing`: no socket yet
 * - `sending`: the request's body is under way
 * - `awaiting`: the answer has not begun
 * - `answering`: it has
 * - `over`: nothing more is done to the answer
 */
type Phase = 'placing' | 'sending' | 'awaiting' | 'answering' | 'over'

export class Carriage implements Timed, Waiter {
  place = -1
  readonly passage: Passage
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly #carrier: Carrier
  readonly #upstream: Upstream
  readonly #done: () => void
  readonly #startedAt: number
  readonly #hasBody: boolean
  #phase: Phase = 'placing'
  #until: number
  #total: number
  #movedAt = 0
  /** Silence is what an event stream mostly is. */
  #mayBeStill = false
  #attempt: Attempt | null = null
  #waitingAt: Target | null = null
  #tried: Target[] | null = null
  #body: RequestBody | null = null
  // What an answer begins with is held until the end of the turn that brought it: mostly that is all there is, and then
  // it leaves in one write.
  #head: (string | string[])[] | null = null
  #held: Buffer | null = null
  #status = 0
  /** It has a body of which nobody said how long it is. */
  #isUnsized = false
  #heedsDrain = false
  #watched: Watched | null = null

  constructor(
    carrier: Carrier,
    upstream: Upstream,
    passage: Passage,
    request: IncomingMessage,
    response: ServerResponse,
    done: () => void,
  ) {
    this.#carrier = carrier
    this.#upstream = upstream
    this.passage = passage
    this.request = request
    this.response = response
    this.#done = done
    this.#hasBody = hasBody(request)
    this.#startedAt = carrier.clock()
    this.#total = this.#startedAt + passage.route.timeout.total
    this.#until = this.#total
  }

  start(): void {
    const { passage, request, response } = this
    passage.note.upstream = this.#upstream.plan.name
    if (response.destroyed) {
      passage.note.isAborted = true
      this.#done()
      return
    }
    response.on('close', () => this.#closed())
    this.#carrier.deadlines.add(this)
    if (this.#hasBody && Number(request.headers['content-length'] ?? 0) > passage.route.maxBody) this.#tooLarge()
    else {
      this.#upstream.budget.requested(this.#startedAt)
      this.#try(this.#startedAt)
    }
  }

  // The way there.

  #try(now: number): void {
    if (this.#phase === 'over') return
    const { passage } = this
    const chosen = this.#upstream.choose(passage.arrival, now, this.#tried ?? undefined)
    if (chosen === 'breaker_open') this.#fallBack()
    else if (chosen === 'no_target') this.#refuse(NO_TARGET)
    else {
      this.#until = now + passage.route.timeout.connect
      const entered = chosen.enter(this)
      if (entered === 'admitted') this.#send(chosen, now)
      else if (entered === 'waits') this.#waitingAt = chosen
      else this.#refuse(NO_TARGET)
    }
  }

  /** A place is kept for it at the target where it waited. */
  admitted(target: Target): void {
    this.#waitingAt = null
    // Its breaker may have opened meanwhile.
    const now = this.#carrier.clock()
    if (this.#phase !== 'over' && (target.breaker?.allows(now) ?? true)) this.#send(target, now)
    else {
      target.release()
      this.#try(now)
    }
  }

  #send(target: Target, now: number): void {
    const { passage, request, response } = this
    const { note } = passage
    note.attempts++
    note.target = target.name
    this.#movedAt = now
    // Of an attempt before this one, which took nothing of it.
    this.#body?.destroy()
    if (this.#hasBody) this.#body = new RequestBody(request, response, passage.route.maxBody, () => this.#tooLarge())
    this.#attempt = new Attempt(this, target)
    // Without a name of the target's own, undici takes that of the Host header, which is the gateway's.
    const wanted = {
      path: passage.target,
      method: passage.arrival.method,
      headers: passage.headers,
      body: this.#body,
      servername: target.hostname,
    }
    target.pool(this.#carrier.undici).dispatch(wanted, this.#attempt)
  }

  started(): void {
    this.#phase = 'sending'
    this.moved()
  }

  moved(): void {
    this.#movedAt = this.#carrier.deadlines.now
  }

  sent(): void {
    // It may have been answered before.
    if (this.#phase !== 'sending') return
    this.#phase = 'awaiting'
    this.#until = this.#carrier.clock() + this.passage.route.timeout.response
  }

  // The way back.

  /** RFC 9110 §15.2: passed on, but not to a client that knows none. */
  informed(status: number, { link = [] }: IncomingHttpHeaders): void {
    if (status !== EARLY_HINTS || this.request.httpVersionMinor === 0 || this.response.headersSent) return
    const links = [link].flat().flatMap(value => ['link', value])
    this.response.writeInformation(status, links)
  }

  answered(status: number, headers: IncomingHttpHeaders): void {
    const { passage, response } = this
    const now = this.#carrier.clock()
    this.#attempt?.judge(status, now)
    passage.note.upstreamMs = now - this.#startedAt
    passage.note.status = status
    this.#phase = 'answering'
    this.#movedAt = now
    if (headers['content-type']?.startsWith('text/event-stream')) {
      this.#mayBeStill = true
      if (this.#watched) this.#watched.isLasting = true
      this.#total = Number.POSITIVE_INFINITY
    }
    this.#status = status
    const own = response.getHeaderNames()
    this.#head = answerHeaders(headers, passage.arrival.id, own, passage.route.cors !== null)
    if (headers.vary !== undefined && own.includes('vary')) response.appendHeader('vary', headers.vary)
    this.#isUnsized =
      headers['content-length'] === undefined && !BODILESS.has(status) && passage.arrival.method !== 'HEAD'
    process.nextTick(flush, this)
  }

  /** Answers whether more may come at once. */
  brought(chunk: Buffer): boolean {
    this.#movedAt = this.#carrier.deadlines.now
    this.passage.note.bytesOut += chunk.length
    if (this.#head && !this.#held) {
      this.#held = chunk
      if (this.#upstream.sticky) this.#learn(this.#upstream.sticky, chunk)
      return true
    }
    this.flush()
    return this.response.write(chunk) || this.#heedDrain()
  }

  flush(): void {
    const head = this.#head
    if (!head) return
    this.#head = null
    const held = this.#held
    this.#held = null
    this.response.writeHead(this.#status, head)
    if (!held) this.response.flushHeaders()
    else if (!this.response.write(held)) {
      this.#attempt?.pause()
      this.#heedDrain()
    }
  }

  ended(): void {
    this.#attempt = null
    const head = this.#head
    const held = this.#held
    this.#head = null
    this.#held = null
    if (!head) this.response.end()
    else {
      // All of it is here.
      if (this.#isUnsized) head.push('content-length', `${held?.length ?? 0}`)
      this.response.writeHead(this.#status, head)
      // As text of the same bytes it leaves with the head in one piece, which the system takes for half of what two cost.
      if (held && held.length <= MOST_IN_ONE_PIECE) this.response.end(held.toString('latin1'), 'latin1')
      else this.response.end(held)
    }
    this.#body?.letBy()
  }

  /** An answer to a request without an id may begin a session: whoever made it has to get its next request. */
  #learn(sticky: Sticky<Target>, opening: Buffer): void {
    const target = this.#attempt?.target
    if (target && sticky.idIn(this.passage.arrival.query) === undefined)
      sticky.learn(opening, target, this.#carrier.clock())
  }

  #heedDrain(): false {
    if (this.#heedsDrain) return false
    this.#heedsDrain = true
    this.response.on('drain', () => {
      this.moved()
      this.#attempt?.resume()
    })
    return false
  }

  // What goes wrong.

  look(now: number): void {
    if (!this.#watched && now - this.#startedAt >= LONG) this.#watch()
    const isLate = now >= this.#total || now >= this.#until
    if (this.#phase === 'placing' && isLate) {
      if (this.#waitingAt) this.#refuse(NO_TARGET)
      else this.failed('upstream_timeout', now)
    } else if (this.#phase === 'awaiting' && isLate) this.failed('upstream_timeout', now)
    else if (this.#phase === 'sending') {
      if (!this.#body?.isWanted && now - this.#movedAt >= STILL) this.failed('upstream_timeout', now)
      else if (now >= this.#total) this.#giveUp('upstream_timeout')
    } else if (this.#phase === 'answering') {
      // With no attempt, or one that has to wait, it is the client's turn.
      const isClients = !this.#attempt || this.#attempt.isPaused
      const isStill = now - this.#movedAt >= STILL && (isClients || !this.#mayBeStill)
      if (isClients && isStill) this.response.destroy()
      else if (isStill || now >= this.#total) this.failed('upstream_timeout', now)
    }
  }

  /** Of the attempt that is under way. */
  failed(code: Failure, now: number = this.#carrier.clock()): void {
    const attempt = this.#attempt
    const target = attempt?.target
    attempt?.blame(now)
    this.#drop()
    if (!target || !this.#mayTryAgain(now)) {
      this.#giveUp(code)
      return
    }
    this.#phase = 'placing'
    this.#until = this.#total
    this.#tried = [...(this.#tried ?? []), target]
    // Not at once: this is called in the midst of what undici does with the socket.
    process.nextTick(tryAgain, this)
  }

  tryAgain(): void {
    this.#try(this.#carrier.clock())
  }

  /** What we were asked to send is nothing that can be sent. */
  unsendable(): void {
    this.#drop()
    this.#refuse({ code: 'malformed_request' })
  }

  #mayTryAgain(now: number): boolean {
    const { passage, response } = this
    return (
      this.#phase !== 'answering' &&
      !response.headersSent &&
      now < this.#total &&
      passage.note.attempts <= passage.route.retries &&
      isIdempotent(passage.arrival.method) &&
      !this.#body?.isBegun &&
      this.#upstream.budget.grants(now)
    )
  }

  #tooLarge(): void {
    this.#drop()
    this.response.shouldKeepAlive = false
    this.#refuse({ code: 'body_too_large' })
  }

  #giveUp(code: Failure): void {
    this.#drop()
    this.#refuse({ code })
  }

  #fallBack(): void {
    const { passage, response } = this
    const fallback = this.#upstream.plan.breaker?.fallback
    if (!fallback) {
      this.#refuse({ code: 'breaker_open', retryAfterSeconds: SOON_SECONDS })
      return
    }
    this.#phase = 'over'
    passage.note.decision = 'breaker_open'
    passage.note.status = fallback.status
    response.writeHead(fallback.status, {
      'x-request-id': passage.arrival.id,
      'content-type': fallback.contentType,
      'content-length': Buffer.byteLength(fallback.body),
    })
    response.end(fallback.body)
    this.#letBodyBy()
  }

  /** An answer that has begun is broken off, so that nobody takes it for whole. */
  #refuse(refusal: Refusal): void {
    const { passage, response } = this
    this.#phase = 'over'
    this.#head = null
    this.#held = null
    if (response.headersSent) {
      passage.note.decision = refusal.code
      response.destroy()
      return
    }
    passage.note.bytesOut = 0
    if (!response.shouldKeepAlive) this.#body?.destroy()
    this.#carrier.refuse(response, passage, refusal)
    this.#letBodyBy()
  }

  #watch(): void {
    const { caller, route } = this.passage
    if (!caller || this.#phase === 'over') return
    const isLasting = this.#mayBeStill
    this.#watched = { caller, route, isLasting, end: refusal => this.#end(refusal) }
    this.#carrier.watch.add(this.#watched)
  }

  /** The caller may not have it any more. */
  #end(refusal: Refusal): void {
    if (this.#phase === 'over') return
    this.#drop()
    this.#refuse(refusal)
  }

  #letBodyBy(): void {
    if (this.response.shouldKeepAlive) this.#body?.letBy()
  }

  /** Nobody listens to the attempt any more, and its socket is free. */
  #drop(): void {
    const attempt = this.#attempt
    this.#attempt = null
    this.#waitingAt?.leave(this)
    this.#waitingAt = null
    attempt?.abandon()
  }

  #closed(): void {
    this.#phase = 'over'
    this.#drop()
    this.#body?.destroy()
    this.#carrier.deadlines.delete(this)
    if (this.#watched) this.#carrier.watch.delete(this.#watched)
    this.passage.note.isAborted = !this.response.writableFinished
    this.#done()
  }
}

const flush = (carriage: Carriage): void => carriage.flush()
const tryAgain = (carriage: Carriage): void => carriage.tryAgain()

/**
 * One attempt, as undici calls it back. It holds its place at the target until undici is through with it, whether or not
 * anybody still waits for what it brings.
 */
class Attempt implements Dispatcher.DispatchHandler {
  readonly target: Target
  isPaused = false
  #carriage: Carriage | null
  #controller: Dispatcher.DispatchController | null = null
  /** Whether this one decides over the target's breaker. Once it has, or will not, it is not. */
  #isTrial: boolean

  constructor(carriage: Carriage, target: Target) {
    this.#carriage = carriage
    this.target = target
    this.#isTrial = target.breaker?.begin() ?? false
  }

  blame(now: number): void {
    this.target.breaker?.failed(this.#isTrial, now)
    this.target.health.carried(false, now)
    this.#isTrial = false
  }

  /** By how the answer begins: one that goes on for hours is no reason to wait that long for a verdict. */
  judge(status: number, now: number): void {
    if (UNABLE.has(status)) this.blame(now)
    else {
      this.target.breaker?.succeeded(this.#isTrial)
      this.target.health.carried(true, now)
      this.#isTrial = false
    }
  }

  abandon(): void {
    this.#carriage = null
    this.target.breaker?.abandoned(this.#isTrial)
    this.#isTrial = false
    this.#controller?.abort(LEFT)
  }

  pause(): void {
    this.isPaused = true
    this.#controller?.pause()
  }

  resume(): void {
    this.isPaused = false
    this.#controller?.resume()
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#carriage) this.#carriage.started()
    else controller.abort(LEFT)
  }

  onBodySent(): void {
    this.#carriage?.moved()
  }

  onRequestSent(): void {
    this.#carriage?.sent()
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    const carriage = this.#carriage
    if (!carriage) return
    if (status < 200) carriage.informed(status, headers)
    else carriage.answered(status, headers)
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const carriage = this.#carriage
    if (carriage && !carriage.brought(chunk)) this.pause()
  }

  onResponseEnd(): void {
    this.#controller = null
    const carriage = this.#carriage
    this.#carriage = null
    if (this.target.isReset) carriage?.failed('upstream_failed')
    else carriage?.ended()
    this.target.release()
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error & { code?: string }): void {
    this.#controller = null
    const carriage = this.#carriage
    this.#carriage = null
    if (error.code === 'UND_ERR_INVALID_ARG' || error.code === 'UND_ERR_NOT_SUPPORTED') carriage?.unsendable()
    else carriage?.failed(error.code === 'UND_ERR_CONNECT_TIMEOUT' ? 'upstream_timeout' : 'upstream_failed')
    this.target.release()
  }
}
