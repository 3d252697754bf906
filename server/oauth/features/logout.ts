/**
 * `/v2/logout`, as Auth0's SDKs call it: a link that signs out and leads back. It acts at once only when it
 * leads to an address that an application of the operator's own registered, since any page can point a browser here;
 * otherwise the person is asked.
 */
import { isRegisteredLogoutUrl } from '../../clients/redirect-uris.ts'
import type { Answer, Incoming, Route } from '../../http/route.ts'
import { PageError } from '../../kernel/errors.ts'
import type { Feature, OAuthServices } from '../feature.ts'
import { askToSignOut, signOutHere } from '../sign-out.ts'

export const logout: Feature = {
  name: 'logout',
  spec: 'Auth0 Authentication API, GET /v2/logout',
  routes: services => {
    const route: Route = {
      method: 'GET',
      path: '/v2/logout',
      speaks: 'pages',
      answer: incoming => answer(services, incoming),
    }
    return [route]
  },
}

async function answer(services: OAuthServices, incoming: Incoming): Promise<Answer> {
  const clientId = incoming.query.get('client_id')
  const client = clientId === undefined ? undefined : await services.clients.find(incoming.tenant, clientId)
  if (clientId !== undefined && !client)
    throw new PageError('unknown_client', 'There is no application with this client_id.')

  const returnTo = incoming.query.get('returnTo')
  if (returnTo === undefined)
    return askToSignOut(services, incoming, { client: client?.id ?? null, returnTo: null, uiLocales: null })
  const registered = client?.logoutUrls ?? (await services.tenants.find(incoming.tenant)).logoutUrls
  if (incoming.query.repeated.includes('returnTo') || !isRegisteredLogoutUrl(registered, returnTo))
    throw new PageError(
      'return_to_mismatch',
      'returnTo is not among the allowed logout URLs of the application or the tenant.',
    )
  return signOutHere(services, incoming, { client: client?.id ?? null, returnTo, uiLocales: null })
}
