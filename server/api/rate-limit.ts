/**
 * How often a client may call the Management API, counted in this process by the second. The headers on every answer let
 * Auth0's libraries wait by themselves.
 */
import type { Instant } from '../kernel/clock.ts'
import { SECOND } from '../kernel/seconds.ts'
import { ManagementFault } from './fault.ts'

export interface CallLimit {
  /** Counts a call and answers the headers; throws `too_many_requests` for one too many. */
  take(tenant: string, client: string, now: Instant): Readonly<Record<string, string>>
}

/** `perSecond` 0: no limit, and no headers. */
export function createCallLimit(perSecond: number): CallLimit {
  let second = 0
  /** Of this second alone. Only clients that exist get in. */
  let counts = new Map<string, number>()

  return {
    take(tenant, client, now) {
      if (perSecond === 0) return {}
      const current = Math.floor(now / SECOND)
      if (current !== second) {
        second = current
        counts = new Map()
      }
      const key = `${tenant} ${client}`
      const count = (counts.get(key) ?? 0) + 1
      counts.set(key, count)
      const headers = {
        'x-ratelimit-limit': String(perSecond),
        'x-ratelimit-remaining': String(Math.max(0, perSecond - count)),
        'x-ratelimit-reset': String(current + 1),
      }
      if (count > perSecond)
        throw new ManagementFault(
          429,
          'too_many_requests',
          'Global limit has been reached: this client calls too often.',
          {
            ...headers,
            'retry-after': '1',
          },
        )
      return headers
    },
  }
}
