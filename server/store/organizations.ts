/**
 * Organizations: groups of a tenant's people that sign in as such, each with a name of its own. One that is removed is
 * gone for everybody at once, because whoever asks for what belongs to it asks for it too; its rows leave in batches.
 */
import { sql } from 'kysely'
import type { Instant } from '../kernel/clock.ts'
import type { JsonObject } from '../kernel/json.ts'
import { atomically, attempt } from './atomic.ts'
import { onlyGiven, toObject, toText } from './columns.ts'
import { lockingIn, skippingLockedIn } from './dialect.ts'
import { type Page, pageOf } from './pages.ts'
import type { Database, OrganizationsTable } from './schema.ts'

export interface OrganizationRecord {
  readonly tenant: string
  readonly id: string
  /** Unique in a tenant, in lower case. */
  readonly name: string
  readonly displayName: string
  /** What else there is, under Auth0's names: `branding`, `metadata`, … */
  readonly settings: JsonObject
  readonly createdAt: Instant
  readonly updatedAt: Instant
}

export type OrganizationOrder = 'created_at' | 'name' | 'display_name'

export interface OrganizationPage extends Omit<Page, 'after'> {
  /** Where the last row that was seen stands in the order. */
  readonly after?: Pick<OrganizationRecord, 'id' | 'name' | 'displayName' | 'createdAt'> | undefined
  /** `created_at` when left out. */
  readonly by?: OrganizationOrder | undefined
  readonly descending?: boolean | undefined
}

export interface Organizations {
  create(organization: OrganizationRecord): Promise<'created' | 'taken'>
  /** Removed ones are not found. */
  find(tenant: string, id: string): Promise<OrganizationRecord | undefined>
  findByName(tenant: string, name: string): Promise<OrganizationRecord | undefined>
  list(tenant: string, page: OrganizationPage): Promise<OrganizationRecord[]>
  count(tenant: string): Promise<number>
  /** `taken`: another one has the name; then nothing is changed and the transaction stays usable. */
  change(
    tenant: string,
    id: string,
    changes: Partial<Pick<OrganizationRecord, 'name' | 'displayName' | 'settings'>>,
    at: Instant,
  ): Promise<'changed' | 'taken' | 'gone'>
  /** A tombstone, which frees the name. What belonged to it is found by nobody any more. */
  remove(tenant: string, id: string, at: Instant): Promise<'removed' | 'gone'>
  /** Until the transaction ends it is not removed, nor changed. `false` for one that is gone. */
  hold(tenant: string, id: string): Promise<boolean>
  /**
   * Takes away at most `limit` rows that belonged to removed organizations, ends sessions begun for them, and takes the tombstones at
   * last. Answers how many.
   */
  purge(now: Instant, limit: number): Promise<number>
}

export const organizationColumns = [
  'tenant',
  'id',
  'name',
  'display_name',
  'settings',
  'created_at',
  'updated_at',
  'removed_at',
] as const satisfies (keyof OrganizationsTable)[]

export const toOrganization = (row: OrganizationsTable): OrganizationRecord => ({
  tenant: row.tenant,
  id: row.id,
  name: row.name,
  displayName: row.display_name,
  settings: toObject(row.settings),
  createdAt: row.created_at,
  updatedAt: row.updated_at,
})

/** Tables whose rows mean nothing without their organization, and how each names a row. */
const DEPENDENTS = {
  organization_members: ['tenant', 'organization', 'user'],
  organization_connections: ['tenant', 'organization', 'connection'],
  organization_clients: ['tenant', 'organization', 'client'],
  organization_grants: ['tenant', 'organization', 'grant'],
  invitations: ['tenant', 'id'],
  discovery_domains: ['tenant', 'id'],
  user_roles: ['tenant', 'user', 'organization', 'role'],
  consents: ['tenant', 'user', 'client', 'audience', 'organization', 'scope'],
} as const

const ORDERED_BY = { created_at: 'createdAt', name: 'name', display_name: 'displayName' } as const

