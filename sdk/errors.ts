/** Why a token is refused, as a closed set. What to answer (401, 403) is the resource server's business. */

export type VerificationCode =
  | 'too_large'
  | 'malformed'
  | 'unsupported_header'
  | 'algorithm_not_allowed'
  | 'unknown_key'
  | 'cannot_decrypt'
  | 'bad_signature'
  | 'wrong_type'
  | 'wrong_issuer'
  | 'wrong_audience'
  | 'expired'
  | 'not_yet_valid'
  | 'invalid_claim'
  | 'insufficient_scope'

/**
 * The token is not acceptable. The message is a sentence for the developer's log, of visible ASCII without quotes
 * or backslashes, so that it fits `error_description` (RFC 6750 §3); it never holds a part of the token.
 */
export class VerificationError extends Error {
  override readonly name = 'VerificationError'
  readonly code: VerificationCode

  constructor(code: VerificationCode, message: string) {
    super(message)
    this.code = code
  }
}

/**
 * The keys to judge a token with cannot be had. It says nothing about the token: answer 503, not 401, or a client
 * throws a good token away.
 */
export class KeysUnavailableError extends Error {
  override readonly name = 'KeysUnavailableError'
}
