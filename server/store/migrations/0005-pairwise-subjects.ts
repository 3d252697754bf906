/** Whom a pairwise subject stands for, and by which names sectors know a person. */
import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import { type Dialect, textType } from '../dialect.ts'

export const pairwiseSubjects = (dialect: Dialect): Migration => ({
  async up(db: Kysely<unknown>) {
    const text = textType(dialect)
    await db.schema
      .createTable('pairwise_subjects')
      .addColumn('tenant', text, column => column.notNull())
      .addColumn('subject', text, column => column.notNull())
      .addColumn('user', text, column => column.notNull())
      .addPrimaryKeyConstraint('pairwise_subjects_key', ['tenant', 'subject'])
      .execute()
    await db.schema.createIndex('pairwise_subjects_user').on('pairwise_subjects').columns(['tenant', 'user']).execute()
  },
})
