/**
 * The sessions of browsers: what each holds, and how its access token is kept fresh. Of many requests that find a token
 * near its end, in many gateways, one fetches the next; the others go on with what there is for as long as it is good.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Clock, Instant } from '../../../kernel/clock.ts'
import { isObject, type JsonObject } from '../../../kernel/json.ts'
import type { Log } from '../../../kernel/log.ts'
import { DAY, SECOND } from '../../../kernel/seconds.ts'
import { randomSecret, sha256 } from '../../../kernel/secrets.ts'
import { type Arrival, Refused } from '../../exchange.ts'
import { IssuerUnavailableError } from '../issuer-client.ts'
import type { Lease, SessionRecords } from './records.ts'
import type { Seals } from './sealing.ts'
import { type GivenTokens, GrantOverError, type SessionTokens, SignInError } from './tokens.ts'

export interface Session {
  /** As the access token names the person. */
  readonly subject: string
  /** Of the ID token: the session at the issuer, which may end there. */
  readonly sid: string | null
  /** What the ID token said of the person, beside what the access token says. */
  readonly profile: JsonObject
  /** For the issuer, when the person signs out. */
  readonly idToken: string
  readonly accessToken: string
  readonly expiresAt: Instant
  readonly renewAt: Instant
  readonly refreshToken: string | null
  /** However much it is used. */
  readonly endsAt: Instant
}

export interface Sessions {
  /** What the browser is to bring, new for every sign-in. Undefined when there is no room. */
  begin(session: Omit<Session, 'endsAt'>, now: Instant): Promise<string | undefined>
  /** With an access token that has not expired; undefined when it is over. Rejects with `Refused`. */
  use(brought: string, arrival: Arrival): Promise<Session | undefined>
  /** The same with another access token than the session's, which is not taken any more. */
  renew(brought: string, session: Session, arrival: Arrival): Promise<Session | undefined>
  /** As it was, for whoever signs out; undefined when there was none. */
  end(brought: string, now: Instant): Promise<Session | undefined>
}

export interface SessionsParts {
  /** The issuer, and the client that it knows the gateway as: what was given by another is no session, and is shown to nobody. */
  readonly givenBy: readonly [issuer: string, client: string]
  readonly records: SessionRecords
  readonly seals: Seals
  readonly tokens: Pick<SessionTokens, 'refresh'>
  readonly clock: Clock
  readonly log: Log
  /** Milliseconds without use until it is over, and until it is however much it is used. */
  readonly idle: number
  readonly absolute: number
}

/** So long the issuer's log remembers that a session ended there; what has lasted longer would not be found in it. */
const LONGEST_LIFE = 30 * DAY
/** A token that ends sooner may be over before it is where it is judged. */
const STILL_GOOD = 2 * SECOND
/** Between two tries, while the issuer is away and the token that there is still good. */
const RETRY_PAUSE = 5 * SECOND
const MOST_PAUSED = 10_000
/** Between two looks whether another gateway has fetched the next token. */
const LOOK = 100
/** For another gateway, which may have died with the lease in its hand. */
const LONGEST_WAIT = 10 * SECOND

/** What `begin` makes; whatever else is brought names no session. */
const BROUGHT = /^[\w-]{43}$/

