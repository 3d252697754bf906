/** What the log says of one token, for a node that has not read it: the names by which it may be covered. */
import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

export const revocationNames = (): Migration => ({
  async up(db: Kysely<unknown>) {
    await db.schema.createIndex('revocations_name').on('revocations').columns(['tenant', 'id', 'kind']).execute()
  },
})
