/**
 * What roles and people may do with an API; grants of the other kinds that Auth0 knows beside a machine's; keys of a
 * client by name; and what a removed client, API or role has yet to leave behind.
 */
import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import { type Dialect, textType } from '../dialect.ts'

export const permissions = (dialect: Dialect): Migration => ({
  async up(db: Kysely<unknown>) {
    const text = textType(dialect)
    for (const [holder, holders] of [
      ['role', 'roles'],
      ['user', 'users'],
    ] as const) {
      const table = `${holder}_permissions`
      await db.schema
        .createTable(table)
        .addColumn('tenant', text, column => column.notNull())
        .addColumn(holder, text, column => column.notNull())
        .addColumn('audience', text, column => column.notNull())
        .addColumn('permission', text, column => column.notNull())
        .addPrimaryKeyConstraint(`${table}_key`, ['tenant', holder, 'audience', 'permission'] as never)
        .addForeignKeyConstraint(`${table}_${holders}`, ['tenant', holder] as never, holders, ['tenant', 'id'])
        .execute()
      await db.schema.createIndex(`${table}_audience`).on(table).columns(['tenant', 'audience']).execute()
    }
    await db.schema
      .createIndex('user_roles_members')
      .on('user_roles')
      .columns(['tenant', 'role', 'organization', 'user'])
      .execute()

    await db.schema.alterTable('roles').addColumn('removed_at', 'bigint').execute()
    await db.schema
      .alterTable('resource_servers')
      .addColumn('epoch', 'bigint', column => column.notNull().defaultTo(0))
      .execute()
    await db.schema.alterTable('resource_servers').addColumn('removed_at', 'bigint').execute()
    await db.schema
      .alterTable('clients')
      .addColumn('credentials', text, column => column.notNull().defaultTo('[]'))
      .execute()

    await db.schema
      .alterTable('client_grants')
      .addColumn('settings', text, column => column.notNull().defaultTo('{}'))
      .execute()
    await db.schema
      .createTable('other_grants')
      .addColumn('tenant', text, column => column.notNull())
      .addColumn('client', text, column => column.notNull())
      .addColumn('audience', text, column => column.notNull())
      .addColumn('subject', text, column => column.notNull())
      .addColumn('id', text, column => column.notNull())
      .addColumn('scopes', text, column => column.notNull())
      .addColumn('settings', text, column => column.notNull())
      .addPrimaryKeyConstraint('other_grants_key', ['tenant', 'client', 'audience', 'subject'])
      .execute()
    await db.schema.createIndex('other_grants_id').unique().on('other_grants').columns(['tenant', 'id']).execute()

    await db.schema
      .createTable('removals')
      .addColumn('tenant', text, column => column.notNull())
      .addColumn('kind', text, column => column.notNull())
      .addColumn('id', text, column => column.notNull())
      .addColumn('at', 'bigint', column => column.notNull())
      .addPrimaryKeyConstraint('removals_key', ['tenant', 'kind', 'id'])
      .execute()
    // What a removed client or API leaves behind is found by it.
    for (const [table, column] of [
      ['consents', 'client'],
      ['consents', 'audience'],
      ['api_keys', 'audience'],
      ['client_grants', 'audience'],
      ['other_grants', 'audience'],
    ] as const)
      await sql`create index ${sql.id(`${table}_by_${column}`)} on ${sql.table(table)} (tenant, ${sql.ref(column)})`.execute(
        db,
      )
  },
})
