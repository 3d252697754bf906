/** What the two ways of signing out share: ending this browser's sessions, or asking first. */
import { occasionOf } from '../audit/events.ts'
import { framesOf } from '../clients/front-channel.ts'
import { type Answer, type Incoming, seeOther } from '../http/route.ts'
import { issueHere } from '../identity/bound-tickets.ts'
import { changeBrowserState, dropSessionCookie, type LiveSession, liveSessions } from '../identity/browsers.ts'
import { leave } from '../identity/leaving.ts'
import { endSessions } from '../identity/sessions.ts'
import { CONFIRMATION_LIFE } from '../policy/lifetimes.ts'
import { afterSignOut, SIGN_OUT_TICKET, type SignOutRequest } from '../policy/sign-out-request.ts'
import type { OAuthServices } from './feature.ts'

/**
 * Of somebody else's application neither what it knows of a session nor where it leads is the operator's word: anybody
 * may have registered it, and signed in once to have an ID token to show. So there the person is asked whatever it says
 * (RP-Initiated Logout 1.0 §2, §6).
 */
async function isSomebodyElses({ clients }: OAuthServices, { tenant }: Incoming, { client }: SignOutRequest) {
  return client !== null && !(await clients.find(tenant, client))?.isFirstParty
}

/**
 * Ends the sessions of this browser that are meant, all of them unless said otherwise: somebody who signs out on
 * a shared machine leaves nobody signed in. Then sends the browser to where the request leads. Asks first where the
 * application is somebody else's.
 */
export async function signOutHere(
  services: OAuthServices,
  incoming: Incoming,
  request: SignOutRequest,
  isMeant: (entry: LiveSession) => boolean = () => true,
): Promise<Answer> {
  if (await isSomebodyElses(services, incoming, request)) return askToSignOut(services, incoming, request)
  const { store, clients, clock, cookieScope } = services
  const now = clock()
  const sessions = await liveSessions(store, incoming, now)
  const meant = sessions.filter(isMeant)
  // Nobody signed in, or nobody who is meant: the cookie stays, or any page could take it away.
  if (meant.length === 0) return seeOther(afterSignOut(request))
  const participants = await endSessions(
    store,
    meant.map(({ session }) => session),
    request.client,
    occasionOf(incoming, now),
    now,
  )
  const scope = await cookieScope(incoming.tenant, incoming.issuer)
  const cookies = [
    ...(meant.length === sessions.length ? [dropSessionCookie(scope)] : []),
    ...changeBrowserState(incoming, scope),
  ]
  const { uiLocales } = request
  const leaving = { frames: await framesOf(clients, participants), to: afterSignOut(request), uiLocales }
  return leave(store, incoming, scope, leaving, cookies, now)
}

/**
 * To the page of `login/` that asks, under a ticket bound to this browser. Nobody signed in: nothing to ask, and nobody is
 * led to somebody else's address by a link to us.
 */
export async function askToSignOut(
  services: OAuthServices,
  incoming: Incoming,
  request: SignOutRequest,
): Promise<Answer> {
  const { store, clock, cookieScope } = services
  const now = clock()
  if ((await liveSessions(store, incoming, now)).length === 0) {
    const returnTo = (await isSomebodyElses(services, incoming, request)) ? null : request.returnTo
    return seeOther(afterSignOut({ ...request, returnTo }))
  }
  const scope = await cookieScope(incoming.tenant, incoming.issuer)
  const ticket = { kind: SIGN_OUT_TICKET, data: request, since: now, life: CONFIRMATION_LIFE }
  const { id, cookies } = await issueHere(services, incoming, scope, ticket)
  return seeOther(`/sign-out/${id}`, cookies)
}
