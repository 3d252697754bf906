/**
 * What `--delete` removes: whatever a list of the file does not name, as auth0-deploy-cli has it. A section that the file
 * does not have is left alone, and so is what nobody could put back: the default database, connections that people come in
 * by, the role of whoever may do everything, and grants for managing the tenant.
 */
import { isDeepStrictEqual } from 'node:util'
import { apiToWire } from '../clients/api-document.ts'
import { clientToWire, SECRET_MEMBERS } from '../clients/client-document.ts'
import { grantToWire, THIRD_PARTIES } from '../clients/client-grants.ts'
import { managementAudience } from '../clients/system-apis.ts'
import { connectionChanges } from '../identity/connections.ts'
import { organizationToWire } from '../identity/organization-documents.ts'
import { endOrganization } from '../identity/organization-management.ts'
import { roleToWire } from '../identity/roles.ts'
import { DATABASE_CONNECTION } from '../identity/users.ts'
import { removeApi, removeClient } from '../revocation/revoke.ts'
import { everyClient } from '../store/clients.ts'
import { DATABASE_STRATEGY } from '../store/connections.ts'
import { everyGrant } from './client-grants.ts'
import type { ClientPlan } from './clients.ts'
import { ADMINISTRATOR } from './first-start.ts'
import { planKeptRemovals } from './kept.ts'
import { everyOrganization } from './organizations.ts'
import { differences, type Planning, type Step } from './plan.ts'
import type { TenantFile } from './read.ts'
import { everyRole } from './roles.ts'

type Section = (planning: Planning, file: TenantFile, clients: ClientPlan) => Promise<readonly Step[]>

/** In the order in which they lean on each other, by the list of the file that each is about. */
const SECTIONS: readonly (readonly [section: string, plan: Section])[] = [
  ['organizations', planOrganizations],
  ['roles', planRoles],
  ['databases', (planning, file) => planConnections(planning, file, { ofPasswords: true })],
  ['connections', (planning, file) => planConnections(planning, file, { ofPasswords: false })],
  ['clientGrants', planGrants],
  ['clients', planClients],
  ['resourceServers', planApis],
]

export async function planRemovals(
  planning: Planning,
  file: TenantFile,
  clients: ClientPlan,
): Promise<readonly Step[]> {
  const steps: Step[] = []
  for (const [section, plan] of SECTIONS)
    if (file.lists.includes(section)) steps.push(...(await plan(planning, file, clients)))
  return [...steps, ...(await planKeptRemovals(planning, file.kept, file.lists))]
}

async function planOrganizations({ store, tenant }: Planning, file: TenantFile): Promise<readonly Step[]> {
  const named = new Set(file.organizations.map(({ name }) => name))
  const gone = (await everyOrganization(store, tenant)).filter(({ name }) => !named.has(name))
  return gone.map(organization => ({
    ...{ kind: 'organization', id: organization.id, name: organization.name, change: 'removed' },
    changes: differences(organizationToWire(organization), null),
    path: ['organizations'],
    isTold: true,
    write: async (transaction, doing) =>
      (await endOrganization(transaction, organization, doing)) === 'removed' ? 'written' : 'overtaken',
  }))
}

async function planRoles({ store, tenant, findings, clock }: Planning, file: TenantFile): Promise<readonly Step[]> {
  const named = new Set(file.roles.map(({ name }) => name))
  const steps: Step[] = []
  for (const role of await everyRole(store, tenant)) {
    if (named.has(role.name)) continue
    if (role.name === ADMINISTRATOR) {
      findings.warn(['roles'], `The role "${role.name}" is not named and is left: without it nobody may do everything.`)
      continue
    }
    steps.push({
      ...{ kind: 'role', id: role.id, name: role.name, change: 'removed' },
      changes: differences(roleToWire(role), null),
      path: ['roles'],
      write: async transaction =>
        (await transaction.roles.remove(tenant, role.id, clock())) === 'removed' ? 'written' : 'overtaken',
    })
  }
  return steps
}

