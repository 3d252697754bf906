/** A store whose events are counted once they are written: for whoever asked for metrics, and for nobody else. */
import type { Meter } from '../kernel/meter.ts'
import type { EventRecord } from '../store/events.ts'
import type { Store } from '../store/store.ts'

export function countEvents(store: Store, meter: Meter): Store {
  const count = (events: readonly EventRecord[]): void => {
    for (const { type, details } of events) meter.happened(type, 1 + Number(details['leftOut'] ?? 0))
  }
  return {
    ...store,
    events: {
      ...store.events,
      async record(events) {
        await store.events.record(events)
        count(events)
      },
    },
    async transaction(work) {
      const written: EventRecord[] = []
      const result = await store.transaction(transaction =>
        work(
          Object.create(transaction, {
            events: {
              value: {
                ...transaction.events,
                async record(events: readonly EventRecord[]) {
                  await transaction.events.record(events)
                  written.push(...events)
                },
              },
            },
          }),
        ),
      )
      count(written)
      return result
    },
  }
}
