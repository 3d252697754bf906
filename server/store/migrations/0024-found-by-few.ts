/**
 * People are found by what one or two have, their address or the name they sign in with, before the connection, which may
 * be everybody's; and removed organizations, which are few, without those that are there.
 */
import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'

export const foundByFew: Migration = {
  async up(db: Kysely<unknown>) {
    // The new ones first: of two people with one address the second is refused at every moment.
    for (const [index, column] of [
      ['identities_address', 'email_key'],
      ['identities_name', 'username_key'],
    ] as const)
      await db.schema.createIndex(index).on('identities').columns(['tenant', column, 'connection']).unique().execute()
    for (const index of ['identities_email', 'identities_username', 'organizations_removed'])
      await db.schema.dropIndex(index).execute()
    await sql`create index organizations_gone on organizations (removed_at) where removed_at is not null`.execute(db)
  },
}
