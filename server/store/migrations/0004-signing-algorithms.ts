/**
 * Which algorithm a client or an API asks for, beside the document that says so, for an index: the key set is made of
 * the algorithms that somebody asks for, and a tenant may have any number of clients. A row from before has none until
 * it is next written; its key is then made when it first signs.
 */
import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import { type Dialect, textType } from '../dialect.ts'

export const signingAlgorithms = (dialect: Dialect): Migration => ({
  async up(db: Kysely<unknown>) {
    for (const table of ['clients', 'resource_servers']) {
      await db.schema.alterTable(table).addColumn('signing_algorithm', textType(dialect)).execute()
      await db.schema
        .createIndex(`${table}_signing_algorithm`)
        .on(table)
        .columns(['tenant', 'signing_algorithm'])
        .execute()
    }
  },
})
