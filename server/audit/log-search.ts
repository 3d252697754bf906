/**
 * The log, read as far as a page needs. What an index answers costs what the page costs; for anything else the first that
 * it might be among are looked at, and no more than so many, so that no search reads a year of events.
 */
import type { Clock } from '../kernel/clock.ts'
import type { JsonObject } from '../kernel/json.ts'
import { SECOND } from '../kernel/seconds.ts'
import { createSlices } from '../kernel/slices.ts'
import type { SearchQuery } from '../policy/search-query.ts'
import type { EventQuery, EventRecord, Events } from '../store/events.ts'
import { isWanted, planOf } from './log-query.ts'

/** Also how far what is found is counted. */
export const MOST_LOOKED_AT = 10_000
const BATCH = 500

/**
 * Ids sort by when an event was made, and some are seen a moment later than others: whoever goes on from the last one they
 * have is told of none that is younger than this.
 */
const SETTLED = 3 * SECOND

export interface LogSearch {
  readonly tenant: string
  readonly search: SearchQuery
  /** Whose log, for a person's alone. */
  readonly user?: string
  readonly order: 'oldest-first' | 'newest-first'
  readonly start: number
  readonly limit: number
  readonly withTotals: boolean
}

export interface FoundLogs {
  readonly events: readonly EventRecord[]
  /** Exact up to `MOST_LOOKED_AT`. Undefined where it is not asked for. */
  readonly total: number | undefined
}

/** `toLogs`: each as it is told, as far as the search looks at it. */
export async function searchLogs(
  events: Events,
  { tenant, search, user, order, start, limit, withTotals }: LogSearch,
  toLogs: (events: readonly EventRecord[]) => Promise<readonly JsonObject[]>,
): Promise<FoundLogs> {
  const plan = planOf(search)
  const isAnothers = user !== undefined && plan.query.user !== undefined && plan.query.user !== user
  if (isAnothers) return { events: [], total: withTotals ? 0 : undefined }
  const query: EventQuery = { ...plan.query, ...(user !== undefined && { user }) }
  if (plan.isWhole) {
    const [found, total] = await Promise.all([
      events.search(tenant, query, { order, skip: start, limit }),
      withTotals ? events.count(tenant, query, MOST_LOOKED_AT) : undefined,
    ])
    return { events: found, total }
  }

  const found: EventRecord[] = []
  let total = 0
  const giveWay = createSlices()
  looking: for await (const batch of firstOf(events, tenant, query, order)) {
    const logs = await toLogs(batch)
    for (const [place, event] of batch.entries()) {
      await giveWay()
      if (!isWanted(search, logs[place] ?? {})) continue
      if (total >= start && found.length < limit) found.push(event)
      total++
      if (!withTotals && found.length === limit) break looking
    }
  }
  return { events: found, total: withTotals ? total : undefined }
}

async function* firstOf(
  events: Events,
  tenant: string,
  query: EventQuery,
  order: LogSearch['order'],
): AsyncIterable<readonly EventRecord[]> {
  let after: string | undefined
  for (let seen = 0; seen < MOST_LOOKED_AT; seen += BATCH) {
    const batch = await events.search(tenant, query, { order, ...(after !== undefined && { after }), limit: BATCH })
    yield batch
    if (batch.length < BATCH) return
    after = batch.at(-1)?.id
  }
}

/** What was made behind the one named, the oldest first; from the beginning for null. */
export const logsAfter = (
  events: Events,
  tenant: string,
  after: string | null,
  limit: number,
  clock: Clock,
): Promise<EventRecord[]> =>
  events.search(tenant, { to: clock() - SETTLED }, { order: 'oldest-first', ...(after !== null && { after }), limit })
