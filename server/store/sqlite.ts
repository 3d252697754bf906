/**
 * The embedded database: Node's own SQLite behind Kysely, one connection that writes and one that reads. Whose turn it is
 * to write is `sqlite-commits.ts`'s, who may open the file at all `lock.ts`'s to say.
 */
import { closeSync, openSync } from 'node:fs'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import {
  CompiledQuery,
  type DatabaseConnection,
  type Driver,
  Kysely,
  type QueryResult,
  RawNode,
  SelectQueryNode,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type TransactionSettings,
} from 'kysely'
import { SECOND } from '../kernel/seconds.ts'
import { assembleStore } from './assemble.ts'
import { EmbeddedAdapter, storable } from './dialect.ts'
import { createGate, type Gate } from './gate.ts'
import { migrate } from './migrate.ts'
import type { Database, Tables } from './schema.ts'
import { SharedCommits } from './sqlite-commits.ts'
import { type Disk, LogOnDisk, undemanding } from './sqlite-disk.ts'
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

/** So many pages of the log are copied into the database at once: a page that was written often meanwhile, once. 16 MiB. */
const LOG_PAGES = 4000

/** Another process (a backup, a shell) may hold the file for a moment. */
const BUSY_TIMEOUT = 5 * SECOND

/**
 * Opens the file, made with mode 0600 when it is not there, and brings it up to date. Throws an `OperatorError`
 * when a newer version has migrated it, when it is somebody else's database, and when the file or its disk is at
 * fault (`sqlite-faults.ts`), as every query does from then on.
 */
