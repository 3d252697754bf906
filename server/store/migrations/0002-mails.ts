/** Mail that was promised and has not left yet. Rows are few and short-lived; whoever sends looks across tenants by the time each is due. */
import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import { type Dialect, textType } from '../dialect.ts'

export const mails = (dialect: Dialect): Migration => ({
  async up(db: Kysely<unknown>) {
    const text = textType(dialect)
    await db.schema
      .createTable('mails')
      .addColumn('tenant', text, column => column.notNull())
      .addColumn('id', text, column => column.notNull())
      .addColumn('letter', text, column => column.notNull())
      .addColumn('attempts', 'bigint', column => column.notNull())
      .addColumn('created_at', 'bigint', column => column.notNull())
      .addColumn('due_at', 'bigint', column => column.notNull())
      .addColumn('give_up_at', 'bigint', column => column.notNull())
      .addPrimaryKeyConstraint('mails_key', ['tenant', 'id'])
      .execute()
    await db.schema.createIndex('mails_due').on('mails').column('due_at').execute()
  },
})
