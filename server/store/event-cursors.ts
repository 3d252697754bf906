/**
 * Readers of the event table: each sees every event once it is committed, and moves on in the transaction of what it makes
 * of it. Ids sort by the time an event was made, which is not the order of commits; so a place in the table is told in
 * transactions: all that those below `next` wrote was seen, but for the `pending` ones, which were running still. Nobody
 * who writes waits for a reader, and a transaction that takes long holds up no events but its own.
 */
import { atomically } from './atomic.ts'
import { toDocument, toText } from './columns.ts'
import { committedIn } from './commit-order.ts'
import { skippingLockedIn } from './dialect.ts'
import { type EventRecord, toEvent } from './events.ts'
import type { Database } from './schema.ts'

export interface EventPage {
  readonly events: readonly EventRecord[]
  /** Whether there was more than the limit. */
  readonly more: boolean
}

export interface EventCursors {
  /** Gives a reader its place: it will see what is committed from now on. One that has a place keeps it. */
  open(name: string): Promise<void>
  /**
   * What was committed since, about targets of the kinds named, and moves on: both stand or fall with the transaction
   * it is called in; outside of one, a TypeError. Whole transactions, about `limit` events, those of one in order of id.
   * `held` under a name that another transaction reads under: of several nodes, one at a time does the work.
   *
   * In a database that was restored into another cluster, where transactions are numbered anew, what was not seen comes
   * first and then everything once more: at least once, and never not at all.
   */
  follow(name: string, page: { readonly about: readonly string[]; readonly limit: number }): Promise<EventPage | 'held'>
}

export const eventCursorsIn = (db: Database): EventCursors => ({
  open: name =>
    atomically(db, async transaction => {
      const { next, running } = await committedIn(transaction)
      await transaction
        .insertInto('event_cursors')
        .values({ name, next, pending: toText(running.filter(number => number < next)) })
        .onConflict(conflict => conflict.doNothing())
        .execute()
    }),

  async follow(name, { about, limit }) {
    if (!db.isTransaction) throw new TypeError('Events are followed inside the transaction of what is made of them')
    const cursor = await db
      .selectFrom('event_cursors')
      .selectAll()
      .where('name', '=', name)
      .$call(skippingLockedIn(db))
      .executeTakeFirst()
    if (!cursor) return 'held'

    // Asked before the rows are: what is committed in between is left for the next time.
    const { next: end, running } = await committedIn(db)
    const isRestored = end < cursor.next
    const seen = db
      .selectFrom('events')
      .selectAll()
      .where('target_kind', 'in', about)
      .$if(running.length > 0, rows => rows.where('written_in', 'not in', running))
      .$if(!isRestored, rows => rows.where('written_in', '<', end))
      .orderBy('written_in')
      .orderBy('id')

    const pending = toDocument<number[]>(cursor.pending)
    const late = pending.length > 0 ? await seen.where('written_in', 'in', pending).execute() : []
    const found = await seen
      .where('written_in', '>=', cursor.next)
      .limit(limit + 1)
      .execute()

    /** The transaction whose events do not all fit, and with which the next page begins. */
    const left = found[limit]?.written_in ?? null
    let whole = left === null ? found : found.filter(({ written_in }) => written_in !== left)
    let next = left ?? (isRestored ? 0 : end)
    if (left !== null && whole.length === 0) {
      whole = await seen.where('written_in', '=', left).execute()
      next = left + 1
    }

    const moved = { next, pending: toText(isRestored ? [] : running.filter(number => number < next)) }
    if (moved.next !== cursor.next || moved.pending !== cursor.pending)
      await db.updateTable('event_cursors').set(moved).where('name', '=', name).execute()
    return { events: [...late, ...whole].map(toEvent), more: left !== null }
  },
})
