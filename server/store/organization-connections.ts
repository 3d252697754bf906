/** Which connections an organization's people sign in by, and what each means there. */
import type { JsonObject } from '../kernel/json.ts'
import { toObject, toText } from './columns.ts'
import { type Page, pageOf } from './pages.ts'
import type { Database } from './schema.ts'

/** A connection of an organization, with what it is called and what it is. */
export interface OrganizationConnectionRecord {
  readonly tenant: string
  readonly organization: string
  readonly connection: string
  readonly name: string
  readonly strategy: string
  /** Under Auth0's names: `assign_membership_on_login`, `show_as_button`, `is_signup_enabled`, … */
  readonly settings: JsonObject
}

type Named = Pick<OrganizationConnectionRecord, 'tenant' | 'organization' | 'connection'>

export interface OrganizationConnections {
  add(connection: Named & Pick<OrganizationConnectionRecord, 'settings'>): Promise<'added' | 'already'>
  /** Those of removed connections are not found. */
  find(named: Named): Promise<OrganizationConnectionRecord | undefined>
  change(named: Named, settings: JsonObject): Promise<'changed' | 'gone'>
  remove(named: Named): Promise<'removed' | 'gone'>
  /** Of these organizations those that have the connection. */
  having(tenant: string, organizations: readonly string[], connection: string): Promise<OrganizationConnectionRecord[]>
  /** By the connection's name, all of them without a page. */
  list(tenant: string, organization: string, page?: Page): Promise<OrganizationConnectionRecord[]>
}

const joined = (db: Database) =>
  db
    .selectFrom('organization_connections')
    .innerJoin('connections', join =>
      join
        .onRef('connections.tenant', '=', 'organization_connections.tenant')
        .onRef('connections.id', '=', 'organization_connections.connection'),
    )
    .selectAll('organization_connections')
    .select(['connections.name', 'connections.strategy'])

type Row = Awaited<ReturnType<ReturnType<typeof joined>['executeTakeFirstOrThrow']>>

const toRecord = (row: Row): OrganizationConnectionRecord => ({
  tenant: row.tenant,
  organization: row.organization,
  connection: row.connection,
  name: row.name,
  strategy: row.strategy,
  settings: toObject(row.settings),
})

export const organizationConnectionsIn = (db: Database): OrganizationConnections => ({
  async add({ tenant, organization, connection, settings }) {
    const added = await db
      .insertInto('organization_connections')
      .values({ tenant, organization, connection, settings: toText(settings) })
      .onConflict(conflict => conflict.doNothing())
      .returning('connection')
      .executeTakeFirst()
    return added ? 'added' : 'already'
  },

  async find({ tenant, organization, connection }) {
    const row = await joined(db)
      .where('organization_connections.tenant', '=', tenant)
      .where('organization_connections.organization', '=', organization)
      .where('organization_connections.connection', '=', connection)
      .executeTakeFirst()
    return row && toRecord(row)
  },

  async change({ tenant, organization, connection }, settings) {
    const changed = await db
      .updateTable('organization_connections')
      .set({ settings: toText(settings) })
      .where('tenant', '=', tenant)
      .where('organization', '=', organization)
      .where('connection', '=', connection)
      .returning('connection')
      .executeTakeFirst()
    return changed ? 'changed' : 'gone'
  },

  async remove({ tenant, organization, connection }) {
    const removed = await db
      .deleteFrom('organization_connections')
      .where('tenant', '=', tenant)
      .where('organization', '=', organization)
      .where('connection', '=', connection)
      .returning('connection')
      .executeTakeFirst()
    return removed ? 'removed' : 'gone'
  },

  async having(tenant, organizations, connection) {
    if (organizations.length === 0) return []
    const rows = await joined(db)
      .where('organization_connections.tenant', '=', tenant)
      .where('organization_connections.organization', 'in', organizations)
      .where('organization_connections.connection', '=', connection)
      .execute()
    return rows.map(toRecord)
  },

  async list(tenant, organization, page) {
    const query = joined(db)
      .where('organization_connections.tenant', '=', tenant)
      .where('organization_connections.organization', '=', organization)
      .orderBy('connections.name')
    const rows = await (page ? query.$call(pageOf(page)) : query).execute()
    return rows.map(toRecord)
  },
})
