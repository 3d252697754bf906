/**
 * What the issuer gave for a code or a refresh token, read strictly: the ID token is this client's own, about this
 * sign-in, and the access token is one that a route could take. Who keeps it is for others.
 */
import {
  allowAlgorithms,
  checkClaims,
  halfHash,
  idToken,
  KeysUnavailableError,
  VerificationError,
  verifySignature,
} from '@latchkey/sdk/verify'
import type { Instant } from '../../../kernel/clock.ts'
import type { JsonObject } from '../../../kernel/json.ts'
import { networkOf } from '../../../kernel/network-of.ts'
import { SECOND } from '../../../kernel/seconds.ts'
import { type Arrival, type Caller, Refused } from '../../exchange.ts'
import type { EdgeIssuer } from '../../issuers.ts'
import type { SessionPlan } from '../../plan.ts'
import { type IssuerClient, IssuerUnavailableError, type PostedAnswer } from '../issuer-client.ts'
import { createPlaces, type Places, type PlacesOptions } from '../places.ts'

/** The issuer answered, and what it answered is nothing to sign anybody in with. For the log; nothing of it is shown. */
export class SignInError extends Error {
  override readonly name = 'SignInError'
}

/** The issuer will not give anything for it any more: the session is over there. */
export class GrantOverError extends Error {
  override readonly name = 'GrantOverError'
}

export interface GivenTokens {
  readonly accessToken: string
  /** As a route would read it. */
  readonly caller: Caller
  readonly expiresAt: Instant
  /** When to fetch the next one: a little before, so that no request has to wait for it. */
  readonly renewAt: Instant
  /** Null where none was given. */
  readonly refreshToken: string | null
  readonly idToken: string | null
}

export interface TokenParts {
  readonly plan: SessionPlan
  readonly issuer: EdgeIssuer
  readonly client: Pick<IssuerClient, 'post'>
  /** Whom an access token stands for, as on any route. Rejects with `Refused`. */
  readonly readToken: (token: string, arrival: Arrival) => Caller | Promise<Caller>
}

export interface SessionTokens {
  /** Rejects with `SignInError`, `GrantOverError`, `IssuerUnavailableError`. */
  redeem(
    code: { readonly code: string; readonly verifier: string; readonly redirectUri: string },
    arrival: Arrival,
  ): Promise<GivenTokens>
  refresh(refreshToken: string, arrival: Arrival): Promise<GivenTokens>
  /** What an ID token says, once it is found to be the answer to the request. Rejects with `SignInError`. */
  readIdToken(
    token: string,
    said: { readonly nonce: string; readonly code: string; readonly accessToken: string },
    now: Instant,
  ): Promise<JsonObject>
}

/** Whoever began a sign-in can bring made-up codes for it without end. */
const REDEMPTIONS: PlacesOptions = { mostAtOnce: 16, mostWaiting: 128, mostFromOne: 16 }
/** One for each session, so that only their number is bounded: what was up at once is to be renewed at once. */
const REFRESHES: PlacesOptions = { mostAtOnce: 64, mostWaiting: 4096, mostFromOne: 4096 }

/** Of an access token's life, and no more than a minute. */
const RENEWED_AHEAD = 0.1
const MOST_AHEAD = 60 * SECOND

