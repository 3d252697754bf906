/**
 * A transaction whose statements go out when they are asked. Kysely's own has each wait for the answer to the one before,
 * so that nothing travels together; and one that waited when another failed would be sent after the `rollback`, and be
 * written by itself.
 */
import { type DatabaseConnection, Transaction } from 'kysely'
import type { Database, Tables } from './schema.ts'

/** Runs the work on it. Whatever is asked once that has resolved or failed is refused. */
export async function askingAtOnce<T>(db: Database, work: (transaction: Database) => Promise<T>): Promise<T> {
  let isOver = false
  const executor = db.getExecutor()
  const connection = await executor.provideConnection(async connection => connection)
  const provider = {
    async provideConnection<Answer>(ask: (connection: DatabaseConnection) => Promise<Answer>): Promise<Answer> {
      if (isOver) throw new TypeError('The transaction is over, and something is asked of it')
      return ask(connection)
    },
  }
  // All that a transaction does with its other parts is to make new ones, of which the store makes none.
  const parts = { executor: executor.withConnectionProvider(provider), config: {}, driver: {}, dialect: {} }
  try {
    return await work(new Transaction<Tables>(parts as never))
  } finally {
    isOver = true
  }
}
