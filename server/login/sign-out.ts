/** Signing out when the link may have come from anywhere: the person is asked, and told when it is done. */
import { occasionOf } from '../audit/events.ts'
import { framesOf } from '../clients/front-channel.ts'
import type { Answer, Incoming, Route } from '../http/route.ts'
import { refuseForeignPost } from '../http/same-origin.ts'
import { findHere } from '../identity/bound-tickets.ts'
import { changeBrowserState, dropSessionCookie, liveSessions } from '../identity/browsers.ts'
import { leave } from '../identity/leaving.ts'
import { endSessions } from '../identity/sessions.ts'
import { afterSignOut, SIGN_OUT_TICKET, type SignOutRequest } from '../policy/sign-out-request.ts'
import type { LoginServices } from './services.ts'
import { show } from './show.ts'

export function signOutRoutes(services: LoginServices): readonly Route[] {
  const { store, clock, clients, cookieScope } = services

  async function find(incoming: Incoming) {
    const ticket = await findHere<SignOutRequest>(store, incoming, SIGN_OUT_TICKET, clock())
    const request = ticket.data
    const client = request.client === null ? undefined : await clients.find(incoming.tenant, request.client)
    return { id: ticket.id, request, client }
  }

  async function ask(incoming: Incoming): Promise<Answer> {
    const { id, client, request } = await find(incoming)
    const { returnTo, uiLocales } = request
    const model = {
      action: `/sign-out/${id}`,
      application: client?.name,
      fields: [],
      ...(returnTo !== null && { cancelUrl: returnTo }),
    }
    // Under the tenant's name, not the application's that asks: every session of this browser ends.
    return show(services, incoming, 'sign-out', model, {
      uiLocales,
      formTargets: returnTo === null ? [] : [returnTo],
    })
  }

  async function answer(incoming: Incoming): Promise<Answer> {
    refuseForeignPost(incoming)
    const { id, client, request } = await find(incoming)
    const now = clock()
    await store.tickets.consume(incoming.tenant, SIGN_OUT_TICKET, id, now)
    const sessions = (await liveSessions(store, incoming, now)).map(({ session }) => session)
    const participants = await endSessions(store, sessions, client?.id ?? null, occasionOf(incoming, now), now)
    const scope = await cookieScope(incoming.tenant, incoming.issuer)
    const frames = await framesOf(clients, participants)
    const cookies = [dropSessionCookie(scope), ...changeBrowserState(incoming, scope)]
    const leaving = { frames, to: afterSignOut(request), uiLocales: request.uiLocales }
    return leave(store, incoming, scope, leaving, cookies, now)
  }

  return [
    { method: 'GET', path: '/sign-out/:id', speaks: 'pages', answer: ask },
    { method: 'POST', path: '/sign-out/:id', speaks: 'pages', answer },
    {
      method: 'GET',
      path: '/signed-out',
      speaks: 'pages',
      answer: incoming =>
        show(services, incoming, 'signed-out', {}, { uiLocales: incoming.query.get('ui_locales') ?? null }),
    },
  ]
}
