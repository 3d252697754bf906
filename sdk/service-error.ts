/** Why a call to a service came to nothing, as a closed set. */

export type ServiceErrorCode =
  /** The service said no, or that it cannot: `status`, and `problem` where it said more. */
  | 'answered'
  /** Nobody answered, or the connection broke before an answer began. */
  | 'unreachable'
  /** Time ran out. */
  | 'timeout'
  /** An answer began that is none: cut off, too long, no JSON, not what was agreed. */
  | 'bad_answer'
  /** It failed too often of late, and was not asked. */
  | 'breaker_open'
  /** There is no token to ask with. */
  | 'no_token'

/** RFC 9457, RFC 6749 §5.2 or whatever else the service writes: nothing of it is checked. */
export type Problem = Readonly<Record<string, unknown>>

/**
 * A call that failed. Its message names the operation, and holds nothing that was sent or answered. A call that the
 * caller cancelled does not end with this, but with the reason of the signal.
 */
export class ServiceError extends Error {
  override readonly name = 'ServiceError'
  readonly code: ServiceErrorCode
  readonly operation: string
  readonly status: number | undefined
  readonly problem: Problem | undefined
  /** What the service asked for, or the time until the breaker tries again. */
  readonly retryAfterSeconds: number | undefined
  readonly tries: number
  readonly requestId: string

  constructor(
    code: ServiceErrorCode,
    message: string,
    details: {
      readonly operation: string
      readonly requestId: string
      readonly tries: number
      readonly status?: number
      readonly problem?: Problem | undefined
      readonly retryAfterSeconds?: number | undefined
      readonly cause?: unknown
    },
  ) {
    super(`${details.operation} ${message}`, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.operation = details.operation
    this.status = details.status
    this.problem = details.problem
    this.retryAfterSeconds = details.retryAfterSeconds
    this.tries = details.tries
    this.requestId = details.requestId
  }
}
