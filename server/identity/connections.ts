/** Connections, cached: a refresh asks whether the one that vouched for a person is still there. */
import type { Bus } from '../kernel/bus.ts'
import { createCache } from '../kernel/cache.ts'
import type { Clock } from '../kernel/clock.ts'
import type { ConnectionRecord } from '../store/connections.ts'
import type { Store } from '../store/store.ts'

export interface Connections {
  find(tenant: string, id: string): Promise<ConnectionRecord | undefined>
}

const CACHED_CONNECTIONS = 10_000

export function createConnections({ store, bus, clock }: { store: Store; bus: Bus; clock: Clock }): Connections {
  const keyOf = (connection: { tenant: string; id: string }) => `${connection.tenant} ${connection.id}`
  const connections = createCache<ConnectionRecord | undefined>({
    limit: CACHED_CONNECTIONS,
    clock,
    bus,
    topic: 'connection',
    keyOf,
  })
  return { find: (tenant, id) => connections.get(keyOf({ tenant, id }), () => store.connections.find(tenant, id)) }
}
