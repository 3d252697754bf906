/** What a connection may be to an organization, at either of the resources that say it. */
import Type from 'typebox'
import { enabledConnectionFault } from '../identity/organization-documents.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { ConnectionRecord } from '../store/connections.ts'
import type { Nouns } from '../store/store.ts'
import { ManagementFault } from './fault.ts'

export const CONNECTION_SETTINGS = {
  assign_membership_on_login: Type.Optional(Type.Boolean()),
  show_as_button: Type.Optional(Type.Boolean()),
  is_signup_enabled: Type.Optional(Type.Boolean()),
}

export const ENABLED_CONNECTION = Type.Object({
  connection_id: Type.String(),
  assign_membership_on_login: Type.Boolean(),
  show_as_button: Type.Boolean(),
  is_signup_enabled: Type.Boolean(),
  connection: Type.Object({ name: Type.String(), strategy: Type.String() }),
})

/** One that is not there is a fault of the body. */
export async function requireConnection(store: Nouns, tenant: string, id: string): Promise<ConnectionRecord> {
  const connection = await store.connections.find(tenant, id)
  if (!connection)
    throw new ManagementFault(400, 'invalid_body', `Payload validation error: there is no connection ${id}.`)
  return connection
}

export function settingsFrom(
  settings: Readonly<Record<string, unknown>>,
  connection: Pick<ConnectionRecord, 'strategy'>,
): JsonObject {
  const fault = enabledConnectionFault(settings, connection)
  if (fault !== undefined)
    throw new ManagementFault(400, 'invalid_body', `Payload validation error: is_signup_enabled ${fault}.`)
  return settings as JsonObject
}
