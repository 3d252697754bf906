/**
 * Where every fault is rendered: as JSON to a program, as a page to a person. What is not one of our own error types is
 * a bug: it is logged whole and told as nothing but `server_error` and an id. What is away for now is logged in a
 * sentence and told as that, so that whoever asked knows to ask again.
 */
import { PageError, ProtocolError, UnavailableError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import { type Answer, type Fault, type Incoming, json, type Route } from './route.ts'

export type ErrorPage = (incoming: Incoming, error: PageError) => Promise<Answer>

/** Never rejects. Without an `incoming` nobody knows what was asked, and JSON is told to everybody. */
type Faults = (
  error: unknown,
  { speaks, tells }: Pick<Route, 'speaks' | 'tells'>,
  incoming: Incoming | null,
  requestId: string,
) => Promise<Told>

interface Told {
  readonly code: string
  readonly answer: Answer
}

export function createFaults(errorPage: ErrorPage, log: Log): Faults {
  return async (error, { speaks, tells }, incoming, requestId) => {
    const fault: Fault = recognise(error) ?? toldAs(error, requestId, log)
    const { code, message, status, headers } = fault
    if (speaks === 'pages' && incoming)
      try {
        const page = await errorPage(incoming, error instanceof PageError ? error : asPageError(fault))
        return { code, answer: { ...page, status, headers: { ...page.headers, ...headers } } }
      } catch (failure) {
        // What broke the request may break its page too.
        log.error({ request: requestId, error: failure }, 'an error page could not be shown')
      }
    return { code, answer: tells?.(fault) ?? json(status, { error: code, error_description: message }, headers) }
  }
}

/** In seconds. A database that is started again is there by then, and one that is not costs little to ask for. */
const RETRY_AFTER = '5'

/** What a client is told of any error, past the point where it may be told; what is ours to know is logged. */
export function toldAs(error: unknown, requestId: string, log: Log): ProtocolError {
  if (error instanceof ProtocolError) return error
  if (error instanceof UnavailableError) {
    log.error({ request: requestId, reason: error.message }, 'not answered: what this server stands on is away')
    return new ProtocolError('temporarily_unavailable', 'The server cannot do its work right now. Ask again soon.', {
      'retry-after': RETRY_AFTER,
    })
  }
  log.error({ request: requestId, error }, 'unexpected failure')
  return new ProtocolError('server_error', `Something went wrong here. The log has it under ${requestId}.`)
}

/** Our own errors, and the framework's about a request it could not read (4xx). Undefined for anything else. */
function recognise(error: unknown): Fault | undefined {
  if (error instanceof ProtocolError || error instanceof PageError) return error
  const { statusCode = 0, code } = (error ?? {}) as { statusCode?: number; code?: string }
  if (statusCode < 400 || statusCode > 499 || !isAboutReading(code)) return undefined
  return {
    code: 'invalid_request',
    message: UNREADABLE[statusCode] ?? 'The request could not be read.',
    status: statusCode,
  }
}

/**
 * A client that leaves in the middle of its body resets the connection. The framework gives that a status, which
 * tells it from a reset of a connection of ours, such as the database's.
 */
const isAboutReading = (code: unknown): boolean =>
  typeof code === 'string' && (code.startsWith('FST_') || code === 'ECONNRESET')

const UNREADABLE: Readonly<Record<number, string>> = {
  413: 'The body is larger than this endpoint reads.',
  415: 'The body must be application/x-www-form-urlencoded or application/json.',
}

function asPageError(fault: Fault): PageError {
  if (fault.status === 503) return new PageError('busy', fault.message)
  return fault.status < 500
    ? new PageError('malformed_request', fault.message)
    : new PageError('unexpected', 'An unexpected failure; the log has it under the id of the request.')
}
