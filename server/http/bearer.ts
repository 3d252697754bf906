/** Where a request carries an access token (RFC 6750 §2), and how it is told that one will not do (§3). */

import { ProtocolError } from '../kernel/errors.ts'
import type { Incoming } from './route.ts'

export interface BearerToken {
  readonly token: string
  /** It stood in the URL, where others than the server may see it: only one that nobody else can use may come that way. */
  readonly isInQuery: boolean
}

/**
 * In the header, in a form body, or in the query: in one of them, once. Throws with the challenge for `realm`.
 * A body that is JSON is no form, but holds the same; nobody is better off for being refused it.
 */
export function bearerToken(incoming: Incoming, realm: string): BearerToken {
  const { query, body } = incoming
  const header = incoming.header('authorization')
  const [, fromHeader] = /^bearer +([\w\-.~+/]+=*)$/i.exec(header ?? '') ?? []
  const places = [header !== undefined, body.has('access_token'), query.has('access_token')].filter(Boolean)
  if (places.length > 1 || [...body.repeated, ...query.repeated].includes('access_token'))
    throw challenge(realm, 'invalid_request', 'The token is sent more than once.')
  const fromQuery = query.get('access_token')
  const token = fromHeader ?? body.get('access_token') ?? fromQuery
  if (token !== undefined) return { token, isInQuery: fromQuery !== undefined }
  if (header !== undefined) throw challenge(realm, 'invalid_request', 'The Authorization header holds no bearer token.')
  // §3.1: whoever sent none is told how to, and no error.
  throw new ProtocolError('invalid_token', 'There is no token.', { 'www-authenticate': `Bearer realm="${realm}"` })
}

export const challenge = (
  realm: string,
  code: 'invalid_token' | 'insufficient_scope' | 'invalid_request',
  description: string,
  scope?: string,
): ProtocolError =>
  new ProtocolError(code, description, {
    'www-authenticate': [
      `Bearer realm="${realm}", error="${code}", error_description="${description}"`,
      ...(scope === undefined ? [] : [`scope="${scope}"`]),
    ].join(', '),
  })
