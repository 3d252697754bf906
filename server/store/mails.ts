/**
 * Mail that is promised: a row is written in the transaction of the change that causes it, and stays until the mail
 * has left or nobody wants it any more. What a letter says is sealed, bound to tenant and id: it may hold a link that
 * opens an account. What letters there are is `notify/`'s to say, and so is how one is sent.
 */
import type { Instant } from '../kernel/clock.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { SealContext, Sealer } from '../kernel/sealer.ts'
import { toObject, toText } from './columns.ts'
import { skippingLockedIn } from './dialect.ts'
import { type Due, dueIn } from './due.ts'
import type { Database, MailsTable } from './schema.ts'

export interface NewMail {
  readonly tenant: string
  readonly id: string
  readonly letter: JsonObject
  readonly createdAt: Instant
  /** From then on nobody wants it. */
  readonly giveUpAt: Instant
}

export interface ClaimedMail extends Omit<NewMail, 'letter'> {
  /** How often it has been claimed, this time included: whoever holds another number holds it no more. */
  readonly attempts: number
  /** Throws `SealError` for a letter that was changed, or sealed under a master key that is not listed. */
  read(): JsonObject
}

export interface Mails extends Due {
  /** Due at once. */
  promise(mail: NewMail): Promise<void>
  /**
   * At most `limit` of those due for the longest, in no order, each to exactly one of any number of callers: none is due
   * again before `leaseUntil`, by which whoever claimed it has removed or postponed it, or is gone.
   */
  claim(now: Instant, leaseUntil: Instant, limit: number): Promise<ClaimedMail[]>
  /** How many have not left, of whichever tenant. */
  count(): Promise<number>
  /** When the next one is due, of whichever tenant. */
  nextDue(): Promise<Instant | undefined>
}

export const sealContextOfMail = ({ tenant, id }: Pick<NewMail, 'tenant' | 'id'>): SealContext => ({
  purpose: 'mail',
  tenant,
  record: id,
})

const toClaimed = (row: MailsTable, sealer: Sealer): ClaimedMail => ({
  tenant: row.tenant,
  id: row.id,
  attempts: row.attempts,
  createdAt: row.created_at,
  giveUpAt: row.give_up_at,
  read: () => toObject(sealer.open(sealContextOfMail(row), row.letter).toString()),
})

export const mailsIn = (db: Database, sealer: Sealer): Mails => ({
  ...dueIn(db, 'mails'),

  async promise(mail) {
    await db
      .insertInto('mails')
      .values({
        tenant: mail.tenant,
        id: mail.id,
        letter: sealer.seal(sealContextOfMail(mail), toText(mail.letter)),
        attempts: 0,
        created_at: mail.createdAt,
        due_at: mail.createdAt,
        give_up_at: mail.giveUpAt,
      })
      .execute()
  },

  async claim(now, leaseUntil, limit) {
    const rows = await db
      .updateTable('mails')
      .set(mail => ({ attempts: mail('attempts', '+', 1), due_at: leaseUntil }))
      .where(row =>
        row(
          row.refTuple('tenant', 'id'),
          'in',
          row
            .selectFrom('mails')
            .select(['tenant', 'id'])
            .where('due_at', '<=', now)
            .orderBy('due_at')
            .orderBy('id')
            .limit(limit)
            .$call(skippingLockedIn(db))
            .$asTuple('tenant', 'id'),
        ),
      )
      .returningAll()
      .execute()
    return rows.map(row => toClaimed(row, sealer))
  },

  async count() {
    const { waiting } = await db
      .selectFrom('mails')
      .select(mails => mails.fn.countAll<number>().as('waiting'))
      .executeTakeFirstOrThrow()
    return Number(waiting)
  },

  async nextDue() {
    const next = await db.selectFrom('mails').select('due_at').orderBy('due_at').limit(1).executeTakeFirst()
    return next?.due_at
  },
})
