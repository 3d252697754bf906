/**
 * Whether a caller may do what a route asks for: pure, of what the token says and the time. That the token is genuine,
 * for this audience, within its time and not revoked was found before.
 */
import type { Instant } from '../kernel/clock.ts'
import type { JsonObject, JsonValue } from '../kernel/json.ts'
import { toSeconds } from '../kernel/seconds.ts'

/** Null and empty lists ask for nothing. */
export interface GatewayRule {
  readonly scopes: readonly string[]
  readonly permissions: readonly string[]
  readonly organization: string | null
  /** All of them (RFC 8176). */
  readonly amr: readonly string[]
  /** One of them. */
  readonly acr: readonly string[]
  readonly maxAgeSeconds: number | null
}

export interface Shortfall {
  readonly code: 'wrong_organization' | 'insufficient_scope' | 'insufficient_permission' | 'step_up'
  readonly detail: string
  /** What a challenge says besides (RFC 6750 §3, RFC 9470 §3). */
  readonly challenge: Readonly<Record<string, string>>
}

/** How far the clock of the issuer may be from this one's. */
const CLOCKS_APART = 5

/** What is missing; undefined when nothing is. What a new sign-in could mend is said last: it would be of no use before. */
export function shortfall(
  rule: GatewayRule,
  { claims, scopes }: { readonly claims: JsonObject; readonly scopes: readonly string[] },
  now: Instant,
): Shortfall | undefined {
  const { organization, permissions, amr, acr, maxAgeSeconds } = rule
  if (organization !== null && claims['org_id'] !== organization)
    return { code: 'wrong_organization', detail: `the organization is ${organization}`, challenge: {} }

  if (!rule.scopes.every(scope => scopes.includes(scope))) {
    const scope = rule.scopes.join(' ')
    return { code: 'insufficient_scope', detail: `the scopes are ${scope}`, challenge: { scope } }
  }
  if (!holdsAll(claims['permissions'], permissions))
    return { code: 'insufficient_permission', detail: `the permissions are ${permissions.join(' ')}`, challenge: {} }

  if (acr.length > 0 && !acr.includes(claims['acr'] as string))
    return stepUp(`acr is one of ${acr.join(' ')}`, { acr_values: acr.join(' ') })
  // RFC 9470 has no member for methods: what an application asks for by `acr_values` is the way to get them.
  if (!holdsAll(claims['amr'], amr)) return stepUp(`amr has ${amr.join(' ')}`, {})
  if (maxAgeSeconds !== null && !isRecent(claims['auth_time'], maxAgeSeconds, now))
    return stepUp(`signed in within ${maxAgeSeconds} s`, { max_age: `${maxAgeSeconds}` })
  return undefined
}

const stepUp = (detail: string, challenge: Readonly<Record<string, string>>): Shortfall => ({
  code: 'step_up',
  detail,
  challenge,
})

const holdsAll = (claim: JsonValue | undefined, wanted: readonly string[]): boolean =>
  wanted.length === 0 || (Array.isArray(claim) && wanted.every(one => claim.includes(one)))

function isRecent(authTime: JsonValue | undefined, maxAgeSeconds: number, now: Instant): boolean {
  if (typeof authTime !== 'number') return false
  return toSeconds(now) - authTime <= maxAgeSeconds + CLOCKS_APART
}
