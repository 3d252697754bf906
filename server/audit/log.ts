/**
 * Rows that report no change of state (a machine's token, a wrong password) are not worth a commit each, which under
 * a flood would hold up everybody else: they wait here and follow within 50 ms. The one stated exception to "nothing
 * answered is lost", bounded and counted.
 */
import type { Instant } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import { SECOND } from '../kernel/seconds.ts'
import type { EventRecord, Events } from '../store/events.ts'

export interface AuditBuffer {
  add(event: EventRecord): void
  /**
   * For what a stranger can cause at will: one row a key in ten seconds. The first one after that says how many
   * were left out meanwhile (`details.leftOut`).
   */
  addSparsely(key: string, event: EventRecord): void
  /** How many wait to be written, and how many ever found no room. */
  standing(): { readonly waiting: number; readonly dropped: number }
  /** Writes what waits, for shutdown and tests. */
  flush(): Promise<void>
}

const DELAY = 50
/** While the database is away. */
const RETRY_DELAY = SECOND
/** About 5 MB; reached only when the database is away. */
const MOST_WAITING = 10_000
const BATCH = 500
const SPARSE = 10 * SECOND
/** Keys remembered; the oldest leaves first. */
const MOST_KEYS = 1000

export function createAuditBuffer(events: Events, log: Log): AuditBuffer {
  let waiting: EventRecord[] = []
  let dropped = 0
  let everDropped = 0
  let isStuck = false
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> = Promise.resolve()

  const write = async (): Promise<void> => {
    timer = undefined
    while (waiting.length > 0) {
      const batch = waiting.slice(0, BATCH)
      try {
        await events.record(batch)
        waiting = waiting.slice(batch.length)
      } catch (error) {
        // Once an outage, however long it is.
        if (!isStuck) log.error({ error, waiting: waiting.length }, 'audit events could not be written and wait')
        isStuck = true
        return schedule(RETRY_DELAY)
      }
    }
    if (isStuck) log.info({}, 'audit events are written again')
    isStuck = false
    if (dropped > 0) log.error({ dropped }, 'audit events were dropped while the database was away')
    dropped = 0
  }
  const schedule = (delay = DELAY): void => {
    timer ??= setTimeout(() => {
      writing = write()
    }, delay)
  }

  const add = (event: EventRecord): void => {
    if (waiting.length >= MOST_WAITING) {
      dropped++
      everDropped++
    } else waiting.push(event)
    schedule()
  }
  const sparse = new Map<string, { since: Instant; leftOut: number }>()

  return {
    standing: () => ({ waiting: waiting.length, dropped: everDropped }),
    add,
    addSparsely(key, event) {
      const known = sparse.get(key)
      if (known && event.at - known.since < SPARSE) {
        known.leftOut++
        return
      }
      sparse.delete(key)
      sparse.set(key, { since: event.at, leftOut: 0 })
      if (sparse.size > MOST_KEYS) sparse.delete(sparse.keys().next().value as string)
      add(known?.leftOut ? { ...event, details: { ...event.details, leftOut: known.leftOut } } : event)
    },
    async flush() {
      clearTimeout(timer)
      await writing
      await write()
      clearTimeout(timer)
    },
  }
}
