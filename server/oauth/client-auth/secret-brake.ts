/**
 * The brake on guessing client secrets. Right secrets are the hot path, which touches no database: so a wrong one is
 * counted in this process, at once and before anything else is awaited, and only then for all nodes and through a
 * restart. A node that has not heard yet lets one more through.
 */
import { type RateLimit, waitOf } from '../../http/rate-limit.ts'
import type { Incoming } from '../../http/route.ts'
import type { Instant } from '../../kernel/clock.ts'
import type { Counter } from '../../kernel/counter.ts'
import { tooManyAttempts, UnavailableError } from '../../kernel/errors.ts'
import { networkOf } from '../../kernel/network-of.ts'
import { sha256 } from '../../kernel/secrets.ts'
import { CLIENT_SECRET_RULE } from '../../policy/guessing.ts'

export interface SecretBrake {
  /** Throws `too_many_attempts`. Whether there is such a client changes nothing. */
  refuse(incoming: Incoming, clientId: string, now: Instant): void
  /** `isClient`: names that are nobody's are counted here alone, since a stranger can think of any number. */
  wrong(incoming: Incoming, clientId: string, isClient: boolean, now: Instant): Promise<void>
}

export function createSecretBrake(limit: RateLimit, counter: Counter): SecretBrake {
  const keyOf = ({ address }: Incoming, clientId: string) => `secret.${sha256(clientId)}.${networkOf(address)}`
  const hereOf = ({ tenant }: Incoming, key: string) => `${tenant} ${key}`

  return {
    refuse(incoming, clientId, now) {
      if (limit.isEmpty()) return
      const wait = waitOf(limit.freeAt(hereOf(incoming, keyOf(incoming, clientId)), now), now)
      if (wait !== undefined) throw tooManyAttempts(wait)
    },

    async wrong(incoming, clientId, isClient, now) {
      const key = keyOf(incoming, clientId)
      limit.take(hereOf(incoming, key), now)
      if (!isClient) return
      try {
        const counting = await counter.count(incoming.tenant, [{ key, rule: CLIENT_SECRET_RULE }], now)
        const freeAt = counting.state === 'refused' ? counting.freeAt : (counting.counts[0]?.freeAt ?? 0)
        if (freeAt > now) limit.holdUntil(hereOf(incoming, key), freeAt)
      } catch (error) {
        // Refused is what it is either way, and it was counted here.
        if (!(error instanceof UnavailableError)) throw error
      }
    },
  }
}
