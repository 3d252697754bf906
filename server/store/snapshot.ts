/**
 * All that a backup holds, read as it was at one instant and written into an empty database, on either kind. Both happen
 * on a connection of their own: reading holds up no server and waits for none. What the file looks like is `backup/`'s.
 */
import { sql } from 'kysely'
import { OperatorError } from '../kernel/errors.ts'
import { BACKED_UP, type BackedUpTable, emptiedIn, LEFT_BEHIND } from './backed-up.ts'
import { inSnapshot, pagesOf } from './dialect.ts'
import { appliedIn, isMigrated, migrateTo } from './migrate.ts'
import { openPostgresDatabase, reach, refusalBehind } from './postgres.ts'
import type { Database } from './schema.ts'
import { openSqliteDatabase } from './sqlite.ts'

/** Text and whole numbers, as everywhere in the store. */
export type Row = Readonly<Record<string, string | number | null>>

export interface Snapshot {
  /** The migrations that gave the database its form, in their order. */
  readonly migrations: readonly string[]
  /** Some hundred rows at a time, in no order. */
  pagesOf(table: BackedUpTable): AsyncIterable<readonly Row[]>
}

/** Which database: the embedded one in a file, or PostgreSQL at a URL. */
export type Place = { readonly file: string } | { readonly url: string }

/**
 * What `read` makes of the database as it is now, whatever others change meanwhile.
 * @throws OperatorError when there is no database, or one of another version.
 */
export const readSnapshot = <T>(place: Place, read: (snapshot: Snapshot) => Promise<T>): Promise<T> =>
  withDatabase(place, async db => {
    if (!(await isMigrated(db)))
      throw new OperatorError(
        'The database is of a version before this one. Take the backup with that version, or bring the database up to date first (latchkey migrate).',
      )
    return inSnapshot(db, async connection =>
      read({
        migrations: await appliedIn(connection),
        async *pagesOf(table) {
          const emptied = Object.fromEntries(emptiedIn(table).map(column => [column, null]))
          for await (const page of pagesOf<Row>(connection, table)) yield page.map(row => ({ ...row, ...emptied }))
        },
      }),
    )
  })

export interface Restoring {
  put(table: BackedUpTable, rows: readonly Row[]): Promise<void>
  /**
   * Raises what was counted past anything that it may have reached since the backup: every user's and client's epoch, so
   * that nothing given before counts any more, unless `keepSignIns`; and the number of the last revocation.
   */
  raise(options: { keepSignIns: boolean }): Promise<void>
}

/**
 * Gives an empty database the form that these migrations give and has `write` fill it, then brings it up to date: all of
 * it or nothing. @throws OperatorError for a database in which anything is, and for migrations that are not known.
 */
export const restoreInto = (
  place: Place,
  migrations: readonly string[],
  write: (restoring: Restoring) => Promise<void>,
): Promise<void> =>
  withDatabase(place, db =>
    db.transaction().execute(async transaction => {
      if (!(await isEmpty(transaction)))
        throw new OperatorError(
          'The database to restore into is not empty. Give LATCHKEY_DATA an empty folder, or LATCHKEY_DATABASE_URL an empty database; nothing was changed.',
        )
      await migrateTo(transaction, migrations)
      // What a migration has put there by itself is in the backup too.
      const tables = await tablesOf(transaction)
      for (const table of BACKED_UP.toReversed()) if (tables.has(table)) await transaction.deleteFrom(table).execute()
      await write({
        put: (table, rows) => put(transaction, table, rows),
        raise: options => raise(transaction, options),
      })
      await migrateTo(transaction, 'latest')
    }),
  )

async function withDatabase<T>(place: Place, work: (db: Database) => Promise<T>): Promise<T> {
  const db = 'file' in place ? openSqliteDatabase(place.file).db : await openPostgresDatabase(place.url)
  try {
    if (!('url' in place)) return await work(db)
    await reach(place.url, () => sql`select 1`.execute(db))
    return await work(db).catch(error => {
      throw refusalBehind(error, place.url)
    })
  } finally {
    await db.destroy()
  }
}

const tablesOf = async (db: Database): Promise<ReadonlySet<string>> =>
  new Set((await db.introspection.getTables({ withInternalKyselyTables: true })).map(({ name }) => name))

/** A start that was cut off may have left our tables; a tenant is the first row that anybody makes. */
async function isEmpty(db: Database): Promise<boolean> {
  const tables = await tablesOf(db)
  if (!tables.has('kysely_migration')) return [...BACKED_UP, ...LEFT_BEHIND].every(name => !tables.has(name))
  if (!tables.has('tenants')) return true
  return (await db.selectFrom('tenants').select('id').limit(1).executeTakeFirst()) === undefined
}

/** Far below what a statement may carry (32,766 parameters on SQLite, 65,535 on PostgreSQL). */
const MOST_PARAMETERS = 10_000

async function put(db: Database, table: BackedUpTable, rows: readonly Row[]): Promise<void> {
  const width = Object.keys(rows[0] ?? {}).length
  const most = Math.max(1, Math.floor(MOST_PARAMETERS / Math.max(1, width)))
  for (let from = 0; from < rows.length; from += most)
    await db
      .insertInto(table)
      .values(rows.slice(from, from + most) as never)
      .execute()
}

/** Nobody is signed out that often between a backup and its use. */
const RAISED_BY = 1_000_000

async function raise(db: Database, { keepSignIns }: { keepSignIns: boolean }): Promise<void> {
  await db
    .updateTable('revocation_head')
    .set(head => ({ number: head('number', '+', RAISED_BY) }))
    .execute()
  if (keepSignIns) return
  for (const table of ['users', 'clients'] as const)
    await sql`update ${sql.table(table)} set epoch = epoch + ${RAISED_BY}`.execute(db)
}
