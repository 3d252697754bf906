/** Which clients took part in a session and want to hear of its end, and what is still to be told to whom. */
import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import { type Dialect, textType } from '../dialect.ts'

export const logout = (dialect: Dialect): Migration => ({
  async up(db: Kysely<unknown>) {
    const text = textType(dialect)
    await db.schema
      .createTable('session_clients')
      .addColumn('tenant', text, column => column.notNull())
      .addColumn('session', text, column => column.notNull())
      .addColumn('channel', text, column => column.notNull())
      .addColumn('client', text, column => column.notNull())
      .addColumn('user', text, column => column.notNull())
      .addColumn('issuer', text, column => column.notNull())
      .addColumn('expires_at', 'bigint', column => column.notNull())
      .addPrimaryKeyConstraint('session_clients_key', ['tenant', 'session', 'channel', 'client'])
      .execute()
    await db.schema.createIndex('session_clients_user').on('session_clients').columns(['tenant', 'user']).execute()
    await db.schema.createIndex('session_clients_expiry').on('session_clients').column('expires_at').execute()
    await db.schema
      .createTable('logout_deliveries')
      .addColumn('tenant', text, column => column.notNull())
      .addColumn('id', text, column => column.notNull())
      .addColumn('client', text, column => column.notNull())
      .addColumn('initiator', text, column => column.notNull())
      .addColumn('session', text, column => column.notNull())
      .addColumn('user', text, column => column.notNull())
      .addColumn('issuer', text, column => column.notNull())
      .addColumn('attempts', 'bigint', column => column.notNull())
      .addColumn('created_at', 'bigint', column => column.notNull())
      .addColumn('due_at', 'bigint', column => column.notNull())
      .addColumn('give_up_at', 'bigint', column => column.notNull())
      .addPrimaryKeyConstraint('logout_deliveries_key', ['tenant', 'id'])
      .execute()
    await db.schema.createIndex('logout_deliveries_due').on('logout_deliveries').column('due_at').execute()
  },
})
