/**
 * Where a mailed link to sign in leads, and where an application sends somebody who typed a mailed code: a page that says
 * as whom, and whose button spends it. Mail scanners open links, and another site could open one for somebody. What
 * follows is the application's request at `/authorize`, with a login ticket of this browser.
 */
import { occasionOf } from '../audit/events.ts'
import type { Client } from '../clients/metadata.ts'
import type { Proven } from '../factors/mailed-sign-in.ts'
import type { Parameters } from '../http/parameters.ts'
import { type Answer, type Incoming, seeOther } from '../http/route.ts'
import { bindBrowser, browserHashOf } from '../identity/browsers.ts'
import { issueLogin } from '../identity/login-tickets.ts'
import { PageError } from '../kernel/errors.ts'
import { readEmailAddress } from '../policy/email-address.ts'
import { EMAIL_STRATEGY } from '../store/connections.ts'
import { refuseForeignForm } from './interaction.ts'
import type { LoginServices } from './services.ts'
import { show } from './show.ts'

/** RFC 9110 §15.5.11: it was here, and will not be again. */
const GONE = 410
const VERIFY_REDIRECT = '/passwordless/verify_redirect'
/** What of its query is not the application's request. */
const OF_THE_CODE = ['connection', 'email', 'phone_number', 'verification_code', 'client_id', 'login_ticket']

export function mailedSignInPages(services: LoginServices) {
  const { store, clients, clock, cookieScope, mailedSignIn } = services

  const over = (incoming: Incoming): Promise<Answer> =>
    show(services, incoming, 'notice', { notice: 'mailed-sign-in-over' }, { status: GONE })

  const ask = (incoming: Incoming, client: Client, email: string, action: string) =>
    show(
      services,
      incoming,
      'notice',
      { notice: 'mailed-sign-in', email, application: client.name, action },
      // The form posts here and the browser is sent on to the application: `form-action` counts every hop.
      { client, formTargets: client.redirectUris },
    )

  /** To the application's request, signed in as that person. */
  async function goOn(
    incoming: Incoming,
    client: Client,
    { user, connection, proof }: Proven,
    request: URLSearchParams,
  ): Promise<Answer> {
    const { tenant } = incoming
    const { hash, cookies } = bindBrowser(incoming, await cookieScope(tenant, incoming.issuer))
    const login = { tenant, user, connection: connection.id, proof, client: client.id, origin: null, browserHash: hash }
    const ticket = await issueLogin(store, login, clock())
    const asked = new URLSearchParams(request)
    if (!asked.has('response_type')) asked.set('response_type', 'code')
    const [callback] = client.redirectUris
    if (!asked.has('redirect_uri') && callback !== undefined) asked.set('redirect_uri', callback)
    asked.set('client_id', client.id)
    asked.set('login_ticket', ticket)
    return seeOther(`/authorize?${asked}`, cookies)
  }

  async function look(incoming: Incoming): Promise<Answer> {
    const secret = secretOf(incoming)
    const link = await (await mailedSignIn()).findLink(incoming.tenant, secret, clock())
    const client = link && (await clients.find(incoming.tenant, link.client))
    if (!link || !client) return over(incoming)
    return ask(incoming, client, link.email, `/passwordless/link/${secret}`)
  }

  async function follow(incoming: Incoming): Promise<Answer> {
    refuseForeignForm(incoming)
    const spent = await (await mailedSignIn()).spendLink(secretOf(incoming), occasionOf(incoming, clock()))
    const client = spent && (await clients.find(incoming.tenant, spent.client))
    if (!spent || !client || spent.user.blocked) return over(incoming)
    return goOn(incoming, client, spent, new URLSearchParams(spent.request))
  }

  /** In the query of both: the code, whose it is, and what the application asks for. */
  async function readQuery({ tenant, query }: Incoming) {
    const client = await clients.find(tenant, query.get('client_id') ?? '')
    if (!client?.isFirstParty)
      throw new PageError('unknown_client', 'The request names no application of the operator.')
    const email = readEmailAddress(query.get('email') ?? '')
    const connection = await store.connections.findByName(tenant, query.get('connection') ?? '')
    if (email === undefined || connection?.strategy !== EMAIL_STRATEGY || query.repeated.length > 0)
      throw new PageError('malformed_request', 'The request names no address, or no connection that mails codes.')
    return { client, email, connection, request: requestIn(query) }
  }

  async function lookAtCode(incoming: Incoming): Promise<Answer> {
    const { client, email } = await readQuery(incoming)
    const again = new URLSearchParams(incoming.query.names.map(name => [name, incoming.query.get(name) ?? '']))
    return ask(incoming, client, email, `${VERIFY_REDIRECT}?${again}`)
  }

  async function followCode(incoming: Incoming): Promise<Answer> {
    refuseForeignForm(incoming)
    const { client, email, connection, request } = await readQuery(incoming)
    const { tryCode } = await mailedSignIn()
    const outcome = await tryCode({
      whose: { email },
      code: incoming.query.get('verification_code') ?? '',
      connection,
      client: client.id,
      address: incoming.address,
      browserHash: browserHashOf(incoming),
      occasion: occasionOf(incoming, clock()),
    })
    if (outcome.state === 'held') throw new PageError('too_many', 'There were too many wrong codes from this network.')
    const proven = outcome.state === 'right' ? await outcome.enter() : undefined
    if (!proven || proven.user.blocked) return over(incoming)
    return goOn(incoming, client, proven, request)
  }

  return { look, follow, lookAtCode, followCode }
}

const secretOf = (incoming: Incoming): string => incoming.path['secret'] ?? ''

const requestIn = (query: Parameters): URLSearchParams =>
  new URLSearchParams(
    query.names.filter(name => !OF_THE_CODE.includes(name)).map(name => [name, query.get(name) ?? '']),
  )
