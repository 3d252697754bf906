/** The ID token (OpenID Connect Core §2): who signed in, said to the client. Signing is `mint.ts`'s. */
import { createHash } from 'node:crypto'
import type { Instant } from '../kernel/clock.ts'
import type { JsonObject } from '../kernel/json.ts'
import { toSeconds } from '../kernel/seconds.ts'
import { authenticatedAt, methodsOf, type Proof } from '../policy/proof.ts'
import { authenticationContext } from './access-token.ts'
import type { Active } from './assert-active.ts'
import { claimsOf } from './claims.ts'

export interface IdTokenRequest {
  readonly issuer: string
  readonly now: Instant
  readonly scopes: readonly string[]
  /** Echoed exactly if one was sent, and absent otherwise: clients check both. */
  readonly nonce: string | null
  readonly session: string | null
  readonly proofs: readonly Proof[]
}

/** Throws `TypeError` for a machine: nobody signed in. */
export function idTokenClaims(active: Active, request: IdTokenRequest, accessToken: string): JsonObject {
  const { client, user } = active
  if (!user) throw new TypeError('An ID token speaks of a person')
  const { issuer, scopes, nonce, session, proofs } = request
  const issuedAt = toSeconds(request.now)
  return {
    // First, so that no profile can say anything in the place of a protocol claim.
    ...(client.idToken.claims === 'full' && claimsOf(user, scopes)),
    iss: issuer,
    sub: user.id,
    aud: client.id,
    iat: issuedAt,
    exp: issuedAt + client.idToken.lifetimeSeconds,
    auth_time: toSeconds(authenticatedAt(proofs)),
    acr: authenticationContext(proofs),
    amr: methodsOf(proofs),
    at_hash: halfHash(accessToken, client.idToken.algorithm),
    ...(nonce !== null && { nonce }),
    ...(session !== null && { sid: session }),
    ...(active.organization !== null && { org_id: active.organization }),
  }
}

/** OpenID Connect Core §3.1.3.6: the left half of the hash that the signature's algorithm uses; Ed25519 hashes with SHA-512. */
export function halfHash(value: string, algorithm: string): string {
  const digest = createHash(algorithm === 'EdDSA' ? 'sha512' : 'sha256')
    .update(value)
    .digest()
  return digest.subarray(0, digest.length / 2).toString('base64url')
}
