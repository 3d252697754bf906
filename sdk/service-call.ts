/** One call, from its first try to what comes of it. What its client settled is given; nothing is kept between calls. */
import type { Breaker, Pass } from './breaker.ts'
import { type Fetch, readBounded } from './fetching.ts'
import type { MachineToken } from './machine-token.ts'
import type { Operation } from './operation.ts'
import { pauseBefore, type RetryBudget, type RetryPolicy, readRetryAfter } from './retry.ts'
import { type Problem, ServiceError, type ServiceErrorCode } from './service-error.ts'

export interface Timeouts {
  readonly answer: number
  readonly total: number
}

/** An AbortSignal, where whoever reads these declarations has a type for it; where nobody has, what is asked of one. */
export type Signal = typeof globalThis extends { AbortSignal: { prototype: infer Global } } ? Global : MinimalSignal

interface MinimalSignal {
  readonly aborted: boolean
  readonly reason: unknown
  addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean }): void
  removeEventListener(type: 'abort', listener: () => void): void
}

/** What all calls of a client share. */
export interface Service {
  readonly fetch: Fetch
  readonly token: MachineToken | undefined
  readonly longestAnswer: number
  readonly clock: () => number
  readonly random: () => number
  readonly pause: (milliseconds: number, signal: Signal) => Promise<void>
  readonly budget: RetryBudget
}

export interface Call {
  readonly name: string
  readonly operation: Operation
  readonly address: string
  readonly body: string | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly requestId: string
  readonly timeouts: Timeouts
  readonly retry: RetryPolicy
  readonly breaker: Breaker | undefined
  /** Whether it may arrive twice. */
  readonly mayRepeat: boolean
  readonly signal: Signal | undefined
}

/** What came of a try that did not succeed. */
interface Failure {
  readonly code: ServiceErrorCode
  readonly message: string
  readonly status?: number
  readonly problem?: Problem | undefined
  readonly cause?: unknown
  /** In milliseconds. */
  readonly retryAfter?: number | undefined
  /** Whether another try could end better. */
  readonly isPassing?: boolean
  /** Whether nothing of it can have arrived. */
  readonly wasNeverSent?: boolean
  /** RFC 6750 §3.1 `invalid_token`. */
  readonly isTokenRefused?: boolean
}

type Outcome = { readonly value: unknown } | Failure

const SECOND = 1000
/** It is busy or away. 429 passes too, if it says when. */
const PASSING: ReadonlySet<number> = new Set([502, 503, 504])
const NO_CONNECTION: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
])

/** @throws ServiceError, or the reason of the caller's signal. */
export async function callService(service: Service, call: Call): Promise<unknown> {
  const { clock, budget, random, pause } = service
  const { signal, timeouts, breaker } = call
  const whole = limitTime(timeouts.total, signal)
  const endsAt = clock() + timeouts.total
  let tries = 0
  let last: Failure | undefined
  let refused: { readonly token: string; readonly failure: Failure } | undefined
  const failed = ({ code, message, status, problem, cause, retryAfter }: Failure) =>
    new ServiceError(code, message, {
      operation: call.name,
      requestId: call.requestId,
      tries,
      ...(status !== undefined && { status }),
      problem,
      cause,
      retryAfterSeconds: retryAfter === undefined ? undefined : Math.ceil(retryAfter / SECOND),
    })

  try {
    budget.earn()
    for (;;) {
      const token = service.token && (await tokenFrom(service.token, whole.signal, failed))
      if (refused && token === refused.token) throw failed(refused.failure)
      const pass = breaker?.pass()
      if (breaker && !pass)
        throw failed(last ?? { code: 'breaker_open', message: 'fails too often', retryAfter: breaker.wait })
      tries += 1
      const outcome = await attempt(service, call, token, whole.signal, pass).finally(() => pass?.abandoned())
      if ('value' in outcome) return outcome.value
      last = outcome
      // The token ended before its time. Whatever the method: nobody acts on a call whose token they refuse.
      if (outcome.isTokenRefused && token !== undefined && !refused) {
        refused = { token, failure: outcome }
        service.token?.forget(token)
        continue
      }
      if (!outcome.isPassing || !(call.mayRepeat || outcome.wasNeverSent)) throw failed(outcome)
      const wait = pauseBefore(tries, call.retry, outcome.retryAfter, random)
      if (wait === undefined || clock() + wait >= endsAt || !budget.spend()) throw failed(outcome)
      await pause(wait, whole.signal)
    }
  } catch (error) {
    if (signal?.aborted) throw signal.reason
    if (error instanceof ServiceError || !whole.signal.aborted) throw error
    throw failed({ code: 'timeout', message: `took longer than ${timeouts.total} ms` })
  } finally {
    whole.release()
  }
}

