/**
 * A person's own page: what they see of themselves, and what they may end. It asks the policy as an application's
 * request does, and shows the browser's current account.
 */
import { occasionOf } from '../audit/events.ts'
import { framesOf } from '../clients/front-channel.ts'
import { languageHere } from '../http/language.ts'
import { type Answer, type Incoming, type Route, seeOther } from '../http/route.ts'
import { refuseForeignPost } from '../http/same-origin.ts'
import { changeBrowserState, dropSessionCookie, type LiveSession, liveSessions } from '../identity/browsers.ts'
import { withdrawConsent } from '../identity/consents.ts'
import { askForVerification } from '../identity/email-verification.ts'
import { leave } from '../identity/leaving.ts'
import { nextStepHere } from '../identity/next-step-here.ts'
import { endSessions, signOutEverywhere } from '../identity/sessions.ts'
import { PageError } from '../kernel/errors.ts'
import type { SessionClient } from '../store/session-clients.ts'
import type { SessionRecord } from '../store/sessions.ts'
import { applicationsOf } from './account-applications.ts'
import { ACCOUNT_PATH, accountClient, accountRequest, askFirst } from './account-request.ts'
import type { LoginServices } from './services.ts'
import { show } from './show.ts'
import { shownPerson } from './shown-person.ts'

const CHOOSE_PATH = `${ACCOUNT_PATH}/choose`

export function accountRoutes(services: LoginServices): readonly Route[] {
  const { store, clock, clients, tenants, cookieScope } = services

  async function look(incoming: Incoming): Promise<Answer> {
    const now = clock()
    const tenant = await tenants.find(incoming.tenant)
    const request = accountRequest([], now)
    const { next, current } = await nextStepHere(services, incoming, request, accountClient(tenant), now)
    if (next.step !== 'respond' || !current) return askFirst(services, incoming, request)

    const { session, user } = current
    // A look at one's account is use of it: somebody who reads for long stays signed in.
    const idleExpiresAt = Math.min(now + tenant.session.idleLifetime, session.expiresAt)
    await store.sessions.touch(incoming.tenant, session.id, now, idleExpiresAt)
    const sessions = await store.sessions.liveOf(incoming.tenant, user.id, now)
    const here = sessions.filter(({ id }) => id === session.id)
    const elsewhere = sessions.filter(({ id }) => id !== session.id)
    return show(services, incoming, 'account', {
      person: shownPerson(user),
      isUnconfirmed: user.email !== null && !user.emailVerified,
      acting: session.id,
      now,
      sessions: [...here, ...elsewhere].map(({ id, userAgent, createdAt, usedAt }) => ({
        id,
        userAgent,
        startedAt: createdAt,
        usedAt,
      })),
      applications: await applicationsOf(services, incoming, user.id, now),
      chooseUrl: CHOOSE_PATH,
    })
  }

  /**
   * Carries out what a form asks, for the account that its page was shown to: another tab may have changed the current
   * one since. Where that account is signed out by now nothing is done, and the person sees who is there.
   */
  const acting =
    (act: (incoming: Incoming, current: LiveSession) => Promise<Answer>) =>
    async (incoming: Incoming): Promise<Answer> => {
      refuseForeignPost(incoming)
      if (incoming.body.repeated.length > 0)
        throw new PageError('malformed_request', 'The form says one of its fields twice.')
      const sessions = await liveSessions(store, incoming, clock())
      const current = sessions.find(({ session }) => session.id === incoming.body.get('account'))
      return current ? act(incoming, current) : seeOther(ACCOUNT_PATH)
    }

  async function endThose(
    incoming: Incoming,
    { user }: LiveSession,
    isMeant: (session: SessionRecord) => boolean,
  ): Promise<SessionClient[]> {
    const now = clock()
    const sessions = await store.sessions.liveOf(incoming.tenant, user.id, now)
    return endSessions(store, sessions.filter(isMeant), null, occasionOf(incoming, now), now)
  }

  /** The session cookie goes with the last session that it opens. */
  async function cookiesAfterwards(incoming: Incoming): Promise<string[]> {
    const left = await liveSessions(store, incoming, clock())
    const scope = await cookieScope(incoming.tenant, incoming.issuer)
    return [...(left.length > 0 ? [] : [dropSessionCookie(scope)]), ...changeBrowserState(incoming, scope)]
  }

  const signOut = acting(async (incoming, current) => {
    const wanted = incoming.body.get('session')
    const participants = await endThose(incoming, current, ({ id }) => id === wanted)
    if (wanted !== current.session.id) return seeOther(ACCOUNT_PATH)
    const leaving = { frames: await framesOf(clients, participants), to: '/signed-out', uiLocales: null }
    const scope = await cookieScope(incoming.tenant, incoming.issuer)
    return leave(store, incoming, scope, leaving, await cookiesAfterwards(incoming), clock())
  })

  const signOutOthers = acting(async (incoming, current) => {
    await endThose(incoming, current, ({ id }) => id !== current.session.id)
    return seeOther(ACCOUNT_PATH)
  })

  /** Told in the answer itself, and not at an address to which a link could lead anybody who is not signed out. */
  const signOutOfAll = acting(async (incoming, current) => {
    const now = clock()
    await signOutEverywhere(store, current.user, occasionOf(incoming, now), now)
    const cookies = await cookiesAfterwards(incoming)
    return show(services, incoming, 'signed-out', { everywhere: true }, { cookies })
  })

  /** As many as any address gets, and no word of it where there are no more: the last is on its way or there. */
  const confirm = acting(async (incoming, { user: { id, email, emailVerified } }) => {
    if (email === null || emailVerified) return seeOther(ACCOUNT_PATH)
    const correspondence = { issuer: incoming.issuer, language: languageHere(incoming, null) }
    const occasion = occasionOf(incoming, clock())
    await store.transaction(transaction => askForVerification(transaction, { id, email }, correspondence, occasion))
    return show(services, incoming, 'notice', { notice: 'verification-sent', email })
  })

  const withdraw = acting(async (incoming, { user }) => {
    const now = clock()
    const client = incoming.body.get('client')
    if (client === undefined) throw new PageError('malformed_request', 'The form names no application.')
    await withdrawConsent(store, { tenant: incoming.tenant, user: user.id, client }, occasionOf(incoming, now), now)
    return seeOther(ACCOUNT_PATH)
  })

  const post = (act: string, answer: Route['answer']): Route => ({
    method: 'POST',
    path: `${ACCOUNT_PATH}/${act}`,
    speaks: 'pages',
    answer,
  })
  return [
    { method: 'GET', path: ACCOUNT_PATH, speaks: 'pages', answer: look },
    {
      method: 'GET',
      path: CHOOSE_PATH,
      speaks: 'pages',
      answer: incoming => askFirst(services, incoming, accountRequest(['select_account'], clock())),
    },
    // Acts whose answer is a page: reloading it in another language asks for its address.
    ...['sign-out-everywhere', 'confirm'].map(
      (act): Route => ({
        method: 'GET',
        path: `${ACCOUNT_PATH}/${act}`,
        speaks: 'pages',
        answer: () => seeOther(ACCOUNT_PATH),
      }),
    ),
    post('sign-out', signOut),
    post('sign-out-others', signOutOthers),
    post('sign-out-everywhere', signOutOfAll),
    post('confirm', confirm),
    post('withdraw', withdraw),
  ]
}
