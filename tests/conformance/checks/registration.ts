/** What a client is answered that registers itself (RFC 7591 §3.2, RFC 7592 §3), and that ends its registration. */
import { insist } from '../insist.ts'
import { isJson, type JsonAnswer } from './token-answer.ts'

export interface Registered {
  readonly client_id: string
  readonly client_secret?: string
  readonly registration_client_uri: string
  readonly registration_access_token: string
  readonly [member: string]: unknown
}

/** `sent` was asked without a token. */
export function checkRegistration(sent: object, answer: JsonAnswer, issuer: string): Registered {
  const { status, body } = answer
  // With it every plan begins: a provider that objects to a part of it is not played at all.
  const isCommon = 'jwks' in sent || 'response_types' in sent
  insist('registration#body', !isCommon || status === 201, { status, body })
  insist('registration#created', status === 201 && isJson(answer) && !!body && !('error' in body), { status, body })
  const { client_secret: secret, client_secret_expires_at: expiry } = body
  insist('registration#secret-expiry', secret === undefined || Number.isSafeInteger(expiry), body)
  const { registration_client_uri: uri, registration_access_token: token } = body
  const isManaged = typeof uri === 'string' && uri.startsWith(issuer) && typeof token === 'string' && token !== ''
  insist('registration#management', isManaged, body)
  return body as Registered
}

export function checkDeleted(status: number): void {
  insist('registration#deleted', status === 204, status)
}
