/**
 * Which transaction wrote an event, and how far each reader of the table has come. On PostgreSQL the column fills itself,
 * so that a node of the version before writes it too; no row is written anew for it. Rows from before have none and are
 * read by nobody who begins now.
 */
import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import { type Dialect, textType } from '../dialect.ts'

export const eventOrder = (dialect: Dialect): Migration => ({
  async up(db: Kysely<unknown>) {
    await db.schema.alterTable('events').addColumn('written_in', 'bigint').execute()
    // A default given with the column would be worked out for every row there is.
    if (dialect === 'postgres')
      await sql`alter table events alter column written_in set default (pg_current_xact_id()::text::bigint)`.execute(db)
    await sql`create index events_written_in on events (written_in) where written_in is not null`.execute(db)
    await db.schema
      .createTable('event_cursors')
      .addColumn('name', textType(dialect), column => column.notNull().primaryKey())
      .addColumn('next', 'bigint', column => column.notNull())
      .addColumn('pending', textType(dialect), column => column.notNull())
      .execute()
  },
})
