/** The header of an upstream's answer, as the client gets it. What a request carries up is made elsewhere. */
import type { IncomingHttpHeaders } from 'node:http'
import { namedBy, OF_ONE_CONNECTION } from './connection-header.ts'

const LEFT_OUT: ReadonlySet<string> = new Set(OF_ONE_CONNECTION)

/** What a service tells pages of other origins, where the route says itself whose may read. */
const CORS = 'access-control-'

/** A flat list that `writeHead` takes as it is. `own` are headers that the gateway has set on the answer itself. */
export function answerHeaders(
  from: IncomingHttpHeaders,
  requestId: string,
  own: readonly string[],
  hasCors = false,
): (string | string[])[] {
  const named = namedBy(from.connection)
  const to: (string | string[])[] = ['x-request-id', requestId]
  for (const name in from) {
    const value = from[name]
    if (value === undefined || name === 'x-request-id' || LEFT_OUT.has(name)) continue
    if (named?.has(name)) continue
    if (hasCors && name.startsWith(CORS)) continue
    if (own.length > 0 && own.includes(name)) continue
    to.push(name, value)
  }
  return to
}
