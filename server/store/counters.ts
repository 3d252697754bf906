/**
 * Tries that are counted, for all nodes and through a restart. What a row says and how one follows from another is
 * `policy/rate.ts`'s; here it is made one change at a time.
 */
import { sql } from 'kysely'
import type { Instant } from '../kernel/clock.ts'
import type { Counter } from '../kernel/counter.ts'
import { type Standing, step, stepBack } from '../policy/rate.ts'
import { skippingLockedIn } from './dialect.ts'
import type { Database } from './schema.ts'
import type { Store } from './store.ts'

export interface Counters {
  /** Those of the keys of which anything is remembered. */
  find(tenant: string, keys: readonly string[]): Promise<ReadonlyMap<string, Standing>>
  /** The same for a transaction that goes on from them: nobody else does until it ends, for a key without a row too. */
  hold(tenant: string, keys: readonly string[]): Promise<ReadonlyMap<string, Standing>>
  put(tenant: string, standings: ReadonlyMap<string, Standing>): Promise<void>
  remove(tenant: string, keys: readonly string[]): Promise<void>
  /** Removes at most `limit` of which nothing is remembered any more. */
  purge(now: Instant, limit: number): Promise<number>
}

export function countersIn(db: Database): Counters {
  const some = (tenant: string, keys: readonly string[]) =>
    db.selectFrom('counters').selectAll().where('tenant', '=', tenant).where('key', 'in', keys).orderBy('key')
  const toMap = (rows: readonly { key: string; empty_at: Instant; free_at: Instant }[]) =>
    new Map(rows.map(({ key, empty_at: emptyAt, free_at: freeAt }) => [key, { emptyAt, freeAt }]))
  // In one order for everybody: whoever waits for a key holds none that comes after it.
  const rowsOf = (tenant: string, standings: Iterable<readonly [string, Standing]>) =>
    [...standings]
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([key, { emptyAt, freeAt }]) => ({ tenant, key, empty_at: emptyAt, free_at: freeAt }))

  return {
    find: async (tenant, keys) => toMap(await some(tenant, keys).execute()),

    async hold(tenant, keys) {
      const nothing = rowsOf(
        tenant,
        keys.map(key => [key, NOTHING]),
      )
      // In one statement, a row that is there already too: one that is forgotten between two would be held by neither.
      const held = db
        .insertInto('counters')
        .values(nothing)
        .onConflict(conflict => conflict.columns(['tenant', 'key']).doUpdateSet({ key: sql.ref('counters.key') }))
        .returningAll()
      return toMap(await held.execute())
    },

    async put(tenant, standings) {
      await db
        .insertInto('counters')
        .values(rowsOf(tenant, standings))
        .onConflict(conflict =>
          conflict
            .columns(['tenant', 'key'])
            .doUpdateSet({ empty_at: sql.ref('excluded.empty_at'), free_at: sql.ref('excluded.free_at') }),
        )
        .execute()
    },

    async remove(tenant, keys) {
      await db.deleteFrom('counters').where('tenant', '=', tenant).where('key', 'in', keys).execute()
    },

    async purge(now, limit) {
      const purged = await db
        .deleteFrom('counters')
        .where(row =>
          row(
            row.refTuple('tenant', 'key'),
            'in',
            row
              .selectFrom('counters')
              .select(['tenant', 'key'])
              .where('empty_at', '<=', now)
              .orderBy('empty_at')
              .limit(limit)
              .$call(skippingLockedIn(db))
              .$asTuple('tenant', 'key'),
          ),
        )
        .executeTakeFirst()
      return Number(purged.numDeletedRows)
    },
  }
}

/** What stands in the row of a key until something is counted. */
const NOTHING: Standing = { emptyAt: 0, freeAt: 0 }

/** Thrown inside the transaction to count under none of the keys. */
class Refused extends Error {
  readonly freeAt: Instant

  constructor(freeAt: Instant) {
    super('one of the keys has to wait')
    this.freeAt = freeAt
  }
}

export const storeCounter = (store: Store): Counter => ({
  async count(tenant, counts, now) {
    if (counts.length === 0) return { state: 'counted', counts: [] }
    const keys = counts.map(({ key }) => key)
    // Whoever has to wait costs a read, and no more however often they ask.
    const waitFor = latest([...(await store.counters.find(tenant, keys)).values()])
    if (waitFor > now) return { state: 'refused', freeAt: waitFor }
    try {
      const counted = await store.transaction(async transaction => {
        const standings = await transaction.counters.hold(tenant, keys)
        const heldUpUntil = latest([...standings.values()])
        if (heldUpUntil > now) throw new Refused(heldUpUntil)
        const next = counts.map(({ key, rule }) => {
          const made = step(standings.get(key), rule, now)
          if (!made.may) throw new Refused(made.freeAt)
          return { key, rule, ...made }
        })
        await transaction.counters.put(tenant, new Map(next.map(({ key, standing }) => [key, standing])))
        return next.map(({ key, rule, tries, standing: { freeAt } }) => ({ key, rule, tries, freeAt }))
      })
      return { state: 'counted', counts: counted }
    } catch (error) {
      if (error instanceof Refused) return { state: 'refused', freeAt: error.freeAt }
      throw error
    }
  },

  async giveBack(tenant, counts, now) {
    if (counts.length === 0) return
    await store.transaction(async transaction => {
      const standings = await transaction.counters.hold(
        tenant,
        counts.map(({ key }) => key),
      )
      const next = counts.map(counted => {
        const standing = standings.get(counted.key)
        return [counted.key, (standing && stepBack(standing, counted, now)) ?? NOTHING] as const
      })
      await transaction.counters.put(tenant, new Map(next))
    })
  },

  async waits(tenant, keys, now) {
    const standings = keys.length > 0 ? await store.counters.find(tenant, keys) : new Map<string, Standing>()
    return new Map([...standings].flatMap(([key, { freeAt }]) => (freeAt > now ? [[key, freeAt]] : [])))
  },

  async forget(tenant, keys) {
    if (keys.length > 0) await store.counters.remove(tenant, keys)
  },
})

const latest = (standings: readonly Standing[]): Instant => Math.max(0, ...standings.map(({ freeAt }) => freeAt))
