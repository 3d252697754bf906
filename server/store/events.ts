/**
 * What happened. A row is inserted in the transaction of the change it reports; this table is the outbox of everything
 * that follows, and `event-cursors.ts` is how it is read as one.
 */
import { sql } from 'kysely'
import type { Instant } from '../kernel/clock.ts'
import { firstSortableIdAt } from '../kernel/ids.ts'
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
  /** Whom it is about, where the actor acts for nobody and neither it nor the target is a person. */
  readonly user?: string | null
}

/** Which events are meant; all that is said has to hold. Instants go by when the event was made. */
export interface EventQuery {
  /** Whom it is about: who is acted for, the target, or else who acts. */
  readonly user?: string
  /** The one that acts, or through which somebody does; or else the target. */
  readonly client?: string
  readonly types?: readonly string[]
  /** From then on. */
  readonly from?: Instant
  /** Before then. */
  readonly to?: Instant
}

export interface EventWindow {
  readonly order: 'oldest-first' | 'newest-first'
  /** Those behind this one, in the order asked for. */
  readonly after?: string
  readonly skip?: number
  readonly limit: number
}

export interface Events {
  /** Each once, by its id: whoever did not hear that events were written records them again. */
  record(events: readonly EventRecord[]): Promise<void>
  /** In order of id, after the one named. */
  list(tenant: string, page: { after?: string; limit: number }): Promise<EventRecord[]>
  find(tenant: string, id: string): Promise<EventRecord | undefined>
  /** By index: what it costs goes by `skip` and `limit`, and by how many types there are. */
  search(tenant: string, query: EventQuery, window: EventWindow): Promise<EventRecord[]>
  /** How many there are, counted to `most` and no further. */
  count(tenant: string, query: EventQuery, most: number): Promise<number>
  /** At most `limit` events older than `before`. */
  purge(before: Instant, limit: number): Promise<number>
}

/** Fourteen parameters each: far below what a statement may carry (32,766 on SQLite, 65,535 on PostgreSQL). */
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
  user: ({ user }) => user ?? null,
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

/** Character for character what the indexes of migration 0017 are on: the databases know them by nothing else. */
export const CONCERNED_USER = sql<
  string | null
>`coalesce("user", on_behalf_of, case when target_kind = 'user' then target_id when actor_kind = 'user' then actor_id end)`
export const CONCERNED_CLIENT = sql<
  string | null
>`coalesce(actor_client, case when target_kind = 'client' then target_id end)`

function concernedIn(row: EventsTable): string | null {
  if (row.user !== null) return row.user
  if (row.on_behalf_of !== null) return row.on_behalf_of
  if (row.target_kind === 'user') return row.target_id
  return row.actor_kind === 'user' ? row.actor_id : null
}

const meant = (db: Database, tenant: string, { user, client, types: [type] = [], from, to }: EventQuery) => {
  let rows = db.selectFrom('events').where('tenant', '=', tenant)
  if (user !== undefined) rows = rows.where(CONCERNED_USER, '=', user)
  if (client !== undefined) rows = rows.where(CONCERNED_CLIENT, '=', client)
  if (type !== undefined) rows = rows.where('type', '=', type)
  if (from !== undefined) rows = rows.where('id', '>=', firstSortableIdAt(from))
  if (to !== undefined) rows = rows.where('id', '<', firstSortableIdAt(to))
  return rows
}

/** In the order of one type an index has them, in the order of several none. */
const oneTypeEach = (query: EventQuery): EventQuery[] =>
  query.types ? [...new Set(query.types)].map(type => ({ ...query, types: [type] })) : [query]

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
  user: concernedIn(row),
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

  async find(tenant, id) {
    const row = await db
      .selectFrom('events')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('id', '=', id)
      .executeTakeFirst()
    return row && toEvent(row)
  },

  async search(tenant, query, { order, after, skip = 0, limit }) {
    const direction = order === 'oldest-first' ? 'asc' : 'desc'
    const pages = await Promise.all(
      oneTypeEach(query).map(one =>
        meant(db, tenant, one)
          .selectAll()
          .$if(after !== undefined, rows => rows.where('id', direction === 'asc' ? '>' : '<', after ?? ''))
          .orderBy('id', direction)
          .limit(skip + limit)
          .execute(),
      ),
    )
    const sign = direction === 'asc' ? 1 : -1
    const rows = pages.flat().sort((one, other) => (one.id < other.id ? -sign : sign))
    return rows.slice(skip, skip + limit).map(toEvent)
  },

  async count(tenant, query, most) {
    const counts = await Promise.all(
      oneTypeEach(query).map(one =>
        db
          .selectFrom(meant(db, tenant, one).select('id').limit(most).as('meant'))
          .select(row => row.fn.countAll<number | string>().as('count'))
          .executeTakeFirstOrThrow(),
      ),
    )
    return Math.min(
      most,
      counts.reduce((sum, { count }) => sum + Number(count), 0),
    )
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
