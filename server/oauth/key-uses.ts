/**
 * When each API key was last used: told after the answer and once a minute for each key, so that nobody waits for it and a
 * key that is used a thousand times a second costs no more than one that is used every minute.
 */
import type { Clock, Instant } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import { MINUTE } from '../kernel/seconds.ts'
import type { Store } from '../store/store.ts'

export interface KeyUses {
  note(key: { readonly tenant: string; readonly id: string }): void
  /** Waits for what is being written, for shutdown and tests. */
  flush(): Promise<void>
}

const COARSENESS = MINUTE
/** Keys remembered, so that most uses do not even ask the store; the least lately written leaves first. */
const MOST_KEYS = 10_000

export function createKeyUses({ store, clock, log }: { store: Store; clock: Clock; log: Log }): KeyUses {
  const written = new Map<string, Instant>()
  const writing = new Set<Promise<void>>()

  return {
    note({ tenant, id }) {
      const now = clock()
      const name = `${tenant} ${id}`
      // The distance, not the difference: a clock that was set back must not make a note last.
      if (Math.abs(now - (written.get(name) ?? Number.NEGATIVE_INFINITY)) < COARSENESS) return
      written.delete(name)
      written.set(name, now)
      if (written.size > MOST_KEYS) written.delete(written.keys().next().value as string)
      const write = store.apiKeys
        .use(tenant, id, now, now - COARSENESS)
        // It is worth nobody's failed request, and is said again in a minute.
        .catch(error => log.warn({ error, tenant, key: id }, 'that an API key was used could not be noted'))
        .finally(() => writing.delete(write))
      writing.add(write)
    },
    async flush() {
      await Promise.all(writing)
    },
  }
}
