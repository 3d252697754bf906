/**
 * Signing in through the gateway, as an OpenID client of its own: off to the issuer with a code challenge, a state and a
 * nonce that only this browser's cookie knows, and back with a code. What is given for it becomes a session.
 */
import { createHash } from 'node:crypto'
import type { Instant } from '../../../kernel/clock.ts'
import type { JsonObject } from '../../../kernel/json.ts'
import type { Log } from '../../../kernel/log.ts'
import { SECOND } from '../../../kernel/seconds.ts'
import { equalSecrets, randomSecret, sha256 } from '../../../kernel/secrets.ts'
import { withQuery } from '../../../kernel/url.ts'
import type { OwnEndpoint } from '../../edge.ts'
import { type Arrival, type OwnAnswer, Refused } from '../../exchange.ts'
import type { SessionPlan } from '../../plan.ts'
import { type IssuerClient, IssuerUnavailableError } from '../issuer-client.ts'
import { cookieOf, drop, SESSION_COOKIE, SIGN_IN_LIFE, set, signInCookie, signInsUnderWay } from './cookies.ts'
import { originOf } from './from-browser.ts'
import { localPath } from './local-path.ts'
import { type EdgePage, showPage } from './pages.ts'
import type { Seals } from './sealing.ts'
import type { Session, Sessions } from './sessions.ts'
import { GrantOverError, resourceOf, type SessionTokens, SignInError } from './tokens.ts'

export interface SignInParts {
  readonly plan: SessionPlan
  readonly client: Pick<IssuerClient, 'metadata'>
  readonly tokens: Pick<SessionTokens, 'redeem' | 'readIdToken'>
  readonly sessions: Sessions
  readonly seals: Seals
  readonly log: Log
  /** Whether what was just given was revoked already: then nobody goes in circles. */
  readonly isRevoked: (session: Pick<Session, 'sid'>, caller: GivenCaller) => boolean
}

type GivenCaller = Awaited<ReturnType<SessionTokens['redeem']>>['caller']

/** What a sign-in was begun with, sealed into the cookie of its browser. */
interface Begun {
  readonly state: string
  readonly nonce: string
  readonly verifier: string
  readonly returnTo: string
  readonly at: Instant
  readonly maxAge: number | null
  readonly acrValues: string | null
}

/** Tabs that sign in at once. Each has a cookie, and all of them are sent with every request. */
const MOST_AT_ONCE = 5

/** How far the issuer's clock may be from this one's, in seconds. */
const CLOCKS_APART = 5

/** Where a browser signs in, to come back to a path of this host. */
export const signInPath = (
  plan: SessionPlan,
  returnTo: string,
  more: { readonly maxAge?: string | undefined; readonly acrValues?: string | undefined } = {},
): string =>
  withQuery(plan.signIn, {
    return_to: localPath(returnTo) ?? '/',
    ...(more.maxAge !== undefined && { max_age: more.maxAge }),
    ...(more.acrValues !== undefined && { acr_values: more.acrValues }),
  })

export function signInEndpoints(parts: SignInParts): readonly OwnEndpoint[] {
  const { plan, log } = parts

  /** What goes wrong on the way is told to the person as a page, and to the operator as a line of the log. */
  const guarded =
    (answer: (arrival: Arrival) => Promise<OwnAnswer>) =>
    async (arrival: Arrival): Promise<OwnAnswer> => {
      if (arrival.method !== 'GET') return { status: 405, headers: { allow: 'GET' } }
      try {
        return await answer(arrival)
      } catch (error) {
        if (error instanceof SignInFailed) return showPage(arrival, error.page, error)
        if (error instanceof IssuerUnavailableError || error instanceof Refused) {
          log.warn({ reason: error.message }, 'nobody can sign in')
          // A link to sign in can be tried again as it was; what came back from the issuer cannot.
          const query = arrival.path === plan.signIn ? arrival.query : ''
          return showPage(arrival, 'unavailable', { action: `${plan.signIn}${query}` })
        }
        throw error
      }
    }

  return [
    { path: plan.signIn, answer: guarded(arrival => begin(parts, arrival)) },
    { path: plan.callback, answer: guarded(arrival => finish(parts, arrival)) },
  ]
}

