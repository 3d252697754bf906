/** How the Management API says no, which is Auth0's way: its libraries read `statusCode`, `message` and `errorCode`. */
import { DocumentFault } from '../config/document-fault.ts'
import { type Answer, type Fault, json } from '../http/route.ts'
import { ProtocolError } from '../kernel/errors.ts'

const TITLES = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  412: 'Precondition Failed',
  413: 'Payload Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Entity',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
} as const

export type FaultStatus = Exclude<keyof typeof TITLES, 500>

/** A fault of the caller that is the resource's to find. `errorCode` is Auth0's. */
export class ManagementFault extends Error {
  override readonly name = 'ManagementFault'
  readonly status: FaultStatus
  readonly errorCode: string
  readonly headers: Readonly<Record<string, string>>

  constructor(status: FaultStatus, errorCode: string, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message)
    this.status = status
    this.errorCode = errorCode
    this.headers = headers
  }
}

/** Where Auth0 has another word for one of ours. */
const ERROR_CODES: Readonly<Record<string, string>> = { too_many_attempts: 'too_many_requests' }

/** As `Route.tells`. */
export function tellFault({ status, code, message, headers = {} }: Fault): Answer {
  const errorCode = ERROR_CODES[code] ?? code
  const error = Object.hasOwn(TITLES, status) ? TITLES[status as keyof typeof TITLES] : 'Error'
  return json(status, { statusCode: status, error, message, errorCode }, headers)
}

/** What is thrown at whoever asked; whatever is nobody's fault goes on to where faults are told. */
export function tell(error: unknown): Answer {
  if (error instanceof ManagementFault) return tellFault({ ...faultOf(error), code: error.errorCode })
  if (error instanceof ProtocolError) return tellFault(faultOf(error))
  if (error instanceof DocumentFault)
    return tellFault({ code: 'invalid_body', status: 400, message: sentenceOf(error) })
  throw error
}

/** What a verb below this surface could not take, as the frame says it of what it looked at itself. */
function sentenceOf({ path, message }: DocumentFault): string {
  const place = path.join('.')
  return `Payload validation error: ${place === '' ? '' : `${place}: `}${message}`
}

const faultOf = (error: ProtocolError | ManagementFault): Fault => ({
  code: error instanceof ManagementFault ? error.errorCode : error.code,
  status: error.status,
  message: error.message,
  headers: error.headers,
})

export const notFound = (errorCode: string, message: string): ManagementFault =>
  new ManagementFault(404, errorCode, message)
