/**
 * What the tables share whose rows are due: claimed by one of several nodes for a while, and then removed or postponed.
 * What is claimed, and in which order, is each noun's own.
 */
import type { Instant } from '../kernel/clock.ts'
import type { Database } from './schema.ts'

/** `attempts`: how often it had been claimed when the caller claimed it. Whoever holds another number holds it no more. */
interface Claimed {
  readonly tenant: string
  readonly id: string
  readonly attempts: number
}

export interface Due {
  /** `false` when it was claimed anew since: then it is somebody else's to decide. */
  postpone(claimed: Claimed, dueAt: Instant): Promise<boolean>
  /** `false` when somebody else was first. */
  remove(tenant: string, id: string): Promise<boolean>
}

export const dueIn = (db: Database, table: 'mails' | 'logout_deliveries'): Due => ({
  async postpone({ tenant, id, attempts }, dueAt) {
    const postponed = await db
      .updateTable(table)
      .set({ due_at: dueAt })
      .where('tenant', '=', tenant)
      .where('id', '=', id)
      .where('attempts', '=', attempts)
      .returning('id')
      .executeTakeFirst()
    return postponed !== undefined
  },

  async remove(tenant, id) {
    const removed = await db
      .deleteFrom(table)
      .where('tenant', '=', tenant)
      .where('id', '=', id)
      .returning('id')
      .executeTakeFirst()
    return removed !== undefined
  },
})
