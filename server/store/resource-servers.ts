/** APIs: the audiences that access tokens are issued for. */
import type { Instant } from '../kernel/clock.ts'
import type { JsonObject } from '../kernel/json.ts'
import { atomically } from './atomic.ts'
import { toObject, toText } from './columns.ts'
import { lockingIn } from './dialect.ts'
import { counted, type Part } from './roles.ts'
import type { Database, ResourceServersTable } from './schema.ts'
import { accessTokenAlgorithmIn, askedForIn } from './signing-algorithms.ts'

export interface ResourceServerRecord {
  readonly tenant: string
  readonly id: string
  /** The audience, unique in a tenant, compared byte for byte. */
  readonly identifier: string
  /** How often an API of that identifier was removed: what was given for one is nothing to the next. */
  readonly epoch: number
  /** Under Auth0's names, as given; `clients/resource-servers.ts` gives it its meaning. */
  readonly settings: JsonObject
  readonly createdAt: Instant
  readonly updatedAt: Instant
}

export interface ResourceServers {
  /**
   * `taken` by an API of that identifier or id. `leaving` while what hung on a removed one of that identifier is not all
   * purged: it would hang on the new one.
   */
  create(server: Omit<ResourceServerRecord, 'epoch'>): Promise<'created' | 'taken' | 'leaving'>
  /** Removed ones are not found. */
  find(tenant: string, id: string): Promise<ResourceServerRecord | undefined>
  findByIdentifier(tenant: string, identifier: string): Promise<ResourceServerRecord | undefined>
  /** In order of identifier: all, or a part. */
  list(tenant: string, part?: Part): Promise<ResourceServerRecord[]>
  /** Those of the identifiers that there are. */
  among(tenant: string, identifiers: readonly string[]): Promise<ResourceServerRecord[]>
  count(tenant: string): Promise<number>
  /** Read to be changed: nobody else changes or removes it until the transaction ends. */
  hold(tenant: string, id: string): Promise<ResourceServerRecord | undefined>
  /** Those of the algorithms that the access tokens for some API are to be signed with. */
  askedAlgorithms(tenant: string, among: readonly string[]): Promise<string[]>
  change(tenant: string, id: string, settings: JsonObject, at: Instant): Promise<'changed' | 'gone'>
  /**
   * A tombstone under its identifier, with a raised epoch, which it answers. Grants of clients go with it, and API keys are
   * dead with those; what else hung on it is purged with the removals.
   */
  remove(tenant: string, id: string, at: Instant): Promise<number | 'gone'>
}

const toRecord = (row: ResourceServersTable): ResourceServerRecord => ({
  tenant: row.tenant,
  id: row.id,
  identifier: row.identifier,
  epoch: row.epoch,
  settings: toObject(row.settings),
  createdAt: row.created_at,
  updatedAt: row.updated_at,
})

export const resourceServersIn = (db: Database): ResourceServers => {
  const live = (tenant: string) =>
    db.selectFrom('resource_servers').where('tenant', '=', tenant).where('removed_at', 'is', null)

  return {
    create: server =>
      atomically(db, async transaction => {
        const { tenant, id, identifier } = server
        const values = {
          id,
          settings: toText(server.settings),
          signing_algorithm: accessTokenAlgorithmIn(server.settings),
          created_at: server.createdAt,
          updated_at: server.updatedAt,
          removed_at: null,
        }
        const created = await transaction
          .insertInto('resource_servers')
          .values({ tenant, identifier, epoch: 0, ...values })
          .onConflict(conflict => conflict.doNothing())
          .returning('id')
          .executeTakeFirst()
        if (created) return 'created'
        const leaving = await transaction
          .selectFrom('removals')
          .select('id')
          .where('tenant', '=', tenant)
          .where('kind', '=', 'api')
          .where('id', '=', identifier)
          .executeTakeFirst()
        if (leaving) return 'leaving'
        const again = await transaction
          .updateTable('resource_servers')
          .set(values)
          .where('tenant', '=', tenant)
          .where('identifier', '=', identifier)
          .where('removed_at', 'is not', null)
          .returning('id')
          .executeTakeFirst()
        return again ? 'created' : 'taken'
      }),

    async find(tenant, id) {
      const row = await live(tenant).selectAll().where('id', '=', id).executeTakeFirst()
      return row && toRecord(row)
    },

    async findByIdentifier(tenant, identifier) {
      const row = await live(tenant).selectAll().where('identifier', '=', identifier).executeTakeFirst()
      return row && toRecord(row)
    },

    async list(tenant, part) {
      const rows = await live(tenant)
        .selectAll()
        .$if(part?.after !== undefined, query => query.where('identifier', '>', part?.after ?? ''))
        .orderBy('identifier')
        .$if(part !== undefined, query => query.limit(part?.limit ?? 0).offset(part?.offset ?? 0))
        .execute()
      return rows.map(toRecord)
    },

    async among(tenant, identifiers) {
      if (identifiers.length === 0) return []
      const rows = await live(tenant).selectAll().where('identifier', 'in', identifiers).orderBy('identifier').execute()
      return rows.map(toRecord)
    },

    count: tenant => counted(live(tenant)),

    async hold(tenant, id) {
      const row = await live(tenant).selectAll().where('id', '=', id).$call(lockingIn(db)).executeTakeFirst()
      return row && toRecord(row)
    },

    askedAlgorithms: (tenant, among) => askedForIn(db, 'resource_servers', tenant, among),

    async change(tenant, id, settings, at) {
      const changed = await db
        .updateTable('resource_servers')
        .set({ settings: toText(settings), signing_algorithm: accessTokenAlgorithmIn(settings), updated_at: at })
        .where('tenant', '=', tenant)
        .where('id', '=', id)
        .where('removed_at', 'is', null)
        .returning('id')
        .executeTakeFirst()
      return changed ? 'changed' : 'gone'
    },

    remove: (tenant, id, at) =>
      atomically(db, async transaction => {
        const removed = await transaction
          .updateTable('resource_servers')
          .set(row => ({
            epoch: row('epoch', '+', 1),
            settings: '{}',
            signing_algorithm: null,
            updated_at: at,
            removed_at: at,
          }))
          .where('tenant', '=', tenant)
          .where('id', '=', id)
          .where('removed_at', 'is', null)
          .returning(['identifier', 'epoch'])
          .executeTakeFirst()
        if (!removed) return 'gone'
        const { identifier, epoch } = removed
        for (const table of ['client_grants', 'other_grants'] as const)
          await transaction.deleteFrom(table).where('tenant', '=', tenant).where('audience', '=', identifier).execute()
        await transaction
          .insertInto('removals')
          .values({ tenant, kind: 'api', id: identifier, at, seen: null })
          .execute()
        return epoch
      }),
  }
}
