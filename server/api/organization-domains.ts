/**
 * `/organizations/{id}/discovery-domains`: domains that an organization says are its own. They are kept and told: nobody is
 * led to an organization by one.
 */
import Type from 'typebox'
import { DISCOVERY_DOMAIN, discoveryDomainToWire } from '../identity/organization-documents.ts'
import { changeDomain, createDomain, removeDomain } from '../identity/organization-management.ts'
import type { DiscoveryDomainRecord } from '../store/discovery-domains.ts'
import { ManagementFault, notFound } from './fault.ts'
import { doingOf, findOrganization, holdOrganization } from './find-organization.ts'
import { type Operation, operation } from './operation.ts'
import { CHECKPOINT_QUERY, listOf, listReply, pagingOf } from './paging.ts'

const USUAL = 50
const STATUS = Type.Union([Type.Literal('pending'), Type.Literal('verified')])
const DOMAIN = Type.Object({
  id: Type.String(),
  domain: Type.String(),
  status: STATUS,
  use_for_organization_discovery: Type.Boolean(),
  verification_txt: Type.String(),
  verification_host: Type.String(),
})
const SETTINGS = { status: Type.Optional(STATUS), use_for_organization_discovery: Type.Optional(Type.Boolean()) }
const orNone = (found: DiscoveryDomainRecord | undefined): DiscoveryDomainRecord => {
  if (!found) throw notFound('inexistent_organization_discovery_domain', 'The discovery domain does not exist.')
  return found
}

export const organizationDomains: readonly Operation[] = [
  operation({
    method: 'GET',
    path: '/organizations/:id/discovery-domains',
    summary: 'List the domains of an organization',
    scopes: ['read:organization_discovery_domains'],
    query: Type.Object(CHECKPOINT_QUERY),
    answers: { 200: listOf('domains', DOMAIN) },
    async run({ tenant, path, query }, { store }) {
      const { id } = await findOrganization(store, tenant, path('id'))
      const paging = pagingOf({ ...query, take: query.take ?? USUAL })
      const after = paging.kind === 'checkpoint' ? paging.after : null
      const found = await store.discoveryDomains.list(tenant, id, {
        ...(after !== null && { after }),
        limit: paging.limit + 1,
      })
      const page = found.slice(0, paging.limit)
      const next = found.length > page.length ? page.at(-1)?.id : undefined
      return listReply('domains', paging, { items: page.map(discoveryDomainToWire), next })
    },
  }),

  operation({
    method: 'POST',
    path: '/organizations/:id/discovery-domains',
    summary: 'Give an organization a domain',
    scopes: ['create:organization_discovery_domains'],
    body: Type.Object(
      { domain: Type.String({ pattern: DISCOVERY_DOMAIN }), ...SETTINGS },
      { additionalProperties: false },
    ),
    answers: { 201: DOMAIN },
    async run({ tenant, path, body, ...call }, { store }) {
      return store.transaction(async transaction => {
        const { id } = await holdOrganization(transaction, tenant, path('id'))
        const wish = {
          domain: body.domain.toLowerCase(),
          isVerified: body.status === 'verified',
          isUsed: body.use_for_organization_discovery ?? true,
        }
        const made = await createDomain(transaction, { tenant, id }, wish, doingOf(call))
        if (made === 'taken')
          throw new ManagementFault(
            409,
            'organization_discovery_domain_conflict',
            'The organization has this domain already.',
          )
        return { status: 201, body: discoveryDomainToWire(made) }
      })
    },
  }),

  operation({
    method: 'GET',
    path: '/organizations/:id/discovery-domains/name/:domain',
    summary: 'Read a domain of an organization by its name',
    scopes: ['read:organization_discovery_domains'],
    answers: { 200: DOMAIN },
    async run({ tenant, path }, { store }) {
      const { id } = await findOrganization(store, tenant, path('id'))
      const found = await store.discoveryDomains.findByName(tenant, id, path('domain').toLowerCase())
      return { status: 200, body: discoveryDomainToWire(orNone(found)) }
    },
  }),

  operation({
    method: 'GET',
    path: '/organizations/:id/discovery-domains/:domain',
    summary: 'Read a domain of an organization',
    scopes: ['read:organization_discovery_domains'],
    answers: { 200: DOMAIN },
    async run({ tenant, path }, { store }) {
      const { id } = await findOrganization(store, tenant, path('id'))
      return {
        status: 200,
        body: discoveryDomainToWire(orNone(await store.discoveryDomains.find(tenant, id, path('domain')))),
      }
    },
  }),

  operation({
    method: 'PATCH',
    path: '/organizations/:id/discovery-domains/:domain',
    summary: 'Change a domain of an organization',
    scopes: ['update:organization_discovery_domains'],
    body: Type.Object(SETTINGS, { additionalProperties: false }),
    answers: { 200: DOMAIN },
    async run({ tenant, path, body, ...call }, { store }) {
      return store.transaction(async transaction => {
        const { id } = await holdOrganization(transaction, tenant, path('id'))
        const before = orNone(await transaction.discoveryDomains.find(tenant, id, path('domain')))
        const changes = {
          ...(body.status !== undefined && { isVerified: body.status === 'verified' }),
          ...(body.use_for_organization_discovery !== undefined && { isUsed: body.use_for_organization_discovery }),
        }
        return {
          status: 200,
          body: discoveryDomainToWire(await changeDomain(transaction, before, changes, doingOf(call))),
        }
      })
    },
  }),

  operation({
    method: 'DELETE',
    path: '/organizations/:id/discovery-domains/:domain',
    summary: 'Take a domain from an organization',
    scopes: ['delete:organization_discovery_domains'],
    answers: { 204: null },
    async run({ tenant, path, ...call }, { store }) {
      await store.transaction(async transaction => {
        const { id } = await holdOrganization(transaction, tenant, path('id'))
        const found = orNone(await transaction.discoveryDomains.find(tenant, id, path('domain')))
        await removeDomain(transaction, found, doingOf(call))
      })
      return { status: 204 }
    },
  }),
]
