/** Tenants and the hosts they answer on. A tenant is a host or several, never a path prefix. */
import type { Instant } from '../kernel/clock.ts'
import type { JsonObject } from '../kernel/json.ts'
import { toObject, toText } from './columns.ts'
import { lockingIn } from './dialect.ts'
import type { Database, TenantsTable } from './schema.ts'

export interface TenantRecord {
  readonly id: string
  readonly name: string
  /** What the tenant file's `tenant` member and `tenants/settings` hold, under Auth0's names. */
  readonly settings: JsonObject
  readonly createdAt: Instant
}

export interface HostRecord {
  /** As in the Host header, lower case, with the port unless it is the scheme's own: `localhost:4000`. */
  readonly host: string
  readonly tenant: string
  /** The `iss` of everything issued through this host, with its trailing slash. Never derived from a request. */
  readonly issuer: string
}

export interface Tenants {
  /** `taken` when the id or the name is another's; inside a transaction that leaves it usable. */
  create(tenant: TenantRecord): Promise<'created' | 'taken'>
  find(id: string): Promise<TenantRecord | undefined>
  /** In a transaction, until whose end nobody else changes it. */
  hold(id: string): Promise<TenantRecord | undefined>
  findByName(name: string): Promise<TenantRecord | undefined>
  list(page: { after?: string; limit: number }): Promise<TenantRecord[]>
  changeSettings(id: string, settings: JsonObject): Promise<void>
  /** Adds the host or, when the tenant has it already, changes its issuer; `taken` when it is another tenant's. */
  putHost(host: HostRecord): Promise<'put' | 'taken'>
  /** `false` when it is not the tenant's. */
  removeHost(tenant: string, host: string): Promise<boolean>
  findHost(host: string): Promise<HostRecord | undefined>
  /** Of one tenant, or of several at once. */
  hostsOf(...tenants: readonly [string, ...string[]]): Promise<HostRecord[]>
}

const toRecord = (row: TenantsTable): TenantRecord => ({
  id: row.id,
  name: row.name,
  settings: toObject(row.settings),
  createdAt: row.created_at,
})

export const tenantsIn = (db: Database): Tenants => ({
  async create(tenant) {
    const created = await db
      .insertInto('tenants')
      .values({
        id: tenant.id,
        name: tenant.name,
        settings: toText(tenant.settings),
        created_at: tenant.createdAt,
      })
      .onConflict(conflict => conflict.doNothing())
      .returning('id')
      .executeTakeFirst()
    return created ? 'created' : 'taken'
  },

  async find(id) {
    const row = await db.selectFrom('tenants').selectAll().where('id', '=', id).executeTakeFirst()
    return row && toRecord(row)
  },

  async hold(id) {
    const row = await lockingIn(db)(db.selectFrom('tenants').selectAll().where('id', '=', id)).executeTakeFirst()
    return row && toRecord(row)
  },

  async findByName(name) {
    const row = await db.selectFrom('tenants').selectAll().where('name', '=', name).executeTakeFirst()
    return row && toRecord(row)
  },

  async list({ after, limit }) {
    const rows = await db
      .selectFrom('tenants')
      .selectAll()
      .where('id', '>', after ?? '')
      .orderBy('id')
      .limit(limit)
      .execute()
    return rows.map(toRecord)
  },

  async changeSettings(id, settings) {
    await db
      .updateTable('tenants')
      .set({ settings: toText(settings) })
      .where('id', '=', id)
      .execute()
  },

  async putHost({ host, tenant, issuer }) {
    const put = await db
      .insertInto('hosts')
      .values({ host, tenant, issuer })
      .onConflict(conflict =>
        conflict.column('host').doUpdateSet({ issuer }).whereRef('hosts.tenant', '=', 'excluded.tenant'),
      )
      .returning('host')
      .executeTakeFirst()
    return put ? 'put' : 'taken'
  },

  async removeHost(tenant, host) {
    const removed = await db
      .deleteFrom('hosts')
      .where('host', '=', host)
      .where('tenant', '=', tenant)
      .returning('host')
      .executeTakeFirst()
    return removed !== undefined
  },

  async findHost(host) {
    const row = await db.selectFrom('hosts').selectAll().where('host', '=', host).executeTakeFirst()
    return row && { host: row.host, tenant: row.tenant, issuer: row.issuer }
  },

  async hostsOf(...tenants) {
    const rows = await db.selectFrom('hosts').selectAll().where('tenant', 'in', tenants).orderBy('host').execute()
    return rows.map(row => ({ host: row.host, tenant: row.tenant, issuer: row.issuer }))
  },
})
