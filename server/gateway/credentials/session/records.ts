/**
 * Where sessions are kept: in this process's memory, or in a Redis for several gateways. What is kept is sealed, under
 * the hash of what the browser has, and goes when it was not used for long. Two have to agree on one thing only: who
 * fetches new tokens.
 */

import type { Clock, Instant } from '../../../kernel/clock.ts'
import { MINUTE } from '../../../kernel/seconds.ts'
import { randomSecret } from '../../../kernel/secrets.ts'
import type { SharedRedis } from '../../shared-redis.ts'
import { ISSUER_TIMEOUT } from '../issuer-client.ts'

/** The right to put something else in the place of a session, until it is given back or its time is over. */
export interface Lease {
  readonly name: string
  readonly holder: string
}

/** Names are hashes. Every verb rejects with `Refused` when the place cannot be reached. */
export interface SessionRecords {
  /** Whoever finds it has used it: it is kept for as long again. `idle` is in milliseconds. */
  find(name: string, idle: number): Promise<string | undefined>
  /** `full` when there is no room: nobody else is signed out for it. */
  begin(
    name: string,
    session: { readonly sealed: string; readonly subject: string },
    idle: number,
  ): Promise<'begun' | 'full'>
  end(name: string): Promise<void>
  /** To one at a time; undefined to all others. */
  lease(name: string): Promise<Lease | undefined>
  /** `false` where the session ended meanwhile, or the lease is over: then nothing is changed, and nothing comes back. */
  replace(lease: Lease, sealed: string, idle: number): Promise<boolean>
  release(lease: Lease): Promise<void>
}

/**
 * Longer than any holder works, or another would use the refresh token a second time: where the endpoints are, a place to
 * ask, the refresh itself, and the key of what it gave, which takes two questions.
 */
export const LEASE_LIFE = 6 * ISSUER_TIMEOUT

/** Some 4 KB each. */
const MOST_SESSIONS = 20_000
/** Of one person, of whom the oldest makes room: nobody fills the memory alone. */
const MOST_OF_ONE = 50
/** Between two times that all of them are looked through for those that are over. */
const SWEEP = MINUTE

export interface HereOptions {
  readonly clock: Clock
  readonly most?: number
  readonly mostOfOne?: number
}

export function sessionsHere({ clock, most = MOST_SESSIONS, mostOfOne = MOST_OF_ONE }: HereOptions): SessionRecords {
  const sessions = new Map<string, { sealed: string; readonly subject: string; endsAt: Instant }>()
  /** In the order in which they began. */
  const ofSubject = new Map<string, Set<string>>()
  const leases = new Map<string, { readonly holder: string; readonly until: Instant }>()
  let sweptAt = clock()

  function drop(name: string): void {
    const subject = sessions.get(name)?.subject
    sessions.delete(name)
    const own = subject === undefined ? undefined : ofSubject.get(subject)
    own?.delete(name)
    if (own?.size === 0) ofSubject.delete(subject as string)
  }

  function live(name: string) {
    const session = sessions.get(name)
    if (!session || clock() < session.endsAt) return session
    drop(name)
    return undefined
  }

  function sweep(): void {
    const now = clock()
    if (Math.abs(now - sweptAt) < SWEEP) return
    sweptAt = now
    for (const [name, { endsAt }] of sessions) if (endsAt <= now) drop(name)
    for (const [name, { until }] of leases) if (until <= now) leases.delete(name)
  }

  const holds = ({ name, holder }: Lease): boolean => leases.get(name)?.holder === holder

  return {
    async find(name, idle) {
      const session = live(name)
      if (session) session.endsAt = clock() + idle
      return session?.sealed
    },
    async begin(name, { sealed, subject }, idle) {
      sweep()
      const own = ofSubject.get(subject) ?? new Set()
      const [oldest] = own
      if (own.size >= mostOfOne && oldest !== undefined) drop(oldest)
      if (sessions.size >= most) return 'full'
      sessions.set(name, { sealed, subject, endsAt: clock() + idle })
      ofSubject.set(subject, own.add(name))
      return 'begun'
    },
    async end(name) {
      drop(name)
    },
    async lease(name) {
      const now = clock()
      const held = leases.get(name)
      if (held && now < held.until) return undefined
      const holder = randomSecret()
      leases.set(name, { holder, until: now + LEASE_LIFE })
      return { name, holder }
    },
    async replace(lease, sealed, idle) {
      const session = live(lease.name)
      if (!session || !holds(lease)) return false
      session.sealed = sealed
      session.endsAt = clock() + idle
      return true
    },
    async release(lease) {
      if (holds(lease)) leases.delete(lease.name)
    },
  }
}

/** In braces, so that a cluster keeps the two keys of a session together. */
const sessionKey = (name: string): string => `latchkey:edge:{${name}}:session`
const leaseKey = (name: string): string => `latchkey:edge:{${name}}:lease`

/** KEYS: session, lease. ARGV: the holder, what is put in its place, and for how long. */
const REPLACE = `
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
if not redis.call('SET', KEYS[1], ARGV[2], 'XX', 'PX', ARGV[3]) then return 0 end
return 1`

/** KEYS: lease. ARGV: the holder. */
const RELEASE = `
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1`

export const sessionsInRedis = (
  redis: SharedRedis,
  { leaseLife = LEASE_LIFE }: { readonly leaseLife?: number } = {},
): SessionRecords => ({
  async find(name, idle) {
    return (await redis.ask(shared => shared.getex(sessionKey(name), 'PX', idle))) ?? undefined
  },
  async begin(name, { sealed }, idle) {
    await redis.ask(shared => shared.set(sessionKey(name), sealed, 'PX', idle))
    return 'begun'
  },
  async end(name) {
    await redis.ask(shared => shared.del(sessionKey(name)))
  },
  async lease(name) {
    const holder = randomSecret()
    const taken = await redis.ask(shared => shared.set(leaseKey(name), holder, 'PX', leaseLife, 'NX'))
    return taken === 'OK' ? { name, holder } : undefined
  },
  async replace({ name, holder }, sealed, idle) {
    const keys = [sessionKey(name), leaseKey(name)] as const
    return (await redis.ask(shared => shared.eval(REPLACE, 2, ...keys, holder, sealed, idle))) === 1
  },
  async release({ name, holder }) {
    await redis.ask(shared => shared.eval(RELEASE, 1, leaseKey(name), holder))
  },
})
