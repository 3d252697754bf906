/**
 * RP-initiated logout. A valid hint of who is to be signed out stands for the application's word, and is
 * honoured at once; without one the person is asked, because the link may come from anywhere.
 */
import {
  allowAlgorithms,
  checkClaims,
  idTokenHint,
  VerificationError,
  type VerifiedToken,
  verifySignature,
} from '@latchkey/sdk/verify'
import { type Client, ID_TOKEN_ALGORITHMS } from '../../clients/metadata.ts'
import { isRegisteredLogoutUrl } from '../../clients/redirect-uris.ts'
import type { Parameters } from '../../http/parameters.ts'
import { type Answer, type Incoming, seeOther } from '../../http/route.ts'
import { PageError } from '../../kernel/errors.ts'
import { withQuery } from '../../kernel/url.ts'
import type { Feature, OAuthServices } from '../feature.ts'
import { askToSignOut, signOutHere } from '../sign-out.ts'

export const endSession: Feature = {
  name: 'end-session',
  spec: 'OpenID Connect RP-Initiated Logout 1.0',
  metadata: issuer => ({ end_session_endpoint: `${issuer}oidc/logout` }),
  routes: services => [
    {
      method: 'GET',
      path: '/oidc/logout',
      speaks: 'pages',
      answer: incoming => answer(services, incoming, incoming.query),
    },
    {
      method: 'POST',
      path: '/oidc/logout',
      speaks: 'pages',
      answer: incoming => answer(services, incoming, incoming.body),
    },
  ],
}

async function answer(services: OAuthServices, incoming: Incoming, parameters: Parameters): Promise<Answer> {
  if (parameters.repeated.length > 0) throw new PageError('malformed_request', 'A parameter is sent more than once.')
  const hint = await readHint(services, incoming, parameters.get('id_token_hint'))
  const client = await namedClient(services, incoming, parameters, hint)
  const returnTo = returnUrl(client, parameters)

  if (!hint) return askToSignOut(services, incoming, { client: client?.id ?? null, returnTo })
  const cookies = await signOutHere(services, incoming, client?.id ?? null, ({ session }) =>
    hint.claims['sid'] === undefined ? session.user === hint.claims.sub : session.id === hint.claims['sid'],
  )
  return seeOther(returnTo ?? '/signed-out', cookies)
}

/**
 * Undefined for a hint that is missing or not ours. An expired one is honoured while its public key is
 * remembered: people sign out long after they signed in.
 */
async function readHint(
  { keyring, clock }: OAuthServices,
  { tenant, issuer }: Incoming,
  token: string | undefined,
): Promise<VerifiedToken | undefined> {
  if (token === undefined) return undefined
  try {
    const signed = await verifySignature(
      token,
      request => keyring.verificationKey(tenant, request, { retired: true }),
      ALGORITHMS,
    )
    return checkClaims(signed, idTokenHint({ issuer }), clock())
  } catch (error) {
    if (error instanceof VerificationError) return undefined
    throw error
  }
}

const ALGORITHMS = allowAlgorithms(ID_TOKEN_ALGORITHMS)

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
