/** The logout token (OpenID Connect Back-Channel Logout 1.0 §2.4): that a session ended, said to one client. Signing is `mint.ts`'s. */
import type { Client } from '../clients/metadata.ts'
import type { Instant } from '../kernel/clock.ts'
import { newId } from '../kernel/ids.ts'
import type { JsonObject } from '../kernel/json.ts'
import { MINUTE, SECOND, toSeconds } from '../kernel/seconds.ts'

export interface LogoutTokenRequest {
  readonly issuer: string
  readonly client: Client
  /** As the client's ID tokens name the person. */
  readonly subject: string
  readonly session: string
  readonly now: Instant
}

/** §2.4: explicit typing, so that it is taken for no other token. */
export const LOGOUT_TOKEN_TYPE = 'logout+jwt'

/** "preferably at most two minutes in the future" (§2.4). */
const LIFE = 2 * MINUTE

const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout'

/**
 * Each has a `jti` of its own, a repeated one too: a client that remembers them would otherwise refuse the repetition of
 * one that it has carried out and whose answer was lost. It never has a `nonce`, and no `sub` that the client does not know.
 */
export const logoutTokenClaims = ({ issuer, client, subject, session, now }: LogoutTokenRequest): JsonObject => ({
  iss: issuer,
  sub: subject,
  aud: client.id,
  iat: toSeconds(now),
  exp: toSeconds(now) + LIFE / SECOND,
  jti: newId('lgt'),
  events: { [LOGOUT_EVENT]: {} },
  sid: session,
})