export function createSessionTokens({ plan, issuer, client, readToken }: TokenParts): SessionTokens {
  // A shared secret vouches for an API, never for who signed in.
  const allowed = allowAlgorithms(plan.issuer.algorithms.filter(name => !name.startsWith('HS')))

  const [redemptions, refreshes] = [createPlaces(REDEMPTIONS), createPlaces(REFRESHES)]

  async function ask(places: Places, form: Readonly<Record<string, string>>, { address }: Arrival) {
    const leave = await places.enter(networkOf(address))
    if (!leave) throw new IssuerUnavailableError('too much is being asked of it')
    return client.post('tokenEndpoint', form, plan.client).finally(leave)
  }

  async function give(answer: PostedAnswer, arrival: Arrival): Promise<GivenTokens> {
    const { body } = answer
    judgeStatus(answer)
    const { access_token: accessToken, token_type: type, id_token: id, refresh_token: refresh } = body ?? {}
    if (typeof accessToken !== 'string' || typeof type !== 'string' || type.toLowerCase() !== 'bearer')
      throw new SignInError('the token endpoint gave no bearer token')
    if (!isTextOrAbsent(id) || !isTextOrAbsent(refresh)) throw new SignInError('a token that was given is not text')
    const caller = await asRouteReads(accessToken, arrival)
    const expiresAt = endOf(caller, body?.['expires_in'], arrival.now)
    const ahead = Math.min((expiresAt - arrival.now) * RENEWED_AHEAD, MOST_AHEAD)
    return {
      accessToken,
      caller,
      expiresAt,
      renewAt: expiresAt - ahead,
      refreshToken: refresh ?? null,
      idToken: id ?? null,
    }
  }

  async function asRouteReads(accessToken: string, arrival: Arrival): Promise<Caller> {
    try {
      const caller = await readToken(accessToken, arrival)
      if (caller.issuer !== issuer) throw new SignInError('the access token is of another issuer')
      return caller
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      if (UNAVAILABLE.includes(error.refusal.code)) throw new IssuerUnavailableError('the access token cannot be read')
      throw new SignInError(`the access token is not one that a route could take: ${error.refusal.detail ?? ''}`)
    }
  }

  return {
    async redeem({ code, verifier, redirectUri }, arrival) {
      const redemption = { code, redirect_uri: redirectUri, code_verifier: verifier }
      const form = { grant_type: 'authorization_code', ...redemption, ...resourceOf(plan) }
      return give(await ask(redemptions, form, arrival), arrival)
    },
    async refresh(refreshToken, arrival) {
      const form = { grant_type: 'refresh_token', refresh_token: refreshToken, ...resourceOf(plan) }
      return give(await ask(refreshes, form, arrival), arrival)
    },
    async readIdToken(token, { nonce, code, accessToken }, now) {
      try {
        const profile = idToken({ issuer: plan.issuer.issuer, client: plan.client.id, nonce })
        const { claims, header } = checkClaims(await verifySignature(token, issuer.keys, allowed), profile, now)
        // OpenID Connect Core §3.1.3.8 and §3.3.2.11: optional here, and to be believed where they are.
        for (const [name, value] of Object.entries({ at_hash: accessToken, c_hash: code }))
          if (claims[name] !== undefined && claims[name] !== halfHash(value, header.alg))
            throw new SignInError(`${name} is of something else`)
        return claims as unknown as JsonObject
      } catch (error) {
        if (error instanceof VerificationError) throw new SignInError(`the ID token: ${error.message}`)
        if (error instanceof KeysUnavailableError) throw new IssuerUnavailableError('its keys cannot be had')
        throw error
      }
    },
  }
}

/** RFC 8707 §2, for issuers that know no `audience`. Only an absolute URI without a fragment is one. */
export function resourceOf({ audience }: SessionPlan): { readonly resource?: string } {
  return audience !== null && URL.canParse(audience) && !audience.includes('#') ? { resource: audience } : {}
}

const UNAVAILABLE: readonly string[] = ['keys_unavailable', 'introspection_unavailable', 'issuer_unavailable']

/** RFC 6749 §5.2. Whatever says nothing about the grant is an outage, also when the gateway's own client is refused. */
function judgeStatus({ status, body }: PostedAnswer): void {
  if (status === 200) return
  const error = body?.['error']
  if (status === 400 && error === 'invalid_grant') throw new GrantOverError('invalid_grant')
  const said = typeof error === 'string' && /^[a-z_]{1,40}$/.test(error) ? ` ${error}` : ''
  throw new IssuerUnavailableError(`the token endpoint answered ${status}${said}`)
}

/** What the token says of itself goes before what was said about it (RFC 6749 §5.1). */
function endOf({ claims }: Caller, expiresIn: unknown, now: Instant): Instant {
  const ends: Instant[] = []
  if (typeof claims['exp'] === 'number') ends.push(claims['exp'] * SECOND)
  if (typeof expiresIn === 'number' && expiresIn > 0) ends.push(now + expiresIn * SECOND)
  if (ends.length === 0) throw new SignInError('nothing says when the access token ends')
  return Math.min(...ends)
}

const isTextOrAbsent = (value: unknown): value is string | undefined => value === undefined || typeof value === 'string'