class SignInFailed extends Error {
  override readonly name = 'SignInFailed'
  readonly page: EdgePage
  readonly action: string
  readonly cookies: readonly string[]

  constructor(page: EdgePage, action: string, cookies: readonly string[] = []) {
    super(page)
    this.page = page
    this.action = action
    this.cookies = cookies
  }
}

async function begin({ plan, client, seals }: SignInParts, arrival: Arrival): Promise<OwnAnswer> {
  const asked = readQuery(arrival)
  const returnTo = asked.has('return_to') ? localPath(asked.get('return_to')) : '/'
  const [maxAge, acrValues] = [asked.get('max_age') ?? null, asked.get('acr_values') ?? null]
  const isSound = /^\d{1,9}$/.test(maxAge ?? '0') && /^[!#-[\]-~ ]{1,200}$/.test(acrValues ?? '0')
  if (returnTo === undefined || !isSound || arrival.authority === '') throw new SignInFailed('failed', plan.signIn)

  const { authorizationEndpoint } = await client.metadata()
  if (authorizationEndpoint === undefined) throw new IssuerUnavailableError('it publishes no authorization endpoint')
  const [state, nonce, verifier] = [randomSecret(), randomSecret(), randomSecret()]
  const begun: Begun = {
    state,
    nonce,
    verifier,
    returnTo,
    at: arrival.now,
    maxAge: maxAge === null ? null : Number(maxAge),
    acrValues,
  }
  const id = idOf(state)
  const location = withQuery(authorizationEndpoint, {
    response_type: 'code',
    client_id: plan.client.id,
    redirect_uri: redirectUri(plan, arrival),
    scope: plan.scope,
    ...(plan.audience !== null && { audience: plan.audience }),
    ...resourceOf(plan),
    state,
    nonce,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...(maxAge !== null && { max_age: maxAge }),
    ...(acrValues !== null && { acr_values: acrValues }),
  })
  // A browser sends first what it was given first.
  const tooMany = signInsUnderWay(arrival).slice(0, -(MOST_AT_ONCE - 1))
  return seeOther(location, [
    ...tooMany.map(old => drop(arrival, signInCookie(old))),
    set(arrival, signInCookie(id), seals.seal('sign-in', id, { ...begun })),
  ])
}

async function finish(parts: SignInParts, arrival: Arrival): Promise<OwnAnswer> {
  const { plan, client, tokens, sessions, log, isRevoked } = parts
  const asked = readQuery(arrival)
  const begun = takeBegun(parts, arrival, asked.get('state') ?? '')
  const again = signInPath(plan, begun.returnTo)
  const over = drop(arrival, signInCookie(idOf(begun.state)))
  const fail = (page: EdgePage, reason: string): never => {
    log.info({ reason }, 'a browser was not signed in')
    throw new SignInFailed(page, again, [over])
  }

  const { saysIss } = await client.metadata()
  // RFC 9207 §2.4: another issuer's answer, or one from which that was left out, is mixed up.
  const iss = asked.get('iss')
  if (iss === undefined ? saysIss : iss !== plan.issuer.issuer) fail('failed', 'the answer is of another issuer')
  const code = asked.get('code')
  if (asked.has('error') || code === undefined) return fail('failed', errorOf(asked.get('error')))
  try {
    const { verifier, nonce } = begun
    const given = await tokens.redeem({ code, verifier, redirectUri: redirectUri(plan, arrival) }, arrival)
    const { accessToken, expiresAt, renewAt, refreshToken, caller } = given
    if (given.idToken === null) return fail('failed', 'there is no ID token')
    const claims = await tokens.readIdToken(given.idToken, { nonce, code, accessToken }, arrival.now)
    if (!isStrongEnough(begun, claims, arrival.now)) return fail('tooWeak', 'the sign-in is not what was asked for')
    const sid = typeof claims['sid'] === 'string' ? claims['sid'] : null
    // A token that is taken by no route would send the browser here again, and again.
    if (expiresAt <= arrival.now || isRevoked({ sid }, caller))
      return fail('failed', 'the access token is over already')
    const subject = String(caller.claims['sub'])
    const profile = claims['sub'] === subject ? profileOf(claims) : {}
    const session = { subject, sid, profile, idToken: given.idToken, accessToken, expiresAt, renewAt, refreshToken }
    const brought = await sessions.begin(session, arrival.now)
    if (brought === undefined) return fail('unavailable', 'there is no room for another session')
    // Another id for every sign-in: whoever knew the one before, or planted it, has nothing.
    const former = cookieOf(arrival, SESSION_COOKIE)
    if (former !== undefined) await sessions.end(former, arrival.now)
    return seeOther(begun.returnTo, [over, set(arrival, SESSION_COOKIE, brought)])
  } catch (error) {
    if (error instanceof SignInError || error instanceof GrantOverError) return fail('failed', error.message)
    throw error
  }
}

/** Only in the browser in which it was begun, and not for ever. Throws `SignInFailed`. */
function takeBegun({ plan, seals }: SignInParts, arrival: Arrival, state: string): Begun {
  const id = idOf(state)
  const sealed = cookieOf(arrival, signInCookie(id))
  const begun = sealed === undefined ? undefined : (seals.open('sign-in', id, sealed) as unknown as Begun | undefined)
  const isOurs = begun !== undefined && equalSecrets(begun.state, state)
  if (!isOurs || Math.abs(arrival.now - begun.at) >= SIGN_IN_LIFE) throw new SignInFailed('over', plan.signIn)
  return begun
}

/** In the cookie's name, so that each tab finds its own. */
const idOf = (state: string): string => sha256(state).slice(0, 16)

const redirectUri = ({ callback }: SessionPlan, arrival: Arrival): string => `${originOf(arrival)}${callback}`

/** OpenID Connect Core §3.1.2.1 and RFC 9470 §4: what was asked for is seen, and not believed to have happened. */
function isStrongEnough({ maxAge, acrValues }: Begun, claims: JsonObject, now: Instant): boolean {
  const { auth_time: authTime, acr } = claims
  if (maxAge !== null && !(typeof authTime === 'number' && now / SECOND - authTime <= maxAge + CLOCKS_APART))
    return false
  return acrValues === null || (typeof acr === 'string' && acrValues.split(' ').includes(acr))
}

/** OpenID Connect Core §5.1, and what is named by an address: nothing that a rule asks of an access token. */
const PROFILE_CLAIMS = [
  'name',
  'given_name',
  'family_name',
  'middle_name',
  'nickname',
  'preferred_username',
  'profile',
  'picture',
  'website',
  'email',
  'email_verified',
  'gender',
  'birthdate',
  'zoneinfo',
  'locale',
  'phone_number',
  'phone_number_verified',
  'address',
  'updated_at',
]

const profileOf = (claims: JsonObject): JsonObject =>
  Object.fromEntries(
    Object.entries(claims).filter(([name]) => PROFILE_CLAIMS.includes(name) || /^https?:\/\//.test(name)),
  )

/** Throws `SignInFailed` for a parameter that is there twice: which of them was meant is for nobody to guess. */
function readQuery({ query }: Arrival): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(query)) {
    if (found.has(name)) throw new SignInFailed('failed', '/')
    found.set(name, value)
  }
  return found
}

/** An error code of RFC 6749 §4.1.2.1 is a word; nothing else of the answer is repeated. */
const errorOf = (error: string | undefined): string =>
  error === undefined ? 'there is no code' : /^[a-z_]{1,40}$/.test(error) ? error : 'an error of another form'

/** 303: a browser goes on with GET, and keeps nothing of it. */
export const seeOther = (location: string, cookies: readonly string[]): OwnAnswer => ({
  status: 303,
  headers: { location, 'cache-control': 'no-store', ...(cookies.length > 0 && { 'set-cookie': cookies }) },
})
