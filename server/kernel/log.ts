/** The log, as a type: one line of JSON an event for machines, or coloured text on a terminal. `compose.ts` hands one in. */

export interface Log {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  /**
   * As `info`, of members that are JSON already (`"status":200,"ms":1`), for a line of every request on a hot path. Left
   * out where lines are not JSON.
   */
  infoMembers?(members: string, message: string): void
}

export const silentLog: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
