/**
 * What can go wrong, as a closed set of codes. Domain code throws these; `http/faults.ts` alone renders them.
 * Anything else that is thrown is a bug of ours: the client reads `server_error`, the log reads the cause.
 */

/**
 * The `error` values of RFC 6749 §4.1.2.1 and §5.2, OpenID Connect Core §3.1.2.6, its extension
 * unmet_authentication_requirements 1.0, RFC 6750 §3.1, RFC 7009 §2.2.1, RFC 7591 §3.2.2 and RFC 8707 §2, and Auth0's for a brake, with the status each is
 * answered with. RFC 6749 §5.2: 400 unless the code has a status of its own.
 */
export const PROTOCOL_ERROR_STATUS = {
  invalid_request: 400,
  invalid_client: 401,
  invalid_grant: 400,
  unauthorized_client: 400,
  unsupported_grant_type: 400,
  unsupported_response_type: 400,
  unsupported_token_type: 400,
  invalid_scope: 400,
  invalid_target: 400,
  access_denied: 400,
  login_required: 400,
  consent_required: 400,
  interaction_required: 400,
  account_selection_required: 400,
  unmet_authentication_requirements: 400,
  invalid_request_uri: 400,
  invalid_request_object: 400,
  request_not_supported: 400,
  request_uri_not_supported: 400,
  registration_not_supported: 400,
  invalid_redirect_uri: 400,
  invalid_client_metadata: 400,
  invalid_token: 401,
  insufficient_scope: 403,
  too_many_attempts: 429,
  temporarily_unavailable: 503,
  server_error: 500,
} as const satisfies Record<string, number>

export type ProtocolErrorCode = keyof typeof PROTOCOL_ERROR_STATUS

/**
 * A fault of the one who asked, told to them. The description is English for developers, of the characters
 * RFC 6749 §5.2 allows (no quote, no backslash, nothing outside ASCII), and never repeats a secret that was sent.
 */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
  readonly code: ProtocolErrorCode
  readonly status: number
  /** For the few codes that need one to be understood (`WWW-Authenticate`, `Retry-After`). */
  readonly headers: Readonly<Record<string, string>>

  constructor(code: ProtocolErrorCode, description: string, headers: Readonly<Record<string, string>> = {}) {
    super(description)
    this.code = code
    this.status = PROTOCOL_ERROR_STATUS[code]
    this.headers = headers
  }
}

/** What a brake answers (RFC 6585 §4). `wait` in milliseconds. */
export const tooManyAttempts = (wait: number): ProtocolError =>
  new ProtocolError('too_many_attempts', 'There were too many wrong attempts. Wait before the next.', {
    'retry-after': String(Math.ceil(wait / 1000)),
  })

/** Why a page cannot go on, with the status it is shown with. Each has a sentence in every language of `words/`. */
export const PAGE_ERROR_STATUS = {
  unknown_client: 400,
  no_connection: 400,
  redirect_uri_missing: 400,
  redirect_uri_mismatch: 400,
  return_to_mismatch: 400,
  malformed_request: 400,
  start_again: 400,
  cross_site_post: 403,
  not_found: 404,
  method_not_allowed: 405,
  too_many: 429,
  busy: 503,
  unexpected: 500,
} as const satisfies Record<string, number>

export type PageErrorCode = keyof typeof PAGE_ERROR_STATUS

/** A fault shown to a person, because there is nobody to redirect to. `detail` is for the developer beside them. */
export class PageError extends Error {
  override readonly name = 'PageError'
  readonly code: PageErrorCode
  readonly status: number
  readonly headers: Readonly<Record<string, string>>

  constructor(code: PageErrorCode, detail: string, headers: Readonly<Record<string, string>> = {}) {
    super(detail)
    this.code = code
    this.status = PAGE_ERROR_STATUS[code]
    this.headers = headers
  }
}

/** The operator can mend it: a setting, a file, a port. Printed as one sentence, without a stack, and the command ends with 1. */
export class OperatorError extends Error {
  override readonly name = 'OperatorError'
}

/**
 * What this server stands on is away for now: its database, or the disk under it. For the operator to mend and for
 * whoever asked to ask again, so never thrown for a bug. Whether a change under way was made is not known.
 */
export class UnavailableError extends OperatorError {}
