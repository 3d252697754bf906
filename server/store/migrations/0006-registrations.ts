/** Clients that registered themselves, and the digest of what each manages its registration with. */
import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import { type Dialect, textType } from '../dialect.ts'

export const registrations = (dialect: Dialect): Migration => ({
  async up(db: Kysely<unknown>) {
    const text = textType(dialect)
    await db.schema
      .createTable('registrations')
      .addColumn('tenant', text, column => column.notNull())
      .addColumn('client', text, column => column.notNull())
      .addColumn('token_hash', text, column => column.notNull())
      .addPrimaryKeyConstraint('registrations_key', ['tenant', 'client'])
      .execute()
  },
})
