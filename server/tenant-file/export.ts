/**
 * What a tenant is, as the file that would make it so: applied to it, that file changes nothing. Secrets stay where they
 * are, and so do people: `latchkey backup` is for those.
 */
import type { JsonObject, JsonValue } from '../kernel/json.ts'
import type { Services } from './apply.ts'
import { exportClientGrants } from './client-grants.ts'
import { exportClients } from './clients.ts'
import { exportConnections } from './connections.ts'
import { exportKept } from './kept.ts'
import { exportOrganizations } from './organizations.ts'
import { exportResourceServers } from './resource-servers.ts'
import { exportRoles } from './roles.ts'
import { exportSettings } from './settings.ts'

export type Exporting = Pick<Services, 'store'> & { readonly tenant: string }

/** Undefined for a member that has nothing to say. */
type Export = (from: Exporting) => Promise<JsonValue | undefined>

/** In the order in which they lean on each other. */
const SECTIONS: Readonly<Record<string, Export>> = {
  tenant: async from => (await exportSettings(from)).tenant,
  attackProtection: async from => (await exportSettings(from)).attackProtection,
  branding: async from => (await exportSettings(from)).branding,
  resourceServers: exportResourceServers,
  clients: exportClients,
  clientGrants: exportClientGrants,
  databases: from => exportConnections(from, { ofPasswords: true }),
  connections: from => exportConnections(from, { ofPasswords: false }),
  organizations: exportOrganizations,
  roles: exportRoles,
}

export async function exportTenant({ store }: Pick<Services, 'store'>, tenant: string): Promise<JsonObject> {
  const document: Record<string, JsonValue> = {}
  for (const [section, exportSection] of Object.entries(SECTIONS)) {
    const exported = await exportSection({ store, tenant })
    if (exported !== undefined) document[section] = exported
  }
  for (const [section, exported] of Object.entries(await exportKept({ store, tenant })))
    if (exported !== undefined) document[section] = exported
  return document
}
