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

/** Of a text with two dots or more, what stands between the first two. */
export const betweenDotsIn = (db: Pick<Database, 'getExecutor'>, text: RawBuilder<unknown>): RawBuilder<string> => {
  if (dialectOf(db) === 'postgres') return sql`split_part(${text}, '.', 2)`
  const rest = sql`substr(${text}, instr(${text}, '.') + 1)`
  return sql`substr(${rest}, 1, instr(${rest}, '.') - 1)`
}

/** The number that a text is, or null for one that is none: digits, a sign before them, a point between them. */
export const asNumberIn = (dialect: Dialect, text: RawBuilder<unknown>): RawBuilder<number | null> =>
  dialect === 'postgres'
    ? sql`case when ${text} ~ '^-?[0-9]{1,30}([.][0-9]{1,30})?$' then ${text}::numeric end`
    : sql`case when ltrim(${text}, '-') glob '[0-9]*' and ltrim(${text}, '-') not glob '*[^0-9.]*'
               and ${text} not glob '*.*.*' and ${text} not glob '*.' and ${text} not glob '--*'
          then cast(${text} as real) end`

/** A member at the top of a document, as text: of what is no text, as JSON writes it, but `1` and `0` for truth on SQLite. */
export const memberIn = (
  db: Pick<Database, 'getExecutor'>,
  document: RawBuilder<unknown>,
  member: string,
): RawBuilder<string> =>
  dialectOf(db) === 'postgres'
    ? sql`coalesce(${document}::jsonb ->> ${sql.lit(member)}, '')`
    : sql`coalesce(cast(json_extract(${document}, ${sql.lit(`$.${member}`)}) as text), '')`

/**
 * For each row of what is selected from, the one of the table at which this holds, found by the index that it names,
 * whatever else the statement asks of it: a database that has not counted its rows yet would rather go through all of them
 * each time. SQLite takes the tables of a cross join in their order and needs to be told no more.
 */
export const lookedUp = (dialect: Dialect, table: string, condition: RawBuilder<unknown>) => {
  const named = sql.table(table)
  return dialect === 'postgres'
    ? {
        join: sql`cross join lateral (select * from ${named} where ${condition} offset 0) as ${named}`,
        where: sql`true`,
      }
    : { join: sql`cross join ${named}`, where: condition }
}

/**
 * Behind a table's name: which of its indexes finds the rows. SQLite takes every index for as good as another until it has
 * counted what they hold, and one that holds all columns for better.
 */
export const byIndex = (dialect: Dialect, index: string): RawBuilder<unknown> =>
  dialect === 'sqlite' ? sql`indexed by ${sql.ref(index)}` : sql``

interface Lockable<Query> {
  forUpdate(): Query & Lockable<Query>
  skipLocked(): Query
}

/** Holds the rows read until the transaction ends. On SQLite whoever writes already has the database to themselves. */
export const lockingIn =
  (db: Database) =>
  <Query extends Lockable<Query>>(query: Query): Query =>
    dialectOf(db) === 'postgres' ? query.forUpdate() : query

/**
 * Whoever names the same waits until this transaction is over: for what is counted before it is written, where there is no
 * row that all could hold. On SQLite whoever writes already has the database to themselves.
 */
export async function takeTurn(transaction: Database, name: string): Promise<void> {
  if (dialectOf(transaction) === 'postgres')
    await sql`select pg_advisory_xact_lock(hashtextextended(${name}, 0))`.execute(transaction)
}

/** Two nodes that purge at once take different rows, and neither waits for a row in use. */
export const skippingLockedIn =
  (db: Database) =>
  <Query extends Lockable<Query>>(query: Query): Query =>
    dialectOf(db) === 'postgres' ? query.forUpdate().skipLocked() : query

/**
 * Asked of the database itself. On SQLite by a write that changes nothing: a full disk shows in no read. On
 * PostgreSQL by a question: there, a full disk stops the server, and what comes up read-only is a standby.
 */
