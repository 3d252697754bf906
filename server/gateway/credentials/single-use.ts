/**
 * A token that may be used once: a JWT whose `jti` is spent by the first request that passes with it, after everything
 * else was judged, so that a request which is refused anyway spends nothing.
 */
import type { Instant } from '../../kernel/clock.ts'
import { MINUTE, SECOND } from '../../kernel/seconds.ts'
import { sha256 } from '../../kernel/secrets.ts'
import type { Credential } from '../credentials.ts'
import { type Caller, Refused } from '../exchange.ts'
import type { SpentTokens } from './spent-tokens.ts'

/** Longer than any clock is allowed to differ: a mark outlives the last moment that its token is taken. */
const MARK_OUTLIVES = MINUTE
/** How far an issuer's clock may be ahead of this one's, and `iat` is in whole seconds besides. */
const CLOCKS_APART = 5 * SECOND

/** `keptThereSince`: before that it was remembered in another place, if anywhere. */
export const singleUseCredential = (
  bearer: Credential,
  spent: SpentTokens,
  keptThereSince: Instant = Number.NEGATIVE_INFINITY,
): Credential => ({
  kind: 'single-use',
  find: bearer.find,

  async read(token, arrival, route) {
    return { ...(await bearer.read(token, arrival, route)), kind: 'single-use' }
  },

  async spend(caller, { now }) {
    const { issuedAt, expiresAt, name } = markOf(caller)
    // Before that, nobody knows: this process may have ended and begun again meanwhile.
    if (issuedAt < Math.max(spent.remembersSince, keptThereSince) + CLOCKS_APART)
      throw new Refused({ code: 'token_spent', detail: 'it was issued before this gateway began to remember' })
    if (!(await spent.spend(name, expiresAt + MARK_OUTLIVES, now))) throw new Refused({ code: 'token_spent' })
  },
})

/** Throws `Refused` for a token that cannot be told from another, or never ends. */
function markOf({ issuer, claims }: Caller): { issuedAt: Instant; expiresAt: Instant; name: string } {
  const { jti, exp, iat } = claims
  if (typeof jti !== 'string' || jti === '') throw new Refused({ code: 'invalid_token', detail: 'it has no jti' })
  if (typeof exp !== 'number' || typeof iat !== 'number')
    throw new Refused({ code: 'invalid_token', detail: 'it has no exp or no iat' })
  // As JSON, so that no pair is spelled as another.
  const name = sha256(JSON.stringify([issuer.plan.issuer, jti]))
  return { issuedAt: iat * SECOND, expiresAt: exp * SECOND, name }
}
