/** `/organizations/search`: organizations by their names, metadata and age. */
import Type from 'typebox'
import { organizationToWire } from '../identity/organization-documents.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { OrganizationPage, OrganizationRecord } from '../store/organizations.ts'
import { type Operation, operation } from './operation.ts'
import { ORGANIZATION, positionOf, readPosition } from './organizations.ts'
import { checkpointOf, listReply } from './paging.ts'
import { BATCH, eachOf, readListSearch, SEARCH_QUERY } from './searched-list.ts'

const SEARCHED = {
  members: ['id', 'name', 'display_name', 'created_at', 'metadata.'],
  words: ['name', 'display_name'],
  date: 'created_at',
}
const ORDERS = ['name', 'display_name', 'created_at'] as const

export const organizationSearch: readonly Operation[] = [
  operation({
    method: 'GET',
    path: '/organizations/search',
    summary: 'Search organizations',
    scopes: ['read:organizations'],
    query: Type.Object({
      ...SEARCH_QUERY,
      sort: Type.Optional(Type.Union(ORDERS.map(order => Type.Literal(order)))),
    }),
    answers: { 200: Type.Object({ organizations: Type.Array(ORGANIZATION), next: Type.Optional(Type.String()) }) },
    async run({ tenant, query }, { store }) {
      const isWanted = readListSearch(query, SEARCHED)
      const paging = checkpointOf(query)
      const { limit } = paging
      const after = readPosition(paging)
      const page = (last: OrganizationPage['after']): OrganizationPage => ({
        by: query.sort,
        after: last,
        limit: BATCH,
      })
      const found: OrganizationRecord[] = []
      for await (const one of eachOf<OrganizationRecord>(last =>
        store.organizations.list(tenant, page(last ?? after)),
      )) {
        if (isWanted(documentOf(one))) found.push(one)
        if (found.length > limit) break
      }
      const items = found.slice(0, limit)
      const last = items.at(-1)
      return listReply('organizations', paging, {
        items: items.map(organizationToWire),
        next: found.length > limit && last ? positionOf(last) : undefined,
      })
    },
  }),
]

const documentOf = (organization: OrganizationRecord): JsonObject => ({
  ...organizationToWire(organization),
  created_at: new Date(organization.createdAt).toISOString(),
})
