/** An API key that is shown to the server: whose it is, and what it may now. */
import { scopesOf } from '../clients/client-grants.ts'
import type { Client } from '../clients/metadata.ts'
import type { ResourceServer } from '../clients/resource-servers.ts'
import type { Instant } from '../kernel/clock.ts'
import { ProtocolError } from '../kernel/errors.ts'
import type { ApiKeyStanding } from '../store/api-keys.ts'
import { isGenuineApiKey, parseApiKey } from '../tokens/api-key.ts'
import { type Active, assertActiveKey } from '../tokens/assert-active.ts'
import type { OAuthServices } from './feature.ts'
import { type Permitted, permittedScopes } from './permitted.ts'

/** Whether it has the form of one, its checksum included. */
export const isApiKey = (token: string): boolean => parseApiKey(token) !== undefined

/** The key of that id and secret, whichever client's it is, and whether it counts or not. */
export async function findApiKey(
  { store }: OAuthServices,
  tenant: string,
  token: string,
): Promise<ApiKeyStanding | undefined> {
  const parsed = parseApiKey(token)
  const standing = parsed && (await store.apiKeys.standing(tenant, parsed.id))
  return standing && isGenuineApiKey(parsed, standing.key.secretHash) ? standing : undefined
}

export interface ActiveKey extends Permitted {
  readonly active: Active
  readonly api: ResourceServer
}

/** Undefined when it counts no longer, or nothing is left of what it may. */
export async function activeKey(
  services: OAuthServices,
  standing: ApiKeyStanding,
  now: Instant,
): Promise<ActiveKey | undefined> {
  const { clients, connections, resourceServers } = services
  const { key, granted } = standing
  const client: Client | undefined = await clients.find(key.tenant, key.client)
  const api = granted && (await resourceServers.find(key.tenant, key.audience))
  if (!client || !api) return undefined
  const left = scopesOf(granted, api)
  const connection = key.person ? await connections.find(key.tenant, key.person.connection) : undefined
  try {
    const active = assertActiveKey(standing, { client, connection, now })
    const permitted = await permittedScopes(
      services,
      active,
      api,
      key.scopes.filter(scope => left.includes(scope)),
    )
    return permitted.scopes.length === 0 && key.scopes.length > 0 ? undefined : { active, api, ...permitted }
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}
