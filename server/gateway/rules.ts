/**
 * A plan that is in force: everything that decides about a request, opened and wired. The list of credentials and of the
 * gateway's own endpoints is here; the order in which they are asked is `admit.ts`.
 */
import type { IncomingMessage } from 'node:http'
import { isIPv6 } from 'node:net'
import type { Clock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import { createAdmission } from './admit.ts'
import { type Arrive, createArrive } from './arrive.ts'
import { apiKeyCredential } from './credentials/api-key.ts'
import { bearerCredential } from './credentials/bearer.ts'
import { createIntrospector } from './credentials/introspect.ts'
import { createIssuerClient } from './credentials/issuer-client.ts'
import { opaqueCredential } from './credentials/opaque.ts'
import { singleUseCredential } from './credentials/single-use.ts'
import { spentHere, spentInRedis } from './credentials/spent-tokens.ts'
import type { Credential } from './credentials.ts'
import type { OwnEndpoint, Sight } from './edge.ts'
import type { Arrival, Caller, Decision, Note, OwnAnswer, Passage } from './exchange.ts'
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
  readonly arrive: Arrive
  /** Our own endpoints answer before any route is looked for. */
  decide(arrival: Arrival, request: IncomingMessage): Decision | Promise<Decision>
  passage(arrival: Arrival, passed: { readonly route: RoutePlan; readonly caller: Caller | null }, note: Note): Passage
  /** Lets go of all that those which follow do not go on with. */
  stop(next?: Rules): Promise<void>
}

interface Parts {
  readonly clock: Clock
  readonly log: Log
  readonly sight: Sight
  /** What is in force until now: an issuer that stays as it was keeps its keys and its stream. */
  readonly before?: Rules
}

export async function openRules(plan: EdgePlan, { clock, log, sight, before }: Parts): Promise<Rules> {
  const issuers = await Promise.all(
    plan.issuers.map(one => before?.issuers.find(({ name }) => name === nameOfIssuer(one)) ?? openIssuer(one, log)),
  )
  const redis = plan.redisUrl === null ? null : createSharedRedis(plan.redisUrl, log)
  const credentials = credentialsOf(issuers, { clock, sight, redis })
  const endpoints = new Map(endpointsOf().map(endpoint => [endpoint.path, endpoint]))
  const limits = createLimits({ routes: plan.routes, redis, log })
  const admit = createAdmission({ table: compileRoutes(plan.routes), credentials, limits })
  const outgoing = createOutgoing(plan)

  return {
    issuers,
    arrive: createArrive({
      isTrusted: address => plan.trustedProxies.check(address, isIPv6(address) ? 'ipv6' : 'ipv4'),
      saidOnce: new Set(plan.routes.flatMap(({ identity }) => identity.map(({ header }) => header))),
    }),
    decide(arrival, request) {
      const endpoint = endpoints.get(arrival.path)
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
      redis?.close()
      for (const issuer of issuers) if (!next?.issuers.includes(issuer)) await issuer.close()
    },
  }
}

/** THE LIST of what a caller may be known by. */
function credentialsOf(
  issuers: readonly OpenIssuer[],
  { clock, sight, redis }: { clock: Clock; sight: Sight; redis: SharedRedis | null },
): readonly Credential[] {
  const bearer = bearerCredential(issuers, createTokenCache(sight.lookedUp))
  const singleUse = singleUseCredential(bearer, redis ? spentInRedis(redis) : spentHere(clock))
  // What only an issuer can read does not say whose it is: it is shown to one of them, and to no other.
  const asked = issuers.find(({ plan }) => plan.client)
  if (!asked?.plan.client) return [bearer, singleUse]
  const introspector = createIntrospector(asked, asked.plan.client, createIssuerClient(asked.plan, { clock }))
  return [bearer, singleUse, opaqueCredential(introspector), apiKeyCredential(introspector)]
}

/** THE LIST of what the gateway answers itself. */
const endpointsOf = (): readonly OwnEndpoint[] => []

const answered = (answer: OwnAnswer): Decision => ({ pass: false, route: null, answer })

/** A prefix ends at a slash: `/api` is taken off `/api/x`, and not off `/apis`. */
function targetOf(arrival: Arrival, { stripPrefix }: RoutePlan): string {
  const { path } = arrival
  const query = queryWithoutToken(arrival)
  if (stripPrefix === '' || !`${path}/`.startsWith(`${stripPrefix}/`)) return path + query
  return `${path.slice(stripPrefix.length) || '/'}${query}`
}
