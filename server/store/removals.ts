/**
 * What a removed client, API or role has yet to leave behind. It is dead from the transaction that removed it; here its rows go,
 * some hundreds at a time, so that nobody waits for a hundred thousand of them.
 */
import { sql } from 'kysely'
import type { Instant } from '../kernel/clock.ts'
import { atomically } from './atomic.ts'
import { lockingIn, skippingLockedIn } from './dialect.ts'
import type { Database, RemovalsTable, Tables } from './schema.ts'

export interface Removals {
  /** Removes at most `limit` rows that hang on what was removed. Answers how many: fewer than `limit` when nothing is left. */
  purge(now: Instant, limit: number): Promise<number>
  /** All that is left of an API of that identifier which was removed, `limit` rows at a time. */
  finishApi(tenant: string, identifier: string, limit: number): Promise<void>
}

type Kind = 'client' | 'api' | 'role'

interface Dependent {
  readonly table: keyof Tables
  /** What of it names the removed thing. */
  readonly column: string
  readonly key: readonly string[]
}

const PERMISSION = ['audience', 'permission'] as const

/** What hangs on each kind, in the order in which it may go. */
const DEPENDENTS: Readonly<Record<Kind, readonly Dependent[]>> = {
  client: [
    { table: 'consents', column: 'client', key: ['user', 'client', 'audience', 'organization', 'scope'] },
    { table: 'api_keys', column: 'client', key: ['id'] },
  ],
  api: [
    { table: 'consents', column: 'audience', key: ['user', 'client', 'audience', 'organization', 'scope'] },
    { table: 'api_keys', column: 'audience', key: ['id'] },
    { table: 'role_permissions', column: 'audience', key: ['role', ...PERMISSION] },
    { table: 'user_permissions', column: 'audience', key: ['user', ...PERMISSION] },
  ],
  role: [
    { table: 'user_roles', column: 'role', key: ['user', 'organization', 'role'] },
    { table: 'role_permissions', column: 'role', key: ['role', ...PERMISSION] },
    { table: 'roles', column: 'id', key: ['id'] },
  ],
}

/** Of one removed thing: at most `limit` rows, and the removal itself when none is left. */
async function leave(db: Database, { tenant, kind, id }: RemovalsTable, limit: number): Promise<number> {
  let removed = 0
  for (const { table, column, key } of DEPENDENTS[kind as Kind]) {
    const names = sql.join(key.map(name => sql.ref(name)))
    const result = await sql`
      delete from ${sql.table(table)}
       where tenant = ${tenant} and (${names}) in (
         select ${names} from ${sql.table(table)}
          where tenant = ${tenant} and ${sql.ref(column)} = ${id} limit ${limit - removed})`.execute(db)
    removed += Number(result.numAffectedRows ?? 0)
    if (removed >= limit) return removed
  }
  await db.deleteFrom('removals').where('tenant', '=', tenant).where('kind', '=', kind).where('id', '=', id).execute()
  return removed
}

export const removalsIn = (db: Database): Removals => {
  const next = (transaction: Database) =>
    transaction.selectFrom('removals').selectAll().orderBy('at').limit(1).$call(skippingLockedIn(transaction))

  return {
    async purge(_now, limit) {
      let removed = 0
      while (removed < limit) {
        const some = await atomically(db, async transaction => {
          const removal = await next(transaction).executeTakeFirst()
          return removal && leave(transaction, removal, limit - removed)
        })
        if (some === undefined) break
        removed += some
      }
      return removed
    },

    async finishApi(tenant, identifier, limit) {
      for (let isLeft = true; isLeft; )
        isLeft = await atomically(db, async transaction => {
          // One at a time: of two who take the same rows, one would find none and think that none is left.
          const removal = await transaction
            .selectFrom('removals')
            .selectAll()
            .where('tenant', '=', tenant)
            .where('kind', '=', 'api')
            .where('id', '=', identifier)
            .$call(lockingIn(transaction))
            .executeTakeFirst()
          if (removal) await leave(transaction, removal, limit)
          return removal !== undefined
        })
    },
  }
}
