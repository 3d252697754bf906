/** Settings that are kept as they were given, under the name of what they are. */
import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import { type Dialect, textType } from '../dialect.ts'

export const documents = (dialect: Dialect): Migration => ({
  async up(db: Kysely<unknown>) {
    const text = textType(dialect)
    await db.schema
      .createTable('documents')
      .addColumn('tenant', text, column => column.notNull())
      .addColumn('kind', text, column => column.notNull())
      .addColumn('id', text, column => column.notNull())
      .addColumn('data', text, column => column.notNull())
      .addColumn('sealed', text)
      .addColumn('created_at', 'bigint', column => column.notNull())
      .addColumn('updated_at', 'bigint', column => column.notNull())
      .addPrimaryKeyConstraint('documents_key', ['tenant', 'kind', 'id'])
      .execute()
  },
})
