/**
 * Whether a caller whose credential is genuine may pass, here and now: all that a route, the time or a revocation can
 * change, and so all that is asked on every request, also of a token that was seen before.
 */
import { accessToken, checkClaims, type Profile } from '@latchkey/sdk/verify'
import type { Instant } from '../kernel/clock.ts'
import { SECOND } from '../kernel/seconds.ts'
import { shortfall } from '../policy/gateway-rule.ts'
import { refusalOf } from './credentials/bearer.ts'
import { type Caller, type Refusal, Refused } from './exchange.ts'
import type { EdgeIssuer } from './issuers.ts'
import type { RoutePlan, Rule } from './plan.ts'

/** How far the clock of an issuer may be from this one's, in seconds. */
export const CLOCKS_APART = 5

/** Throws `Refused`. In this order: what ends a token comes before what it lacks, and before what only this route asks. */
export function judge(caller: Caller, route: RoutePlan, rule: Rule, now: Instant): void {
  checkTimesAndAudience(caller, rule, now)
  // RFC 7800: bound to a key. That the request has it, nothing here can prove yet.
  if (caller.claims['cnf'] !== undefined) throw new Refused({ code: 'proof_missing' })
  const revoked = checkRevocations(caller, route)
  if (revoked) throw new Refused(revoked)
  const lacking = shortfall(rule, caller, now)
  if (lacking) throw new Refused(lacking)
}

/** Throws `Refused`. */
export function checkTimesAndAudience(caller: Caller, rule: Rule, now: Instant): void {
  try {
    if (caller.signed) checkClaims(caller.signed, profileOf(caller.issuer, rule.audience), now)
    else checkIntrospected(caller, rule, now)
  } catch (error) {
    throw refusalOf(error)
  }
}

/** By issuer and audience, of which a file has a few: made once. */
const profiles = new WeakMap<EdgeIssuer, Map<string, Profile>>()

function profileOf(issuer: EdgeIssuer, audience: string): Profile {
  let byAudience = profiles.get(issuer)
  if (!byAudience) {
    byAudience = new Map()
    profiles.set(issuer, byAudience)
  }
  let profile = byAudience.get(audience)
  if (!profile) {
    profile = accessToken({ issuer: issuer.plan.issuer, audience, leewaySeconds: CLOCKS_APART })
    byAudience.set(audience, profile)
  }
  return profile
}

/** What RFC 7662 §2.2 lets an issuer leave out, it vouched for by `active`; what it says has to hold. */
function checkIntrospected({ claims }: Caller, { audience }: Rule, now: Instant): void {
  const { exp, nbf, aud } = claims
  if (![aud].flat().includes(audience)) throw new Refused({ code: 'wrong_audience' })
  if (typeof exp === 'number' && now >= (exp + CLOCKS_APART) * SECOND) throw new Refused({ code: 'token_expired' })
  if (typeof nbf === 'number' && now < (nbf - CLOCKS_APART) * SECOND) throw new Refused({ code: 'token_not_yet_valid' })
}

/**
 * What was found to count at a version of the log is looked up again only when something was added to it. Where the log
 * has not been heard of for too long, the route says what is done.
 */
export function checkRevocations(caller: Caller, { onStale }: RoutePlan): Refusal | undefined {
  const { revocations } = caller.issuer
  if (!revocations) return undefined
  const { version } = revocations
  if (caller.soundAt !== version) {
    if (revocations.isRevoked(caller.facts)) return { code: 'token_revoked' }
    caller.soundAt = version
  }
  return onStale.do === 'deny' && revocations.age() > onStale.after ? { code: 'revocations_stale' } : undefined
}
