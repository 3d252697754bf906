/**
 * Where every fault is rendered: as JSON to a program, as a page to a person. What is not one of our own error
 * types is a bug or a broken dependency: it is logged whole and told as nothing but `server_error` and an id.
 */
import { PageError, ProtocolError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import { type Answer, type Incoming, json } from './route.ts'

export type ErrorPage = (incoming: Incoming, error: PageError) => Promise<Answer>

export type Faults = (
  error: unknown,
  speaks: 'json' | 'pages',
  incoming: Incoming | undefined,
  requestId: string,
) => Promise<Answer>

export function createFaults(errorPage: ErrorPage, log: Log): Faults {
  return async (error, speaks, incoming, requestId) => {
    const fault = recognise(error)
    if (!fault) log.error({ request: requestId, error }, 'unexpected failure')

    if (speaks === 'pages' && incoming) {
      const shown = error instanceof PageError ? error : asPageError(fault)
      return errorPage(incoming, shown)
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
  const { statusCode, code } = error as { statusCode?: number; code?: string }
  if (typeof code === 'string' && code.startsWith('FST_') && statusCode && statusCode >= 400 && statusCode < 500)
    return {
      code: 'invalid_request',
      message: UNREADABLE[statusCode] ?? 'The request could not be read.',
      status: statusCode,
    }
  return undefined
}

const UNREADABLE: Readonly<Record<number, string>> = {
  413: 'The body is larger than this endpoint reads.',
  415: 'The body must be application/x-www-form-urlencoded or application/json.',
}

const asPageError = (fault: Fault | undefined): PageError =>
  fault === undefined
    ? new PageError('unexpected', 'An unexpected failure; the log has it under the id of the request.')
    : fault.status === 503
      ? new PageError('busy', fault.message)
      : new PageError('malformed_request', fault.message)
