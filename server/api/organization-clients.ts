/** Which applications are an organization's, and which client grants may be used for it. */
import Type from 'typebox'
import { grantToWire } from '../clients/client-grants.ts'
import { organizationToWire } from '../identity/organization-documents.ts'
import { allowGrant, associateClient, disallowGrant, dissociateClient } from '../identity/organization-management.ts'
import type { ClientGrantRecord } from '../store/clients.ts'
import type { OrganizationClientRecord } from '../store/organization-clients.ts'
import type { OrganizationRecord } from '../store/organizations.ts'
import type { Nouns } from '../store/store.ts'
import { ManagementFault, notFound } from './fault.ts'
import { doingOf, findOrganization, holdOrganization } from './find-organization.ts'
import { type Operation, operation } from './operation.ts'
import { ORGANIZATION } from './organizations.ts'
import { CHECKPOINT_QUERY, listOf, listReply, OFFSET_QUERY, pagingOf, sliceReply } from './paging.ts'

const MOST_AT_ONCE = 50
const CLIENT_IDS = Type.Array(Type.String({ minLength: 1 }), { minItems: 1, maxItems: MOST_AT_ONCE })
const ASSOCIATION = Type.Object({
  client_id: Type.String(),
  use_for_member_access: Type.Boolean(),
  client: Type.Object({ name: Type.Optional(Type.Unknown()) }),
})
const GRANT = Type.Object({
  id: Type.String(),
  client_id: Type.Optional(Type.String()),
  audience: Type.String(),
  scope: Type.Array(Type.String()),
})

/** What is told of the application beside the association. */
const TOLD = ['name', 'app_type', 'logo_uri', 'is_first_party', 'grant_types', 'organization_usage']

async function associationToWire(store: Nouns, { tenant, client, isForMembers }: OrganizationClientRecord) {
  const metadata = (await store.clients.find(tenant, client))?.metadata ?? {}
  return {
    client_id: client,
    use_for_member_access: isForMembers,
    client: Object.fromEntries(Object.entries(metadata).filter(([name]) => TOLD.includes(name))),
  }
}

async function find(store: Nouns, tenant: string, organization: string, client: string) {
  const found = await store.organizationClients.find(tenant, organization, client)
  if (!found || !(await store.clients.find(tenant, client)))
    throw notFound('inexistent_client', 'The client is not associated with the organization.')
  return found
}

const noGrant = () => notFound('inexistent_client_grant', 'The client grant does not exist.')

