/**
 * What says that PostgreSQL is away, and what does not: a query that is wrong is a bug of ours and keeps its code and
 * its stack, however often it is asked.
 */
import { UnavailableError } from '../kernel/errors.ts'

/** The system's, of a connection that broke or could not be made. */
const BROKEN: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
])

/**
 * PostgreSQL's own (its manual, appendix A): class 08, the connection; class 53, no room, memory or connection left;
 * 57P01 to 57P03, it is stopping or starting; 25006, it has become a standby and takes no writes.
 */
const AWAY = /^(?:08...|53...|57P0[123]|25006)$/

/** The driver's, which gives them no code. */
const DROPPED = /^(?:Connection terminated|Client has encountered a connection error|Client was closed)/
const UNANSWERED = 'Query read timeout'

/** What a query was rejected with, or the outage behind it. */
export const outageBehind = (error: unknown): unknown => (isOutage(error) ? unreachable(error) : error)

function isOutage(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { code, message } = error as NodeJS.ErrnoException
  return BROKEN.has(code) || AWAY.test(code ?? '') || DROPPED.test(message) || isUnanswered(error)
}

/** The server took a query and has said nothing since: the connection is of no more use. */
export const isUnanswered = (error: unknown): boolean => error instanceof Error && error.message === UNANSWERED

/** For a connection that could not be had, whatever the reason: no query of ours was in it yet. */
export function unreachable(cause: unknown): UnavailableError {
  const { message, code } = cause as { message?: string; code?: string }
  // A host of several addresses, none of which answers, has a code and no message.
  return new UnavailableError(`PostgreSQL does not answer: ${message || code}`, { cause })
}
