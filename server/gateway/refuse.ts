/**
 * The only place that says no: each reason with its status, its sentence, and the challenge that goes with it (RFC 6750
 * §3, RFC 9470 §3). Sentences are for whoever wrote the client; they hold nothing that was sent.
 */
import type { OwnAnswer, Refusal, RefusalCode } from './exchange.ts'

interface Reason {
  readonly status: number
  /** Of RFC 6750 where the caller's credential is meant; else one of ours. */
  readonly error: string
  readonly sentence: string
}

const UNAVAILABLE = 'temporarily_unavailable'

export const REASONS: Readonly<Record<RefusalCode, Reason>> = {
  malformed_request: { status: 400, error: 'invalid_request', sentence: 'The request could not be read.' },
  bad_path: {
    status: 400,
    error: 'invalid_request',
    sentence: 'The path can be read in more than one way. Send it without encoded slashes, dot segments or parameters.',
  },
  several_credentials: { status: 400, error: 'invalid_request', sentence: 'More than one credential is sent.' },
  // RFC 6750 §3.1: whoever sent none is told how to, and no error.
  no_credential: { status: 401, error: 'unauthorized', sentence: 'Send a credential.' },
  invalid_token: { status: 401, error: 'invalid_token', sentence: 'The token is not good here.' },
  token_expired: { status: 401, error: 'invalid_token', sentence: 'The token has expired.' },
  token_not_yet_valid: { status: 401, error: 'invalid_token', sentence: 'The token is from the future.' },
  wrong_audience: { status: 401, error: 'invalid_token', sentence: 'The token is meant for another audience.' },
  token_revoked: { status: 401, error: 'invalid_token', sentence: 'The token has been revoked.' },
  token_spent: { status: 401, error: 'invalid_token', sentence: 'The token may be used once, and was.' },
  proof_missing: {
    status: 401,
    error: 'invalid_token',
    sentence: 'The token is bound to a key, and the request does not prove that it has it.',
  },
  step_up: {
    status: 401,
    error: 'insufficient_user_authentication',
    sentence: 'The person has to sign in again, or in a stronger way.',
  },
  insufficient_scope: { status: 403, error: 'insufficient_scope', sentence: 'The token lacks a scope.' },
  insufficient_permission: { status: 403, error: 'insufficient_scope', sentence: 'The token lacks a permission.' },
  wrong_organization: { status: 403, error: 'insufficient_scope', sentence: 'The token is for another organization.' },
  not_internal: { status: 403, error: 'access_denied', sentence: 'This is for internal callers.' },
  cross_site: { status: 403, error: 'access_denied', sentence: 'The request comes from another site.' },
  no_route: { status: 404, error: 'not_found', sentence: 'There is nothing at this address.' },
  body_too_large: { status: 413, error: 'too_large', sentence: 'The body is too large.' },
  too_many_requests: { status: 429, error: 'too_many_requests', sentence: 'Too many requests. Wait before the next.' },
  upstream_failed: { status: 502, error: 'bad_gateway', sentence: 'The service gave no sound answer.' },
  upstream_timeout: { status: 504, error: 'gateway_timeout', sentence: 'The service did not answer in time.' },
  no_target: { status: 503, error: UNAVAILABLE, sentence: 'No instance of the service can take the request.' },
  breaker_open: { status: 503, error: UNAVAILABLE, sentence: 'The service has failed too often, and is given a rest.' },
  keys_unavailable: {
    status: 503,
    error: UNAVAILABLE,
    sentence: 'Tokens cannot be checked: the keys of the issuer cannot be had.',
  },
  revocations_stale: {
    status: 503,
    error: UNAVAILABLE,
    sentence: 'Tokens cannot be checked: what was revoked lately is not known.',
  },
  introspection_unavailable: {
    status: 503,
    error: UNAVAILABLE,
    sentence: 'Tokens cannot be checked: the issuer cannot be asked.',
  },
  issuer_unavailable: { status: 503, error: UNAVAILABLE, sentence: 'The issuer cannot be reached.' },
  shared_state_unavailable: {
    status: 503,
    error: UNAVAILABLE,
    sentence: 'What the gateways share cannot be reached.',
  },
  unexpected: { status: 500, error: 'server_error', sentence: 'Something went wrong here. The log has it.' },
  closing: { status: 503, error: UNAVAILABLE, sentence: 'The gateway is closing.' },
}

/** It says nothing about the caller. */
export const isOutage = ({ code }: Refusal): boolean => REASONS[code].status >= 500

export const isUnauthorized = ({ code }: Refusal): boolean => REASONS[code].status === 401

/** What to try again after, where nobody knows better. */
const RETRY_AFTER_SECONDS = 2

export function refusalAnswer(refusal: Refusal, requestId: string): OwnAnswer {
  const { code, challenge = {}, retryAfterSeconds } = refusal
  const { status, error, sentence } = REASONS[code]
  const wait = retryAfterSeconds ?? (status === 503 ? RETRY_AFTER_SECONDS : undefined)
  const isAboutToken = status === 401 || error === 'insufficient_scope'
  return {
    status,
    headers: {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      ...(isAboutToken && { 'www-authenticate': challengeOf(code, challenge) }),
      ...(wait !== undefined && { 'retry-after': `${wait}` }),
    },
    body: JSON.stringify({ error, error_description: sentence, reason: code, request_id: requestId }),
  }
}

/** Values are the operator's or ours. What RFC 6750 §3 does not allow in them is left out. */
function challengeOf(code: RefusalCode, more: Readonly<Record<string, string>>): string {
  const { error, sentence } = REASONS[code]
  const said = code === 'no_credential' ? {} : { error, error_description: sentence }
  const parameters = Object.entries({ realm: 'edge', ...said, ...more })
  return `Bearer ${parameters.map(([name, value]) => `${name}="${value.replace(/[^ !#-[\]-~]/g, '')}"`).join(', ')}`
}
