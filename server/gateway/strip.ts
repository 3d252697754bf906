/**
 * What of a request's headers goes on to a service: nothing that only the gateway may say, nothing that belongs to this
 * connection, and no credential that was not judged. What the gateway then says itself is `outgoing.ts`.
 *
 * Compiled once for a plan, because it looks at every header of every request: what a name means is remembered.
 */

import { namedBy, OF_ONE_CONNECTION } from './connection-header.ts'
import { API_KEY_HEADER } from './credentials/api-key.ts'
import { BEARER_PROTOCOL, protocolsOf } from './credentials/bearer-text.ts'
import type { Arrival, Caller } from './exchange.ts'
import { identityHeadersOf } from './identity.ts'
import type { EdgePlan, RoutePlan } from './plan.ts'

/** Name, value, name, value, as they came. */
export type Strip = (arrival: Arrival, route: RoutePlan, caller: Caller | null) => string[]

/**
 * Of one connection, of the one before us, or of a proxy and its client (RFC 9110 §11.7). `Expect` was answered here, and
 * `Host` is said anew from what was matched.
 */
const BETWEEN_NEIGHBOURS = [
  ...OF_ONE_CONNECTION,
  'http2-settings',
  'expect',
  'host',
  'proxy-authenticate',
  'proxy-authorization',
]

/** What services take for the word of whoever forwarded the request, and so is ours to say or nobody's. */
const WORD_OF_PROXIES = [
  'forwarded',
  'x-real-ip',
  'x-client-ip',
  'x-cluster-client-ip',
  'true-client-ip',
  'cf-connecting-ip',
  'x-request-id',
  // As it was read, it is said again (`outgoing.ts`).
  'traceparent',
  'tracestate',
  'x-http-method-override',
  'x-http-method',
  'x-method-override',
]
/** The last two are for whoever ends TLS to say, and to nobody before it (RFC 9440 §2.4). */
const WORD_OF_PROXIES_BEGINNING =
  /^(?:x-(?:forwarded|original|rewrite|envoy|accel|ssl|client-cert)|ssl-client|client-cert)(?:-|$)/

const PROTOCOLS = 'sec-websocket-protocol'

type Verdict = 'goes on' | 'frames' | 'stays' | 'authorization' | 'api key' | 'cookies' | 'protocols'

/** Names that are remembered: those that clients usually send are some dozens. A stranger can make up any number. */
const MOST_NAMES = 1000
const LONGEST_NAME = 60

export function createStrip({ routes }: Pick<EdgePlan, 'routes'>): Strip {
  // Of every route: a service behind one of them may well be asked by another.
  const ours = new Set([...BETWEEN_NEIGHBOURS, ...WORD_OF_PROXIES, ...routes.flatMap(identityHeadersOf)])
  const known = new Map<string, Verdict>()

  function verdictOn(raw: string): Verdict {
    const before = known.get(raw)
    if (before !== undefined) return before
    const verdict = judge(raw.toLowerCase(), ours)
    if (known.size < MOST_NAMES && raw.length <= LONGEST_NAME) known.set(raw, verdict)
    return verdict
  }

  return (arrival, route, caller) => {
    const { rawHeaders } = arrival
    const named = namedBy(arrival.headers['connection'])
    const headers: string[] = []
    for (let at = 0; at < rawHeaders.length; at += 2) {
      const name = rawHeaders[at] as string
      const value = rawHeaders[at + 1] as string
      const verdict = verdictOn(name)
      if (verdict === 'stays') continue
      // The length that was read is the length that goes on, whatever the client says it belongs to.
      if (named?.has(name.toLowerCase()) && verdict !== 'frames') continue
      // Said anew below: what belongs together may stand in two lines.
      if (verdict === 'protocols' && arrival.isUpgrade) continue
      const kept =
        verdict === 'goes on' || verdict === 'frames' ? value : keptOf(verdict, value, arrival, route, caller)
      if (kept !== undefined) headers.push(name, kept)
    }
    if (arrival.isUpgrade) headers.push(...protocolsWithoutTokens(arrival))
    return headers
  }
}

