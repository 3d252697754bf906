/** `/resource-servers/search`: APIs by their names and their age, the server's own among them. */
import Type from 'typebox'
import { apiToWire } from '../clients/api-document.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { ResourceServerRecord } from '../store/resource-servers.ts'
import { FIELDS_QUERY, fieldsOf } from './fields.ts'
import { type Operation, operation } from './operation.ts'
import { checkpointOf, listReply, readPositionOf } from './paging.ts'
import { managementOf, PARTIAL_API, systemToWire } from './resource-servers.ts'
import { BATCH, eachOf, readListSearch, SEARCH_QUERY } from './searched-list.ts'

const SEARCHED = {
  members: ['id', 'identifier', 'name', 'updated_at'],
  words: ['name', 'identifier'],
  date: 'updated_at',
}
const ORDERS = ['identifier', 'name', 'updated_at'] as const

interface FoundApi {
  readonly wire: JsonObject
  /** What it is sorted by, and its id. */
  readonly position: Position
}
type Position = readonly [string | number, string]

export const resourceServerSearch: readonly Operation[] = [
  operation({
    method: 'GET',
    path: '/resource-servers/search',
    summary: 'Search APIs',
    scopes: ['read:resource_servers'],
    query: Type.Object({
      ...SEARCH_QUERY,
      ...FIELDS_QUERY,
      sort: Type.Optional(Type.Union(ORDERS.map(order => Type.Literal(order)))),
    }),
    answers: { 200: Type.Object({ resource_servers: Type.Array(PARTIAL_API), next: Type.Optional(Type.String()) }) },
    async run(call, { store }) {
      const { tenant, query } = call
      const isWanted = readListSearch(query, SEARCHED)
      const paging = checkpointOf(query)
      const after = readPositionOf(paging, isPosition)
      const found: FoundApi[] = []
      /** Of all that are wanted as many are kept as a page shows, and one more. */
      const look = (
        wire: JsonObject,
        { createdAt, updatedAt }: Pick<ResourceServerRecord, 'createdAt' | 'updatedAt'>,
      ) => {
        if (!isWanted({ ...wire, updated_at: new Date(updatedAt).toISOString() })) return
        const by = { identifier: wire['identifier'], name: wire['name'], updated_at: updatedAt, '': createdAt }
        const one = { wire, position: [by[query.sort ?? ''] as string | number, String(wire['id'])] as const }
        if (after !== null && isBehind(after, one.position)) return
        const place = found.findIndex(other => isBehind(other.position, one.position))
        found.splice(place === -1 ? found.length : place, 0, one)
        if (found.length > paging.limit + 1) found.pop()
      }
      // It was there before all others.
      look(systemToWire(call, managementOf(call)) ?? {}, { createdAt: 0, updatedAt: 0 })
      const behind = (last: ResourceServerRecord | undefined) =>
        store.resourceServers.list(tenant, { limit: BATCH, ...(last && { after: last.identifier }) })
      for await (const api of eachOf<ResourceServerRecord>(behind)) look(apiToWire(api), api)
      const shown = fieldsOf(query)
      const items = found.slice(0, paging.limit)
      const last = items.at(-1)
      return listReply('resource_servers', paging, {
        items: items.map(({ wire }) => shown(wire)),
        next: found.length > items.length && last ? JSON.stringify(last.position) : undefined,
      })
    },
  }),
]

/** Whether the first is at the place of the other, or behind it. */
const isBehind = ([one, id]: Position, [other, otherId]: Position): boolean =>
  one === other ? id >= otherId : one > other

const isPosition = (read: unknown): read is Position =>
  Array.isArray(read) &&
  read.length === 2 &&
  (typeof read[0] === 'string' || typeof read[0] === 'number') &&
  typeof read[1] === 'string'
