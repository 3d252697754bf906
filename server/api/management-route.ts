/** What every resource of the Management API has in common: its paths, and how it says no, which is Auth0's way. */
import { type Answer, type Incoming, json, type Route } from '../http/route.ts'
import { ProtocolError, type ProtocolErrorCode } from '../kernel/errors.ts'

/** A fault of the caller that is the resource's to find. `errorCode` is Auth0's, which its libraries read. */
export class ManagementFault extends Error {
  override readonly name = 'ManagementFault'
  readonly status: keyof typeof TITLES
  readonly errorCode: string

  constructor(status: keyof typeof TITLES, errorCode: string, message: string) {
    super(message)
    this.status = status
    this.errorCode = errorCode
  }
}

const TITLES = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  429: 'Too Many Requests',
  503: 'Service Unavailable',
} as const

const ERROR_CODES: Partial<Record<ProtocolErrorCode, string>> = {
  invalid_request: 'invalid_request',
  invalid_token: 'invalid_token',
  insufficient_scope: 'insufficient_scope',
  too_many_attempts: 'too_many_requests',
  temporarily_unavailable: 'temporarily_unavailable',
}

/** `path` begins behind `/api/v2`. */
export const managementRoute = (
  method: Route['method'],
  path: `/${string}`,
  answer: (incoming: Incoming) => Promise<Answer>,
): Route => ({
  method,
  path: `/api/v2${path}`,
  takes: 'document',
  speaks: 'json',
  async answer(incoming) {
    try {
      return await answer(incoming)
    } catch (error) {
      return told(error)
    }
  },
})

/** Whatever is nobody's fault goes on to where faults are told. */
function told(error: unknown): Answer {
  if (error instanceof ManagementFault) return body(error.status, error.errorCode, error.message)
  if (!(error instanceof ProtocolError)) throw error
  const { code, status, message, headers } = error
  const errorCode = ERROR_CODES[code]
  if (errorCode === undefined || !isTitled(status)) throw error
  return body(status, errorCode, message, headers)
}

const isTitled = (status: number): status is keyof typeof TITLES => Object.hasOwn(TITLES, status)

const body = (
  status: keyof typeof TITLES,
  errorCode: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Answer => json(status, { statusCode: status, error: TITLES[status], message, errorCode }, headers)
