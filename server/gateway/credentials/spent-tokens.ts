/**
 * Which single-use tokens were spent: each is spent by one caller, whoever else comes with it, and none is ever forgotten
 * while it could still be used. In this process's memory, or in a Redis for several gateways.
 */
import type { Clock, Instant } from '../../kernel/clock.ts'
import { SECOND } from '../../kernel/seconds.ts'
import { Refused } from '../exchange.ts'
import type { SharedRedis } from '../shared-redis.ts'

export interface SpentTokens {
  /** `true` for the one call that spends it. Rejects with `Refused` when that cannot be found out, or not be remembered. */
  spend(name: string, until: Instant, now: Instant): Promise<boolean>
  /** What was issued before may have been spent without being remembered here. */
  readonly remembersSince: Instant
}

/** Some 25 MB. */
const MOST_SPENT = 200_000
/** Between two times that all of them are looked through for those that are over. */
const SWEEP = 5 * SECOND

export function spentHere(clock: Clock, most: number = MOST_SPENT): SpentTokens {
  const spent = new Map<string, Instant>()
  let sweptAt: Instant = Number.NEGATIVE_INFINITY

  function sweep(now: Instant): void {
    if (Math.abs(now - sweptAt) < SWEEP) return
    sweptAt = now
    for (const [name, until] of spent) if (until <= now) spent.delete(name)
  }

  return {
    remembersSince: clock(),
    async spend(name, until, now) {
      // Whatever the clock says of its end: what is still here was spent.
      if (spent.has(name)) return false
      if (spent.size >= most) sweep(now)
      if (spent.size >= most)
        throw new Refused({ code: 'shared_state_unavailable', detail: 'there is no room to remember another token' })
      spent.set(name, until)
      return true
    },
  }
}

/** Redis answers the first of many alone (`SET NX`), and forgets by itself. */
export const spentInRedis = (redis: SharedRedis): SpentTokens => ({
  remembersSince: Number.NEGATIVE_INFINITY,
  async spend(name, until, now) {
    const life = Math.max(until - now, 1)
    return (await redis.ask(shared => shared.set(`latchkey:edge:spent:${name}`, '1', 'PX', life, 'NX'))) === 'OK'
  },
})
