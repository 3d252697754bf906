/**
 * RP-initiated logout. A valid hint of who is to be signed out stands for the application's word, and is
 * honoured at once where the application is the operator's own; without one, and for anybody else's, the person is
 * asked, because the link may come from anywhere.
 */
import type { VerifiedToken } from '@latchkey/sdk/verify'
import type { Client } from '../../clients/metadata.ts'
import { isRegisteredLogoutUrl } from '../../clients/redirect-uris.ts'
import type { Parameters } from '../../http/parameters.ts'
import type { Answer, Incoming } from '../../http/route.ts'
import { liveSessions } from '../../identity/browsers.ts'
import { PageError } from '../../kernel/errors.ts'
import { withQuery } from '../../kernel/url.ts'
import type { SignOutRequest } from '../../policy/sign-out-request.ts'
import type { Feature, OAuthServices } from '../feature.ts'
import { readIdTokenHint } from '../id-token-hint.ts'
import { comeBackTo, takePosted } from '../posted-forms.ts'
import { askToSignOut, signOutHere } from '../sign-out.ts'

const POSTED_TICKET = 'posted-sign-out'
/** More languages than anybody reads; a longer list is none. */
const LONGEST_LOCALES = 254
/** Of the ids that are given here; anything longer names nobody. */
const LONGEST_SESSION_ID = 64

export const endSession: Feature = {
  name: 'end-session',
  spec: 'OpenID Connect RP-Initiated Logout 1.0',
  metadata: issuer => ({ end_session_endpoint: `${issuer}oidc/logout` }),
  routes: services => [
    {
      method: 'GET',
      path: '/oidc/logout',
      speaks: 'pages',
      answer: async incoming => carryOut(services, incoming, await understand(services, incoming, incoming.query)),
    },
    {
      method: 'POST',
      path: '/oidc/logout',
      speaks: 'pages',
      answer: async incoming => {
        const data = await understand(services, incoming, incoming.body)
        return comeBackTo('/oidc/logout/', services, incoming, { kind: POSTED_TICKET, data })
      },
    },
    { method: 'GET', path: '/oidc/logout/:id', speaks: 'pages', answer: incoming => resume(services, incoming) },
  ],
}

/** A request that was found sound. */
interface Understood extends SignOutRequest {
  /** Whom a valid hint names; null without one. */
  readonly hinted: { readonly user: string; readonly session: string | null } | null
  /** `logout_hint`, in which Auth0's SDKs send the `sid` that they know; null without one. */
  readonly sessionHint: string | null
}

async function understand(services: OAuthServices, incoming: Incoming, parameters: Parameters): Promise<Understood> {
  if (parameters.repeated.length > 0) throw new PageError('malformed_request', 'A parameter is sent more than once.')
  const token = parameters.get('id_token_hint')
  const hint = token === undefined ? undefined : await readIdTokenHint(services, incoming, token)
  const client = await namedClient(services, incoming, parameters, hint)
  const session = hint?.claims['sid']
  const uiLocales = parameters.get('ui_locales') ?? ''
  const logoutHint = parameters.get('logout_hint') ?? ''
  return {
    client: client?.id ?? null,
    returnTo: returnUrl(client, parameters),
    uiLocales: uiLocales !== '' && uiLocales.length <= LONGEST_LOCALES ? uiLocales : null,
    sessionHint: logoutHint !== '' && logoutHint.length <= LONGEST_SESSION_ID ? logoutHint : null,
    hinted: hint ? { user: hint.user, session: typeof session === 'string' ? session : null } : null,
  }
}

async function carryOut(services: OAuthServices, incoming: Incoming, request: Understood): Promise<Answer> {
  const { hinted, sessionHint, ...asked } = request
  if (!hinted) {
    // Only the applications of a session know its `sid`, so this is their word as an ID token is, where one is named. It is
    // worth something in the browser of that session alone.
    const sessions =
      sessionHint === null || asked.client === null
        ? []
        : await liveSessions(services.store, incoming, services.clock())
    return sessions.some(({ session }) => session.id === sessionHint)
      ? signOutHere(services, incoming, asked, ({ session }) => session.id === sessionHint)
      : askToSignOut(services, incoming, asked)
  }
  return signOutHere(services, incoming, asked, ({ session }) =>
    hinted.session === null ? session.user === hinted.user : session.id === hinted.session,
  )
}

/** Back from the redirect after a form. */
async function resume(services: OAuthServices, incoming: Incoming): Promise<Answer> {
  const request = await takePosted<Understood>(services, incoming, POSTED_TICKET)
  if (!request) throw new PageError('start_again', 'This sign-out is over.')
  return carryOut(services, incoming, request)
}

/** The client of the hint, or the one named; §2: both have to be the same. */
async function namedClient(
  { clients }: OAuthServices,
  { tenant }: Incoming,
  parameters: Parameters,
  hint: VerifiedToken | undefined,
): Promise<Client | undefined> {
  const named = parameters.get('client_id')
  const hinted = typeof hint?.claims.aud === 'string' ? hint.claims.aud : undefined
  if (named !== undefined && hinted !== undefined && named !== hinted)
    throw new PageError('malformed_request', 'client_id is not the audience of id_token_hint.')
  const id = hinted ?? named
  const client = id === undefined ? undefined : await clients.find(tenant, id)
  if (id !== undefined && !client) throw new PageError('unknown_client', 'There is no application with this client_id.')
  return client
}

/** Only where the client registered that it may lead, with the state it sent and nothing else. */
function returnUrl(client: Client | undefined, parameters: Parameters): string | null {
  const url = parameters.get('post_logout_redirect_uri')
  if (url === undefined) return null
  if (!client || !isRegisteredLogoutUrl(client.logoutUrls, url))
    throw new PageError(
      'return_to_mismatch',
      'post_logout_redirect_uri is not among the allowed logout URLs of the application.',
    )
  const state = parameters.get('state')
  return state === undefined ? url : withQuery(url, { state })
}
