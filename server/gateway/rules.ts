/**
 * A plan that is in force: everything that decides about a request, opened and wired. In which order it is asked is
 * `admit.ts`'s, which credentials there are `credentials/open-credentials.ts`'s.
 */
import type { IncomingMessage } from 'node:http'
import { isIPv6 } from 'node:net'
import type { Clock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import { createAdmission } from './admit.ts'
import { type Arrive, createArrive } from './arrive.ts'
import { type KeptHere, openCredentials } from './credentials/open-credentials.ts'
import type { OwnEndpoint, Sight } from './edge.ts'
import type { Arrival, Caller, Decision, Note, OwnAnswer, Passage } from './exchange.ts'
import { forwardAuth } from './forward-auth.ts'
import { openIdentity } from './identity.ts'
import { nameOfIssuer, type OpenIssuer, openIssuer } from './issuers.ts'
import { createLimits } from './limits.ts'
import { compileRoutes } from './match.ts'
import { createOutgoing } from './outgoing.ts'
import type { EdgePlan, RoutePlan } from './plan.ts'
import { createSharedRedis, type SharedRedis } from './shared-redis.ts'
import { queryWithoutToken } from './strip.ts'
import { createTokenCache } from './token-cache.ts'

export interface Rules {
  readonly issuers: readonly OpenIssuer[]
  readonly redis: OpenRedis | null
  readonly arrive: Arrive
  /** Our own endpoints answer before any route is looked for. */
  decide(arrival: Arrival, request: IncomingMessage): Decision | Promise<Decision>
  passage(arrival: Arrival, passed: { readonly route: RoutePlan; readonly caller: Caller | null }, note: Note): Passage
  /** Lets go of all that those which follow do not go on with. */
  stop(next?: Rules): Promise<void>
}

interface OpenRedis {
  readonly url: string
  readonly shared: SharedRedis
}

interface Parts {
  readonly clock: Clock
  readonly log: Log
  readonly sight: Sight
  readonly kept: KeptHere
  /** What is in force until now: an issuer that stays as it was keeps its keys and its stream, and so does a Redis. */
  readonly before?: Rules
}

/** Rejects for keys that cannot be used, and holds on to nothing then. */
export async function openRules(plan: EdgePlan, parts: Parts): Promise<Rules> {
  const { before, log } = parts
  const issuers: OpenIssuer[] = []
  const redis = redisOf(plan, before, log)
  const letGo = async (next?: Pick<Rules, 'issuers' | 'redis'>): Promise<void> => {
    if (redis && next?.redis !== redis) redis.shared.close()
    for (const issuer of issuers) if (!next?.issuers.includes(issuer)) await issuer.close()
  }
  try {
    // One after the other: of several at once, one might open when another has failed already.
    for (const one of plan.issuers) {
      const former = before?.issuers.find(issuer => issuer.plan.issuer === one.issuer)
      issuers.push(former?.name === nameOfIssuer(one) ? former : await openIssuer(one, log, former))
    }
    return await wire(plan, parts, { issuers, redis, letGo })
  } catch (error) {
    await letGo(before)
    throw error
  }
}

interface Held extends Pick<Rules, 'issuers' | 'redis'> {
  letGo(next?: Rules): Promise<void>
}

async function wire(
  plan: EdgePlan,
  { clock, log, sight, kept }: Parts,
  { issuers, redis, letGo }: Held,
): Promise<Rules> {
  const shared = redis?.shared ?? null
  const cache = createTokenCache(sight.lookedUp)
  const opened = await openCredentials(plan, { issuers, cache, redis: shared, kept, clock, log })
  const { credentials } = opened
  const limits = createLimits({ routes: plan.routes, redis: shared, log })
  const admit = createAdmission({ table: compileRoutes(plan.routes), credentials, limits })
  const isTrusted = (address: string) => plan.trustedProxies.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
  const { identityOf, identityHeaders, endpoints } = openIdentity(plan)
  const outgoing = createOutgoing(plan, identityOf)
  const findEndpoint = endpointsIn([
    ...opened.endpoints,
    ...endpoints,
    ...(plan.forwardAuth ? [forwardAuth({ admit, isTrusted, identityOf, identityHeaders })] : []),
  ])

  return {
    issuers,
    redis,
    arrive: createArrive({
      isTrusted,
      saidOnce: new Set(identityHeaders),
    }),
    decide(arrival, request) {
      const endpoint = findEndpoint(arrival.path)
      if (!endpoint) return admit(arrival)
      const answer = endpoint.answer(arrival, request)
      return answer instanceof Promise ? answer.then(answered) : answered(answer)
    },
    passage: (arrival, { route, caller }, note) => ({
      arrival,
      route,
      caller,
      headers: outgoing(arrival, route, caller),
      target: targetOf(arrival, route),
      note,
    }),
    async stop(next) {
      for (const { stop } of credentials) await stop?.()
      await letGo(next)
    },
  }
}

function redisOf({ redisUrl: url }: EdgePlan, before: Rules | undefined, log: Log): OpenRedis | null {
  if (url === null) return null
  return before?.redis?.url === url ? before.redis : { url, shared: createSharedRedis(url, log) }
}

function endpointsIn(endpoints: readonly OwnEndpoint[]): (path: string) => OwnEndpoint | undefined {
  const exact = new Map(endpoints.map(endpoint => [endpoint.path, endpoint]))
  const above = endpoints.filter(({ isPrefix }) => isPrefix)
  return path => exact.get(path) ?? above.find(endpoint => path.startsWith(`${endpoint.path}/`))
}

const answered = (answer: OwnAnswer): Decision => ({ pass: false, route: null, answer })

/** A prefix ends at a slash: `/api` is taken off `/api/x`, and not off `/apis`. */
function targetOf(arrival: Arrival, { stripPrefix }: RoutePlan): string {
  const { path } = arrival
  const query = queryWithoutToken(arrival)
  if (stripPrefix === '' || !`${path}/`.startsWith(`${stripPrefix}/`)) return path + query
  return `${path.slice(stripPrefix.length) || '/'}${query}`
}
