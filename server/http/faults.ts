/**
 * Where every fault is rendered: as JSON to a program, as a page to a person. What is not one of our own error
 * types is a bug or a broken dependency: it is logged whole and told as nothing but `server_error` and an id.
 */
import { PageError, ProtocolError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import { type Answer, type Incoming, json, type Route } from './route.ts'

export type ErrorPage = (incoming: Incoming, error: PageError) => Promise<Answer>

/** Never rejects. Without an `incoming` there is no tenant whose page could be shown, and JSON is told to everybody. */
type Faults = (error: unknown, speaks: Route['speaks'], incoming: Incoming | null, requestId: string) => Promise<Answer>

export function createFaults(errorPage: ErrorPage, log: Log): Faults {
  return async (error, speaks, incoming, requestId) => {
    const fault = recognise(error)
    if (!fault) log.error({ request: requestId, error }, 'unexpected failure')

    if (speaks === 'pages' && incoming)
      try {
        const page = await errorPage(incoming, error instanceof PageError ? error : asPageError(fault))
        return fault ? { ...page, status: fault.status, headers: { ...page.headers, ...fault.headers } } : page
      } catch (failure) {
        // What broke the request may break its page too: the database, say.
        log.error({ request: requestId, error: failure }, 'an error page could not be shown')
      }
    const told =
      fault ?? new ProtocolError('server_error', `Something went wrong here. The log has it under ${requestId}.`)
    return json(told.status, { error: told.code, error_description: told.message }, told.headers)
  }
}

interface Fault {
  readonly code: string
  readonly message: string
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
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

function asPageError(fault: Fault | undefined): PageError {
  if (fault?.status === 503) return new PageError('busy', fault.message)
  return fault && fault.status < 500
    ? new PageError('malformed_request', fault.message)
    : new PageError('unexpected', 'An unexpected failure; the log has it under the id of the request.')
}
