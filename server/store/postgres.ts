/** PostgreSQL, and what speaks its protocol: a pool of connections behind Kysely. Its notifications are `postgres-notify.ts`'s. */
import type { Socket } from 'node:net'
import {
  type DatabaseConnection,
  Kysely,
  PostgresAdapter,
  type PostgresDialectConfig,
  PostgresDriver,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type TransactionSettings,
} from 'kysely'
import type { Pool, PoolConfig } from 'pg'
import { OperatorError, UnavailableError } from '../kernel/errors.ts'
import { SECOND } from '../kernel/seconds.ts'
import { assembleStore } from './assemble.ts'
import { storable } from './dialect.ts'
import { createGate, type Gate } from './gate.ts'
import { isMigrated, migrate } from './migrate.ts'
import { isUnanswered, outageBehind, unreachable } from './postgres-faults.ts'
import { nameOf } from './prepared.ts'
import type { Database, Tables } from './schema.ts'
import type { Store, StoreOptions } from './store.ts'

export interface PostgresOptions extends StoreOptions {
  /** Connections of this process, 10 unless told: several nodes share the server's `max_connections` (100 by default). */
  readonly poolSize?: number
  /** Milliseconds after which a connection that has not answered is given up. */
  readonly answerTimeout?: number
}

/** For making a connection, and for a free one of the pool. */
const CONNECT_TIMEOUT = 5 * SECOND
/** No query of a request is worth waiting longer for; a lock that is held that long is a fault. */
const STATEMENT_TIMEOUT = 10 * SECOND
/** Longer than the server's own limit: what is not answered by then went into a network that swallows it. */
const ANSWER_TIMEOUT = STATEMENT_TIMEOUT + 5 * SECOND
/** A node that stops in the middle of a transaction does not hold its locks for ever. */
const IDLE_IN_TRANSACTION_TIMEOUT = 10 * SECOND

const INT8 = 20

/**
 * Opens the database and brings it up to date; nodes that start together wait for the one that migrates. Throws an
 * `OperatorError` when it cannot be reached, may not be migrated or was migrated by a newer version. From then on
 * queries reject with an `UnavailableError` while it is away, and need nobody's help once it is back.
 */
export async function openPostgres(url: string, options: PostgresOptions): Promise<Store> {
  const gate = createGate()
  const pool = await createPool({
    connectionString: url,
    max: options.poolSize ?? 10,
    statement_timeout: STATEMENT_TIMEOUT,
    query_timeout: options.answerTimeout ?? ANSWER_TIMEOUT,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT,
  })
  const db = openDatabase(pool, gate)
  try {
    if (!(await reach(url, () => isMigrated(db)))) await migrateAlone(url)
  } catch (error) {
    await db.destroy()
    throw error
  }
  return assembleStore(db, gate, options)
}

/** Says whom it could not reach, and never the password: of a URL that cannot be read, nothing at all. */
export async function reach<T>(url: string, ask: () => Promise<T>): Promise<T> {
  const where = addressOf(url)
  try {
    return await ask()
  } catch (error) {
    const cause = error instanceof UnavailableError ? error.cause : error
    if (cause instanceof OperatorError) throw cause
    const { message, code } = cause as { message?: string; code?: string }
    throw new OperatorError(
      `PostgreSQL at ${where} cannot be used: ${message || code}. Check that it runs and that LATCHKEY_DATABASE_URL is right.`,
      { cause },
    )
  }
}

function addressOf(url: string): string {
  const address = URL.parse(url)
  if (!address)
    throw new OperatorError('LATCHKEY_DATABASE_URL is not of the form postgres://user:password@host:5432/database.')
  const { hostname, port } = address
  return `${hostname || 'the local socket'}${port && `:${port}`}`
}

/** One connection, for work that may take longer than any query is allowed to. */
export const openPostgresDatabase = async (url: string): Promise<Database> =>
  openDatabase(await createPool({ connectionString: url, max: 1 }), createGate())

/** A migration, or the wait for another node's, may take longer than any query is allowed to. */
async function migrateAlone(url: string): Promise<void> {
  const db = await openPostgresDatabase(url)
  try {
    await migrate(db)
  } catch (error) {
    throw refusalBehind(error, url)
  } finally {
    await db.destroy()
  }
}

