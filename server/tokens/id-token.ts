/** The ID token (OpenID Connect Core §2): who signed in, said to the client. Signing is `mint.ts`'s. */
import { halfHash } from '@latchkey/sdk/verify'
import type { Instant } from '../kernel/clock.ts'
import type { JsonObject } from '../kernel/json.ts'
import { toSeconds } from '../kernel/seconds.ts'
import { authenticatedAt, authenticationContext, methodsOf, type Proof } from '../policy/proof.ts'
import type { Active } from './assert-active.ts'
import { claimsOf } from './claims.ts'
import { organizationClaims } from './organization-claims.ts'

export interface IdTokenRequest {
  readonly issuer: string
  readonly now: Instant
  readonly scopes: readonly string[]
  /** Whether organizations are known by name too. */
  readonly namesOrganizations: boolean
  /** Claims that were asked for by themselves: they are in it whatever the client's setting. */
  readonly claims: readonly string[]
  /** No access token comes of the request with which the claims of its scopes could be fetched (OpenID Connect Core §5.4). */
  readonly isAlone: boolean
  /** The code that goes with it, which it vouches for. */
  readonly code: string | null
  /** Echoed exactly if one was sent, and absent otherwise: clients check both. */
  readonly nonce: string | null
  readonly session: string | null
  readonly proofs: readonly Proof[]
}

/** Throws `TypeError` for a machine: nobody signed in. */
export function idTokenClaims(
  active: Active,
  request: IdTokenRequest,
  accessToken: string | null,
  subject: string,
): JsonObject {
  const { client, user } = active
  if (!user) throw new TypeError('An ID token speaks of a person')
  const { issuer, scopes, isAlone, code, nonce, session, proofs } = request
  const { algorithm } = client.idToken
  const issuedAt = toSeconds(request.now)
  return {
    // First, so that no profile can say anything in the place of a protocol claim.
    ...claimsOf(user, client.idToken.claims === 'full' || isAlone ? scopes : [], request.claims),
    iss: issuer,
    sub: subject,
    aud: client.id,
    iat: issuedAt,
    exp: issuedAt + client.idToken.lifetimeSeconds,
    auth_time: toSeconds(authenticatedAt(proofs)),
    acr: authenticationContext(proofs),
    amr: methodsOf(proofs),
    ...(accessToken !== null && { at_hash: halfHash(accessToken, algorithm) }),
    ...(code !== null && { c_hash: halfHash(code, algorithm) }),
    ...(nonce !== null && { nonce }),
    ...(session !== null && { sid: session }),
    ...organizationClaims(active, request),
  }
}