export const organizationClients: readonly Operation[] = [
  operation({
    method: 'GET',
    path: '/organizations/:id/clients',
    summary: 'List the clients of an organization',
    scopes: ['read:organization_clients'],
    query: Type.Object(CHECKPOINT_QUERY),
    answers: { 200: listOf('clients', ASSOCIATION) },
    async run({ tenant, path, query }, { store }) {
      const { id } = await findOrganization(store, tenant, path('id'))
      const paging = pagingOf({ ...query, take: query.take ?? MOST_AT_ONCE })
      const after = paging.kind === 'checkpoint' ? paging.after : null
      const found = await store.organizationClients.list(tenant, id, {
        ...(after !== null && { after }),
        limit: paging.limit + 1,
      })
      const page = found.slice(0, paging.limit)
      const items: object[] = []
      for (const one of page) items.push(await associationToWire(store, one))
      const next = found.length > page.length ? page.at(-1)?.client : undefined
      return listReply('clients', paging, { items, next })
    },
  }),

  operation({
    method: 'POST',
    path: '/organizations/:id/clients',
    summary: 'Associate clients with an organization',
    scopes: ['create:organization_clients'],
    body: Type.Object(
      {
        clients: Type.Array(
          Type.Object(
            { client_id: Type.String({ minLength: 1 }), use_for_member_access: Type.Boolean() },
            { additionalProperties: false },
          ),
          { minItems: 1, maxItems: MOST_AT_ONCE },
        ),
      },
      { additionalProperties: false },
    ),
    answers: { 204: null },
    async run({ tenant, path, body, ...call }, { store }) {
      await store.transaction(async transaction => {
        const { id } = await holdOrganization(transaction, tenant, path('id'))
        for (const { client_id: client, use_for_member_access: isForMembers } of body.clients) {
          if (!(await transaction.clients.find(tenant, client)))
            throw new ManagementFault(400, 'invalid_body', `Payload validation error: there is no client ${client}.`)
          if (await transaction.organizationClients.find(tenant, id, client))
            throw new ManagementFault(409, 'client_conflict', `The client ${client} is associated already.`)
          await associateClient(transaction, { tenant, id }, { client, isForMembers }, doingOf(call))
        }
      })
      return { status: 204 }
    },
  }),

  operation({
    method: 'DELETE',
    path: '/organizations/:id/clients',
    summary: 'Take clients from an organization',
    scopes: ['delete:organization_clients'],
    body: Type.Object({ clients: CLIENT_IDS }, { additionalProperties: false }),
    answers: { 204: null },
    async run({ tenant, path, body, ...call }, { store }) {
      await store.transaction(async transaction => {
        const { id } = await holdOrganization(transaction, tenant, path('id'))
        for (const client of body.clients) await dissociateClient(transaction, { tenant, id }, client, doingOf(call))
      })
      return { status: 204 }
    },
  }),

  operation({
    method: 'GET',
    path: '/organizations/:id/clients/:client',
    summary: 'Read what a client is to an organization',
    scopes: ['read:organization_clients'],
    answers: { 200: ASSOCIATION },
    async run({ tenant, path }, { store }) {
      const { id } = await findOrganization(store, tenant, path('id'))
      return { status: 200, body: await associationToWire(store, await find(store, tenant, id, path('client'))) }
    },
  }),

  operation({
    method: 'PATCH',
    path: '/organizations/:id/clients/:client',
    summary: 'Change what a client is to an organization',
    scopes: ['update:organization_clients'],
    body: Type.Object({ use_for_member_access: Type.Optional(Type.Boolean()) }, { additionalProperties: false }),
    answers: { 200: ASSOCIATION },
    async run({ tenant, path, body, ...call }, { store }) {
      return store.transaction(async transaction => {
        const { id } = await holdOrganization(transaction, tenant, path('id'))
        const { client, ...before } = await find(transaction, tenant, id, path('client'))
        const isForMembers = body.use_for_member_access ?? before.isForMembers
        await associateClient(transaction, { tenant, id }, { client, isForMembers }, doingOf(call))
        return {
          status: 200,
          body: await associationToWire(transaction, await find(transaction, tenant, id, client)),
        }
      })
    },
  }),

  operation({
    method: 'GET',
    path: '/organizations/:id/client-grants',
    summary: 'List the client grants that may be used for an organization',
    scopes: ['read:organization_client_grants'],
    query: Type.Object({
      ...OFFSET_QUERY,
      audience: Type.Optional(Type.String()),
      client_id: Type.Optional(Type.String()),
      grant_ids: Type.Optional(Type.Array(Type.String(), { maxItems: 10 })),
    }),
    answers: { 200: listOf('client_grants', GRANT) },
    async run({ tenant, path, query }, { store }) {
      const { id } = await findOrganization(store, tenant, path('id'))
      const all: ClientGrantRecord[] = []
      for (const grant of await store.organizationClients.grantsOf(tenant, id)) {
        const found = await store.clients.findGrant(tenant, grant)
        if (found) all.push(found)
      }
      const wanted = all.filter(
        grant =>
          (query.audience === undefined || grant.audience === query.audience) &&
          (query.client_id === undefined || grant.client === query.client_id) &&
          (query.grant_ids === undefined || query.grant_ids.includes(grant.id)),
      )
      return sliceReply('client_grants', pagingOf(query), wanted, grant => grant.id, grantToWire)
    },
  }),

  operation({
    method: 'POST',
    path: '/organizations/:id/client-grants',
    summary: 'Let a client grant be used for an organization',
    scopes: ['create:organization_client_grants'],
    body: Type.Object({ grant_id: Type.String({ minLength: 1 }) }, { additionalProperties: false }),
    answers: { 201: GRANT },
    async run({ tenant, path, body, ...call }, { store }) {
      return store.transaction(async transaction => {
        const { id } = await holdOrganization(transaction, tenant, path('id'))
        const grant = await transaction.clients.findGrant(tenant, body.grant_id)
        if (!grant) throw noGrant()
        if ((await allowGrant(transaction, { tenant, id }, grant.id, doingOf(call))) === 'already')
          throw new ManagementFault(409, 'client_grant_conflict', 'The organization has this client grant already.')
        return { status: 201, body: grantToWire(grant) }
      })
    },
  }),

  operation({
    method: 'DELETE',
    path: '/organizations/:id/client-grants/:grant',
    summary: 'Take a client grant from an organization',
    scopes: ['delete:organization_client_grants'],
    answers: { 204: null },
    async run({ tenant, path, ...call }, { store }) {
      await store.transaction(async transaction => {
        const { id } = await holdOrganization(transaction, tenant, path('id'))
        if ((await disallowGrant(transaction, { tenant, id }, path('grant'), doingOf(call))) === 'gone') throw noGrant()
      })
      return { status: 204 }
    },
  }),

  operation({
    method: 'GET',
    path: '/client-grants/:id/organizations',
    summary: 'List the organizations that a client grant may be used for',
    scopes: ['read:organization_client_grants'],
    query: Type.Object({ ...OFFSET_QUERY, ...CHECKPOINT_QUERY }),
    answers: { 200: listOf('organizations', ORGANIZATION) },
    async run({ tenant, path, query }, { store }) {
      const grant = await store.clients.findGrant(tenant, path('id'))
      if (!grant) throw noGrant()
      const paging = pagingOf(query)
      const page =
        paging.kind === 'offset'
          ? { offset: paging.start, limit: paging.limit }
          : { ...(paging.after !== null && { after: paging.after }), limit: paging.limit + 1 }
      const ids = await store.organizationClients.organizationsOf(tenant, grant.id, page)
      const shown = ids.slice(0, paging.limit)
      const found: OrganizationRecord[] = []
      for (const id of shown) {
        const one = await store.organizations.find(tenant, id)
        if (one) found.push(one)
      }
      const next = paging.kind === 'checkpoint' && ids.length > shown.length ? shown.at(-1) : undefined
      return listReply('organizations', paging, { items: found.map(organizationToWire), next })
    },
  }),
]
