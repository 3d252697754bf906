/**
 * All that differs between the two databases once they are open. The nouns' queries are the same on both, so
 * whatever a noun would have to ask "which one is it?" for stands here.
 */
import { PostgresAdapter, type RawBuilder, SqliteAdapter, sql } from 'kysely'
import type { Database } from './schema.ts'

export type Dialect = 'sqlite' | 'postgres'

export const dialectOf = (db: Pick<Database, 'getExecutor'>): Dialect =>
  db.getExecutor().adapter instanceof PostgresAdapter ? 'postgres' : 'sqlite'

/**
 * Several connections are Kysely's business only where it must share one itself; ours is shared by `sqlite.ts`.
 * SQLite does roll back `create table`, so a migration that is cut short leaves nothing behind.
 */
export class EmbeddedAdapter extends SqliteAdapter {
  override get supportsMultipleConnections() {
    return true
  }
  override get supportsTransactionalDdl() {
    return true
  }
}

/** Text that compares byte by byte, as SQLite's does: ids sort alike on both, whatever the server's locale. */
export const textType = (dialect: Dialect): RawBuilder<unknown> =>
  dialect === 'postgres' ? sql`text collate "C"` : sql`text`

/** SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE; PostgreSQL's unique_violation. */
export function isDuplicate(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { code, errcode } = error as { code?: unknown; errcode?: unknown }
  return code === '23505' || errcode === 1555 || errcode === 2067
}

interface Lockable<Query> {
  forUpdate(): Query & Lockable<Query>
  skipLocked(): Query
}

/** Holds the rows read until the transaction ends. On SQLite whoever writes already has the database to themselves. */
export const lockingIn =
  (db: Database) =>
  <Query extends Lockable<Query>>(query: Query): Query =>
    dialectOf(db) === 'postgres' ? query.forUpdate() : query

/** Two nodes that purge at once take different rows, and neither waits for a row in use. */
export const skippingLockedIn =
  (db: Database) =>
  <Query extends Lockable<Query>>(query: Query): Query =>
    dialectOf(db) === 'postgres' ? query.forUpdate().skipLocked() : query

/**
 * PostgreSQL refuses text with a zero byte, which anybody can send; SQLite takes it. Neither is what a look-up by
 * such a name should end in, so both see what UTF-8 makes of other text it cannot hold: U+FFFD.
 */
export const storable = (parameters: readonly unknown[]): unknown[] =>
  parameters.map(value =>
    typeof value === 'string' && value.includes('\0') ? value.replaceAll('\0', '\uFFFD') : value,
  )
