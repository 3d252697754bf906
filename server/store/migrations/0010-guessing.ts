/** What stands against guessing: counted tries, and browsers that an account was used in before. */
import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import { type Dialect, textType } from '../dialect.ts'

export const guessing = (dialect: Dialect): Migration => ({
  async up(db: Kysely<unknown>) {
    const text = textType(dialect)
    await db.schema
      .createTable('counters')
      .addColumn('tenant', text, column => column.notNull())
      .addColumn('key', text, column => column.notNull())
      .addColumn('empty_at', 'bigint', column => column.notNull())
      .addColumn('free_at', 'bigint', column => column.notNull())
      .addPrimaryKeyConstraint('counters_key', ['tenant', 'key'])
      .execute()
    await db.schema.createIndex('counters_empty').on('counters').column('empty_at').execute()
    await db.schema
      .createTable('devices')
      .addColumn('tenant', text, column => column.notNull())
      .addColumn('user', text, column => column.notNull())
      .addColumn('browser_hash', text, column => column.notNull())
      .addColumn('used_at', 'bigint', column => column.notNull())
      .addColumn('expires_at', 'bigint', column => column.notNull())
      .addPrimaryKeyConstraint('devices_key', ['tenant', 'user', 'browser_hash'])
      .execute()
    await db.schema.createIndex('devices_expiry').on('devices').column('expires_at').execute()
  },
})
