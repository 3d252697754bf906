/**
 * What an administrator asks of people: who signed in last and how often, the name somebody signs in with beside their
 * address, and several identities of one person, each with what its connection said of them and the first of them first.
 * Rows from before say that nobody has signed in yet, and that each identity is its user's first, which is so.
 */
import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import { type Dialect, textType } from '../dialect.ts'

export const people = (dialect: Dialect): Migration => ({
  async up(db: Kysely<unknown>) {
    const text = textType(dialect)
    // SQLite adds one column at a time.
    await db.schema.alterTable('users').addColumn('username', text).execute()
    await db.schema.alterTable('users').addColumn('last_login_at', 'bigint').execute()
    await db.schema.alterTable('users').addColumn('last_ip', text).execute()
    await db.schema
      .alterTable('users')
      .addColumn('logins_count', 'bigint', column => column.notNull().defaultTo(0))
      .execute()
    await db.schema.alterTable('identities').addColumn('username_key', text).execute()
    await db.schema.alterTable('identities').addColumn('profile', text).execute()
    await db.schema
      .alterTable('identities')
      .addColumn('ordinal', 'bigint', column => column.notNull().defaultTo(0))
      .execute()
    await db.schema
      .createIndex('identities_username')
      .on('identities')
      .columns(['tenant', 'connection', 'username_key'])
      .unique()
      .execute()
    for (const column of ['created_at', 'updated_at', 'last_login_at', 'logins_count'])
      await db.schema.createIndex(`users_${column}`).on('users').columns(['tenant', column, 'id']).execute()
  },
})
