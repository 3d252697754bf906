/**
 * The order in which rows become visible, told by the transactions that write them. On PostgreSQL each has a number of
 * its own; on SQLite, where none runs beside another, each statement takes the next.
 */
import { type RawBuilder, sql } from 'kysely'
import { toDocument } from './columns.ts'
import { dialectOf } from './dialect.ts'
import type { Database } from './schema.ts'

/** What is committed at this moment: all numbers below `next`, but those that are running. */
export interface Committed {
  readonly next: number
  /** This transaction's own included, wherever it stands: it may have more to write. */
  readonly running: readonly number[]
}

/**
 * Above what any reader has seen too: a purge may take the last event there is. The index is of those that have a number:
 * without the condition all events would be read for each one that is written.
 */
const nextOnSqlite = sql<number>`(
  select coalesce(max(number), 0) + 1 from (
    select max(written_in) as number from events where written_in is not null
    union all select max(next) - 1 from event_cursors
  )
)`

/** The value of `events.written_in` for a new row. */
export const writtenIn = (db: Database): RawBuilder<number> =>
  dialectOf(db) === 'postgres' ? sql<number>`default` : nextOnSqlite

export async function committedIn(db: Database): Promise<Committed> {
  if (dialectOf(db) === 'sqlite') {
    const { rows } = await sql<{ next: number }>`select ${nextOnSqlite} as next`.execute(db)
    return { next: rows[0]?.next ?? 1, running: [] }
  }
  const { rows } = await sql<{ next: number; running: string; own: number | null }>`
    select pg_snapshot_xmax(seen)::text::bigint as next,
      (select coalesce(json_agg(xid::text::bigint), '[]')::text from pg_snapshot_xip(seen) as xid) as running,
      pg_current_xact_id_if_assigned()::text::bigint as own
    from (select pg_current_snapshot() as seen) as now`.execute(db)
  const [seen] = rows
  if (!seen) throw new TypeError('PostgreSQL has no snapshot')
  // A snapshot leaves its own transaction out.
  const others = toDocument<number[]>(seen.running)
  return { next: seen.next, running: seen.own === null ? others : [...others, seen.own] }
}
