/** Work that takes longer than an answer: what is asked, what it reads or writes, and what of it went wrong. */
import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import { type Dialect, textType } from '../dialect.ts'

export const jobs = (dialect: Dialect): Migration => ({
  async up(db: Kysely<unknown>) {
    const text = textType(dialect)
    const bytes = dialect === 'postgres' ? sql`bytea` : sql`blob`
    await db.schema
      .createTable('jobs')
      .addColumn('tenant', text, column => column.notNull())
      .addColumn('id', text, column => column.notNull())
      .addColumn('type', text, column => column.notNull())
      .addColumn('status', text, column => column.notNull())
      .addColumn('connection', text)
      .addColumn('asked', text, column => column.notNull())
      .addColumn('asked_by', text, column => column.notNull())
      .addColumn('progress', text, column => column.notNull())
      .addColumn('size', 'bigint', column => column.notNull())
      .addColumn('done', 'bigint', column => column.notNull())
      .addColumn('inserted', 'bigint', column => column.notNull())
      .addColumn('updated', 'bigint', column => column.notNull())
      .addColumn('failed', 'bigint', column => column.notNull())
      .addColumn('failure', text)
      .addColumn('created_at', 'bigint', column => column.notNull())
      .addColumn('started_at', 'bigint')
      .addColumn('ended_at', 'bigint')
      .addColumn('attempts', 'bigint', column => column.notNull())
      .addColumn('due_at', 'bigint')
      .addColumn('kept_until', 'bigint', column => column.notNull())
      .addPrimaryKeyConstraint('jobs_key', ['tenant', 'id'])
      .execute()
    await db.schema.createIndex('jobs_due').on('jobs').column('due_at').execute()
    await db.schema.createIndex('jobs_kept').on('jobs').column('kept_until').execute()
    await db.schema.createIndex('jobs_status').on('jobs').columns(['tenant', 'status']).execute()
    await db.schema
      .createTable('job_parts')
      .addColumn('tenant', text, column => column.notNull())
      .addColumn('job', text, column => column.notNull())
      .addColumn('place', 'bigint', column => column.notNull())
      .addColumn('bytes', bytes, column => column.notNull())
      .addPrimaryKeyConstraint('job_parts_key', ['tenant', 'job', 'place'])
      .execute()
    await db.schema
      .createTable('job_errors')
      .addColumn('tenant', text, column => column.notNull())
      .addColumn('job', text, column => column.notNull())
      .addColumn('place', 'bigint', column => column.notNull())
      .addColumn('error', text, column => column.notNull())
      .addPrimaryKeyConstraint('job_errors_key', ['tenant', 'job', 'place'])
      .execute()
  },
})
