/**
 * One service calling another: an interface of operations and a table of where they are become a client that brings
 * its own token, gives up in time, tries again where that is safe, and leaves a service alone that fails. The parts
 * have files of their own: operation.ts, machine-token.ts, retry.ts, breaker.ts.
 */
import { randomUUID } from 'node:crypto'
import { type Breaker, type BreakerOptions, createBreaker } from './breaker.ts'
import { type Fetch, isAcceptableAddress } from './fetching.ts'
import type { MachineToken } from './machine-token.ts'
import { isIdempotent, type Operation, targetOf } from './operation.ts'
import { createRetryBudget, RETRY, type RetryOptions } from './retry.ts'
import { callService, type Signal, type Timeouts } from './service-call.ts'

export { type Breaker, type BreakerOptions, createBreaker } from './breaker.ts'
export { createMachineToken, type MachineToken, MachineTokenError, type MachineTokenOptions } from './machine-token.ts'
export { del, get, head, type Operation, type OperationOptions, patch, post, put } from './operation.ts'
export type { RetryOptions } from './retry.ts'
export type { Signal } from './service-call.ts'
export { type Problem, ServiceError, type ServiceErrorCode } from './service-error.ts'

export interface TimeoutOptions {
  /** From sending to the beginning of an answer, connecting included, of each try; in milliseconds: 5,000. */
  readonly answer?: number
  /** For everything: the token, all tries, the pauses between them and the body: 15,000. */
  readonly total?: number
}

/** What a call may want otherwise than its client. */
export interface CallOptions {
  /** Ends the call, which then fails with the signal's reason. */
  readonly signal?: Signal
  readonly timeout?: TimeoutOptions
  /** Over the client's. `false`: one try. */
  readonly retry?: RetryOptions | false
  /** In place of the client's. `false`: whatever it says. */
  readonly breaker?: Breaker | false
  /** That it may be sent twice, whatever its operation says. */
  readonly isIdempotent?: boolean
  readonly headers?: Readonly<Record<string, string>>
  /** The headers of the request that this call is made for: its trace (W3C Trace Context) and `x-request-id` go on. */
  readonly on?: Readonly<Record<string, string | readonly string[] | undefined>>
}

/** The operations as the caller sees them: what the interface says, with options behind. */
export type ServiceClient<Operations> = {
  readonly [Name in keyof Operations]: Operations[Name] extends (...given: infer Given) => Promise<infer Answer>
    ? Given extends []
      ? (nothing?: undefined, options?: CallOptions) => Promise<Answer>
      : (...given: [...Given, options?: CallOptions]) => Promise<Answer>
    : never
}

/** One row for each operation. What its path names has to be a member of the argument. */
export type OperationTable<Operations> = {
  readonly [Name in keyof Operations]: Operations[Name] extends (argument: infer Argument) => Promise<infer Answer>
    ? Operation<Extract<keyof NonNullable<Argument>, string>, Answer>
    : never
}

export interface ServiceClientOptions<Operations> {
  /** Paths begin behind it, whether or not it ends with a slash. */
  readonly url: string
  readonly operations: OperationTable<Operations>
  /** Without one, calls are made as nobody. */
  readonly token?: MachineToken
  readonly timeout?: TimeoutOptions
  readonly retry?: RetryOptions | false
  readonly breaker?: Breaker | BreakerOptions | false
  /** In bytes, after decompression: 1 MiB. */
  readonly longestAnswer?: number
  readonly headers?: Readonly<Record<string, string>>
  /** Allows `http:` beyond this machine. */
  readonly allowInsecure?: boolean
  readonly fetch?: Fetch
  /** Milliseconds that never run backwards. */
  readonly clock?: () => number
  /** From 0 to 1, for pauses. */
  readonly random?: () => number
  /** Waits; rejects with the signal's reason when that comes first. */
  readonly pause?: (milliseconds: number, signal: Signal) => Promise<void>
}

const TIMEOUT: Timeouts = { answer: 5000, total: 15_000 }
const LONGEST_ANSWER = 1024 * 1024

/**
 * A client of the operations of a table.
 * @throws TypeError for an address that is not https (or this machine). Its operations throw ServiceError.
 */
export function createServiceClient<Operations extends object>(
  options: ServiceClientOptions<Operations>,
): ServiceClient<Operations> {
  const { url, token, longestAnswer = LONGEST_ANSWER, random = Math.random, fetch = globalThis.fetch } = options
  const { clock = () => performance.now(), pause = pauseFor } = options
  if (!isAcceptableAddress(url, options.allowInsecure ?? false))
    throw new TypeError('a service is reached by https, or by http on this machine')
  const base = url.replace(/\/$/, '')
  const service = { fetch, token, longestAnswer, clock, random, pause, budget: createRetryBudget() }
  const usualBreaker = breakerOf(options.breaker, clock)

  const callOf = (name: string, operation: Operation) => {
    const mayRepeat = isIdempotent(operation)
    return async (argument?: unknown, given: CallOptions = {}) => {
      const { path, body } = targetOf(operation, argument)
      return callService(service, {
        name,
        operation,
        address: `${base}${path}`,
        body,
        headers: { ...options.headers, ...given.headers, ...passedOn(given.on) },
        requestId: requestIdOf(given.on),
        timeouts: { ...TIMEOUT, ...options.timeout, ...given.timeout },
        retry: { ...RETRY, ...retryOf(options.retry), ...retryOf(given.retry) },
        breaker: given.breaker === undefined ? usualBreaker : given.breaker || undefined,
        mayRepeat: given.isIdempotent ?? mayRepeat,
        signal: given.signal,
      })
    }
  }
  const rows = Object.entries<Operation>(options.operations as Readonly<Record<string, Operation>>)
  // What the compiler cannot follow: each row of the table has become the function of its name.
  return Object.fromEntries(rows.map(([name, row]) => [name, callOf(name, row)])) as ServiceClient<Operations>
}

const retryOf = (retry: RetryOptions | false | undefined): RetryOptions =>
  retry === false ? { tries: 1 } : (retry ?? {})

function breakerOf(given: Breaker | BreakerOptions | false | undefined, clock: () => number): Breaker | undefined {
  if (given === false) return undefined
  return given !== undefined && 'pass' in given ? given : createBreaker({ clock, ...given })
}

const PASSED_ON = ['traceparent', 'tracestate', 'baggage'] as const

/** As they came, where they came once and hold nothing that a header could not. */
function passedOn(on: CallOptions['on']): Record<string, string> {
  const passed: Record<string, string> = {}
  for (const name of PASSED_ON) {
    const value = on?.[name]
    if (typeof value === 'string' && /^[\x21-\x7e][\x20-\x7e]{0,1023}$/.test(value)) passed[name] = value
  }
  return passed
}

function requestIdOf(on: CallOptions['on']): string {
  const given = on?.['x-request-id']
  return typeof given === 'string' && /^[\w.:+/=-]{1,128}$/.test(given) ? given : randomUUID()
}

function pauseFor(milliseconds: number, signal: Signal): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = () => {
      clearTimeout(timer)
      reject(signal.reason)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', leave)
      resolve()
    }, milliseconds)
    signal.addEventListener('abort', leave, { once: true })
  })
}
