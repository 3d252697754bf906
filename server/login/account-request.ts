/**
 * A request that no application made: somebody opened their own page and has to sign in, or to choose an account,
 * first. It waits in a ticket of a kind of its own, so that the sign-in pages serve it like any other, while
 * `/authorize`, which knows no such kind, can never answer it: there is no code to give and no address to give it to.
 */
import { type Client, resolveClient } from '../clients/metadata.ts'
import { type Answer, type Incoming, seeOther } from '../http/route.ts'
import { issueHere } from '../identity/bound-tickets.ts'
import { ACCOUNT_PAGE } from '../identity/connections.ts'
import type { Instant } from '../kernel/clock.ts'
import { SECOND } from '../kernel/seconds.ts'
import { ACCOUNT_PROOF_LIFE, INTERACTION_LIFE } from '../policy/lifetimes.ts'
import type { AuthorizationRequest } from '../policy/next-step.ts'
import type { Tenant } from '../tenants/tenants.ts'
import type { LoginServices } from './services.ts'

export const ACCOUNT_PATH = '/account'
export const ACCOUNT_TICKET = 'account-request'

/** The page as an application of the tenant's own, under the tenant's name. It stands in no table. */
export const accountClient = ({ id: tenant, name }: Tenant): Client =>
  resolveClient(
    {
      tenant,
      id: ACCOUNT_PAGE,
      epoch: 0,
      metadata: { name },
      sealedSecret: null,
      credentials: [],
      createdAt: 0,
      updatedAt: 0,
    },
    null,
  )

export const accountRequest = (prompt: readonly string[], receivedAt: Instant): AuthorizationRequest => ({
  client: ACCOUNT_PAGE,
  redirectUri: ACCOUNT_PATH,
  redirectUriWasSent: false,
  responseType: 'none',
  responseMode: 'none',
  state: null,
  prompt,
  maxAgeSeconds: ACCOUNT_PROOF_LIFE / SECOND,
  audience: '',
  audiences: {},
  asks: {},
  subject: null,
  connection: null,
  organization: null,
  asksOrganization: null,
  invitation: null,
  acr: [],
  chosenSession: null,
  loginHint: null,
  screenHint: null,
  uiLocales: null,
  notes: {},
  lasting: {},
  receivedAt,
})

/** To the page of the sign-in that comes next, and from there back to the account. */
export async function askFirst(
  services: LoginServices,
  incoming: Incoming,
  request: AuthorizationRequest,
): Promise<Answer> {
  const scope = await services.cookieScope(incoming.tenant, incoming.issuer)
  const { id, cookies } = await issueHere(services, incoming, scope, {
    kind: ACCOUNT_TICKET,
    data: request,
    since: request.receivedAt,
    life: INTERACTION_LIFE,
  })
  return seeOther(`/login/${id}`, cookies)
}
