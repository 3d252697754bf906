/**
 * A bounded map of things read from the store, dropped when the bus says they changed. Least recently used
 * entries leave first, so that a flood of strange names cannot push out the rest for long.
 */

export interface Cache<T> {
  /** The value under the key, loaded at most once at a time. A failed load is not remembered. */
  get(key: string, load: () => Promise<T>): Promise<T>
  /** Forgets the key, also for a load that is under way: what it read may be older than the change. */
  drop(key: string): void
}

export function createCache<T>(limit: number): Cache<T> {
  const entries = new Map<string, Promise<T>>()

  return {
    get(key, load) {
      const known = entries.get(key)
      if (known) {
        entries.delete(key)
        entries.set(key, known)
        return known
      }
      const loading = load()
      entries.set(key, loading)
      loading.catch(() => entries.get(key) === loading && entries.delete(key))
      if (entries.size > limit) entries.delete(entries.keys().next().value as string)
      return loading
    },
    drop: key => void entries.delete(key),
  }
}
