/** Keeps the work of a transaction from asking the store itself, which would wait for the transaction it is part of. */
import { AsyncLocalStorage } from 'node:async_hooks'

export interface Gate {
  /** Runs a transaction's work. */
  enter<T>(work: () => Promise<T>): Promise<T>
  /**
   * Called before a connection is handed out: throws a `TypeError` when the caller is a transaction's work. On
   * SQLite it would wait for ever; on PostgreSQL it would see the database as it was, or wait for a lock of its own.
   */
  refuseInside(): void
}

export function createGate(): Gate {
  const passages = new AsyncLocalStorage<{ open: boolean }>()

  return {
    async enter(work) {
      const passage = { open: true }
      try {
        return await passages.run(passage, work)
      } finally {
        // What the work has left behind (a timer, a listener) may ask the store once the transaction is over.
        passage.open = false
      }
    },
    refuseInside() {
      if (passages.getStore()?.open) {
        throw new TypeError('Inside a transaction only the transaction itself can be asked, not the store')
      }
    },
  }
}
