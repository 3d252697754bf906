/**
 * `/authorize`: the order of checks, and what comes next. Reading a request is `authorization-request.ts`'s,
 * answering it `authorization-answer.ts`'s. The pages in between belong to `login/`: they share a ticket and a
 * URL with this file, not a function.
 */

import type { Client } from '../clients/metadata.ts'
import { toldAs } from '../http/faults.ts'
import type { Parameters } from '../http/parameters.ts'
import { type Answer, type Incoming, type Route, seeOther } from '../http/route.ts'
import { findHere, issueHere } from '../identity/bound-tickets.ts'
import type { LiveSession } from '../identity/browsers.ts'
import { nextStepHere } from '../identity/next-step-here.ts'
import { PageError, ProtocolError } from '../kernel/errors.ts'
import { INTERACTION_LIFE } from '../policy/lifetimes.ts'
import { type AuthorizationRequest, REFUSED, REQUEST_TICKET } from '../policy/next-step.ts'
import type { TicketRecord } from '../store/tickets.ts'
import { answerWithError, giveAuthorization, type Whither } from './authorization-answer.ts'
import { chooseMode, identifyClient, proveRedirectUri, receive, understand } from './authorization-request.ts'
import type { Arrival, Feature, OAuthServices, ReceiveContext } from './feature.ts'
import { comeBackTo, takePosted } from './posted-forms.ts'

const POSTED_TICKET = 'posted-request'

export function authorizeRoutes(services: OAuthServices, features: readonly Feature[]): readonly Route[] {
  const { store, clients, cookieScope, clock, log } = services

  /** A fresh request, in the query or in a form. */
  async function begin(incoming: Incoming, sent: Parameters): Promise<Answer> {
    const client = await identifyClient(services, incoming, sent)
    let received: ReceiveContext
    try {
      received = await receive(services, features, { incoming, client, sent, notes: {} })
    } catch (error) {
      // What it stands for cannot be read: it is told where the parameters beside it say, if the client may be told there.
      if (!(error instanceof ProtocolError)) throw error
      return answerWithError(whitherOf(client, sent), incoming, error)
    }
    const whither = whitherOf(client, received.parameters)
    return tellingTheClient(whither, incoming, async () => {
      const request = await understand(services, features, received, whither)
      if (incoming.method === 'POST')
        return comeBackTo('/authorize/', services, incoming, { kind: POSTED_TICKET, data: request })
      for (const { arrive } of features) {
        const arrival = await arrive?.({ services, incoming, client, parameters: received.parameters, request })
        if (arrival) return goOnWith(arrival, incoming, request)
      }
      return proceed(incoming, request, client, null)
    })
  }

  /** Throws `PageError` where the client may not be told anything. */
  function whitherOf(client: Client, parameters: Parameters) {
    const mode = chooseMode(client, parameters)
    return {
      mode,
      redirectUri: proveRedirectUri(client, parameters, mode),
      responseMode: mode.name,
      state: parameters.get('state') ?? null,
      uiLocales: parameters.get('ui_locales') ?? null,
    }
  }

  /** Back from the redirect after a form, or from a page of `login/`. */
  async function resume(incoming: Incoming): Promise<Answer> {
    const posted = await takePosted<AuthorizationRequest>(services, incoming, POSTED_TICKET)
    if (posted) return goOn(incoming, posted, null)
    const ticket = await findHere<AuthorizationRequest>(store, incoming, REQUEST_TICKET, clock())
    return goOn(incoming, ticket.data, ticket)
  }

  async function goOn(incoming: Incoming, request: AuthorizationRequest, ticket: TicketRecord | null): Promise<Answer> {
    const client = await clients.find(incoming.tenant, request.client)
    if (!client) throw new PageError('unknown_client', 'The application was removed meanwhile.')
    return tellingTheClient(request, incoming, async () => {
      if (ticket?.state === REFUSED) throw new ProtocolError('access_denied', 'The person did not allow it.')
      return proceed(incoming, request, client, ticket)
    })
  }

  /**
   * For the session that has just begun, which the browser shows when it comes back. What the request may ask of a proof
   * is asked of this one: it was given for the request, and so the request is taken for the older of the two.
   */
  async function goOnWith(arrival: Arrival, incoming: Incoming, request: AuthorizationRequest): Promise<Answer> {
    const { session, cookies, provenAt } = arrival
    const receivedAt = Math.min(request.receivedAt, provenAt - 1)
    const parked = await keep(incoming, { ...request, chosenSession: session, receivedAt })
    return seeOther(`/authorize/${parked.id}`, [...cookies, ...parked.cookies])
  }

  /** Asks the policy what comes next, and does it. */
  async function proceed(
    incoming: Incoming,
    request: AuthorizationRequest,
    client: Client,
    ticket: TicketRecord | null,
  ): Promise<Answer> {
    const now = clock()
    const { next, current } = await nextStepHere(services, incoming, request, client, now)

    if (next.step === 'refuse') throw new ProtocolError(next.error, next.description)
    if (next.step === 'respond' && current && !isToConfirmFirst(request, client, current))
      return giveAuthorization(services, features, { incoming, request, client, current, ticket, now })
    return ticket ? seeOther(`/login/${ticket.id}`) : park(incoming, request)
  }

  /** Keeps the request under a ticket bound to this browser: from now on only its id travels. */
  async function park(incoming: Incoming, request: AuthorizationRequest): Promise<Answer> {
    const { id, cookies } = await keep(incoming, request)
    return seeOther(`/login/${id}`, cookies)
  }

  async function keep(incoming: Incoming, request: AuthorizationRequest) {
    const scope = await cookieScope(incoming.tenant, incoming.issuer)
    return issueHere(services, incoming, scope, {
      kind: REQUEST_TICKET,
      data: request,
      since: request.receivedAt,
      life: INTERACTION_LIFE,
    })
  }

  /** Past this point faults are the client's to hear, in the way it asked to be answered: ours too (RFC 6749 §4.1.2.1). */
  async function tellingTheClient(whither: Whither, incoming: Incoming, work: () => Promise<Answer>): Promise<Answer> {
    try {
      return await work()
    } catch (error) {
      if (error instanceof PageError) throw error
      return answerWithError(whither, incoming, toldAs(error, incoming.id, log))
    }
  }

  return [
    { method: 'GET', path: '/authorize', speaks: 'pages', answer: incoming => begin(incoming, incoming.query) },
    { method: 'POST', path: '/authorize', speaks: 'pages', answer: incoming => begin(incoming, incoming.body) },
    { method: 'GET', path: '/authorize/:id', speaks: 'pages', answer: resume },
  ]
}

/** Whether the person is to be told that their address has to be confirmed. Nobody is, where nothing may be shown. */
const isToConfirmFirst = ({ prompt }: AuthorizationRequest, client: Client, { user }: LiveSession): boolean =>
  client.requiresVerifiedEmail && !user.emailVerified && !prompt.includes('none')
