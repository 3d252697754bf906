/**
 * A browser session: the gateway is an OpenID client of its own, the browser holds an opaque cookie, and services get the
 * caller of the access token that the session holds. That token is judged as one in a header would be, on every request;
 * what signing in and out takes is in `session/`.
 */
import type { Clock } from '../../kernel/clock.ts'
import type { JsonObject } from '../../kernel/json.ts'
import type { Log } from '../../kernel/log.ts'
import type { Credential } from '../credentials.ts'
import type { OwnEndpoint } from '../edge.ts'
import { type Arrival, type Caller, type OwnAnswer, type Refusal, type RefusalCode, Refused } from '../exchange.ts'
import { type EdgeIssuer, factsOf } from '../issuers.ts'
import { checkRevocations } from '../judge.ts'
import type { SessionPlan } from '../plan.ts'
import type { IssuerClient } from './issuer-client.ts'
import { cookieOf, drop, SESSION_COOKIE } from './session/cookies.ts'
import { changesSomething, isNavigation, isSameOrigin } from './session/from-browser.ts'
import { localPath } from './session/local-path.ts'
import type { SessionRecords } from './session/records.ts'
import { createSeals } from './session/sealing.ts'
import { createSessions, type Session } from './session/sessions.ts'
import { seeOther, signInEndpoints, signInPath } from './session/sign-in.ts'
import { signOutEndpoint } from './session/sign-out.ts'
import { createSessionTokens, type TokenParts } from './session/tokens.ts'

export interface SessionParts {
  readonly plan: SessionPlan
  readonly issuer: EdgeIssuer
  readonly client: IssuerClient
  /** Outlives a reload of the route file, as the sessions do. */
  readonly records: SessionRecords
  readonly readToken: TokenParts['readToken']
  readonly clock: Clock
  readonly log: Log
}

export interface EdgeSessions {
  readonly credential: Credential
  readonly endpoints: readonly OwnEndpoint[]
}

/** What signing in mends. Everything else would be the same afterwards, and a browser would go in circles. */
const MENDED: readonly RefusalCode[] = ['no_credential', 'token_expired', 'token_revoked', 'step_up']

/** A way of signing in that nobody can be asked for comes about by chance at most. */
const isMended = ({ code, challenge = {} }: Refusal): boolean =>
  MENDED.includes(code) && (code !== 'step_up' || Object.keys(challenge).length > 0)

export function createEdgeSessions(parts: SessionParts): EdgeSessions {
  const { plan, issuer, client, records, readToken, clock, log } = parts
  const seals = createSeals(plan.keys)
  const tokens = createSessionTokens({ plan, issuer, client, readToken })
  const { idle, absolute } = plan
  const givenBy = [plan.issuer.issuer, plan.client.id] as const
  const sessions = createSessions({ givenBy, records, seals, tokens, clock, log, idle, absolute })

  /** Undefined for a token that counts no more, whatever it was. */
  async function callerOf(session: Session, arrival: Arrival): Promise<Caller | undefined> {
    try {
      return asSession(await readToken(session.accessToken, arrival), session)
    } catch (error) {
      if (error instanceof Refused && error.refusal.code === 'invalid_token') return undefined
      throw error
    }
  }

  /** Of a session whose token was good when it was given: where its key is gone, another token may be had. */
  async function read(brought: string, arrival: Arrival): Promise<Caller | undefined> {
    const session = await sessions.use(brought, arrival)
    if (!session) return undefined
    const caller = await callerOf(session, arrival)
    if (caller) return caller
    const renewed = await sessions.renew(brought, session, arrival)
    return renewed && callerOf(renewed, arrival)
  }

  const credential: Credential = {
    kind: 'session',
    find: arrival => cookieOf(arrival, SESSION_COOKIE),

    async read(brought, arrival, route) {
      if (changesSomething(arrival) && !isSameOrigin(arrival)) throw new Refused({ code: 'cross_site' })
      const caller = await read(brought, arrival)
      if (!caller) throw new Refused({ code: 'token_expired', detail: 'the session is over' })
      const refusal = checkRevocations(caller, route)
      // What its tokens end with ends it too: it must not go on with tokens that are fetched later.
      if (refusal?.code === 'token_revoked') await sessions.end(brought, arrival.now)
      if (refusal) throw new Refused(refusal)
      return caller
    },

    invite(arrival, route, refusal) {
      if (!isNavigation(arrival) || !isMended(refusal)) return undefined
      const here = `${arrival.path}${arrival.query}`
      // Where nobody has to sign in, a session that is over is let go of.
      if (route.access.kind === 'optional' && refusal.code !== 'step_up')
        return seeOther(localPath(here) ?? '/', [drop(arrival, SESSION_COOKIE)])
      return invitation(plan, here, refusal)
    },
  }

  const signInParts = { plan, client, tokens, sessions, seals, log }
  const isRevoked = (session: Pick<Session, 'sid'>, caller: Caller) =>
    issuer.revocations?.isRevoked(factsWith(caller, session)) === true
  return {
    credential,
    endpoints: [...signInEndpoints({ ...signInParts, isRevoked }), signOutEndpoint({ plan, client, sessions })],
  }
}

function invitation(plan: SessionPlan, here: string, { code, challenge }: Refusal): OwnAnswer {
  const more = code === 'step_up' ? { maxAge: challenge?.['max_age'], acrValues: challenge?.['acr_values'] } : {}
  return seeOther(signInPath(plan, here, more), [])
}

/** By the caller of the token, which is the same for as long as the token is known. */
const made = new WeakMap<Caller, { readonly sid: string | null; readonly caller: Caller }>()

/**
 * The token's caller, whom the end of the session at the issuer concerns too: a token that was refreshed need not name it.
 * Beside the token's claims stand those of the person that the ID token said; none of them in the place of the token's.
 */
function asSession(caller: Caller, session: Session): Caller {
  const known = made.get(caller)
  if (known && known.sid === session.sid) return known.caller
  const claims: JsonObject = { ...session.profile, ...caller.claims }
  const own: Caller = { ...caller, kind: 'session', claims, facts: factsWith(caller, session), soundAt: -1 }
  made.set(caller, { sid: session.sid, caller: own })
  return own
}

const factsWith = ({ claims, signed }: Caller, { sid }: Pick<Session, 'sid'>) =>
  factsOf(sid === null ? claims : { ...claims, sid }, signed?.header.kid)