export async function openSqlite(file: string, options: SqliteOptions): Promise<Store> {
  const { db, gate, migrated } = openSqliteDatabase(file, options)
  try {
    await migrate(db)
    migrated()
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
): { db: Database; gate: Gate; migrated: () => void } {
  const opened = naming(file, () => openFile(file, options))
  const gate = createGate()
  const db = new Kysely<Tables>({
    dialect: {
      createDriver: () => new EmbeddedDriver(file, opened, gate),
      createQueryCompiler: () => new SqliteQueryCompiler(),
      createAdapter: () => new EmbeddedAdapter(),
      createIntrospector: kysely => new SqliteIntrospector(kysely),
    },
  })
  // What a statement may have to undo, SQLite keeps beside the log in a file without a name, written again by every statement
  // of a transaction that is large: in memory it is at most what the transaction changes. What an index sorts of a whole
  // table while it is made is another thing, and stays on the disk.
  return { db, gate, migrated: () => opened.writer.exec('pragma temp_store = memory') }
}

interface OpenedFile {
  readonly writer: DatabaseSync
  readonly reader: DatabaseSync
  readonly disk: Disk
}

function openFile(file: string, options: Pick<SqliteOptions, 'synchronous'>): OpenedFile {
  // SQLite would make it readable to everybody; its write-ahead log takes the mode of the file.
  closeSync(openSync(file, 'a', 0o600))
  const database = new DatabaseSync(file, { timeout: BUSY_TIMEOUT, enableForeignKeyConstraints: true })
  try {
    refuseForeign(file, database)
    database.exec('pragma journal_mode = wal')
    // Whatever was asked for: who waits for the disk is ours to say.
    database.exec('pragma synchronous = normal')
    database.exec(`pragma wal_autocheckpoint = ${LOG_PAGES}`)
    // What a server that was killed has left may not be on the disk, and what is committed now would lie behind it.
    database.exec('pragma wal_checkpoint(truncate)')
    const disk = options.synchronous === 'normal' ? undemanding : new LogOnDisk(file, database)
    return { writer: database, reader: openReader(file), disk }
  } catch (error) {
    database.close()
    throw error
  }
}

const openReader = (file: string) => new DatabaseSync(file, { timeout: BUSY_TIMEOUT, readOnly: true })

/** A connection whose statements are compiled once and kept, the least recently used leaving first. */
class Connection {
  readonly #file: string
  readonly #database: DatabaseSync
  readonly #kept = new Map<string, Statement>()

  constructor(file: string, database: DatabaseSync) {
    this.#file = file
    this.#database = database
  }

  run<R>({ sql, parameters }: CompiledQuery): QueryResult<R> {
    const { statement, answersRows } = this.#prepare(sql)
    const bound = storable(parameters) as SQLInputValue[]
    return naming(this.#file, () =>
      answersRows
        ? { rows: statement.all(...bound) as R[] }
        : { rows: [], numAffectedRows: BigInt(statement.run(...bound).changes) },
    )
  }

  close(): void {
    this.#database.close()
  }

  #prepare(sql: string): Statement {
    const kept = this.#kept.get(sql) ?? naming(this.#file, () => compile(this.#database, sql))
    this.#kept.delete(sql)
    this.#kept.set(sql, kept)
    if (this.#kept.size > STATEMENTS) this.#kept.delete(this.#kept.keys().next().value as string)
    return kept
  }
}

interface Statement {
  readonly statement: StatementSync
  readonly answersRows: boolean
}

function compile(database: DatabaseSync, sql: string): Statement {
  const statement = database.prepare(sql)
  return { statement, answersRows: statement.columns().length > 0 }
}

/**
 * What committed transactions left is read by a connection of its own: nobody is answered from what is not on the disk
 * yet. A transaction that only reads has one to itself.
 */
class EmbeddedDriver implements Driver {
  readonly #file: string
  readonly #writer: Connection
  readonly #reader: Connection
  readonly #commits: SharedCommits
  readonly #disk: Disk
  readonly #gate: Gate
  /** Given back by single queries: of each that is made Kysely remembers that it has seen it. */
  readonly #free: EmbeddedConnection[] = []
  /** Handed out and not given back. */
  #inUse = 0
  #lastIsBack = () => {}

  constructor(file: string, { writer, reader, disk }: OpenedFile, gate: Gate) {
    this.#file = file
    this.#writer = new Connection(file, writer)
    this.#reader = new Connection(file, reader)
    this.#disk = disk
    this.#commits = new SharedCommits(file, writer, disk)
    this.#gate = gate
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<EmbeddedConnection> {
    this.#gate.refuseInside()
    this.#inUse += 1
    return this.#free.pop() ?? new EmbeddedConnection(this.#writer, this.#reader, this.#commits, this.#disk)
  }

  async releaseConnection(connection: EmbeddedConnection): Promise<void> {
    if (!connection.hadTransaction) this.#free.push(connection)
    this.#inUse -= 1
    if (this.#inUse === 0) this.#lastIsBack()
  }

  async beginTransaction(connection: EmbeddedConnection, { accessMode }: TransactionSettings): Promise<void> {
    if (accessMode !== 'read only') return connection.begin()
    const file = this.#file
    connection.beginReading(
      new Connection(
        file,
        naming(file, () => openReader(file)),
      ),
    )
  }

  commitTransaction = (connection: EmbeddedConnection): Promise<void> => connection.commit()
  rollbackTransaction = (connection: EmbeddedConnection): Promise<void> => connection.rollback()

  /** Whoever has a connection finishes first. */
  async destroy(): Promise<void> {
    if (this.#inUse > 0)
      await new Promise<void>(resolve => {
        this.#lastIsBack = resolve
      })
    await this.#commits.alone(() => {
      this.#reader.close()
      this.#writer.close()
    })
    await this.#disk.close()
  }
}

/** Of what is not built the first word says it: `select` changes nothing, and the reader could not. */
const isReading = ({ query, sql }: CompiledQuery): boolean =>
  SelectQueryNode.is(query) || (RawNode.is(query) && /^\s*select\b/i.test(sql))

/** Kysely's view of both connections, for one query or for one transaction. */
class EmbeddedConnection implements DatabaseConnection {
  readonly #writer: Connection
  readonly #reader: Connection
  readonly #commits: SharedCommits
  readonly #disk: Disk
  /** Whoever went on asking after its end would be in somebody else's. */
  hadTransaction = false
  #isInUnit = false
  #snapshot: Connection | undefined

  constructor(writer: Connection, reader: Connection, commits: SharedCommits, disk: Disk) {
    this.#writer = writer
    this.#reader = reader
    this.#commits = commits
    this.#disk = disk
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    if (this.#snapshot) return this.#snapshot.run(query)
    const write = () => this.#writer.run<R>(query)
    if (this.#isInUnit) return this.#commits.inUnit(write)
    if (isReading(query)) return this.#read(query)
    // What is not built may be anything, a pragma or a `vacuum`, that no transaction takes.
    return RawNode.is(query.query) ? this.#alone(write) : this.#commits.write(write)
  }

  /** It may have written, and `/readyz` asks by such a statement whether the disk takes it. */
  async #alone<T>(work: () => T): Promise<T> {
    const result = await this.#commits.alone(() => {
      const done = work()
      this.#disk.noteCommit()
      return done
    })
    await this.#disk.reached()
    return result
  }

  async #read<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const result = this.#reader.run<R>(query)
    await this.#disk.reached()
    return result
  }

  // biome-ignore lint/correctness/useYield: nothing here reads a table row by row
  async *streamQuery(): AsyncIterableIterator<never> {
    throw new TypeError('The embedded database answers at once')
  }

  async begin(): Promise<void> {
    this.hadTransaction = true
    await this.#commits.begin()
    this.#isInUnit = true
  }

  /** What is read from now on is what stands there now. */
  beginReading(snapshot: Connection): void {
    this.hadTransaction = true
    snapshot.run(CompiledQuery.raw('begin'))
    this.#snapshot = snapshot
  }

  async commit(): Promise<void> {
    if (this.#snapshot) {
      this.#endReading()
      return this.#disk.reached()
    }
    this.#isInUnit = false
    await this.#commits.commit()
  }

  /** Also asked for after a commit that failed, when there is nothing left to undo. */
  async rollback(): Promise<void> {
    if (this.#snapshot) return this.#endReading()
    const isInUnit = this.#isInUnit
    this.#isInUnit = false
    if (isInUnit) await this.#commits.undo()
  }

  #endReading(): void {
    this.#snapshot?.close()
    this.#snapshot = undefined
  }
}
