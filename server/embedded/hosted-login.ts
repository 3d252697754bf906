/**
 * `/usernamepassword/login` and `/login/callback`: how Lock and auth0-js sign in on a page under this server's own host.
 * The first answers a form that posts itself to the second, which sends the browser on to `/authorize`.
 */
import { escapeHtml } from '../http/escape-html.ts'
import { type Answer, html, type Incoming, seeOther } from '../http/route.ts'
import { refuseForeignPost } from '../http/same-origin.ts'
import { callerOf, databaseFor, isOurs } from './caller.ts'
import { loginFor, tryPassword } from './password-login.ts'
import { Refused } from './refused.ts'
import { type Sent, sentIn } from './sent.ts'
import type { EmbeddedServices } from './services.ts'

/** Of the request that the page was shown for, as `/authorize` reads them. */
const REQUEST = [
  'client_id',
  'redirect_uri',
  'response_type',
  'response_mode',
  'scope',
  'audience',
  'state',
  'nonce',
  'code_challenge',
  'code_challenge_method',
  // What narrows an answer, or it is another request than the page was on the way with.
  'organization',
  'invitation',
  'prompt',
  'max_age',
  'acr_values',
  'claims',
  'resource',
  'login_hint',
  'ui_locales',
] as const

export async function hostedLogin(services: EmbeddedServices, incoming: Incoming): Promise<Answer> {
  const sent = sentIn(incoming)
  const client = await callerOf(services, incoming, sent)
  const origin = incoming.header('origin')
  if (origin === undefined || !isOurs(incoming, origin))
    throw new Refused(403, 'access_denied', 'Only a page of this server may ask for this.')
  const connection = await databaseFor(services, client, sent.required('connection'))
  const proven = await tryPassword(
    services,
    incoming,
    client,
    { connection, name: sent.required('username'), password: sent.required('password') },
    () => new Refused(401, 'invalid_user_password', 'Wrong email or password.', { name: 'ValidationError' }),
  )
  const { ticket, cookies } = await loginFor(services, incoming, client, connection, proven)
  const fields = { wa: 'wsignin1.0', wresult: ticket, wctx: String(requestIn(sent)) }
  const inputs = Object.entries(fields).map(
    ([name, value]) => `<input type="hidden" name="${name}" value="${escapeHtml(value)}">`,
  )
  // The SDK submits what comes first in it.
  const page = `<form method="post" name="hiddenform" action="${escapeHtml(incoming.issuer)}login/callback">${inputs.join('')}</form>`
  return html(200, page, HEADERS, cookies)
}

/** The browser is sent where its page was on the way to: what stands in the form is worth what it is at `/authorize`. */
export function hostedCallback(_services: EmbeddedServices, incoming: Incoming): Answer {
  refuseForeignPost(incoming)
  const { body } = incoming
  const asked = new URLSearchParams(body.get('wctx') ?? '')
  const request = new URLSearchParams(REQUEST.flatMap(name => (asked.has(name) ? [[name, asked.get(name) ?? '']] : [])))
  request.set('login_ticket', body.get('wresult') ?? '')
  return seeOther(`/authorize?${request}`)
}

const HEADERS = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
} as const

const requestIn = (sent: Sent): URLSearchParams =>
  new URLSearchParams(
    REQUEST.flatMap(name => {
      const value = sent.printed(name)
      return value === undefined ? [] : [[name, value]]
    }),
  )
