/**
 * The gateway's own word on who is calling, for services that would rather verify than trust a header: a short JWT for one
 * service, and the key to verify it with at `/edge/jwks.json`. It is no access token, and its type says so (RFC 8725 §3.11).
 */
import { constants, sign } from 'node:crypto'
import type { Instant } from '../kernel/clock.ts'
import type { JsonObject, JsonValue } from '../kernel/json.ts'
import { SECOND, toSeconds } from '../kernel/seconds.ts'
import type { OwnEndpoint } from './edge.ts'
import type { Caller } from './exchange.ts'
import { valueAt } from './identity-headers.ts'
import type { IdentityKey } from './identity-key.ts'
import type { RoutePlan } from './plan.ts'

/** The header with the token; nothing for a route that has none. */
export type IdentityTokens = (route: RoutePlan, caller: Caller, now: Instant) => readonly string[]

type TokenPlan = NonNullable<RoutePlan['identityToken']>

export const JWKS_PATH = '/edge/jwks.json'

const TYPE = 'edge+jwt'
const JWKS_MAX_AGE_SECONDS = 300
const NONE: readonly string[] = []

/** Of the token itself: no mapped claim is called so. */
const OWN_CLAIMS: ReadonlySet<string> = new Set([
  'iss',
  'sub',
  'aud',
  'iat',
  'nbf',
  'exp',
  'jti',
  'act',
  'scope',
  'cnf',
])

/**
 * Signed at once, on this thread: one for each caller and half of a lifetime, and a curve takes some 30 µs. With RSA it is
 * ten times that.
 */
export function createIdentityTokens(key: IdentityKey): IdentityTokens {
  const header = encode({ alg: key.algorithm, typ: TYPE, kid: key.kid })
  const made = new WeakMap<
    Caller,
    WeakMap<RoutePlan, { readonly headers: readonly string[]; readonly until: Instant }>
  >()
  return (route, caller, now) => {
    const { identityToken: token } = route
    if (!token) return NONE
    let byRoute = made.get(caller)
    if (!byRoute) {
      byRoute = new WeakMap()
      made.set(caller, byRoute)
    }
    const known = byRoute.get(route)
    // A clock that was set back must not keep a token that is from the future.
    if (known && now < known.until && known.until - now <= token.lifetimeSeconds * SECOND) return known.headers
    const claims = claimsOf(token, route, caller, now)
    const input = `${header}.${encode(claims)}`
    const headers = [token.header, `${input}.${signatureOf(key, input)}`]
    byRoute.set(route, { headers, until: now + ((claims.exp - toSeconds(now)) * SECOND) / 2 })
    return headers
  }
}

function claimsOf(
  { issuer, audience, lifetimeSeconds }: TokenPlan,
  { identity }: RoutePlan,
  caller: Caller,
  now: Instant,
) {
  const { claims, clientId, scopes } = caller
  const { sub, exp } = claims
  const issuedAt = toSeconds(now)
  const mapped = identity.flatMap(({ claim }): (readonly [string, JsonValue])[] => {
    const name = claim.join('.')
    const value = OWN_CLAIMS.has(name) ? undefined : valueAt(claims, claim)
    return value === undefined || value === null ? [] : [[name, value]]
  })
  return {
    ...Object.fromEntries(mapped),
    iss: issuer,
    ...(typeof sub === 'string' && { sub }),
    aud: audience,
    iat: issuedAt,
    // What it speaks of may end sooner than it would.
    exp: Math.min(issuedAt + lifetimeSeconds, typeof exp === 'number' ? exp : Number.POSITIVE_INFINITY),
    // RFC 8693 §4.1: who acts for the subject. A machine acts for itself.
    ...(clientId !== null && !isMachine(sub, clientId) && { act: { sub: clientId } }),
    ...(scopes.length > 0 && { scope: scopes.join(' ') }),
  }
}

const isMachine = (sub: unknown, clientId: string): boolean => sub === clientId || sub === `${clientId}@clients`

function signatureOf({ algorithm, key }: IdentityKey, input: string): string {
  const digest = algorithm === 'EdDSA' ? null : 'sha256'
  return sign(digest, Buffer.from(input), {
    key,
    dsaEncoding: 'ieee-p1363',
    ...(algorithm === 'RS256' && { padding: constants.RSA_PKCS1_PADDING }),
  }).toString('base64url')
}

const encode = (json: JsonObject): string => Buffer.from(JSON.stringify(json)).toString('base64url')

/** For services to verify those tokens with. */
export function identityKeySet({ publicJwk }: IdentityKey): OwnEndpoint {
  const body = JSON.stringify({ keys: [publicJwk] })
  return {
    path: JWKS_PATH,
    answer: ({ method }) =>
      method === 'GET' || method === 'HEAD'
        ? {
            status: 200,
            headers: { 'content-type': 'application/json', 'cache-control': `public, max-age=${JWKS_MAX_AGE_SECONDS}` },
            body,
          }
        : { status: 405, headers: { allow: 'GET, HEAD' } },
  }
}
