/**
 * What is said of a connection besides its options, which clients it serves, and the secrets in its options. Those there
 * are serve every client, as they did.
 */
import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import { type Dialect, textType } from '../dialect.ts'

export const connections = (dialect: Dialect): Migration => ({
  async up(db: Kysely<unknown>) {
    const text = textType(dialect)
    for (const [column, type, fallback] of [
      ['settings', text, '{}'],
      ['serves_every_client', 'bigint', 1],
    ] as const)
      await db.schema
        .alterTable('connections')
        .addColumn(column, type as 'bigint', definition => definition.notNull().defaultTo(fallback))
        .execute()
    await db.schema.alterTable('connections').addColumn('sealed_options', text).execute()
    await db.schema.alterTable('connections').addColumn('removed_at', 'bigint').execute()
    await sql`create index connections_removed on connections (removed_at) where removed_at is not null`.execute(db)
    await db.schema
      .createTable('connection_clients')
      .addColumn('tenant', text, column => column.notNull())
      .addColumn('connection', text, column => column.notNull())
      .addColumn('client', text, column => column.notNull())
      .addPrimaryKeyConstraint('connection_clients_key', ['tenant', 'connection', 'client'])
      .execute()
    await db.schema
      .createIndex('connection_clients_client')
      .on('connection_clients')
      .columns(['tenant', 'client'])
      .execute()
  },
})
