/** The access token: which claims, in which dialect, for whom. Signing is `mint.ts`'s. */
import type { ResourceServer } from '../clients/resource-servers.ts'
import type { Instant } from '../kernel/clock.ts'
import type { JsonObject } from '../kernel/json.ts'
import { HOUR, SECOND, toSeconds } from '../kernel/seconds.ts'
import { randomSecret } from '../kernel/secrets.ts'
import { authenticatedAt, authenticationContext, methodsOf, type Proof } from '../policy/proof.ts'
import type { Active } from './assert-active.ts'
import { organizationClaims } from './organization-claims.ts'

/** The audience of `/userinfo`: a system API of every tenant, and where the scopes of OpenID Connect belong. */
export const userinfoAudience = (issuer: string): string => `${issuer}userinfo`

export interface AccessTokenRequest {
  readonly issuer: string
  readonly now: Instant
  /** Null: for `/userinfo` alone. */
  readonly api: ResourceServer | null
  readonly scopes: readonly string[]
  /** What is told beside them; null where the API does not want to be told. */
  readonly permissions: readonly string[] | null
  /** Whether organizations are known by name too. */
  readonly namesOrganizations: boolean
  /** What it belongs to: an authorization's id, or for a machine its client grant's audience is enough. */
  readonly authorization: string
  /** Left out of what an offline family mints, since it outlives the session. */
  readonly session: string | null
  readonly proofs: readonly Proof[]
}

const USERINFO_LIFETIME = HOUR / SECOND

export interface AccessTokenContent {
  readonly typ: string
  readonly algorithm: string
  readonly lifetimeSeconds: number
  readonly claims: JsonObject
}

export function accessTokenContent(active: Active, request: AccessTokenRequest, subject: string): AccessTokenContent {
  const { client, user } = active
  const { issuer, api, scopes, session, proofs } = request
  const issuedAt = toSeconds(request.now)
  const lifetimeSeconds = user
    ? (api?.lifetimeSeconds ?? USERINFO_LIFETIME)
    : (api?.machineLifetimeSeconds ?? USERINFO_LIFETIME)
  const rfc9068 = api === null || api.dialect.startsWith('rfc9068')
  return {
    // RFC 9068 §2.1; Auth0's own dialect says JWT.
    typ: rfc9068 ? 'at+jwt' : 'JWT',
    algorithm: api?.algorithm ?? 'RS256',
    lifetimeSeconds,
    claims: {
      iss: issuer,
      sub: subject,
      aud: audienceOf(request),
      iat: issuedAt,
      exp: issuedAt + lifetimeSeconds,
      // The authorization can be recognised in it, so that ending that ends this, without a row per token.
      jti: `${request.authorization}.${randomSecret()}`,
      ...(rfc9068 ? { client_id: client.id } : { azp: client.id }),
      scope: scopes.join(' '),
      ...(request.permissions !== null && { permissions: request.permissions }),
      // Whoever raises an epoch ends every token that carries a lower one. No clock is compared.
      client_epoch: client.epoch,
      // An API has one too, once another of its identifier was removed.
      ...(api !== null && api.epoch > 0 && { api_epoch: api.epoch }),
      ...(user && {
        subject_epoch: user.epoch,
        auth_time: toSeconds(authenticatedAt(proofs)),
        acr: authenticationContext(proofs),
        amr: methodsOf(proofs),
      }),
      ...(session !== null && { sid: session }),
      ...organizationClaims(active, request),
    },
  }
}

/**
 * One API, and with `openid` also `/userinfo`. Never beside the audience of an HS256 API: its secret, which the
 * API knows, would then vouch for more than that API. Nor beside one that tokens are encrypted to: `/userinfo` could
 * not open it, and the API, which can, would hold what opens the person's profile.
 */
function audienceOf({ issuer, api, scopes }: AccessTokenRequest): string | string[] {
  if (api === null) return userinfoAudience(issuer)
  const alone = api.algorithm === 'HS256' || api.encryption !== null || !scopes.includes('openid')
  return alone ? api.identifier : [api.identifier, userinfoAudience(issuer)]
}
