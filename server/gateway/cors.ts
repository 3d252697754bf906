/** What a route tells pages of other origins (Fetch §3.2). Only the origins that it lists hear of it, each by its name. */
import type { Arrival, OwnAnswer } from './exchange.ts'
import type { CorsPlan, RoutePlan } from './plan.ts'

const METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE'
/** Not among those that a page may send of itself. */
const HEADERS = 'authorization, content-type, x-api-key, traceparent, tracestate'
/** What a page may read besides those that it always may. */
const EXPOSED = 'www-authenticate, x-request-id, retry-after'

/** The origin that is told, where this one is listed. Whoever lists all of them sends no credentials. */
function listedOrigin(cors: CorsPlan, { headers }: Arrival): string | undefined {
  const { origin } = headers
  if (origin !== undefined && cors.origins.includes('*')) return '*'
  return typeof origin === 'string' && cors.origins.includes(origin) ? origin : undefined
}

/** Undefined for what is no preflight: it is judged as any request. */
export function preflightAnswer({ cors, match }: RoutePlan, arrival: Arrival): OwnAnswer | undefined {
  if (!cors || arrival.method !== 'OPTIONS' || arrival.headers['access-control-request-method'] === undefined)
    return undefined
  const origin = listedOrigin(cors, arrival)
  if (origin === undefined) return { status: 403, headers: { vary: 'origin' } }
  return {
    status: 204,
    headers: {
      ...told(cors, origin),
      'access-control-allow-methods': match.methods?.join(', ') ?? METHODS,
      'access-control-allow-headers': HEADERS,
      'access-control-max-age': `${cors.maxAgeSeconds}`,
    },
  }
}

/** What every answer of the route says, a refusal too: a page that may not read it could not tell 401 from an outage. */
export function corsHeaders({ cors }: RoutePlan, arrival: Arrival): Readonly<Record<string, string>> {
  if (!cors) return {}
  const origin = listedOrigin(cors, arrival)
  if (origin === undefined) return { vary: 'origin' }
  return { ...told(cors, origin), 'access-control-expose-headers': EXPOSED }
}

const told = ({ credentials }: CorsPlan, origin: string): Readonly<Record<string, string>> => ({
  vary: 'origin',
  'access-control-allow-origin': origin,
  ...(credentials && { 'access-control-allow-credentials': 'true' }),
})