async function planConnections(
  { store, connections, tenant, findings, clock }: Planning,
  file: TenantFile,
  { ofPasswords }: { readonly ofPasswords: boolean },
): Promise<readonly Step[]> {
  const path = [ofPasswords ? 'databases' : 'connections']
  const named = new Set(file.connections.map(({ name }) => name))
  const directory =
    file.settings['default_directory'] ?? (await store.tenants.find(tenant))?.settings['default_directory']
  const steps: Step[] = []
  for (const connection of await store.connections.list(tenant)) {
    const { id, name, strategy } = connection
    const isMeant = (strategy === DATABASE_STRATEGY) === ofPasswords && name !== DATABASE_CONNECTION
    if (!isMeant || named.has(name)) continue
    const why =
      name === directory
        ? 'it is the default_directory of the tenant.'
        : (await store.connections.hasPeople(tenant, id))
          ? 'people come in by it, and would be removed with it. Remove it through the Management API.'
          : undefined
    if (why !== undefined) {
      findings.warn(path, `The connection "${name}" is not named and is left: ${why}`)
      continue
    }
    steps.push({
      ...{ kind: 'connection', id, name, change: 'removed' },
      changes: connectionChanges(connection, null, connection.sealedOptions !== null, differences),
      path,
      async write(transaction) {
        if (await transaction.connections.hasPeople(tenant, id)) return 'overtaken'
        return (await connections.remove(transaction, connection, clock())) === 'removed' ? 'written' : 'overtaken'
      },
    })
  }
  return steps
}

async function planGrants(
  { store, tenant, findings }: Planning,
  file: TenantFile,
  clients: ClientPlan,
): Promise<readonly Step[]> {
  const nameOf = (client: string | null, audience: string, subject: string) =>
    JSON.stringify([client, audience, subject])
  const named = new Set<string>()
  for (const { client, audience, subject } of file.clientGrants)
    named.add(nameOf(client === null ? null : await clients.find(client), audience, subject))
  const management = (await store.tenants.hostsOf(tenant)).map(host => managementAudience(host.issuer))
  const steps: Step[] = []
  for await (const grant of everyGrant(store, tenant)) {
    const { id, client, audience, subject } = grant
    if (named.has(nameOf(client, audience, subject))) continue
    // A tool leaves its own out of what it exports.
    if (management.includes(audience)) {
      const isLeft = client === null || !file.lists.includes('clients') || clients.isNamed(client)
      if (isLeft)
        findings.warn(
          ['clientGrants'],
          `That ${client ?? THIRD_PARTIES} may manage this tenant is not named and is left: a tool could not come back. Remove it through the Management API.`,
        )
      continue
    }
    steps.push({
      ...{ kind: 'client-grant', id, name: `${client ?? THIRD_PARTIES} for ${audience}`, change: 'removed' },
      changes: differences(grantToWire(grant), null),
      path: ['clientGrants'],
      async write(transaction) {
        transaction.announce({ topic: 'client', tenant, id: client ?? '' })
        return (await transaction.clients.removeGrant(tenant, id)) === 'removed' ? 'written' : 'overtaken'
      },
    })
  }
  return steps
}

async function planClients(
  { store, tenant, clock }: Planning,
  _file: TenantFile,
  clients: ClientPlan,
): Promise<readonly Step[]> {
  const tenantName = (await store.tenants.find(tenant))?.name ?? tenant
  const steps: Step[] = []
  for await (const client of everyClient(store, tenant)) {
    const { id } = client
    if (clients.isNamed(id)) continue
    steps.push({
      ...{ kind: 'client', id, name: String(client.metadata['name'] ?? id), change: 'removed' },
      changes: differences(clientToWire(client, tenantName), null, SECRET_MEMBERS),
      path: ['clients'],
      write: async transaction =>
        (await removeClient(transaction, { tenant, id }, clock())) === 'removed' ? 'written' : 'overtaken',
    })
  }
  return steps
}

async function planApis({ store, tenant, clock }: Planning, file: TenantFile): Promise<readonly Step[]> {
  const named = new Set(file.resourceServers.map(({ identifier }) => identifier))
  const gone = (await store.resourceServers.list(tenant)).filter(({ identifier }) => !named.has(identifier))
  return gone.map(api => ({
    ...{ kind: 'resource-server', id: api.id, name: api.identifier, change: 'removed' },
    changes: differences(apiToWire(api), null),
    path: ['resourceServers'],
    async write(transaction) {
      if (!isDeepStrictEqual(await transaction.resourceServers.hold(tenant, api.id), api)) return 'overtaken'
      return (await removeApi(transaction, api, clock())) === 'removed' ? 'written' : 'overtaken'
    },
  }))
}