/** @throws what `failed` makes of it, or the signal's reason. */
async function tokenFrom(
  token: MachineToken,
  whole: AbortSignal,
  failed: (failure: Failure) => Error,
): Promise<string> {
  whole.throwIfAborted()
  const left = Promise.withResolvers<never>()
  const leave = () => left.reject(whole.reason)
  whole.addEventListener('abort', leave, { once: true })
  try {
    return await Promise.race([token.get(), left.promise])
  } catch (cause) {
    if (whole.aborted) throw cause
    throw failed({ code: 'no_token', message: 'cannot be called without a token', cause })
  } finally {
    whole.removeEventListener('abort', leave)
  }
}

/** Throws only where the whole call is over. */
async function attempt(
  service: Service,
  call: Call,
  token: string | undefined,
  whole: AbortSignal,
  pass: Pass | undefined,
): Promise<Outcome> {
  const limit = limitTime(call.timeouts.answer, whole)
  try {
    const response = await service.fetch(call.address, {
      method: call.operation.method,
      redirect: 'manual',
      headers: headersOf(call, token),
      ...(call.body !== undefined && { body: call.body }),
      signal: limit.signal,
    })
    limit.stopTimer()
    return await readOutcome(service, call, response, token, pass)
  } catch (cause) {
    // Whoever lets a call run to its end has failed it; if its caller left, nothing is known.
    if (!call.signal?.aborted) pass?.failed()
    if (whole.aborted) throw cause
    if (limit.signal.aborted)
      return { code: 'timeout', message: `began no answer in ${call.timeouts.answer} ms`, isPassing: true }
    const wasNeverSent = NO_CONNECTION.has(((cause as Error).cause as NodeJS.ErrnoException | undefined)?.code)
    return { code: 'unreachable', message: 'was not answered', cause, isPassing: true, wasNeverSent }
  } finally {
    limit.release()
  }
}

function headersOf(call: Call, token: string | undefined): Headers {
  const headers = new Headers({ accept: 'application/json, application/problem+json' })
  for (const [name, value] of Object.entries(call.headers)) headers.set(name, value)
  headers.set('x-request-id', call.requestId)
  if (call.body !== undefined) headers.set('content-type', 'application/json')
  if (token !== undefined) headers.set('authorization', `Bearer ${token}`)
  return headers
}

/** Reads what was answered to its end. Throws where it is cut off by the end of the call. */
async function readOutcome(
  service: Service,
  call: Call,
  response: Response,
  token: string | undefined,
  pass: Pass | undefined,
): Promise<Outcome> {
  const { status, headers } = response
  const body = await readBounded(response, service.longestAnswer).catch((cause: Error) => cause)
  if (body instanceof Error) {
    // Cut off by whoever called, or by the end of their time.
    if (body.name === 'AbortError' || call.signal?.aborted) throw body
    pass?.failed()
    return { code: 'bad_answer', message: 'answered, but not to the end', status, cause: body }
  }
  const text = new TextDecoder().decode(body)
  if (!response.ok) {
    if (status >= 500) pass?.failed()
    else pass?.succeeded()
    const retryAfter = readRetryAfter(headers.get('retry-after'), Date.now())
    return {
      code: 'answered',
      message: `answered ${status}`,
      status,
      problem: problemIn(text, token),
      retryAfter,
      isPassing: PASSING.has(status) || (status === 429 && retryAfter !== undefined),
      isTokenRefused: status === 401 && /\berror="?invalid_token\b/i.test(headers.get('www-authenticate') ?? ''),
    }
  }
  const value = text === '' ? { json: undefined } : parse(headers.get('content-type'), text)
  if (!value) {
    pass?.failed()
    return { code: 'bad_answer', message: 'answered no JSON', status }
  }
  pass?.succeeded()
  const { read } = call.operation
  try {
    return { value: read ? read(value.json) : value.json }
  } catch (cause) {
    return { code: 'bad_answer', message: 'answered something else than was agreed', status, cause }
  }
}

function parse(type: string | null, text: string): { readonly json: unknown } | undefined {
  if (!/^application\/(?:[\w.-]+\+)?json *(?:;|$)/i.test(type ?? '')) return undefined
  try {
    return { json: JSON.parse(text) }
  } catch {
    return undefined
  }
}

/** A service that repeats what it was sent would have the token in whatever logs the error. */
function problemIn(text: string, token: string | undefined): Problem | undefined {
  if (token !== undefined && text.includes(token)) return undefined
  try {
    const problem: unknown = JSON.parse(text)
    return typeof problem === 'object' && problem !== null ? (problem as Problem) : undefined
  } catch {
    return undefined
  }
}

interface TimeLimit {
  readonly signal: AbortSignal
  stopTimer(): void
  release(): void
}

/** Aborts after a time, or with an outer signal; to be released, since that may live for long. */
function limitTime(milliseconds: number, outer: Signal | undefined): TimeLimit {
  const controller = new AbortController()
  const leave = () => controller.abort(outer?.reason)
  const timer = setTimeout(() => controller.abort(), milliseconds)
  if (outer?.aborted) leave()
  outer?.addEventListener('abort', leave, { once: true })
  return {
    signal: controller.signal,
    stopTimer: () => clearTimeout(timer),
    release() {
      clearTimeout(timer)
      outer?.removeEventListener('abort', leave)
    },
  }
}
