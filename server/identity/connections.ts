/** Connections, cached: a refresh asks whether the one that vouched for a person is still there. */
import type { Bus } from '../kernel/bus.ts'
import { createCache } from '../kernel/cache.ts'
import type { ConnectionRecord } from '../store/connections.ts'
import type { Store } from '../store/store.ts'

export interface Connections {
  find(tenant: string, id: string): Promise<ConnectionRecord | undefined>
}

const CACHED_CONNECTIONS = 10_000

export function createConnections({ store, bus }: { store: Store; bus: Bus }): Connections {
  const connections = createCache<ConnectionRecord | undefined>(CACHED_CONNECTIONS)
  bus.subscribe('connection', ({ tenant, id }) => connections.drop(`${tenant} ${id}`))
  return { find: (tenant, id) => connections.get(`${tenant} ${id}`, () => store.connections.find(tenant, id)) }
}
