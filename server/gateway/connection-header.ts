/** Which headers of a message are of one connection alone, always or because its `Connection` header says so. */

/** RFC 9110 §7.6.1, and what older software takes for one of them. The framing of a message is each connection's own. */
export const OF_ONE_CONNECTION: readonly string[] = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]

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
