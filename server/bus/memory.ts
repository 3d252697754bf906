/** The bus of a single process. Between processes it is Redis or PostgreSQL that carries messages; this one is what each of them delivers with. */
import type { Bus, BusListener } from '../kernel/bus.ts'

export interface MemoryBus extends Bus {
  /** For whoever carries messages here from elsewhere: tells every listener that some may have been lost. */
  miss(): void
}

/**
 * Listeners are called before `publish` returns, so that a node which changed something never answers from
 * what it knew before. A listener that throws is a bug of ours and becomes a process warning: neither the
 * publisher nor the other listeners are to suffer for it.
 */
export function createMemoryBus(): MemoryBus {
  const listeners = new Map<string, BusListener[]>()

  const tell = (topic: string, say: (listener: BusListener) => void): void => {
    for (const listener of listeners.get(topic) ?? []) {
      try {
        say(listener)
      } catch (cause) {
        process.emitWarning(new Error(`A listener of the bus topic "${topic}" failed`, { cause }))
      }
    }
  }

  return {
    publish: message => tell(message.topic, listener => listener.heard(message)),
    miss() {
      for (const topic of listeners.keys()) tell(topic, listener => listener.missed())
    },
    subscribe(topic, listener) {
      listeners.set(topic, [...(listeners.get(topic) ?? []), listener])
    },
    async close() {
      listeners.clear()
    },
  }
}
