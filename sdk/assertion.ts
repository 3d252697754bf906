/**
 * The second stage for what a client signs about itself: a client assertion (RFC 7523 §3), a request object (RFC
 * 9101 §4). It differs from a token in who the issuer is, and in which claims may be left out.
 */
import { isInstant, mediaType, readAudiences, refuse } from './claims.ts'
import type { SignedToken } from './signature.ts'

/** Made by `assertion`. */
export interface AssertionProfile {
  readonly types: readonly (string | undefined)[]
  /** Who signs: the client. */
  readonly issuer: string
  readonly subject: string | undefined
  readonly audiences: readonly string[]
  readonly audienceIsText: boolean
  readonly required: readonly string[]
  readonly forbidden: readonly string[]
  /** From now to `exp`, and from `nbf` to `exp`. */
  readonly longestSeconds: number | undefined
  readonly leewaySeconds: number
}

/**
 * @throws TypeError for an option that is missing or empty.
 */
export function assertion({
  types,
  issuer,
  subject,
  audiences,
  audienceIsText = false,
  required,
  forbidden = [],
  longestSeconds,
  leewaySeconds = 30,
}: {
  /** Media types without `application/`, lower case; undefined where the header may leave `typ` out. */
  readonly types: readonly (string | undefined)[]
  readonly issuer: string
  /** Undefined where `sub` is not looked at. */
  readonly subject?: string
  /** One of them is to be in `aud`. */
  readonly audiences: readonly string[]
  /** `aud` is one text and no list, so that nothing meant for somebody else as well is taken. */
  readonly audienceIsText?: boolean
  /** Claims that must be there. Those of them that are known here are judged wherever they are. */
  readonly required: readonly string[]
  readonly forbidden?: readonly string[]
  readonly longestSeconds?: number
  /** How far two clocks may differ; 30 by default, 60 at most. */
  readonly leewaySeconds?: number
}): AssertionProfile {
  if (!issuer || audiences.length === 0) throw new TypeError('say who signs, and for whom')
  if (!(leewaySeconds >= 0 && leewaySeconds <= 60)) throw new TypeError('leewaySeconds is from 0 to 60')
  return { types, issuer, subject, audiences, audienceIsText, required, forbidden, longestSeconds, leewaySeconds }
}

/**
 * Judges the claims at an instant, in milliseconds.
 * @throws VerificationError
 */
export function checkAssertion(token: SignedToken, profile: AssertionProfile, now: number): SignedToken {
  const { header, claims, key } = token
  const { required, leewaySeconds, longestSeconds } = profile
  if (!profile.types.includes(mediaType(header.typ))) refuse('wrong_type', 'the token is of another type')
  const missing = required.find(claim => claims[claim] === undefined)
  if (missing !== undefined) refuse('invalid_claim', `${missing} is missing`)
  const forbidden = profile.forbidden.find(claim => Object.hasOwn(claims, claim))
  if (forbidden !== undefined) refuse('wrong_type', `a token of this type has no ${forbidden}`)

  const { iss, sub, aud, exp, iat, nbf, jti } = claims
  if (iss !== undefined && iss !== profile.issuer) refuse('wrong_issuer', 'the issuer is another')
  // Whoever shares a secret can sign with it, so it vouches for nobody else.
  if ((key.alg.startsWith('HS') || key.issuer !== undefined) && key.issuer !== profile.issuer)
    refuse('wrong_issuer', 'the key may not vouch for this issuer')
  if (profile.subject !== undefined && sub !== profile.subject) refuse('invalid_claim', 'the subject is another')
  if (aud !== undefined) {
    if (profile.audienceIsText && typeof aud !== 'string') refuse('wrong_audience', 'aud is not one text')
    if (!readAudiences(aud).some(audience => profile.audiences.includes(audience)))
      refuse('wrong_audience', 'the token is meant for another audience')
  }

  for (const [claim, value] of Object.entries({ exp, iat, nbf }))
    if (value !== undefined && !isInstant(value)) refuse('invalid_claim', `${claim} is not a number`)
  const [expiry, issued, begin] = [exp, iat, nbf] as (number | undefined)[]
  const leeway = leewaySeconds * 1000
  if (expiry !== undefined && now >= expiry * 1000 + leeway) refuse('expired', 'the token has expired')
  if (now < Math.max(issued ?? 0, begin ?? 0) * 1000 - leeway) refuse('not_yet_valid', 'the token is from the future')
  if (longestSeconds !== undefined && expiry !== undefined) {
    if (expiry > now / 1000 + longestSeconds + leewaySeconds) refuse('invalid_claim', 'exp is too far away')
    if (begin !== undefined && expiry > begin + longestSeconds) refuse('invalid_claim', 'nbf and exp are too far apart')
  }
  if (jti !== undefined && (typeof jti !== 'string' || jti === '')) refuse('invalid_claim', 'jti is not text')
  return token
}
