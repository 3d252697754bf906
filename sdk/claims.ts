/**
 * The second stage: what a signed token must say, for a purpose. Pure and cheap, so that a gateway may keep the
 * result of the first stage and ask this one again on every request. Whether it was revoked is for the caller.
 */
import { VerificationError } from './errors.ts'
import type { SignedToken } from './signature.ts'

/** The purpose of a token as a value. Made by `accessToken`, `idToken` and `idTokenHint`. */
export interface Profile {
  /** Media types without `application/`, lower case; undefined where the header may leave `typ` out. */
  readonly types: readonly (string | undefined)[]
  readonly issuers: readonly string[]
  /** At least one must be in `aud`; undefined: any will do. */
  readonly audiences: readonly string[] | undefined
  readonly forbidden: readonly string[]
  /** Who it was issued to, whoever else may read it. Left out: that is not looked at. */
  readonly party?: string
  /** Of the request that it answers. */
  readonly nonce?: string
  readonly acceptsExpired: boolean
  readonly leewaySeconds: number
}

/** The members every profile requires; the rest is the issuer's. Times are seconds (NumericDate, RFC 7519 §2). */
export interface VerifiedClaims {
  readonly iss: string
  readonly sub: string
  readonly aud: string | readonly string[]
  readonly exp: number
  readonly iat: number
  readonly [claim: string]: unknown
}

export interface VerifiedToken extends SignedToken {
  readonly claims: VerifiedClaims
}

export interface ProfileOptions {
  /** Compared byte for byte. Name several only if they are one tenant's: what one key signs is believed for all. */
  readonly issuer: string | readonly string[]
  /** How far two clocks may differ; 5 by default, 60 at most. */
  readonly leewaySeconds?: number
}

/**
 * An access token as RFC 9068 writes it (`at+jwt`), or as Auth0 does (`JWT`, or no `typ`). Because of the latter an
 * ID token is told apart by what it says: it has a `nonce` or a hash of its companions, and a client for audience.
 * @throws TypeError for an option that is missing or empty.
 */
export function accessToken({
  audience,
  ...options
}: ProfileOptions & { audience: string | readonly string[] }): Profile {
  return {
    ...shared(options),
    types: ['at+jwt', 'jwt', undefined],
    audiences: texts('audience', audience),
    forbidden: ['nonce', 'at_hash', 'c_hash', 's_hash', 'events'],
    acceptsExpired: false,
  }
}

/**
 * An ID token as its client gets it (OpenID Connect Core §3.1.3.7): the answer to one request of this client. Whether it
 * goes with a code or an access token (`c_hash`, `at_hash`) is seen with `halfHash`.
 * @throws TypeError for an option that is missing or empty.
 */
export function idToken({ client, nonce, ...options }: ProfileOptions & { client: string; nonce: string }): Profile {
  if (typeof nonce !== 'string' || nonce === '') throw new TypeError('nonce is missing or empty')
  return {
    ...shared(options),
    types: ['jwt', undefined],
    audiences: texts('client', client),
    forbidden: ['scope', 'client_id', 'events'],
    party: client,
    nonce,
    acceptsExpired: false,
  }
}

/**
 * An ID token handed back by a client (OpenID Connect Core §3.1.2.1, RP-Initiated Logout §2), which may have
 * expired long ago. Without `client` any audience passes, and the caller looks up who it is.
 * @throws TypeError for an option that is missing or empty.
 */
export function idTokenHint({ client, ...options }: ProfileOptions & { client?: string | undefined }): Profile {
  return {
    ...shared(options),
    types: ['jwt', undefined],
    audiences: client === undefined ? undefined : texts('client', client),
    forbidden: ['scope', 'client_id', 'events'],
    acceptsExpired: true,
  }
}

function shared({ issuer, leewaySeconds = 5 }: ProfileOptions) {
  if (!(leewaySeconds >= 0 && leewaySeconds <= 60)) throw new TypeError('leewaySeconds is from 0 to 60')
  return { issuers: texts('issuer', issuer), leewaySeconds }
}

