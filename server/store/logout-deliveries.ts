/**
 * Who is still to be told over the back channel that a session ended: a row is written with the cursor that saw it end,
 * and stays until the client has taken the word, or nobody wants it to any more.
 */
import type { Expression, ExpressionBuilder, SqlBool } from 'kysely'
import type { Instant } from '../kernel/clock.ts'
import { skippingLockedIn } from './dialect.ts'
import { type Due, dueIn } from './due.ts'
import type { Database, LogoutDeliveriesTable, Tables } from './schema.ts'

export interface NewLogoutDelivery {
  readonly tenant: string
  readonly id: string
  readonly client: string
  /** What ended the session, in the words by which clients choose what they are told of. */
  readonly initiator: string
  readonly session: string
  readonly user: string
  readonly issuer: string
  readonly createdAt: Instant
  /** From then on it is tried no more. */
  readonly giveUpAt: Instant
}

export interface LogoutDelivery extends NewLogoutDelivery {
  /** How often it has been claimed, this time included: whoever holds another number holds it no more. */
  readonly attempts: number
  /** It is to a client that registered itself. */
  readonly isToStranger: boolean
}

type OfClient = Pick<LogoutDelivery, 'tenant' | 'client'>

/** Whose deliveries have to wait. */
export interface Waiting {
  readonly clients: readonly OfClient[]
  /** Those of every client that registered itself. */
  readonly strangers: boolean
}

export interface LogoutDeliveries extends Due {
  /** Due at once. */
  promise(deliveries: readonly NewLogoutDelivery[]): Promise<void>
  /**
   * At most `limit` of those due for the longest, of other clients than those that wait, each to exactly one of any
   * number of callers: none is due again before `leaseUntil`, by which whoever claimed it has removed or postponed it, or is
   * gone. What is to be given up is answered whosever it is.
   */
  claim(now: Instant, leaseUntil: Instant, limit: number, waiting: Waiting): Promise<LogoutDelivery[]>
  /** When the next one is due, of other clients than those that wait. */
  nextDue(waiting: Waiting): Promise<Instant | undefined>
}

const toRecord = (row: LogoutDeliveriesTable, isToStranger: boolean): LogoutDelivery => ({
  tenant: row.tenant,
  id: row.id,
  client: row.client,
  initiator: row.initiator,
  session: row.session,
  user: row.user,
  issuer: row.issuer,
  attempts: row.attempts,
  createdAt: row.created_at,
  giveUpAt: row.give_up_at,
  isToStranger,
})

/** Eleven parameters each: far below what a statement may carry on either database. */
const DELIVERIES_PER_STATEMENT = 500

export const logoutDeliveriesIn = (db: Database): LogoutDeliveries => ({
  ...dueIn(db, 'logout_deliveries'),

  async promise(deliveries) {
    const rows = deliveries.map(({ createdAt, giveUpAt, ...rest }) => ({
      ...rest,
      attempts: 0,
      created_at: createdAt,
      due_at: createdAt,
      give_up_at: giveUpAt,
    }))
    for (let from = 0; from < rows.length; from += DELIVERIES_PER_STATEMENT) {
      await db
        .insertInto('logout_deliveries')
        .values(rows.slice(from, from + DELIVERIES_PER_STATEMENT))
        .execute()
    }
  },

  async claim(now, leaseUntil, limit, waiting) {
    const rows = await db
      .updateTable('logout_deliveries')
      .set(delivery => ({ attempts: delivery('attempts', '+', 1), due_at: leaseUntil }))
      .where(row =>
        row(
          row.refTuple('tenant', 'id'),
          'in',
          row
            .selectFrom('logout_deliveries')
            .select(['tenant', 'id'])
            .where('due_at', '<=', now)
            .where(due => due.or([due('give_up_at', '<=', now), mayGo(due, waiting)]))
            .orderBy('due_at')
            .orderBy('id')
            .limit(limit)
            .$call(skippingLockedIn(db))
            .$asTuple('tenant', 'id'),
        ),
      )
      .returningAll()
      .execute()
    const strangers = new Set((await strangersAmong(db, rows)).map(nameOf))
    return rows.map(row => toRecord(row, strangers.has(nameOf(row))))
  },

  async nextDue(waiting) {
    const next = await db
      .selectFrom('logout_deliveries')
      .select('due_at')
      .where(due => mayGo(due, waiting))
      .orderBy('due_at')
      .limit(1)
      .executeTakeFirst()
    return next?.due_at
  },
})

type Row = ExpressionBuilder<Tables, 'logout_deliveries'>

const mayGo = (row: Row, { clients, strangers }: Waiting): Expression<SqlBool> =>
  row.and([...clients.map(one => otherThan(row, one)), ...(strangers ? [row.not(isToStranger(row))] : [])])

const otherThan = (row: Row, { tenant, client }: OfClient): Expression<SqlBool> =>
  row.or([row('tenant', '!=', tenant), row('client', '!=', client)])

const isToStranger = (row: Row): Expression<SqlBool> =>
  row.exists(
    row
      .selectFrom('registrations')
      .select('registrations.client')
      .whereRef('registrations.tenant', '=', 'logout_deliveries.tenant')
      .whereRef('registrations.client', '=', 'logout_deliveries.client'),
  )

const nameOf = ({ tenant, client }: OfClient): string => `${tenant} ${client}`

async function strangersAmong(db: Database, some: readonly OfClient[]): Promise<OfClient[]> {
  if (some.length === 0) return []
  return db
    .selectFrom('registrations')
    .select(['tenant', 'client'])
    .where(row => row.or(some.map(({ tenant, client }) => row.and({ tenant, client }))))
    .execute()
}
