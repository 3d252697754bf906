/** What a tenant sends its mail through, and the domains of its own that it asks for. */
import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import { type Dialect, textType } from '../dialect.ts'

export const mailAndDomains = (dialect: Dialect): Migration => ({
  async up(db: Kysely<unknown>) {
    const text = textType(dialect)
    await db.schema
      .createTable('email_providers')
      .addColumn('tenant', text, column => column.notNull())
      .addColumn('document', text, column => column.notNull())
      .addColumn('sealed_credentials', text, column => column.notNull())
      .addPrimaryKeyConstraint('email_providers_key', ['tenant'])
      .execute()
    await db.schema
      .createTable('custom_domains')
      .addColumn('tenant', text, column => column.notNull())
      .addColumn('id', text, column => column.notNull())
      .addColumn('domain', text, column => column.notNull())
      .addColumn('proof', text, column => column.notNull())
      .addColumn('document', text, column => column.notNull())
      .addColumn('is_default', 'integer', column => column.notNull())
      .addColumn('created_at', 'bigint', column => column.notNull())
      .addColumn('verified_at', 'bigint')
      .addPrimaryKeyConstraint('custom_domains_key', ['tenant', 'id'])
      .addUniqueConstraint('custom_domains_domain', ['tenant', 'domain'])
      .execute()
  },
})