export async function takesWrites(db: Database): Promise<boolean> {
  if (dialectOf(db) === 'sqlite') {
    // A number in the file's header that is the application's to use. Nothing else uses it here.
    await sql`pragma user_version = 0`.execute(db)
    return true
  }
  const asked = await sql<{ setting: string }>`select current_setting('transaction_read_only') as setting`.execute(db)
  return asked.rows[0]?.setting === 'off'
}

/**
 * PostgreSQL refuses text with a zero byte, which anybody can send; SQLite takes it. Neither is what a look-up by
 * such a name should end in, so both see what UTF-8 makes of other text it cannot hold: U+FFFD.
 */
export const storable = (parameters: readonly unknown[]): unknown[] =>
  parameters.map(value =>
    typeof value === 'string' && value.includes('\0') ? value.replaceAll('\0', '\uFFFD') : value,
  )

/** In a transaction that reads: it sees everything as it is now for as long as the work takes, and keeps nobody from writing. */
export const inSnapshot = <T>(db: Database, work: (transaction: Database) => Promise<T>): Promise<T> =>
  db.transaction().setIsolationLevel('repeatable read').setAccessMode('read only').execute(work)

const ROWS_AT_ONCE = 500

/** All rows of a table, inside a transaction, a few hundred at a time. */
export async function* pagesOf<Row>(db: Database, table: string): AsyncIterable<readonly Row[]> {
  if (dialectOf(db) === 'sqlite') {
    // The rows' own numbers, by which SQLite keeps them.
    for (let after = -1; ; ) {
      const { rows } = await sql<Row & { rowid_of_page: number }>`
        select rowid as rowid_of_page, * from ${sql.table(table)}
         where rowid > ${after} order by rowid limit ${ROWS_AT_ONCE}`.execute(db)
      if (rows.length === 0) return
      after = rows.at(-1)?.rowid_of_page ?? after
      yield rows.map(({ rowid_of_page: _, ...row }) => row as Row)
    }
  }
  await sql`declare page_by_page no scroll cursor for select * from ${sql.table(table)}`.execute(db)
  for (;;) {
    const { rows } = await sql<Row>`fetch ${sql.lit(ROWS_AT_ONCE)} from page_by_page`.execute(db)
    if (rows.length === 0) break
    yield rows
  }
  await sql`close page_by_page`.execute(db)
}

/**
 * Many rows as one value: a list of columns for each, in the order of `columns`, read as a table by the statement it stands
 * in. A statement with a place for every value of every row would be another one for each number of rows, and is slower.
 */
export function rowsOf(
  db: Database,
  columns: Readonly<Record<string, 'text' | 'bigint'>>,
  rows: readonly (readonly (string | number | null)[])[],
): RawBuilder<unknown> {
  const isPostgres = dialectOf(db) === 'postgres'
  const fields = Object.entries(columns).map(([name, type], place) => {
    const field = sql`value ->> ${sql.lit(place)}`
    return sql`${type === 'bigint' && isPostgres ? sql`(${field})::bigint` : field} as ${sql.id(name)}`
  })
  const written = JSON.stringify(rows)
  // Whatever no database can hold is written with a backslash and its number, as little else is.
  const list = written.includes('\\u') ? JSON.stringify(rows.map(row => row.map(storableInJson))) : written
  const source = isPostgres ? sql`jsonb_array_elements(${list}::jsonb) as listed(value)` : sql`json_each(${list})`
  // SQLite takes `on conflict` after a select for part of a join unless something stands between.
  return sql`select ${sql.join(fields)} from ${source} where true`
}

/** What JSON can say and a database cannot hold: a zero byte, and half of a pair of surrogates. */
const storableInJson = (value: string | number | null): string | number | null =>
  typeof value !== 'string' || (value.isWellFormed() && !value.includes('\0'))
    ? value
    : value.toWellFormed().replaceAll('\0', '\uFFFD')
