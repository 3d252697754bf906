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
const EVENTS_PER_STATEMENT = 500

type EventValues = Omit<EventsTable, 'written_in'>

const toRow = (event: EventRecord): EventValues => ({
  tenant: event.tenant,
  id: event.id,
  at: event.at,
  type: event.type,
  actor_kind: event.actor.kind,
  actor_id: event.actor.id,
  actor_client: event.actor.client,
  on_behalf_of: event.actor.onBehalfOf,
  target_kind: event.target?.kind ?? null,
  target_id: event.target?.id ?? null,
  request_id: event.requestId,
  details: toText(event.details),
  personal: toText(event.personal),
})

const recordOne = prepared((db, row: EventValues) =>
  db
    .insertInto('events')
    .values({
      tenant: row.tenant,
      id: row.id,
      at: row.at,
      type: row.type,
      actor_kind: row.actor_kind,
      actor_id: row.actor_id,
      actor_client: row.actor_client,
      on_behalf_of: row.on_behalf_of,
      target_kind: row.target_kind,
      target_id: row.target_id,
      request_id: row.request_id,
      details: row.details,
      personal: row.personal,
      written_in: writtenIn(db),
    })
    .onConflict(conflict => conflict.columns(['tenant', 'id']).doNothing()),
)

const recordSome = (db: Database, events: readonly EventRecord[]) =>
  db
    .insertInto('events')
    .values(events.map(event => ({ ...toRow(event), written_in: writtenIn(db) })))
    .onConflict(conflict => conflict.columns(['tenant', 'id']).doNothing())
    .execute()

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
    const [first] = events
    if (first && events.length === 1) await recordOne(db, toRow(first))
    else if (events.length > EVENTS_PER_STATEMENT)
      await atomically(db, async transaction => {
        for (let from = 0; from < events.length; from += EVENTS_PER_STATEMENT)
          await recordSome(transaction, events.slice(from, from + EVENTS_PER_STATEMENT))
      })
    else if (events.length > 0) await recordSome(db, events)
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
