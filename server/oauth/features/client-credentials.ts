/**
 * A machine asks as itself. It touches no database: client, grant and key are cached, and the event follows
 * within 50 ms. What it may ask is its client grant's to say, deny by default.
 */
import { machineTokenIssued } from '../../audit/events.ts'
import { type Client, isPublic } from '../../clients/metadata.ts'
import { findOrganization } from '../../identity/organizations.ts'
import { ProtocolError } from '../../kernel/errors.ts'
import type { OrganizationRecord } from '../../store/organizations.ts'
import { assertActiveMachine } from '../../tokens/assert-active.ts'
import { namedAudience } from '../audiences.ts'
import type { Entitlement, Feature, Presented, TokenContext } from '../feature.ts'
import { openToMachine } from '../permitted.ts'

interface PresentedMachine extends Presented {
  readonly audience: string
  readonly scopes: readonly string[]
  readonly organization: OrganizationRecord | null
}

export const clientCredentials: Feature = {
  name: 'client-credentials',
  spec: 'RFC 6749 §4.4',
  grant: { type: 'client_credentials', present, redeem },
}

async function present({
  services,
  issuer,
  tenant,
  client,
  parameters,
}: Omit<TokenContext, 'presented'>): Promise<PresentedMachine> {
  // RFC 6749 §4.4.2: for clients that authenticate. A name alone proves nothing.
  if (isPublic(client)) throw new ProtocolError('unauthorized_client', 'A public client cannot act as itself.')
  const audience = namedAudience(parameters) ?? (await services.tenants.find(tenant)).defaultAudience ?? undefined
  if (audience === undefined) throw new ProtocolError('invalid_target', 'audience is missing.')
  const granted = await openToMachine(services, client, issuer, audience)
  if (!granted) throw new ProtocolError('unauthorized_client', 'The client has no grant for this audience.')

  const asked = parameters.get('scope')?.split(' ').filter(Boolean)
  if (asked?.some(scope => !granted.includes(scope)))
    throw new ProtocolError('invalid_scope', 'The client grant does not hold every scope that is asked for.')
  const organization = await organizationOf(services, tenant, client, audience, parameters.get('organization'))
  return { request: null, audience, scopes: asked ?? granted, organization }
}

/**
 * For which organization, by id or by name, if for any: one that the client grant may be used for. The store is asked
 * only by whoever names one. Auth0's words.
 */
async function organizationOf(
  { clients, store, tenants }: TokenContext['services'],
  tenant: string,
  client: Client,
  audience: string,
  named: string | undefined,
): Promise<OrganizationRecord | null> {
  const grant = await clients.grantOf(client, audience)
  const { organizations = 'deny', takesAnyOrganization = false, id = '' } = grant ?? {}
  const refused = (description: string) => new ProtocolError('invalid_request', description)
  if (named === undefined) {
    if (organizations === 'require') throw refused('parameter organization is required for this client')
    return null
  }
  if (organizations === 'deny') throw refused('parameter organization is not allowed for this client')
  const { namesOrganizations } = await tenants.find(tenant)
  const found = await findOrganization(store, tenant, named, { byName: namesOrganizations })
  if (!found) throw refused('parameter organization is invalid')
  if (!takesAnyOrganization && !(await store.organizationClients.allowsGrant(tenant, found.id, id)))
    throw new ProtocolError('access_denied', 'The client grant is not associated with the organization.')
  return found
}

async function redeem({ services, client, occasion, presented }: TokenContext): Promise<Entitlement> {
  const { audience, scopes, organization } = presented as PresentedMachine
  const active = assertActiveMachine(client, organization)
  services.audit.add(machineTokenIssued(occasion, client.id, audience, scopes))
  return {
    active,
    authorization: MACHINE,
    audiences: { [audience]: scopes },
    audience,
    narrowTo: null,
    session: null,
    proofs: [],
    lasting: {},
  }
}

/** In the place of an authorization's id: a machine's tokens end with its client's epoch. */
const MACHINE = 'm2m'
