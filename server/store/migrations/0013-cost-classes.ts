/**
 * How much dearer than ours a hash is to check, of the few that were imported and are: asked for with every wrong
 * password, so it has an index, which holds nothing but those.
 */
import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'

export const costClasses: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .alterTable('credentials')
      .addColumn('cost_class', 'bigint', column => column.notNull().defaultTo(0))
      .execute()
    await sql`create index credentials_cost_class on credentials (tenant, cost_class) where cost_class > 0`.execute(db)
  },
}
