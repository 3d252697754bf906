/**
 * Where a request carries a bearer token: in the Authorization header (RFC 6750 §2.1), and an upgrade, to which a browser
 * can add no header, in `Sec-WebSocket-Protocol: bearer, <token>` or `?access_token=`. Nothing of it is judged here.
 */
import { type Arrival, Refused } from '../exchange.ts'

/** What the token in a protocol list follows. */
export const BEARER_PROTOCOL = 'bearer'

/** Undefined without one. Throws `Refused` when there are several. */
export function bearerText(arrival: Arrival): string | undefined {
  const header = arrival.headers['authorization']
  const inHeader = typeof header === 'string' ? textOf(header) : undefined
  if (!arrival.isUpgrade) return inHeader
  const found = [inHeader, inProtocols(arrival), ...inQuery(arrival)].filter(text => text !== undefined)
  if (found.length > 1) throw new Refused({ code: 'several_credentials' })
  return found[0]
}

/** RFC 9110 §11.1: the scheme in any case, and spaces after it. */
function textOf(header: string): string | undefined {
  if (!/^bearer /i.test(header)) return undefined
  return header.slice(7).trim()
}

function inProtocols({ headers }: Arrival): string | undefined {
  const protocols = protocolsOf(headers['sec-websocket-protocol'])
  const at = protocols.findIndex(protocol => protocol.toLowerCase() === BEARER_PROTOCOL)
  return at < 0 ? undefined : protocols[at + 1]
}

export const protocolsOf = (header: string | readonly string[] | undefined): readonly string[] =>
  [header ?? '']
    .flat()
    .join(',')
    .split(',')
    .map(protocol => protocol.trim())
    .filter(protocol => protocol !== '')

const inQuery = ({ query }: Arrival): readonly string[] =>
  query.includes('access_token') ? new URLSearchParams(query).getAll('access_token') : []

/** Whether it looks like a JWT: signed, or signed and encrypted. */
export function isJwt(text: string): boolean {
  const first = text.indexOf('.')
  const second = first < 0 ? -1 : text.indexOf('.', first + 1)
  return second > 0
}
