/**
 * Refresh tokens as an administrator sees them: one for each authorization, by whose id it is known, which every access
 * token's `jti` begins with and which is no secret. Ending one ends its authorization, with all that came of it.
 */
import { type Occasion, refreshTokenRevoked } from '../audit/events.ts'
import type { Instant } from '../kernel/clock.ts'
import type { JsonObject } from '../kernel/json.ts'
import { revokeAuthorization } from '../revocation/revoke.ts'
import type { AuthorizationRecord } from '../store/authorizations.ts'
import type { FamilyRecord } from '../store/families.ts'
import type { Nouns, Store } from '../store/store.ts'

export interface LiveRefreshToken {
  readonly family: FamilyRecord
  readonly authorization: AuthorizationRecord
}

export interface RefreshTokenFilter {
  readonly client?: string | undefined
  readonly audience?: string | undefined
}

/** Those of the person that would be redeemed now, in order of their ids. */
export async function pageOfRefreshTokens(
  store: Nouns,
  { tenant, user, client }: { readonly tenant: string; readonly user: string } & RefreshTokenFilter,
  now: Instant,
  page: { readonly after?: string | undefined; readonly limit: number },
): Promise<LiveRefreshToken[]> {
  const families = await store.families.liveAfter(tenant, user, now, { client, ...page })
  const ids = families.map(({ authorization }) => authorization)
  const authorizations = new Map((await store.authorizations.findAll(tenant, ids)).map(one => [one.id, one]))
  return families.flatMap(family => {
    const authorization = authorizations.get(family.authorization)
    return authorization ? [{ family, authorization }] : []
  })
}

export async function findRefreshToken(
  store: Nouns,
  tenant: string,
  id: string,
  now: Instant,
): Promise<LiveRefreshToken | undefined> {
  const [family, authorization] = await Promise.all([
    store.families.liveIn(tenant, id, now),
    store.authorizations.find(tenant, id),
  ])
  return family && authorization && { family, authorization }
}

/** Those that had ended already are passed over. */
export function endRefreshTokens(
  store: Store,
  tokens: readonly LiveRefreshToken[],
  by: { readonly machine: string },
  occasion: Occasion,
  at: Instant,
): Promise<void> {
  return store.transaction(async transaction => {
    for (const { authorization } of tokens) {
      if (!(await revokeAuthorization(transaction, authorization, at))) continue
      const { client, subject, id } = authorization
      await transaction.events.record([refreshTokenRevoked(occasion, client, subject, id, by)])
    }
  })
}

/** At once, so that nobody else waits for long. */
const ENDED_AT_ONCE = 100

/** All of the person's, or of what is named, those included that are given while it goes on. Answers how many. */
export async function endRefreshTokensOf(
  store: Store,
  of: { readonly tenant: string; readonly user: string } & RefreshTokenFilter,
  by: { readonly machine: string },
  occasion: Occasion,
  at: Instant,
): Promise<number> {
  let ended = 0
  let after: string | undefined
  for (;;) {
    const page = await pageOfRefreshTokens(store, of, at, { after, limit: ENDED_AT_ONCE })
    const { audience } = of
    const meant = audience === undefined ? page : page.filter(one => audience in one.authorization.audiences)
    if (meant.length > 0) await endRefreshTokens(store, meant, by, occasion, at)
    ended += meant.length
    after = page.at(-1)?.family.authorization
    if (page.length < ENDED_AT_ONCE) return ended
  }
}

/** Under Auth0's names. */
export const refreshTokenToWire = ({ family, authorization }: LiveRefreshToken, isRotating: boolean): JsonObject => ({
  id: authorization.id,
  user_id: family.user,
  client_id: family.client,
  // One that ends with a session is of it; what was given for as long as the person is away is of none.
  session_id: authorization.session,
  created_at: iso(family.createdAt),
  idle_expires_at: iso(family.idleExpiresAt),
  expires_at: iso(family.expiresAt),
  last_exchanged_at: family.rotatedAt === family.createdAt ? null : iso(family.rotatedAt),
  rotating: isRotating,
  resource_servers: Object.entries(authorization.audiences).map(([audience, scopes]) => ({
    audience,
    scopes: scopes.join(' '),
  })),
  refresh_token_metadata: family.metadata,
})

const iso = (instant: Instant): string => new Date(instant).toISOString()
