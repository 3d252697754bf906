/** How far the events about somebody who is no more were emptied of what is personal. */
import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import { type Dialect, textType } from '../dialect.ts'

export const traces = (dialect: Dialect): Migration => ({
  async up(db: Kysely<unknown>) {
    await db.schema.alterTable('removals').addColumn('seen', textType(dialect)).execute()
  },
})
