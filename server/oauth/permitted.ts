/**
 * What may be in a token for an API, whatever was granted for it once: scopes that the API still has, of a person those
 * that its policies and their permissions leave, of a machine those of its client grant. Asked for each token, whichever
 * grant led to it, so that what is taken away is in none from then on; and of the store only where the API wants it.
 */
import { scopesOf } from '../clients/client-grants.ts'
import type { Client } from '../clients/metadata.ts'
import type { ResourceServer } from '../clients/resource-servers.ts'
import { findSystemApi } from '../clients/system-apis.ts'
import { ProtocolError } from '../kernel/errors.ts'
import type { Active } from '../tokens/assert-active.ts'
import type { OAuthServices } from './feature.ts'

export interface Permitted {
  readonly scopes: readonly string[]
  /** What the token tells of them; null where its API does not want to be told. */
  readonly permissions: readonly string[] | null
}

/** `granted` are scopes of the API. Throws `access_denied` where the client may ask nothing of it for people. */
export async function permittedScopes(
  services: Pick<OAuthServices, 'clients' | 'store'>,
  { client, user, organization }: Active,
  api: ResourceServer,
  granted: readonly string[],
): Promise<Permitted> {
  if (user === null) return { scopes: granted, permissions: api.tellsPermissions ? granted : null }
  const open = await openToPeople(services, client, api)
  const scopes = granted.filter(scope => open.includes(scope))
  if (!api.enforcesPermissions && !api.tellsPermissions) return { scopes, permissions: null }
  const { tenant, id } = user
  const held = new Set(await services.store.permissions.held(tenant, id, organization?.id ?? null, api.identifier))
  return {
    scopes: api.enforcesPermissions ? scopes.filter(scope => held.has(scope)) : scopes,
    // In the API's order, and none that it has no more.
    permissions: api.tellsPermissions ? api.scopes.filter(scope => held.has(scope)) : null,
  }
}

/** The scopes that the client may ask of the API for people. Throws `access_denied` in Auth0's words where it may not ask. */
export async function openToPeople(
  { clients }: Pick<OAuthServices, 'clients'>,
  client: Client,
  api: ResourceServer,
): Promise<readonly string[]> {
  if (api.takes.user === 'allow_all') return api.scopes
  const grant =
    api.takes.user === 'require_client_grant' ? await clients.grantOf(client, api.identifier, 'user') : undefined
  if (!grant)
    throw new ProtocolError(
      'access_denied',
      `Client "${client.id}" is not authorized to access resource server "${api.identifier}".`,
    )
  return scopesOf(grant, api)
}

/** The scopes that the client may ask of the API as itself; undefined where it may not ask. */
export async function openToMachine(
  { clients, resourceServers }: Pick<OAuthServices, 'clients' | 'resourceServers'>,
  client: Client,
  issuer: string,
  audience: string,
): Promise<readonly string[] | undefined> {
  const grant = await clients.grantOf(client, audience)
  const api =
    grant && (findSystemApi(client.tenant, issuer, audience) ?? (await resourceServers.find(client.tenant, audience)))
  return api && api.takes.client !== 'deny_all' ? scopesOf(grant, api) : undefined
}
