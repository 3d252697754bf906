/** `/stats`: how many signed in and signed up. */
import Type from 'typebox'
import { createCache } from '../kernel/cache.ts'
import type { Instant } from '../kernel/clock.ts'
import { DAY, MINUTE } from '../kernel/seconds.ts'
import type { Store } from '../store/store.ts'
import { ManagementFault } from './fault.ts'
import { type Operation, operation } from './operation.ts'
import type { ApiServices } from './services.ts'

const DATE = Type.Optional(Type.String({ pattern: '^\\d{8}$' }))
/** Of what is counted nobody needs more at once than is kept unless somebody says otherwise. */
const MOST_DAYS = 366
const USUAL_DAYS = 30
const ACTIVE_WITHIN = 30 * DAY

const SIGN_INS = ['session.started', 'session.renewed']
const SIGN_UPS = ['user.signed-up']
/** More than any tenant has in a day; where it ends is a matter of what a count may cost. */
const MOST_COUNTED = 10_000_000

export const stats: readonly Operation[] = [
  operation({
    method: 'GET',
    path: '/stats/daily',
    summary: 'Count sign-ins and sign-ups, day by day in UTC',
    scopes: ['read:stats'],
    query: Type.Object({ from: DATE, to: DATE }),
    answers: {
      200: Type.Array(
        Type.Object({
          date: Type.String(),
          logins: Type.Integer(),
          signups: Type.Integer(),
          leaked_passwords: Type.Integer(),
          created_at: Type.String(),
          updated_at: Type.String(),
        }),
      ),
    },
    async run({ tenant, query, now }, services) {
      const last = query.to === undefined ? dayOf(now) : readDay('to', query.to)
      const first = query.from === undefined ? last - (USUAL_DAYS - 1) * DAY : readDay('from', query.from)
      if (first > last) throw invalid('from is after to')
      if (last - first >= MOST_DAYS * DAY) throw invalid(`from and to are more than ${MOST_DAYS} days apart`)
      const days: object[] = []
      for (let day = first; day <= last && day <= now; day += DAY) days.push(await countsOf(services, tenant, day, now))
      return { status: 200, body: days }
    },
  }),

  operation({
    method: 'GET',
    path: '/stats/active-users',
    summary: 'Count the users who signed in within the last 30 days',
    scopes: ['read:stats'],
    answers: { 200: Type.Integer() },
    async run({ tenant, now }, services) {
      const count = await countersOf(services).active.get(tenant, () =>
        services.store.users.countSignedInSince(tenant, now - ACTIVE_WITHIN),
      )
      return { status: 200, body: count }
    },
  }),
]

interface Counts {
  readonly logins: number
  readonly signups: number
}

interface Counters {
  /** Of days that are over, by tenant and day. */
  readonly past: ReturnType<typeof createCache<Counts>>
  readonly today: ReturnType<typeof createCache<Counts>>
  readonly active: ReturnType<typeof createCache<number>>
}

/** A past day is counted again now and then, since what it holds is erased in the end. */
const PAST_KEPT = 60 * MINUTE
/** What is counted anew with every sign-in would cost most where there are most. */
const TODAY_KEPT = MINUTE / 6
const ACTIVE_KEPT = 5 * MINUTE

const counters = new WeakMap<Store, Counters>()

function countersOf({ store, clock, bus }: ApiServices): Counters {
  const known = counters.get(store)
  if (known) return known
  const cache = <T>(limit: number, longestAge: number) =>
    createCache<T>({ limit, clock, bus, topic: 'stats', keyOf: ({ tenant }) => tenant, longestAge })
  const made = {
    past: cache<Counts>(10_000, PAST_KEPT),
    today: cache<Counts>(1000, TODAY_KEPT),
    active: cache<number>(1000, ACTIVE_KEPT),
  }
  counters.set(store, made)
  return made
}

async function countsOf(services: ApiServices, tenant: string, day: Instant, now: Instant): Promise<object> {
  const { past, today } = countersOf(services)
  const isOver = now >= day + DAY
  const { logins, signups } = await (isOver ? past : today).get(`${tenant} ${day}`, () =>
    count(services.store, tenant, day),
  )
  const at = new Date(day).toISOString()
  return {
    date: at,
    logins,
    signups,
    leaked_passwords: 0,
    created_at: at,
    updated_at: new Date(Math.min(now, day + DAY)).toISOString(),
  }
}

async function count({ events }: Store, tenant: string, day: Instant): Promise<Counts> {
  const during = (types: readonly string[]) => events.count(tenant, { types, from: day, to: day + DAY }, MOST_COUNTED)
  const [logins, signups] = await Promise.all([during(SIGN_INS), during(SIGN_UPS)])
  return { logins, signups }
}

const dayOf = (at: Instant): Instant => Math.floor(at / DAY) * DAY

function readDay(name: string, text: string): Instant {
  const day = Date.parse(`${text.slice(0, 4)}-${text.slice(4, 6)}-${text.slice(6)}T00:00:00Z`)
  if (Number.isNaN(day) || new Date(day).toISOString().slice(0, 10).replaceAll('-', '') !== text)
    throw invalid(`${name} is no day of the form YYYYMMDD`)
  return day
}

const invalid = (problem: string) =>
  new ManagementFault(400, 'invalid_query_string', `Query validation error: ${problem}.`)
