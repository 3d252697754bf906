/**
 * Where the pages are from which the operator's own applications sign people in: all of a tenant's, for preflights, which
 * name no client. Whether a page is of the very client that a request names is asked of that client.
 */
import { readMembers } from '../config/members.ts'
import type { Bus } from '../kernel/bus.ts'
import { createCache } from '../kernel/cache.ts'
import type { Clock } from '../kernel/clock.ts'
import { everyClient } from '../store/clients.ts'
import type { Store } from '../store/store.ts'
import { CLIENT_MEMBERS, pageOriginsOf } from './metadata.ts'

export type IsClientOrigin = (tenant: string, origin: string) => Promise<boolean>

const CACHED_TENANTS = 100
/** A tenant with more of them is known by none: the endpoints still ask the client. */
const MOST_ORIGINS = 20_000

export function createClientOrigins({ store, bus, clock }: { store: Store; bus: Bus; clock: Clock }): IsClientOrigin {
  const known = createCache<ReadonlySet<string> | 'any'>({
    limit: CACHED_TENANTS,
    clock,
    bus,
    topic: 'client',
    keyOf: ({ tenant }) => tenant,
  })

  async function read(tenant: string): Promise<ReadonlySet<string> | 'any'> {
    const origins = new Set<string>()
    for await (const { metadata } of everyClient(store, tenant)) {
      const members = readMembers(CLIENT_MEMBERS, metadata)
      // Who is not the operator's own takes no passwords, and must not choose whose pages are answered.
      if (members.is_first_party !== false) for (const origin of pageOriginsOf(members)) origins.add(origin)
      if (origins.size > MOST_ORIGINS) return 'any'
    }
    return origins
  }

  return async (tenant, origin) => {
    const origins = await known.get(tenant, () => read(tenant))
    return origins === 'any' || origins.has(origin)
  }
}
