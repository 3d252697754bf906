/** Which headers of a message a `Connection` header says are of this connection alone. */

/** The usual ones, which name no header. */
const NAMES_NONE: ReadonlySet<string> = new Set(['keep-alive', 'close', 'upgrade'])

/** RFC 9110 §7.6.1: what `Connection` names belongs to it. */
export function namedBy(connection: string | readonly string[] | undefined): ReadonlySet<string> | undefined {
  if (connection === undefined || (typeof connection === 'string' && NAMES_NONE.has(connection.toLowerCase())))
    return undefined
  return new Set(
    String(connection)
      .toLowerCase()
      .split(/[\s,]+/),
  )
}
