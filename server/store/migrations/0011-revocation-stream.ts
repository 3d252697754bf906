/** The log of one tenant in its order, for whoever follows that tenant's alone. */
import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

export const revocationStream: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema.createIndex('revocations_tenant').on('revocations').columns(['tenant', 'number']).execute()
  },
}
