/** APIs: the audiences that access tokens are issued for. */
import type { Instant } from '../kernel/clock.ts'
import type { JsonObject } from '../kernel/json.ts'
import { toObject, toText } from './columns.ts'
import type { Database, ResourceServersTable } from './schema.ts'
import { accessTokenAlgorithmIn, askedForIn } from './signing-algorithms.ts'

export interface ResourceServerRecord {
  readonly tenant: string
  readonly id: string
  /** The audience, unique in a tenant, compared byte for byte. */
  readonly identifier: string
  /** Under Auth0's names, as given; `clients/resource-servers.ts` gives it its meaning. */
  readonly settings: JsonObject
  readonly createdAt: Instant
  readonly updatedAt: Instant
}

export interface ResourceServers {
  create(server: ResourceServerRecord): Promise<'created' | 'taken'>
  findByIdentifier(tenant: string, identifier: string): Promise<ResourceServerRecord | undefined>
  list(tenant: string): Promise<ResourceServerRecord[]>
  /** Those of the algorithms that the access tokens for some API are to be signed with. */
  askedAlgorithms(tenant: string, among: readonly string[]): Promise<string[]>
  change(tenant: string, id: string, settings: JsonObject, at: Instant): Promise<'changed' | 'gone'>
}

const toRecord = (row: ResourceServersTable): ResourceServerRecord => ({
  tenant: row.tenant,
  id: row.id,
  identifier: row.identifier,
  settings: toObject(row.settings),
  createdAt: row.created_at,
  updatedAt: row.updated_at,
})

export const resourceServersIn = (db: Database): ResourceServers => ({
  async create(server) {
    const created = await db
      .insertInto('resource_servers')
      .values({
        tenant: server.tenant,
        id: server.id,
        identifier: server.identifier,
        settings: toText(server.settings),
        signing_algorithm: accessTokenAlgorithmIn(server.settings),
        created_at: server.createdAt,
        updated_at: server.updatedAt,
      })
      .onConflict(conflict => conflict.doNothing())
      .returning('id')
      .executeTakeFirst()
    return created ? 'created' : 'taken'
  },

  async findByIdentifier(tenant, identifier) {
    const row = await db
      .selectFrom('resource_servers')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('identifier', '=', identifier)
      .executeTakeFirst()
    return row && toRecord(row)
  },

  async list(tenant) {
    const rows = await db
      .selectFrom('resource_servers')
      .selectAll()
      .where('tenant', '=', tenant)
      .orderBy('identifier')
      .execute()
    return rows.map(toRecord)
  },

  askedAlgorithms: (tenant, among) => askedForIn(db, 'resource_servers', tenant, among),

  async change(tenant, id, settings, at) {
    const changed = await db
      .updateTable('resource_servers')
      .set({ settings: toText(settings), signing_algorithm: accessTokenAlgorithmIn(settings), updated_at: at })
      .where('tenant', '=', tenant)
      .where('id', '=', id)
      .returning('id')
      .executeTakeFirst()
    return changed ? 'changed' : 'gone'
  },
})
