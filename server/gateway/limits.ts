/**
 * How often a route may be asked: by the client's network, before anything is known of the caller, and by who is calling.
 * How tries add up is `policy/rate.ts`'s: as many as a limit says at once, and from then on one for each that is
 * forgotten. Counted in this process's memory at once, without a promise; or in a Redis for several gateways, which count
 * for themselves while it is away: a limit that let go when Redis fails would be a reason to make it fail.
 */
import { hash } from 'node:crypto'
import { countIn } from '../bus/redis-counter.ts'
import type { Instant } from '../kernel/clock.ts'
import type { Rule } from '../kernel/counter.ts'
import type { Log } from '../kernel/log.ts'
import { networkOf } from '../kernel/network-of.ts'
import { SECOND } from '../kernel/seconds.ts'
import { type Standing, step } from '../policy/rate.ts'
import type { Limits } from './edge.ts'
import { type Arrival, type Caller, type Refusal, Refused } from './exchange.ts'
import type { LimitPlan, RoutePlan } from './plan.ts'
import type { SharedRedis } from './shared-redis.ts'

export interface LimitsOptions {
  readonly routes: readonly RoutePlan[]
  /** Null: each gateway counts for itself. */
  readonly redis: SharedRedis | null
  readonly log: Log
  /** Keys kept in all, of all limits together. */
  readonly mostKeys?: number
}

/** Some 20 MB. */
const MOST_KEYS = 100_000
/** Of one limit, however many there are. */
const FEWEST_KEYS = 1000
/** Redis did not answer: nobody else is to wait for it so soon. */
const HOLDS_OFF = SECOND

interface Limit {
  /** Of the route and its place there, since two gateways of one file count together. */
  readonly name: string
  readonly rule: Rule
  readonly table: Map<string, Standing>
}

interface Counted {
  readonly address: readonly Limit[]
  readonly identity: readonly Limit[]
}

type MaybeSoon = Refusal | undefined | Promise<Refusal | undefined>

export function createLimits({ routes, redis, log, mostKeys = MOST_KEYS }: LimitsOptions): Limits {
  const limited = routes.filter(({ limits }) => limits.length > 0)
  const limits = new Map(limited.map(route => [route, limitsOf(route)]))
  const total = limited.reduce((sum, route) => sum + route.limits.length, 0)
  const most = Math.max(FEWEST_KEYS, Math.floor(mostKeys / Math.max(total, 1)))
  let asksAgainAt: Instant = Number.NEGATIVE_INFINITY

  function count(counted: readonly Limit[], key: string, now: Instant): MaybeSoon {
    if (counted.length === 0) return undefined
    if (!redis || Math.abs(asksAgainAt - now) < HOLDS_OFF) return countHere(counted, key, now, most)
    return countThere(redis, counted, key, now)
  }

  async function countThere(shared: SharedRedis, counted: readonly Limit[], key: string, now: Instant) {
    const counts = counted.map(({ name, rule }) => ({ key: name, rule }))
    try {
      // Of one caller together, so that a cluster keeps what is counted at once in one place; hashed, since names of people are nobody's there.
      const counting = await shared.ask(client => countIn(client, `edge:${hash('sha256', key)}`, counts, now))
      return counting.state === 'refused' ? tooMany(counting.freeAt, now) : undefined
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      asksAgainAt = now
      log.warn({ reason: error.refusal.detail }, 'limits are counted by this gateway alone while Redis does not answer')
      return countHere(counted, key, now, most)
    }
  }

  return {
    judgeAddress(route, arrival) {
      const counted = limits.get(route)?.address
      return counted && count(counted, networkOf(arrival.address), arrival.now)
    },
    judgeIdentity(route, arrival, caller) {
      const counted = limits.get(route)?.identity
      return counted && count(counted, identityOf(caller, arrival), arrival.now)
    },
  }
}

function limitsOf(route: RoutePlan): Counted {
  const limit = (plan: LimitPlan, place: number): Limit => ({
    name: `${route.name} ${place}`,
    rule: ruleOf(plan),
    table: new Map(),
  })
  const all = route.limits.map((plan, place) => ({ per: plan.per, limit: limit(plan, place) }))
  const those = (per: LimitPlan['per']) => all.filter(one => one.per === per).map(one => one.limit)
  return { address: those('address'), identity: those('identity') }
}

function ruleOf({ requests, within }: LimitPlan): Rule {
  const forgets = within / requests
  return { free: requests, pauses: [forgets], forgets }
}

/** Under every limit, or under none when one of them has to wait. */
function countHere(counted: readonly Limit[], key: string, now: Instant, most: number): Refusal | undefined {
  let freeAt: Instant | undefined
  const made: Standing[] = []
  for (const { table, rule } of counted) {
    const standing = table.get(key)
    // No pause is longer than this: a clock that was set back must not make one.
    const isAhead = standing !== undefined && standing.freeAt - now > rule.forgets
    const next = step(isAhead ? undefined : standing, rule, now)
    if (next.may) made.push(next.standing)
    else freeAt = Math.max(freeAt ?? 0, next.freeAt)
  }
  if (freeAt !== undefined) return tooMany(freeAt, now)
  for (const [place, { table }] of counted.entries()) put(table, key, made[place] as Standing, most)
  return undefined
}

/** The least recently counted goes first: a stranger who changes addresses pushes out others' counts, and gains none under their own. */
function put(table: Map<string, Standing>, key: string, standing: Standing, most: number): void {
  table.delete(key)
  table.set(key, standing)
  if (table.size > most) table.delete(table.keys().next().value as string)
}

const tooMany = (freeAt: Instant, now: Instant): Refusal => ({
  code: 'too_many_requests',
  retryAfterSeconds: Math.max(1, Math.ceil((freeAt - now) / SECOND)),
})

/** Made once for each token that is remembered. */
const identities = new WeakMap<Caller, string>()

/** A person by issuer and `sub`, a machine by its client, and whoever is nobody by where they are. */
function identityOf(caller: Caller | null, { address }: Arrival): string {
  if (!caller) return networkOf(address)
  let identity = identities.get(caller)
  if (identity === undefined) {
    const { issuer, claims, clientId } = caller
    const { sub } = claims
    const who = typeof sub === 'string' ? ['sub', sub] : ['client', clientId]
    // Of one length, however long what the issuer calls somebody.
    identity = hash('sha256', JSON.stringify([issuer.plan.issuer, ...who]), 'base64')
    identities.set(caller, identity)
  }
  return identity
}
