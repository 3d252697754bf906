/**
 * What a person's own page asks for: what each session's browser called itself, and all that somebody gave, by user. A
 * session from before has no name; the column stays open to that.
 */
import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import { type Dialect, textType } from '../dialect.ts'

export const accounts = (dialect: Dialect): Migration => ({
  async up(db: Kysely<unknown>) {
    await db.schema.alterTable('sessions').addColumn('user_agent', textType(dialect)).execute()
    await db.schema
      .createIndex('authorizations_subject')
      .on('authorizations')
      .columns(['tenant', 'subject', 'client'])
      .execute()
    await db.schema.createIndex('families_user').on('families').columns(['tenant', 'user']).execute()
  },
})
