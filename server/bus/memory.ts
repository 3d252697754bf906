/** The bus of a single process. Between processes it is Redis or PostgreSQL that carries messages; this one is what each of them delivers with. */
import type { Bus, BusMessage } from '../kernel/bus.ts'

/**
 * Listeners are called before `publish` returns, so that a node which changed something never answers from
 * what it knew before. A listener that throws is a bug of ours and becomes a process warning: neither the
 * publisher nor the other listeners are to suffer for it.
 */
export function createMemoryBus(): Bus {
  const listeners = new Map<string, ((message: BusMessage) => void)[]>()

  return {
    publish(message) {
      for (const listen of listeners.get(message.topic) ?? []) {
        try {
          listen(message)
        } catch (cause) {
          process.emitWarning(new Error(`A listener of the bus topic "${message.topic}" failed`, { cause }))
        }
      }
    },
    subscribe(topic, listen) {
      listeners.set(topic, [...(listeners.get(topic) ?? []), listen])
    },
    async close() {
      listeners.clear()
    },
  }
}
