/**
 * Signing out through the gateway: a page of this host asks, and its button ends the session here and leads to the
 * issuer, which ends the one there (OpenID Connect RP-Initiated Logout). No other site can press it.
 */
import { withQuery } from '../../../kernel/url.ts'
import type { OwnEndpoint } from '../../edge.ts'
import { type Arrival, type OwnAnswer, Refused } from '../../exchange.ts'
import type { SessionPlan } from '../../plan.ts'
import { type IssuerClient, IssuerUnavailableError } from '../issuer-client.ts'
import { cookieOf, drop, SESSION_COOKIE } from './cookies.ts'
import { isSameOrigin, originOf } from './from-browser.ts'
import { showPage } from './pages.ts'
import type { Session, Sessions } from './sessions.ts'
import { seeOther } from './sign-in.ts'

export interface SignOutParts {
  readonly plan: SessionPlan
  readonly client: Pick<IssuerClient, 'metadata'>
  readonly sessions: Pick<Sessions, 'end'>
}

export function signOutEndpoint({ plan, client, sessions }: SignOutParts): OwnEndpoint {
  async function signOut(arrival: Arrival): Promise<OwnAnswer> {
    const brought = cookieOf(arrival, SESSION_COOKIE)
    const session = brought === undefined ? undefined : await sessions.end(brought, arrival.now)
    return seeOther(await nextFor(session, arrival), [drop(arrival, SESSION_COOKIE)])
  }

  /** Signed out here is signed out, also where the issuer cannot be asked where to go. */
  async function nextFor(session: Session | undefined, arrival: Arrival): Promise<string> {
    if (!session) return plan.afterSignOut
    const { endSessionEndpoint } = await client.metadata().catch(error => {
      if (error instanceof IssuerUnavailableError) return { endSessionEndpoint: undefined }
      throw error
    })
    if (endSessionEndpoint === undefined) return plan.afterSignOut
    return withQuery(endSessionEndpoint, {
      id_token_hint: session.idToken,
      client_id: plan.client.id,
      post_logout_redirect_uri: `${originOf(arrival)}${plan.afterSignOut}`,
    })
  }

  return {
    path: plan.signOut,
    async answer(arrival) {
      const ask = { action: plan.signOut, method: 'post', formTargets: [plan.issuer.issuer] } as const
      if (arrival.method === 'GET') return showPage(arrival, 'signOut', ask)
      if (arrival.method !== 'POST') return { status: 405, headers: { allow: 'GET, POST' } }
      if (!isSameOrigin(arrival)) return showPage(arrival, 'elsewhere', { action: plan.signOut })
      try {
        return await signOut(arrival)
      } catch (error) {
        // It is where it was, and so is the cookie: whoever tries again ends it.
        if (error instanceof Refused) return showPage(arrival, 'unavailable', { ...ask, formTargets: [] })
        throw error
      }
    },
  }
}
