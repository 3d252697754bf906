/** An API key that is shown to the server: whose it is, and what it may now. */
import type { Client } from '../clients/metadata.ts'
import type { Instant } from '../kernel/clock.ts'
import { ProtocolError } from '../kernel/errors.ts'
import type { ApiKeyStanding } from '../store/api-keys.ts'
import { isGenuineApiKey, parseApiKey } from '../tokens/api-key.ts'
import { type Active, assertActiveKey } from '../tokens/assert-active.ts'
import type { OAuthServices } from './feature.ts'

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

export interface ActiveKey {
  readonly active: Active
  readonly scopes: readonly string[]
}

/** Undefined when it counts no longer, or nothing is left of what it may. */
export async function activeKey(
  { clients, connections }: OAuthServices,
  standing: ApiKeyStanding,
  now: Instant,
): Promise<ActiveKey | undefined> {
  const { key, granted } = standing
  const client: Client | undefined = await clients.find(key.tenant, key.client)
  const scopes = key.scopes.filter(scope => granted?.includes(scope))
  if (!client || !granted || (scopes.length === 0 && key.scopes.length > 0)) return undefined
  const connection = key.person ? await connections.find(key.tenant, key.person.connection) : undefined
  try {
    return { active: assertActiveKey(standing, { client, connection, now }), scopes }
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}
