/** Which applications are an organization's, and which client grants may be used for it. */
import { toFlag } from './columns.ts'
import { type Page, pageOf } from './pages.ts'
import type { Database, OrganizationClientsTable } from './schema.ts'

export interface OrganizationClientRecord {
  readonly tenant: string
  readonly organization: string
  readonly client: string
  /** Whether its members sign in to it. */
  readonly isForMembers: boolean
}

export interface OrganizationClients {
  /** `changed` when it was there and said something else. */
  put(association: OrganizationClientRecord): Promise<'added' | 'changed' | 'same'>
  find(tenant: string, organization: string, client: string): Promise<OrganizationClientRecord | undefined>
  remove(tenant: string, organization: string, client: string): Promise<'removed' | 'gone'>
  /** By the client's id. Removed clients are not among them. */
  list(tenant: string, organization: string, page: Page): Promise<OrganizationClientRecord[]>

  /** Lets the client grant be used for the organization. */
  allowGrant(tenant: string, organization: string, grant: string): Promise<'added' | 'already'>
  allowsGrant(tenant: string, organization: string, grant: string): Promise<boolean>
  disallowGrant(tenant: string, organization: string, grant: string): Promise<'removed' | 'gone'>
  /** Ids of client grants, in their order; those that were removed since may be among them. */
  grantsOf(tenant: string, organization: string): Promise<string[]>
  /** Ids of organizations, in their order; those that were removed since may be among them. */
  organizationsOf(tenant: string, grant: string, page: Page): Promise<string[]>
}

const toRecord = (row: OrganizationClientsTable): OrganizationClientRecord => ({
  tenant: row.tenant,
  organization: row.organization,
  client: row.client,
  isForMembers: row.for_members === 1,
})

export const organizationClientsIn = (db: Database): OrganizationClients => ({
  async put({ tenant, organization, client, isForMembers }) {
    const for_members = toFlag(isForMembers)
    const added = await db
      .insertInto('organization_clients')
      .values({ tenant, organization, client, for_members })
      .onConflict(conflict => conflict.doNothing())
      .returning('client')
      .executeTakeFirst()
    if (added) return 'added'
    const changed = await db
      .updateTable('organization_clients')
      .set({ for_members })
      .where('tenant', '=', tenant)
      .where('organization', '=', organization)
      .where('client', '=', client)
      .where('for_members', '<>', for_members)
      .returning('client')
      .executeTakeFirst()
    return changed ? 'changed' : 'same'
  },

  async find(tenant, organization, client) {
    const row = await db
      .selectFrom('organization_clients')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('organization', '=', organization)
      .where('client', '=', client)
      .executeTakeFirst()
    return row && toRecord(row)
  },

  async remove(tenant, organization, client) {
    const removed = await db
      .deleteFrom('organization_clients')
      .where('tenant', '=', tenant)
      .where('organization', '=', organization)
      .where('client', '=', client)
      .returning('client')
      .executeTakeFirst()
    return removed ? 'removed' : 'gone'
  },

  async list(tenant, organization, { after, ...page }) {
    const rows = await db
      .selectFrom('organization_clients')
      .innerJoin('clients', join =>
        join
          .onRef('clients.tenant', '=', 'organization_clients.tenant')
          .onRef('clients.id', '=', 'organization_clients.client')
          .on('clients.removed_at', 'is', null),
      )
      .selectAll('organization_clients')
      .where('organization_clients.tenant', '=', tenant)
      .where('organization_clients.organization', '=', organization)
      .$if(after !== undefined, query => query.where('organization_clients.client', '>', after ?? ''))
      .orderBy('organization_clients.client')
      .$call(pageOf(page))
      .execute()
    return rows.map(toRecord)
  },

  async allowGrant(tenant, organization, grant) {
    const added = await db
      .insertInto('organization_grants')
      .values({ tenant, organization, grant })
      .onConflict(conflict => conflict.doNothing())
      .returning('grant')
      .executeTakeFirst()
    return added ? 'added' : 'already'
  },

  async allowsGrant(tenant, organization, grant) {
    const row = await db
      .selectFrom('organization_grants')
      .select('grant')
      .where('tenant', '=', tenant)
      .where('organization', '=', organization)
      .where('grant', '=', grant)
      .executeTakeFirst()
    return row !== undefined
  },

  async disallowGrant(tenant, organization, grant) {
    const removed = await db
      .deleteFrom('organization_grants')
      .where('tenant', '=', tenant)
      .where('organization', '=', organization)
      .where('grant', '=', grant)
      .returning('grant')
      .executeTakeFirst()
    return removed ? 'removed' : 'gone'
  },

  async grantsOf(tenant, organization) {
    const rows = await db
      .selectFrom('organization_grants')
      .select('grant')
      .where('tenant', '=', tenant)
      .where('organization', '=', organization)
      .orderBy('grant')
      .execute()
    return rows.map(({ grant }) => grant)
  },

  async organizationsOf(tenant, grant, { after, ...page }) {
    const rows = await db
      .selectFrom('organization_grants')
      .select('organization')
      .where('tenant', '=', tenant)
      .where('grant', '=', grant)
      .$if(after !== undefined, query => query.where('organization', '>', after ?? ''))
      .orderBy('organization')
      .$call(pageOf(page))
      .execute()
    return rows.map(({ organization }) => organization)
  },
})
