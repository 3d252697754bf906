/** Verbs of more than one statement: all of it or none, alone as well as inside somebody's transaction. */
import { sql } from 'kysely'
import { isDuplicate } from './dialect.ts'
import type { Database } from './schema.ts'

/** Runs in the transaction that is there, or in one of its own. */
export const atomically = <T>(db: Database, work: (transaction: Database) => Promise<T>): Promise<T> =>
  db.isTransaction ? work(db) : db.transaction().execute(work)

/** Thrown by the work of `attempt` to undo itself. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
}

/**
 * Runs the work, or answers `refused` and leaves nothing of it: when it throws a `Refusal`, or when a unique
 * index says no. The transaction around it stays usable, which on PostgreSQL takes a savepoint, as any failed
 * statement ends it otherwise.
 */
export const attempt = <T>(db: Database, work: (transaction: Database) => Promise<T>): Promise<T | 'refused'> =>
  atomically(db, async transaction => {
    await sql`savepoint attempt`.execute(transaction)
    try {
      const result = await work(transaction)
      await sql`release savepoint attempt`.execute(transaction)
      return result
    } catch (error) {
      if (!(error instanceof Refusal) && !isDuplicate(error)) throw error
      await sql`rollback to savepoint attempt`.execute(transaction)
      await sql`release savepoint attempt`.execute(transaction)
      return 'refused'
    }
  })