/** What PostgreSQL refuses for a reason that is the operator's to mend; anything else is a fault of the migration. */
export function refusalBehind(error: unknown, url: string): unknown {
  const where = addressOf(url)
  const { code, message } = error as { code?: string; message?: string }
  // insufficient_privilege, and invalid_schema_name: no schema in the search path that this user may use.
  if (code === '42501' || code === '3F000')
    return new OperatorError(
      `PostgreSQL at ${where} does not let this user make tables: ${message}. Grant it CREATE on the schema, or run "latchkey migrate" as a user who has it; nothing was changed.`,
      { cause: error },
    )
  // duplicate_table
  if (code === '42P07')
    return new OperatorError(
      `The database at ${where} holds tables of something else: ${message}. Give Latchkey a database of its own; nothing was changed.`,
      { cause: error },
    )
  return error
}

const openDatabase = (pool: Pool, gate: Gate): Database =>
  new Kysely<Tables>({
    dialect: {
      createDriver: () => new PooledDriver({ pool }, gate),
      createQueryCompiler: () => new PostgresQueryCompiler(),
      createAdapter: () => new PostgresAdapter(),
      createIntrospector: kysely => new PostgresIntrospector(kysely),
    },
  })

/** `pg` is loaded here, at first use: an embedded server never pays for it. */
async function createPool(config: PoolConfig): Promise<Pool> {
  const { default: pg } = await import('pg')
  const Client = class extends pg.Client {
    #isGathering = false

    /** What is asked in one turn is sent at once: the server is woken once for `begin` and what it is followed by. */
    #gather(): void {
      if (this.#isGathering) return
      this.#isGathering = true
      const { stream } = (this as unknown as { connection: { stream: Socket } }).connection
      stream.cork()
      process.nextTick(() => {
        this.#isGathering = false
        stream.uncork()
      })
    }

    #ask(text: string, values: readonly unknown[]): Promise<unknown> {
      return new Promise((resolve, reject) => {
        const query = Object.assign(new pg.Query(text, storable(values)), {
          name: nameOf(text),
          callback: (error: Error | null, result: unknown) => (error ? reject(error) : resolve(result)),
        })
        void super.query(query)
      })
    }

    // biome-ignore lint/suspicious/noExplicitAny: ten overloads, of which Kysely uses the one with text and values
    override async query(text: any, values?: any): Promise<any> {
      try {
        this.#gather()
        if (!Array.isArray(values)) return await super.query(text, values)
        return await this.#ask(text, values)
      } catch (error) {
        if (isUnanswered(error)) void super.end().catch(() => {})
        throw outageBehind(error)
      }
    }
  }
  const pool = new pg.Pool({
    ...config,
    Client,
    application_name: 'latchkey',
    connectionTimeoutMillis: CONNECT_TIMEOUT,
    keepAlive: true,
    // Statements that need not wait for one another travel together.
    pipeline: true,
    // Counts and instants are below 2^53; as text they would compare and add up wrongly without a word.
    types: { getTypeParser: (oid, format) => (oid === INT8 ? Number : pg.types.getTypeParser(oid, format)) },
  } as PoolConfig)

  // Without a listener each of these ends the process: the pool's for a connection lost while idle, the client's
  // for one lost between two statements of a transaction. The pool drops it; whoever was using it gets the error.
  pool.on('error', () => {})
  pool.on('connect', client => client.on('error', () => {}))
  return pool
}

class PooledDriver extends PostgresDriver {
  readonly #gate: Gate
  readonly #begun = new WeakMap<DatabaseConnection, Promise<void>>()

  constructor(config: PostgresDialectConfig, gate: Gate) {
    super(config)
    this.#gate = gate
  }

  override async acquireConnection(): Promise<DatabaseConnection> {
    this.#gate.refuseInside()
    try {
      return await super.acquireConnection()
    } catch (error) {
      throw unreachable(error)
    }
  }

  /** Travels with the first statement. Whoever could not begin can do nothing after it, and commits nothing. */
  override async beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    const begun = super.beginTransaction(connection, settings)
    begun.catch(() => {})
    this.#begun.set(connection, begun)
  }

  override async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await this.#begun.get(connection)
    await super.commitTransaction(connection)
  }
}
