/** Keys of APIs: long-lived, each for one audience, of a client or of a person with one. */
import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import { type Dialect, textType } from '../dialect.ts'

export const apiKeys = (dialect: Dialect): Migration => ({
  async up(db: Kysely<unknown>) {
    const text = textType(dialect)
    await db.schema
      .createTable('api_keys')
      .addColumn('tenant', text, column => column.notNull())
      .addColumn('id', text, column => column.notNull())
      .addColumn('secret_hash', text, column => column.notNull())
      .addColumn('name', text, column => column.notNull())
      .addColumn('client', text, column => column.notNull())
      .addColumn('user', text)
      .addColumn('connection', text)
      .addColumn('audience', text, column => column.notNull())
      .addColumn('scopes', text, column => column.notNull())
      .addColumn('user_epoch', 'bigint')
      .addColumn('client_epoch', 'bigint', column => column.notNull())
      .addColumn('state', text, column => column.notNull())
      .addColumn('created_at', 'bigint', column => column.notNull())
      .addColumn('expires_at', 'bigint')
      .addColumn('used_at', 'bigint')
      .addColumn('kept_until', 'bigint')
      .addPrimaryKeyConstraint('api_keys_key', ['tenant', 'id'])
      .execute()
    await db.schema.createIndex('api_keys_client').on('api_keys').columns(['tenant', 'client']).execute()
    await db.schema.createIndex('api_keys_user').on('api_keys').columns(['tenant', 'user']).execute()
    await db.schema.createIndex('api_keys_kept').on('api_keys').column('kept_until').execute()
  },
})
