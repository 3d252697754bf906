/**
 * What happened. A row is inserted in the transaction of the change it reports; this table is the outbox of everything
 * that follows, and `event-cursors.ts` is how it is read as one.
 */
import type { Instant } from '../kernel/clock.ts'
import type { JsonObject } from '../kernel/json.ts'
import { atomically } from './atomic.ts'
import { toObject, toText } from './columns.ts'
import { writtenIn } from './commit-order.ts'
import { skippingLockedIn } from './dialect.ts'
import { prepared } from './prepared.ts'
import type { Database, EventsTable } from './schema.ts'

export interface EventRecord {
  /** Sorts by time (UUID version 7). */
  readonly id: string
  readonly tenant: string
  readonly at: Instant
  /** `session.started`, `token.refreshed`, …: the list is `audit/events.ts`. */
  readonly type: string
  readonly actor: {
    readonly kind: 'user' | 'client' | 'operator' | 'system' | 'anonymous'
    readonly id: string
    readonly client: string | null
    readonly onBehalfOf: string | null
  }
  readonly target: { readonly kind: string; readonly id: string } | null
  readonly requestId: string
  readonly details: JsonObject
  /** Address, user agent, e-mail: what erasure empties. */
  readonly personal: JsonObject
}

export interface Events {
  /** Each once, by its id: whoever did not hear that events were written records them again. */
  record(events: readonly EventRecord[]): Promise<void>
  /** In order of id, after the one named. */
  list(tenant: string, page: { after?: string; limit: number }): Promise<EventRecord[]>
  /** At most `limit` events older than `before`. */
  purge(before: Instant, limit: number): Promise<number>
}

/** Thirteen parameters each: far below what a statement may carry (32,766 on SQLite, 65,535 on PostgreSQL). */
const EVENTS_PER_STATEMENT = 100

type EventValues = Omit<EventsTable, 'written_in'>

const COLUMNS: { readonly [Column in keyof EventValues]: (event: EventRecord) => EventValues[Column] } = {
  tenant: ({ tenant }) => tenant,
  id: ({ id }) => id,
  at: ({ at }) => at,
  type: ({ type }) => type,
  actor_kind: ({ actor }) => actor.kind,
  actor_id: ({ actor }) => actor.id,
  actor_client: ({ actor }) => actor.client,
  on_behalf_of: ({ actor }) => actor.onBehalfOf,
  target_kind: ({ target }) => target?.kind ?? null,
  target_id: ({ target }) => target?.id ?? null,
  request_id: ({ requestId }) => requestId,
  details: ({ details }) => toText(details),
  personal: ({ personal }) => toText(personal),
}
const NAMES = Object.keys(COLUMNS)
const READERS = Object.values(COLUMNS)

/** So many rows in one statement, whose values come one after another. */
const insertOf = (size: number) =>
  prepared((db, values: readonly unknown[]) =>
    db
      .insertInto('events')
      .values(
        Array.from({ length: size }, (_, row) => ({
          ...(Object.fromEntries(
            NAMES.map((name, column) => [name, values[row * NAMES.length + column]]),
          ) as EventValues),
          written_in: writtenIn(db),
        })),
      )
      .onConflict(conflict => conflict.columns(['tenant', 'id']).doNothing()),
  )

const valuesOf = (events: readonly EventRecord[]): unknown[] =>
  events.flatMap(event => READERS.map(read => read(event)))

/** Few sizes, so that whatever number of events there is, its statements were compiled before. The largest comes first. */
const inserts = [EVENTS_PER_STATEMENT, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1].map(size => ({ size, insert: insertOf(size) }))

async function recordAll(db: Database, events: readonly EventRecord[]): Promise<void> {
  let from = 0
  for (const { size, insert } of inserts)
    for (; events.length - from >= size; from += size) await insert(db, valuesOf(events.slice(from, from + size)))
}

const takesOneStatement = ({ length }: readonly EventRecord[]): boolean => inserts.some(({ size }) => size === length)

export const toEvent = (row: EventsTable): EventRecord => ({
  id: row.id,
  tenant: row.tenant,
  at: row.at,
  type: row.type,
  actor: {
    kind: row.actor_kind as EventRecord['actor']['kind'],
    id: row.actor_id,
    client: row.actor_client,
    onBehalfOf: row.on_behalf_of,
  },
  target: row.target_kind !== null && row.target_id !== null ? { kind: row.target_kind, id: row.target_id } : null,
  requestId: row.request_id,
  details: toObject(row.details),
  personal: toObject(row.personal),
})

export const eventsIn = (db: Database): Events => ({
  async record(events) {
    if (events.length === 0 || takesOneStatement(events)) await recordAll(db, events)
    else await atomically(db, transaction => recordAll(transaction, events))
  },

  async list(tenant, { after, limit }) {
    const rows = await db
      .selectFrom('events')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('id', '>', after ?? '')
      .orderBy('id')
      .limit(limit)
      .execute()
    return rows.map(toEvent)
  },

  async purge(before, limit) {
    const purged = await db
      .deleteFrom('events')
      .where(row =>
        row(
          row.refTuple('tenant', 'id'),
          'in',
          row
            .selectFrom('events')
            .select(['tenant', 'id'])
            .where('at', '<', before)
            .orderBy('at')
            .limit(limit)
            .$call(skippingLockedIn(db))
            .$asTuple('tenant', 'id'),
        ),
      )
      .executeTakeFirst()
    return Number(purged.numDeletedRows)
  },
})
