/** Organizations: who belongs to them, how they sign in, whom they invited and which applications are theirs. */
import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import { type Dialect, textType } from '../dialect.ts'

export const organizations = (dialect: Dialect): Migration => ({
  async up(db: Kysely<unknown>) {
    const text = textType(dialect)
    await db.schema
      .createTable('organizations')
      .addColumn('tenant', text, column => column.notNull())
      .addColumn('id', text, column => column.notNull())
      .addColumn('name', text, column => column.notNull())
      .addColumn('display_name', text, column => column.notNull())
      .addColumn('settings', text, column => column.notNull())
      .addColumn('created_at', 'bigint', column => column.notNull())
      .addColumn('updated_at', 'bigint', column => column.notNull())
      .addColumn('removed_at', 'bigint')
      .addPrimaryKeyConstraint('organizations_key', ['tenant', 'id'])
      .addUniqueConstraint('organizations_name', ['tenant', 'name'])
      .execute()
    for (const column of ['created_at', 'display_name'] as const)
      await db.schema
        .createIndex(`organizations_${column}`)
        .on('organizations')
        .columns(['tenant', column, 'id'])
        .execute()
    // What the purge looks for.
    await db.schema.createIndex('organizations_removed').on('organizations').column('removed_at').execute()

    await db.schema
      .createTable('organization_members')
      .addColumn('tenant', text, column => column.notNull())
      .addColumn('organization', text, column => column.notNull())
      .addColumn('user', text, column => column.notNull())
      .addColumn('since', 'bigint', column => column.notNull())
      .addPrimaryKeyConstraint('organization_members_key', ['tenant', 'organization', 'user'])
      .execute()
    await db.schema
      .createIndex('organization_members_user')
      .on('organization_members')
      .columns(['tenant', 'user', 'organization'])
      .execute()
    await db.schema
      .createIndex('user_roles_organization')
      .on('user_roles')
      .columns(['tenant', 'organization', 'role', 'user'])
      .execute()

    // Few sessions and consents are any organization's.
    await sql`create index sessions_organization on sessions (tenant, organization) where organization is not null`.execute(
      db,
    )

    await sql`create index consents_organization on consents (tenant, organization) where organization <> ''`.execute(
      db,
    )

    await db.schema
      .createTable('organization_connections')
      .addColumn('tenant', text, column => column.notNull())
      .addColumn('organization', text, column => column.notNull())
      .addColumn('connection', text, column => column.notNull())
      .addColumn('settings', text, column => column.notNull())
      .addPrimaryKeyConstraint('organization_connections_key', ['tenant', 'organization', 'connection'])
      .execute()

    await db.schema
      .createTable('organization_clients')
      .addColumn('tenant', text, column => column.notNull())
      .addColumn('organization', text, column => column.notNull())
      .addColumn('client', text, column => column.notNull())
      .addColumn('for_members', 'bigint', column => column.notNull())
      .addPrimaryKeyConstraint('organization_clients_key', ['tenant', 'organization', 'client'])
      .execute()
    await db.schema
      .createIndex('organization_clients_client')
      .on('organization_clients')
      .columns(['tenant', 'client'])
      .execute()

    await db.schema
      .createTable('organization_grants')
      .addColumn('tenant', text, column => column.notNull())
      .addColumn('organization', text, column => column.notNull())
      .addColumn('grant', text, column => column.notNull())
      .addPrimaryKeyConstraint('organization_grants_key', ['tenant', 'organization', 'grant'])
      .execute()
    await db.schema
      .createIndex('organization_grants_grant')
      .on('organization_grants')
      .columns(['tenant', 'grant', 'organization'])
      .execute()

    await db.schema
      .createTable('invitations')
      .addColumn('tenant', text, column => column.notNull())
      .addColumn('id', text, column => column.notNull())
      .addColumn('organization', text, column => column.notNull())
      .addColumn('ticket_hash', text, column => column.notNull())
      .addColumn('ticket', text, column => column.notNull())
      .addColumn('inviter', text, column => column.notNull())
      .addColumn('email', text, column => column.notNull())
      .addColumn('client', text, column => column.notNull())
      .addColumn('connection', text)
      .addColumn('roles', text, column => column.notNull())
      .addColumn('app_metadata', text, column => column.notNull())
      .addColumn('user_metadata', text, column => column.notNull())
      .addColumn('mailed', 'bigint', column => column.notNull())
      .addColumn('url', text, column => column.notNull())
      .addColumn('created_at', 'bigint', column => column.notNull())
      .addColumn('expires_at', 'bigint', column => column.notNull())
      .addPrimaryKeyConstraint('invitations_key', ['tenant', 'id'])
      .addUniqueConstraint('invitations_ticket', ['tenant', 'ticket_hash'])
      .execute()
    await db.schema
      .createIndex('invitations_organization')
      .on('invitations')
      .columns(['tenant', 'organization', 'created_at', 'id'])
      .execute()
    await db.schema.createIndex('invitations_expiry').on('invitations').column('expires_at').execute()

    await db.schema
      .createTable('discovery_domains')
      .addColumn('tenant', text, column => column.notNull())
      .addColumn('id', text, column => column.notNull())
      .addColumn('organization', text, column => column.notNull())
      .addColumn('domain', text, column => column.notNull())
      .addColumn('verified', 'bigint', column => column.notNull())
      .addColumn('used', 'bigint', column => column.notNull())
      .addColumn('proof', text, column => column.notNull())
      .addPrimaryKeyConstraint('discovery_domains_key', ['tenant', 'id'])
      .addUniqueConstraint('discovery_domains_domain', ['tenant', 'organization', 'domain'])
      .execute()
  },
})
