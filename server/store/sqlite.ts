/** The embedded database: Node's own SQLite behind Kysely, one connection that everybody takes in turn. Who may open the file at all is `lock.ts`'s to say. */
import { closeSync, openSync } from 'node:fs'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import {
  CompiledQuery,
  type DatabaseConnection,
  Kysely,
  type SqliteDatabase,
  SqliteDriver,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type SqliteStatement,
} from 'kysely'
import { SECOND } from '../kernel/seconds.ts'
import { assembleStore } from './assemble.ts'
import { EmbeddedAdapter, storable } from './dialect.ts'
import { createGate, type Gate } from './gate.ts'
import { migrate } from './migrate.ts'
import type { Database, Tables } from './schema.ts'
import { naming, refuseForeign } from './sqlite-faults.ts'
import type { Store, StoreOptions } from './store.ts'

export interface SqliteOptions extends StoreOptions {
  /**
   * `full` (the default) keeps what was answered through a power cut. `normal` may lose the last commits to
   * one, never to a crash of the process, and is quicker.
   */
  readonly synchronous?: 'full' | 'normal'
}

/** More than there are queries in the store; only lists of changing length make new ones. */
const STATEMENTS = 500

/** Another process (a backup, a shell) may hold the file for a moment. */
const BUSY_TIMEOUT = 5 * SECOND

/**
 * Opens the file, made with mode 0600 when it is not there, and brings it up to date. Throws an `OperatorError`
 * when a newer version has migrated it, when it is somebody else's database, and when the file or its disk is at
 * fault (`sqlite-faults.ts`), as every query does from then on.
 */
export async function openSqlite(file: string, options: SqliteOptions): Promise<Store> {
  const { db, gate } = openSqliteDatabase(file, options)
  try {
    await migrate(db)
  } catch (error) {
    await db.destroy()
    throw error
  }
  return assembleStore(db, gate, options)
}

/** The file as it is, for whoever needs more of it than a store, or less. */
export function openSqliteDatabase(
  file: string,
  options: Pick<SqliteOptions, 'synchronous'> = {},
): { db: Database; gate: Gate } {
  const database = naming(file, () => openFile(file, options))
  const gate = createGate()
  const db = new Kysely<Tables>({
    dialect: {
      createDriver: () => new EmbeddedDriver(file, database, gate),
      createQueryCompiler: () => new SqliteQueryCompiler(),
      createAdapter: () => new EmbeddedAdapter(),
      createIntrospector: kysely => new SqliteIntrospector(kysely),
    },
  })
  return { db, gate }
}

function openFile(file: string, options: Pick<SqliteOptions, 'synchronous'>): DatabaseSync {
  // SQLite would make it readable to everybody; its write-ahead log takes the mode of the file.
  closeSync(openSync(file, 'a', 0o600))
  const database = new DatabaseSync(file, { timeout: BUSY_TIMEOUT, enableForeignKeyConstraints: true })
  try {
    refuseForeign(file, database)
    database.exec('pragma journal_mode = wal')
    database.exec(`pragma synchronous = ${options.synchronous ?? 'full'}`)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/** Statements are compiled once and kept, the least recently used leaving first. */
function preparing(file: string, database: DatabaseSync): SqliteDatabase {
  const kept = new Map<string, SqliteStatement>()

  return {
    close: () => database.close(),
    prepare(sql) {
      const statement = kept.get(sql) ?? naming(file, () => compile(file, database, sql))
      kept.delete(sql)
      kept.set(sql, statement)
      if (kept.size > STATEMENTS) kept.delete(kept.keys().next().value as string)
      return statement
    },
  }
}

function compile(file: string, database: DatabaseSync, sql: string): SqliteStatement {
  const statement = database.prepare(sql)
  const bound = (parameters: readonly unknown[]) => storable(parameters) as SQLInputValue[]
  return {
    reader: statement.columns().length > 0,
    all: parameters => naming(file, () => statement.all(...bound(parameters))),
    run: parameters => naming(file, () => statement.run(...bound(parameters))),
    iterate: parameters => statement.iterate(...bound(parameters)),
  }
}

class EmbeddedDriver extends SqliteDriver {
  readonly #database: DatabaseSync
  readonly #gate: Gate
  readonly #waiting: (() => void)[] = []
  #isTaken = false

  constructor(file: string, database: DatabaseSync, gate: Gate) {
    super({ database: preparing(file, database) })
    this.#database = database
    this.#gate = gate
  }

  override async acquireConnection(): Promise<DatabaseConnection> {
    this.#gate.refuseInside()
    await this.#turn()
    return super.acquireConnection()
  }

  override async releaseConnection(): Promise<void> {
    const next = this.#waiting.shift()
    if (next) next()
    else this.#isTaken = false
  }

  /** Takes the write lock at once: it could not be had after a read if another process had written since. */
  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'))
  }

  /** SQLite rolls back by itself when the disk is full; a second time would hide why. */
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    if (this.#database.isTransaction) await super.rollbackTransaction(connection)
  }

  /** Whoever has the connection finishes first. */
  override async destroy(): Promise<void> {
    await this.#turn()
    await super.destroy()
  }

  async #turn(): Promise<void> {
    if (this.#isTaken) await new Promise<void>(resolve => this.#waiting.push(resolve))
    this.#isTaken = true
  }
}
