/** `/organizations/{id}/members`, what roles they have within it, and the organizations of a user. */
import Type from 'typebox'
import { memberRoleToWire, memberToWire, organizationToWire } from '../identity/organization-documents.ts'
import { addMembers, changeMemberRoles, removeMembers } from '../identity/organization-management.ts'
import type { Nouns } from '../store/store.ts'
import type { UserRecord } from '../store/users.ts'
import { ManagementFault, notFound } from './fault.ts'
import { FIELDS_QUERY, fieldsOf } from './fields.ts'
import { doingOf, findOrganization, holdOrganization } from './find-organization.ts'
import { findUser } from './find-user.ts'
import { type Operation, operation } from './operation.ts'
import { ORGANIZATION } from './organizations.ts'
import { CHECKPOINT_QUERY, listOf, listReply, OFFSET_QUERY, type Paging, pagingOf, sliceReply } from './paging.ts'

/** Of a body, and so of a transaction. */
const MOST_AT_ONCE = 100
const MEMBERS = Type.Object(
  { members: Type.Array(Type.String({ minLength: 1 }), { minItems: 1, maxItems: MOST_AT_ONCE }) },
  { additionalProperties: false },
)
const ROLES = Type.Object(
  { roles: Type.Array(Type.String({ minLength: 1 }), { minItems: 1, maxItems: MOST_AT_ONCE }) },
  { additionalProperties: false },
)

const MEMBER_ROLE = Type.Object({ id: Type.String(), name: Type.String(), description: Type.String() })
const MEMBER = Type.Object({
  user_id: Type.Optional(Type.String()),
  email: Type.Optional(Type.String()),
  name: Type.Optional(Type.String()),
  picture: Type.Optional(Type.String()),
  roles: Type.Optional(Type.Array(Type.Object({ id: Type.String(), name: Type.String() }))),
})

/** One more than asked for tells whether there are more. */
const pageOf = (paging: Paging) =>
  paging.kind === 'offset'
    ? { offset: paging.start, limit: paging.limit }
    : { ...(paging.after !== null && { after: paging.after }), limit: paging.limit + 1 }

function reply<T>(
  key: string,
  paging: Paging,
  found: readonly T[],
  { nameOf, total }: { readonly nameOf: (one: T) => string; readonly total?: number | undefined },
  toWire: (one: T) => object,
) {
  const page = found.slice(0, paging.limit)
  const last = page.at(-1)
  const next = paging.kind === 'checkpoint' && found.length > page.length && last ? nameOf(last) : undefined
  return listReply(key, paging, { items: page.map(toWire), total, next })
}

async function requireMember(store: Nouns, tenant: string, organization: string, user: string): Promise<void> {
  if (!(await store.memberships.standing(tenant, organization, user))?.isMember)
    throw notFound('inexistent_member', 'The user is not a member of the organization.')
}