export const organizationsIn = (db: Database): Organizations => ({
  async create(organization) {
    const created = await db
      .insertInto('organizations')
      .values({
        tenant: organization.tenant,
        id: organization.id,
        name: organization.name,
        display_name: organization.displayName,
        settings: toText(organization.settings),
        created_at: organization.createdAt,
        updated_at: organization.updatedAt,
        removed_at: null,
      })
      .onConflict(conflict => conflict.doNothing())
      .returning('id')
      .executeTakeFirst()
    return created ? 'created' : 'taken'
  },

  async find(tenant, id) {
    const row = await db
      .selectFrom('organizations')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('id', '=', id)
      .where('removed_at', 'is', null)
      .executeTakeFirst()
    return row && toOrganization(row)
  },

  async findByName(tenant, name) {
    const row = await db
      .selectFrom('organizations')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('name', '=', name)
      .where('removed_at', 'is', null)
      .executeTakeFirst()
    return row && toOrganization(row)
  },

  async list(tenant, { after, by = 'created_at', descending = false, ...page }) {
    const rows = await db
      .selectFrom('organizations')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('removed_at', 'is', null)
      .$if(after !== undefined, query =>
        query.where(row =>
          row(
            row.refTuple(by, 'id'),
            descending ? '<' : '>',
            row.tuple(after?.[ORDERED_BY[by]] ?? '', after?.id ?? '') as never,
          ),
        ),
      )
      .orderBy(by, descending ? 'desc' : 'asc')
      .orderBy('id', descending ? 'desc' : 'asc')
      .$call(pageOf(page))
      .execute()
    return rows.map(toOrganization)
  },

  async count(tenant) {
    const { there } = await db
      .selectFrom('organizations')
      .select(row => row.fn.countAll<number>().as('there'))
      .where('tenant', '=', tenant)
      .where('removed_at', 'is', null)
      .executeTakeFirstOrThrow()
    return Number(there)
  },

  async change(tenant, id, { name, displayName, settings }, at) {
    const changed = await attempt(db, transaction =>
      transaction
        .updateTable('organizations')
        .set({
          ...onlyGiven({ name, display_name: displayName, settings: settings && toText(settings) }),
          updated_at: at,
        })
        .where('tenant', '=', tenant)
        .where('id', '=', id)
        .where('removed_at', 'is', null)
        .returning('id')
        .executeTakeFirst(),
    )
    if (changed === 'refused') return 'taken'
    return changed ? 'changed' : 'gone'
  },

  async remove(tenant, id, at) {
    // No name looks like an id, so that the tombstone's is nobody's.
    const removed = await db
      .updateTable('organizations')
      .set({ name: id, display_name: '', settings: '{}', updated_at: at, removed_at: at })
      .where('tenant', '=', tenant)
      .where('id', '=', id)
      .where('removed_at', 'is', null)
      .returning('id')
      .executeTakeFirst()
    return removed ? 'removed' : 'gone'
  },

  async hold(tenant, id) {
    const held = await db
      .selectFrom('organizations')
      .select('id')
      .where('tenant', '=', tenant)
      .where('id', '=', id)
      .where('removed_at', 'is', null)
      .$call(lockingIn(db))
      .executeTakeFirst()
    return held !== undefined
  },

  purge: (now, limit) =>
    atomically(db, async transaction => {
      let taken = 0
      while (taken < limit) {
        const removed = await transaction
          .selectFrom('organizations')
          .select(['tenant', 'id'])
          .where('removed_at', '<=', now)
          .orderBy('removed_at')
          .limit(1)
          .$call(skippingLockedIn(transaction))
          .executeTakeFirst()
        if (!removed) break
        for (const [table, key] of Object.entries(DEPENDENTS))
          if (taken < limit) taken += await takeAway(transaction, table, key, removed, limit - taken)
        if (taken < limit) taken += await endSessions(transaction, removed, now, limit - taken)
        if (taken >= limit) break
        await transaction
          .deleteFrom('organizations')
          .where('tenant', '=', removed.tenant)
          .where('id', '=', removed.id)
          .execute()
        taken++
      }
      return taken
    }),
})

/** Those that were begun for it. */
async function endSessions(
  db: Database,
  { tenant, id }: Pick<OrganizationRecord, 'tenant' | 'id'>,
  now: Instant,
  limit: number,
): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    update sessions set ended_at = ${now}, live_until = ${now} where (tenant, id) in (
      select tenant, id from sessions
       where tenant = ${tenant} and organization = ${id} and ended_at is null limit ${limit}
    )`.execute(db)
  return Number(numAffectedRows)
}

async function takeAway(
  db: Database,
  table: string,
  key: readonly string[],
  { tenant, id }: Pick<OrganizationRecord, 'tenant' | 'id'>,
  limit: number,
): Promise<number> {
  const columns = sql.join(key.map(column => sql.ref(column)))
  const { numAffectedRows = 0n } = await sql`
    delete from ${sql.table(table)} where (${columns}) in (
      select ${columns} from ${sql.table(table)} where tenant = ${tenant} and organization = ${id} and organization <> '' limit ${limit}
    )`.execute(db)
  return Number(numAffectedRows)
}