/**
 * By the name as services read it: some take `_`, `.` and whatever else is no letter for a `-`, and what is stripped under
 * one spelling must not arrive under another. Our own headers have none of those in their names.
 */
function judge(name: string, ours: ReadonlySet<string>): Verdict {
  if (name === 'content-length') return 'frames'
  const folded = name.replaceAll(/[^a-z0-9]/g, '-')
  if (ours.has(folded) || WORD_OF_PROXIES_BEGINNING.test(folded)) return 'stays'
  // A second spelling of a header that the gateway has read is a second opinion.
  if (folded !== name && SPECIAL.has(folded)) return 'stays'
  return SPECIAL.get(name) ?? 'goes on'
}

const SPECIAL: ReadonlyMap<string, Verdict> = new Map<string, Verdict>([
  ['authorization', 'authorization'],
  ['dpop', 'authorization'],
  [API_KEY_HEADER, 'api key'],
  ['cookie', 'cookies'],
  [PROTOCOLS, 'protocols'],
  ['content-length', 'frames'],
])

/** What is left of a value that may hold a credential; undefined: nothing. */
function keptOf(
  verdict: Verdict,
  value: string,
  arrival: Arrival,
  route: RoutePlan,
  caller: Caller | null,
): string | undefined {
  if (verdict === 'cookies') return withoutOurs(value)
  if (verdict === 'protocols') return value
  return route.forwardCredential && isCarried(verdict, arrival, route, caller) ? value : undefined
}

/**
 * Whether the header holds what the caller was known by. A public route that forwards credentials leaves all of them to
 * the service; on any other one that nobody judged does not go on.
 */
function isCarried(verdict: Verdict, { headers }: Arrival, { access }: RoutePlan, caller: Caller | null): boolean {
  if (access.kind === 'public') return true
  if (caller === null || caller.kind === 'session') return false
  const isInApiKeyHeader = caller.kind === 'api-key' && headers[API_KEY_HEADER] !== undefined
  if (verdict === 'api key') return isInApiKeyHeader
  return !isInApiKeyHeader && /^bearer /i.test(String(headers['authorization'] ?? ''))
}

/** Every cookie of Latchkey begins so: what opens a session here or at the identity server is nobody else's to read. */
const OURS = /^(?:__Host-|__Secure-)?latchkey\./i

function withoutOurs(header: string): string | undefined {
  if (!header.toLowerCase().includes('latchkey.')) return header
  const others = header.split(';').filter(pair => !OURS.test(pair.trim()))
  return others.length > 0 ? others.join(';').trimStart() : undefined
}

/** Each `bearer` goes, and what stands behind it: which of several was judged is nobody else's to find out. */
function protocolsWithoutTokens({ headers }: Arrival): readonly string[] {
  const offered = protocolsOf(headers[PROTOCOLS])
  const isBearer = (protocol: string | undefined) => protocol?.toLowerCase() === BEARER_PROTOCOL
  const others = offered.filter((protocol, at) => !isBearer(protocol) && !isBearer(offered[at - 1]))
  return others.length > 0 ? [PROTOCOLS, others.join(', ')] : []
}

/** RFC 6750 §2.3: the token of an upgrade, which is neither for a service nor for a log. */
export function queryWithoutToken({ isUpgrade, query }: Pick<Arrival, 'isUpgrade' | 'query'>): string {
  if (!isUpgrade || !query.includes('access_token')) return query
  // Piece by piece: what is not taken out stays byte for byte.
  const pieces = query.slice(1).split('&')
  const others = pieces.filter(piece => !new URLSearchParams(piece).has('access_token'))
  return others.length > 0 ? `?${others.join('&')}` : ''
}