export function createSessions(parts: SessionsParts): Sessions {
  const { givenBy, records, seals, tokens, clock, log, idle, absolute } = parts
  const renewing = new Map<string, Promise<Session | undefined>>()
  const paused = new Map<string, Instant>()

  const recordOf = (name: string): string => JSON.stringify([...givenBy, name])
  const seal = (name: string, session: Session): string =>
    seals.seal('session', recordOf(name), session as unknown as JsonObject)

  async function find(name: string, now: Instant): Promise<Session | undefined> {
    const sealed = await records.find(name, idle)
    const session = sealed === undefined ? undefined : readSession(seals.open('session', recordOf(name), sealed))
    return session && now < session.endsAt ? session : undefined
  }

  function renewOnce(name: string, session: Session, arrival: Arrival): Promise<Session | undefined> {
    const under = renewing.get(name)
    if (under) return under
    const begun = takeTurns(name, session, arrival)
      .then(
        renewed => {
          paused.delete(name)
          return renewed
        },
        error => {
          if (paused.size >= MOST_PAUSED) paused.clear()
          paused.set(name, clock() + RETRY_PAUSE)
          throw error
        },
      )
      .finally(() => renewing.delete(name))
    renewing.set(name, begun)
    return begun
  }

  /** Whoever holds the lease asks; whoever does not waits until there is another token, or nobody holds it. */
  async function takeTurns(name: string, session: Session, arrival: Arrival): Promise<Session | undefined> {
    for (let waited = 0; ; waited += LOOK) {
      const lease = await records.lease(name)
      if (lease) return renewHolding(lease, session, arrival).finally(() => records.release(lease).catch(() => {}))
      const now = await find(name, arrival.now)
      if (now?.accessToken !== session.accessToken) return now
      if (waited >= LONGEST_WAIT) throw new IssuerUnavailableError('another gateway did not fetch the next token')
      await pause(LOOK)
    }
  }

  async function renewHolding(lease: Lease, before: Session, arrival: Arrival): Promise<Session | undefined> {
    // As it is now: it may have ended, or been renewed, while the lease was another's.
    const session = await find(lease.name, arrival.now)
    if (session?.accessToken !== before.accessToken || session.refreshToken === null) return session
    const given = await ask(session.refreshToken, arrival)
    if (given && given.caller.claims['sub'] === session.subject) {
      const { accessToken, expiresAt, renewAt } = given
      const refreshToken = given.refreshToken ?? session.refreshToken
      const next = { ...session, accessToken, expiresAt, renewAt, refreshToken }
      // A session that was signed out of meanwhile does not come back with it.
      return (await records.replace(lease, seal(lease.name, next), idle)) ? next : undefined
    }
    // Somebody whose turn it was not any more, because of a lease that ran out, has used the token before.
    const now = await find(lease.name, arrival.now)
    if (now?.refreshToken !== session.refreshToken) return now
    await records.end(lease.name)
    return undefined
  }

  /** Undefined when the issuer gives nothing for it any more. */
  async function ask(refreshToken: string, arrival: Arrival): Promise<GivenTokens | undefined> {
    try {
      return await tokens.refresh(refreshToken, arrival)
    } catch (error) {
      if (error instanceof GrantOverError) return undefined
      if (error instanceof IssuerUnavailableError || error instanceof SignInError)
        log.warn({ reason: error.message }, 'the token of a browser session was not renewed')
      throw error
    }
  }

  async function renewedNow(name: string, session: Session, arrival: Arrival): Promise<Session | undefined> {
    try {
      if (isPaused(name)) throw new IssuerUnavailableError('it was asked a moment ago')
      return await renewOnce(name, session, arrival)
    } catch (error) {
      if (error instanceof IssuerUnavailableError || error instanceof SignInError)
        throw new Refused({ code: 'issuer_unavailable' })
      throw error
    }
  }

  const isPaused = (name: string): boolean => clock() < (paused.get(name) ?? 0)

  return {
    async begin(session, now) {
      const brought = randomSecret()
      const name = sha256(brought)
      const whole = { ...session, endsAt: now + Math.min(absolute, LONGEST_LIFE) }
      return (await records.begin(name, { sealed: seal(name, whole), subject: session.subject }, idle)) === 'begun'
        ? brought
        : undefined
    },

    async use(brought, arrival) {
      if (!BROUGHT.test(brought)) return undefined
      const { now } = arrival
      const name = sha256(brought)
      const session = await find(name, now)
      if (!session || now < session.renewAt) return session
      if (session.refreshToken !== null && now < session.expiresAt - STILL_GOOD) {
        // Nobody waits for it, and what becomes of it the next request sees.
        if (!isPaused(name)) renewOnce(name, session, arrival).catch(() => {})
        return session
      }
      if (session.refreshToken !== null) return renewedNow(name, session, arrival)
      if (now < session.expiresAt) return session
      await records.end(name)
      return undefined
    },

    async renew(brought, session, arrival) {
      if (session.refreshToken !== null) return renewedNow(sha256(brought), session, arrival)
      await records.end(sha256(brought))
      return undefined
    },

    async end(brought, now) {
      if (!BROUGHT.test(brought)) return undefined
      const name = sha256(brought)
      const session = await find(name, now)
      await records.end(name)
      return session
    },
  }
}

/** What was sealed here is a session, of this version or of one before it. */
function readSession(opened: JsonObject | undefined): Session | undefined {
  if (!opened) return undefined
  const { subject, accessToken, endsAt, profile } = opened
  const isWhole =
    typeof subject === 'string' && typeof accessToken === 'string' && typeof endsAt === 'number' && isObject(profile)
  return isWhole ? (opened as unknown as Session) : undefined
}
