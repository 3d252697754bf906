/** How one node tells the others that something changed: the type. `bus/` and `store/postgres-notify.ts` implement it. */

/** What happened, small enough for a PostgreSQL notification (8,000 bytes). A message wakes; the truth is read from the store. */
export interface BusMessage {
  /** `client`, `resource-server`, `host`, `key`, `revocation`, … */
  readonly topic: string
  readonly tenant: string
  readonly id: string
}

export interface BusListener {
  heard(message: BusMessage): void
  /**
   * Messages may have been lost, nobody can say which: whatever would have been done for any of them is to be
   * done now. Part of every subscription, so that nobody can listen and forget that a wire breaks.
   */
  missed(): void
}

/** At most once, in no promised order, to every node including the sender. Publishing never fails a request. */
export interface Bus {
  publish(message: BusMessage): void
  subscribe(topic: string, listener: BusListener): void
  close(): Promise<void>
}
