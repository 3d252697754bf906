/** When somebody last was given another password; of most, who still have their first, nothing, and no entry of the index. */
import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'

export const lastPasswordReset: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema.alterTable('users').addColumn('last_password_reset_at', 'bigint').execute()
    await sql`create index users_last_password_reset_at on users (tenant, last_password_reset_at, id) where last_password_reset_at is not null`.execute(
      db,
    )
  },
}
