/**
 * The way back from a pairwise subject, which is a digest, to the person it stands for; and all the names of a person,
 * by which others are told that what was given to them is over. How a name is made is `tokens/subject.ts`'.
 */
import { isLeaving } from './removals.ts'
import type { Database } from './schema.ts'

export interface PairwiseSubjects {
  /** Once is enough, and again is the same. A name never comes to stand for somebody else. */
  note(tenant: string, subject: string, user: string): Promise<void>
  userOf(tenant: string, subject: string): Promise<string | undefined>
  ofUser(tenant: string, user: string): Promise<string[]>
}

export const pairwiseSubjectsIn = (db: Database): PairwiseSubjects => ({
  async note(tenant, subject, user) {
    await db
      .insertInto('pairwise_subjects')
      .values({ tenant, subject, user })
      .onConflict(conflict => conflict.doNothing())
      .execute()
  },

  async userOf(tenant, subject) {
    const row = await db
      .selectFrom('pairwise_subjects')
      .select('user')
      .where('tenant', '=', tenant)
      .where('subject', '=', subject)
      .where(row => row.not(isLeaving('user', tenant, 'pairwise_subjects.user')))
      .executeTakeFirst()
    return row?.user
  },

  async ofUser(tenant, user) {
    const rows = await db
      .selectFrom('pairwise_subjects')
      .select('subject')
      .where('tenant', '=', tenant)
      .where('user', '=', user)
      .orderBy('subject')
      .execute()
    return rows.map(row => row.subject)
  },
})