function texts(option: string, value: string | readonly string[]): readonly string[] {
  const list = typeof value === 'string' ? [value] : value
  if (!isTextList(list)) throw new TypeError(`${option} is missing or empty`)
  return [...list]
}

/**
 * Judges the claims at an instant, in milliseconds.
 * @throws VerificationError
 */
export function checkClaims(token: SignedToken, profile: Profile, now: number): VerifiedToken {
  const { header, claims, key } = token
  if (!profile.types.includes(mediaType(header.typ))) refuse('wrong_type', 'the token is of another type')

  const { iss, sub, exp, iat, nbf } = claims
  if (typeof iss !== 'string' || !profile.issuers.includes(iss)) refuse('wrong_issuer', 'the issuer is another')

  const audiences = readAudiences(claims['aud'])
  if (profile.audiences && !audiences.some(audience => profile.audiences?.includes(audience)))
    refuse('wrong_audience', 'the token is meant for another audience')
  // Whoever shares a secret can sign with it, so its word ends where its audience does.
  if (
    (key.alg.startsWith('HS') || key.audience !== undefined) &&
    !(audiences.length === 1 && audiences[0] === key.audience)
  )
    refuse('wrong_audience', 'the key may not vouch for this audience')

  const { azp, nonce } = claims
  // OpenID Connect Core §2: required where there is more than one audience, and never somebody else.
  if (profile.party !== undefined && (azp !== undefined || audiences.length > 1) && azp !== profile.party)
    refuse('wrong_audience', 'the token was issued to another party')
  if (profile.nonce !== undefined && nonce !== profile.nonce)
    refuse('invalid_claim', 'the token answers another request')

  const leeway = profile.leewaySeconds * 1000
  if (!isInstant(exp)) refuse('invalid_claim', 'exp is missing or not a number')
  if (!isInstant(iat)) refuse('invalid_claim', 'iat is missing or not a number')
  if (nbf !== undefined && !isInstant(nbf)) refuse('invalid_claim', 'nbf is not a number')
  if (now >= exp * 1000 + leeway && !profile.acceptsExpired) refuse('expired', 'the token has expired')
  if (now < Math.max(iat, nbf ?? iat) * 1000 - leeway) refuse('not_yet_valid', 'the token is from the future')

  if (typeof sub !== 'string' || sub === '') refuse('invalid_claim', 'sub is missing or not text')
  const forbidden = profile.forbidden.find(claim => Object.hasOwn(claims, claim))
  if (forbidden) refuse('wrong_type', `a token of this type has no ${forbidden}`)
  return token as VerifiedToken
}

/** RFC 7515 §4.1.9: compared as a media type, so without regard to case, and `application/` may be left out. */
export const mediaType = (typ: string | undefined): string | undefined =>
  typ?.toLowerCase().replace(/^application\//, '')

/** @throws VerificationError */
export function readAudiences(aud: unknown): readonly string[] {
  const list = typeof aud === 'string' ? [aud] : aud
  if (!isTextList(list)) refuse('wrong_audience', 'aud is missing or not text')
  return list
}

const isTextList = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.length > 0 && value.every(item => typeof item === 'string' && item !== '')

/** JSON has numbers that JavaScript reads as Infinity (1e999): a token that never expires. */
export const isInstant = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value)

export function refuse(code: VerificationError['code'], message: string): never {
  throw new VerificationError(code, message)
}

/**
 * Demands every scope named, in the space-delimited `scope` claim of RFC 8693 §4.2.
 * @throws VerificationError `insufficient_scope`: the token is good and not good enough (403, RFC 6750 §3.1).
 */
export function requireScopes({ claims }: VerifiedToken, ...scopes: readonly string[]): void {
  const granted = typeof claims['scope'] === 'string' ? claims['scope'].split(' ') : []
  if (!scopes.every(scope => granted.includes(scope)))
    throw new VerificationError('insufficient_scope', 'the token lacks a scope this needs')
}