export const organizationMembers: readonly Operation[] = [
  operation({
    method: 'GET',
    path: '/organizations/:id/members',
    summary: 'List the members of an organization',
    scopes: ['read:organization_members'],
    query: Type.Object({ ...OFFSET_QUERY, ...CHECKPOINT_QUERY, ...FIELDS_QUERY }),
    answers: { 200: listOf('members', MEMBER) },
    async run({ tenant, path, query }, { store }) {
      const { id } = await findOrganization(store, tenant, path('id'))
      const paging = pagingOf(query)
      const found = await store.memberships.members(tenant, id, pageOf(paging))
      const total =
        paging.kind === 'offset' && paging.withTotals ? await store.memberships.countMembers(tenant, id) : undefined
      // As Auth0 has it, roles are told to whoever asks for them by name.
      const wantsRoles =
        query.include_fields !== false && query.fields?.split(',').some(name => name.trim() === 'roles')
      const told = new Map<UserRecord, object>()
      for (const user of found) {
        const roles = wantsRoles ? await store.roles.of(tenant, user.id, id) : []
        const document = {
          ...memberToWire(user),
          ...(wantsRoles && { roles: roles.map(({ id: role, name }) => ({ id: role, name })) }),
        }
        told.set(user, fieldsOf(query)(document))
      }
      const about = { nameOf: (user: UserRecord) => user.id, total }
      return reply('members', paging, found, about, user => told.get(user) ?? {})
    },
  }),

  operation({
    method: 'POST',
    path: '/organizations/:id/members',
    summary: 'Make users members of an organization',
    scopes: ['create:organization_members'],
    body: MEMBERS,
    answers: { 204: null },
    async run({ tenant, path, body, ...call }, { store }) {
      await store.transaction(async transaction => {
        const { id } = await holdOrganization(transaction, tenant, path('id'))
        const missing = await addMembers(transaction, { tenant, id }, body.members, doingOf(call))
        if (missing !== undefined)
          throw new ManagementFault(400, 'invalid_body', `Payload validation error: there is no user ${missing}.`)
      })
      return { status: 204 }
    },
  }),

  operation({
    method: 'DELETE',
    path: '/organizations/:id/members',
    summary: 'Remove members from an organization, and end all that they were given within it',
    scopes: ['delete:organization_members'],
    body: MEMBERS,
    answers: { 204: null },
    async run({ tenant, path, body, ...call }, { store }) {
      await store.transaction(async transaction => {
        const { id } = await holdOrganization(transaction, tenant, path('id'))
        await removeMembers(transaction, { tenant, id }, body.members, doingOf(call))
      })
      return { status: 204 }
    },
  }),

  operation({
    method: 'GET',
    path: '/organizations/:id/members/:user/roles',
    summary: 'List the roles that a member has within an organization',
    scopes: ['read:organization_member_roles'],
    query: Type.Object(OFFSET_QUERY),
    answers: { 200: listOf('roles', MEMBER_ROLE) },
    async run({ tenant, path, query }, { store }) {
      const { id } = await findOrganization(store, tenant, path('id'))
      await requireMember(store, tenant, id, path('user'))
      const roles = await store.roles.of(tenant, path('user'), id)
      return sliceReply('roles', pagingOf(query), roles, ({ name }) => name, memberRoleToWire)
    },
  }),

  ...(['POST', 'DELETE'] as const).map(method =>
    operation({
      method,
      path: '/organizations/:id/members/:user/roles',
      summary: method === 'POST' ? 'Give a member roles within an organization' : 'Take roles from a member',
      scopes: [method === 'POST' ? 'create:organization_member_roles' : 'delete:organization_member_roles'],
      body: ROLES,
      answers: { 204: null },
      async run({ tenant, path, body, ...call }, { store }) {
        await store.transaction(async transaction => {
          const { id } = await holdOrganization(transaction, tenant, path('id'))
          const change = method === 'POST' ? { give: body.roles } : { take: body.roles }
          const outcome = await changeMemberRoles(transaction, { tenant, id }, path('user'), change, doingOf(call))
          if (outcome === 'gone') throw notFound('inexistent_member', 'The user is not a member of the organization.')
          if (outcome === 'unknown')
            throw new ManagementFault(400, 'invalid_body', 'Payload validation error: roles holds one that is none.')
        })
        return { status: 204 }
      },
    }),
  ),

  operation({
    method: 'GET',
    path: '/organizations/:id/members/:user/effective-roles',
    summary: 'List the roles that a member in fact has within an organization, and by what',
    scopes: ['read:organization_member_effective_roles'],
    query: Type.Object(CHECKPOINT_QUERY),
    answers: {
      200: listOf('roles', Type.Object({ ...MEMBER_ROLE.properties, sources: Type.Array(Type.String()) })),
    },
    async run({ tenant, path, query }, { store }) {
      const { id } = await findOrganization(store, tenant, path('id'))
      await requireMember(store, tenant, id, path('user'))
      const roles = await store.roles.of(tenant, path('user'), id)
      // The SDK reads an envelope whether or not it asks for a page.
      const paging = pagingOf({ ...query, take: query.take ?? MOST_AT_ONCE })
      return sliceReply(
        'roles',
        paging,
        roles,
        ({ name }) => name,
        role => ({
          ...memberRoleToWire(role),
          sources: ['direct'],
        }),
      )
    },
  }),

  operation({
    method: 'GET',
    path: '/organizations/:id/roles/:role/members',
    summary: 'List the members who have a role within an organization',
    scopes: ['read:organization_members'],
    query: Type.Object({ ...CHECKPOINT_QUERY, ...FIELDS_QUERY }),
    answers: { 200: listOf('members', MEMBER) },
    async run({ tenant, path, query }, { store }) {
      const { id } = await findOrganization(store, tenant, path('id'))
      if (!(await store.roles.find(tenant, path('role')))) throw notFound('inexistent_role', 'The role does not exist.')
      const paging = pagingOf({ ...query, take: query.take ?? MOST_AT_ONCE })
      const found = await store.memberships.withRole(tenant, id, path('role'), pageOf(paging))
      const wanted = fieldsOf(query)
      return reply('members', paging, found, { nameOf: user => user.id }, user => wanted(memberToWire(user)))
    },
  }),

  operation({
    method: 'GET',
    path: '/users/:id/organizations',
    summary: 'List the organizations of a user',
    scopes: ['read:organizations'],
    query: Type.Object({ ...OFFSET_QUERY, ...CHECKPOINT_QUERY }),
    answers: { 200: listOf('organizations', ORGANIZATION) },
    async run({ tenant, path, query }, { store }) {
      const { id } = await findUser(store, tenant, path('id'))
      const paging = pagingOf(query)
      const found = await store.memberships.ofUser(tenant, id, pageOf(paging))
      const total =
        paging.kind === 'offset' && paging.withTotals ? await store.memberships.countOfUser(tenant, id) : undefined
      return reply('organizations', paging, found, { nameOf: one => one.id, total }, organizationToWire)
    },
  }),
]
