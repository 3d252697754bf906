/**
 * Rows of issuance without a state change (a machine's token) are not worth a commit each: they wait here and
 * follow within 50 ms. The one stated exception to "nothing answered is lost", bounded and counted.
 */
import type { Log } from '../kernel/log.ts'
import type { EventRecord, Events } from '../store/events.ts'

export interface AuditBuffer {
  add(event: EventRecord): void
  /** Writes what waits, for shutdown and tests. */
  flush(): Promise<void>
}

const DELAY = 50
/** About 5 MB; reached only when the database is away. */
const MOST_WAITING = 10_000
const BATCH = 500

export function createAuditBuffer(events: Events, log: Log): AuditBuffer {
  let waiting: EventRecord[] = []
  let dropped = 0
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
        log.error({ error, waiting: waiting.length }, 'audit events could not be written and wait')
        return schedule()
      }
    }
    if (dropped > 0) log.error({ dropped }, 'audit events were dropped while the database was away')
    dropped = 0
  }
  const schedule = (): void => {
    timer ??= setTimeout(() => {
      writing = write()
    }, DELAY)
  }

  return {
    add(event) {
      if (waiting.length >= MOST_WAITING) dropped++
      else waiting.push(event)
      schedule()
    },
    async flush() {
      clearTimeout(timer)
      await writing
      await write()
      clearTimeout(timer)
    },
  }
}
