/** `/users/{id}/roles` and `/users/{id}/permissions`: what a user may do in the whole tenant, and by what. */
import Type from 'typebox'
import { managed } from '../audit/events.ts'
import { roleToWire } from '../identity/roles.ts'
import type { RoleRecord } from '../store/roles.ts'
import type { Nouns } from '../store/store.ts'
import type { UserRecord } from '../store/users.ts'
import { ManagementFault, notFound } from './fault.ts'
import { type Operation, operation, type Reply } from './operation.ts'
import { CHECKPOINT_QUERY, checkpointOf, listOf, listReply, OFFSET_QUERY, pagingOf, sliceReply } from './paging.ts'
import {
  describePermissions,
  NAME,
  PERMISSION,
  PERMISSIONS_BODY,
  permissionAt,
  positionOf,
  readPermissions,
  recordPermissions,
  requirePermissions,
} from './permissions.ts'

/** Auth0's bounds of what one user has, so that nobody's token grows without end. */
const MOST_ROLES = 50
const MOST_PERMISSIONS = 1000

const ROLE = Type.Object({
  id: Type.String(),
  name: Type.String(),
  description: Type.String(),
  type: Type.String(),
})
const SOURCES = { sources: Type.Array(Type.String()) }
const ROLES_BODY = Type.Object(
  { roles: Type.Array(Type.String({ minLength: 1 }), { minItems: 1, maxItems: MOST_ROLES }) },
  { additionalProperties: false },
)

const noUser = () => notFound('inexistent_user', 'The user does not exist.')

async function requireUser({ users }: Pick<Nouns, 'users'>, tenant: string, id: string): Promise<UserRecord> {
  return (await users.find(tenant, id)) ?? Promise.reject(noUser())
}

const tooMany = (message: string) => new ManagementFault(400, 'limit_exceeded', message)

export const userRoles: readonly Operation[] = [
  operation({
    method: 'GET',
    path: '/users/:id/roles',
    summary: 'List the roles of a user',
    scopes: ['read:users', 'read:role_members'],
    query: Type.Object(OFFSET_QUERY),
    answers: { 200: listOf('roles', ROLE) },
    async run({ tenant, path, query }, { store }) {
      const { id } = await requireUser(store, tenant, path('id'))
      const paging = pagingOf(query)
      const offset = paging.kind === 'offset' ? paging.start : 0
      const found = await store.roles.of(tenant, id, null, { offset, limit: paging.limit })
      const total = query.include_totals ? await store.roles.countOf(tenant, id, null) : undefined
      return listReply('roles', paging, { items: found.map(roleToWire), total })
    },
  }),

  operation({
    method: 'POST',
    path: '/users/:id/roles',
    summary: 'Give a user roles',
    scopes: ['update:users', 'create:role_members'],
    body: ROLES_BODY,
    answers: { 204: null },
    async run({ tenant, path, body, client, occasion }, { store }) {
      await store.transaction(async transaction => {
        const { id } = await requireUser(transaction, tenant, path('id'))
        const given = await transaction.roles.give(tenant, id, null, body.roles)
        if (given === 'gone') throw notFound('inexistent_role', 'One of the roles does not exist.')
        if ((await transaction.roles.countOf(tenant, id, null)) > MOST_ROLES)
          throw tooMany(`A user may have ${MOST_ROLES} roles at most.`)
        if (given.length > 0)
          await transaction.events.record([
            managed(occasion, { client: client.id }, 'user-role', id, 'created', { roles: { after: given } }),
          ])
      })
      return { status: 204 }
    },
  }),

  operation({
    method: 'DELETE',
    path: '/users/:id/roles',
    summary: 'Take roles from a user',
    scopes: ['update:users', 'delete:role_members'],
    body: ROLES_BODY,
    answers: { 204: null },
    async run({ tenant, path, body, client, occasion }, { store }) {
      await store.transaction(async transaction => {
        const { id } = await requireUser(transaction, tenant, path('id'))
        const taken = await transaction.roles.take(tenant, id, null, body.roles)
        if (taken.length > 0)
          await transaction.events.record([
            managed(occasion, { client: client.id }, 'user-role', id, 'removed', { roles: { before: taken } }),
          ])
      })
      return { status: 204 }
    },
  }),

  operation({
    method: 'GET',
    path: '/users/:id/permissions',
    summary: 'List the permissions that a user has of their own',
    scopes: ['read:users'],
    query: Type.Object(OFFSET_QUERY),
    answers: { 200: listOf('permissions', PERMISSION) },
    async run(call, services) {
      const { tenant, path, query } = call
      const { store } = services
      const { id } = await requireUser(store, tenant, path('id'))
      const paging = pagingOf(query)
      const offset = paging.kind === 'offset' ? paging.start : 0
      const found = await store.permissions.ofUser(tenant, id, { offset, limit: paging.limit })
      const total = query.include_totals ? await store.permissions.countOfUser(tenant, id) : undefined
      return listReply('permissions', paging, { items: await describePermissions(services, call, found), total })
    },
  }),

  operation({
    method: 'POST',
    path: '/users/:id/permissions',
    summary: 'Give a user permissions of their own',
    scopes: ['update:users'],
    body: PERMISSIONS_BODY,
    answers: { 201: null },
    async run(call, services) {
      const { tenant, path, body } = call
      const permissions = readPermissions(body)
      await requirePermissions(services, call, permissions)
      await services.store.transaction(async transaction => {
        const id = path('id')
        const given = await transaction.permissions.giveUser(tenant, id, permissions)
        if (given === 'gone') throw noUser()
        if ((await transaction.permissions.countOfUser(tenant, id)) > MOST_PERMISSIONS)
          throw tooMany(`A user may have ${MOST_PERMISSIONS} permissions of their own at most.`)
        await recordPermissions(transaction, call, 'user-permission', id, { given })
      })
      return { status: 201 }
    },
  }),

  operation({
    method: 'DELETE',
    path: '/users/:id/permissions',
    summary: 'Take permissions of their own from a user',
    scopes: ['update:users'],
    body: PERMISSIONS_BODY,
    answers: { 204: null },
    async run(call, { store }) {
      const { tenant, path, body } = call
      await store.transaction(async transaction => {
        const { id } = await requireUser(transaction, tenant, path('id'))
        const taken = await transaction.permissions.takeFromUser(tenant, id, readPermissions(body))
        await recordPermissions(transaction, call, 'user-permission', id, { taken })
      })
      return { status: 204 }
    },
  }),

  operation({
    method: 'GET',
    path: '/users/:id/effective-permissions',
    summary: 'List all that a user may do, and by what',
    scopes: ['read:user_effective_permissions'],
    query: Type.Object({ ...CHECKPOINT_QUERY, resource_server_identifier: Type.Optional(NAME) }),
    answers: { 200: listOf('permissions', Type.Object({ ...PERMISSION.properties, ...SOURCES })) },
    async run(call, services) {
      const { tenant, path, query } = call
      const { id } = await requireUser(services.store, tenant, path('id'))
      const paging = pagingOf({ take: 50, ...query })
      const after = paging.kind === 'checkpoint' && paging.after !== null ? permissionAt(paging.after) : undefined
      const found = await services.store.permissions.effective(
        tenant,
        id,
        { after, limit: paging.limit + 1 },
        query.resource_server_identifier,
      )
      const page = found.slice(0, paging.limit)
      const last = page.at(-1)
      const described = await describePermissions(services, call, page)
      const items = described.map((permission, index) => ({
        ...permission,
        sources: [...(page[index]?.isDirect ? ['direct'] : []), ...(page[index]?.isByRole ? ['roles'] : [])],
      }))
      return listReply('permissions', paging, {
        items,
        next: found.length > page.length && last ? positionOf(last) : undefined,
      })
    },
  }),

  operation({
    method: 'GET',
    path: '/users/:id/effective-permissions/sources/effective-roles',
    summary: 'List the roles by which a user may do something',
    scopes: ['read:user_effective_permissions'],
    query: Type.Object({ ...CHECKPOINT_QUERY, resource_server_identifier: NAME, permission_name: NAME }),
    answers: { 200: listOf('roles', Type.Object({ ...ROLE.properties, ...SOURCES })) },
    async run({ tenant, path, query }, { store }) {
      const { id } = await requireUser(store, tenant, path('id'))
      const permission = { audience: query.resource_server_identifier, name: query.permission_name }
      const giving = new Set(await store.permissions.rolesWith(tenant, id, permission))
      const roles = await store.roles.of(tenant, id, null)
      return effectiveReply(
        query,
        roles.filter(role => giving.has(role.id)),
      )
    },
  }),

  operation({
    method: 'GET',
    path: '/users/:id/effective-roles',
    summary: 'List the roles that a user in fact has, and by what',
    scopes: ['read:user_effective_roles'],
    query: Type.Object(CHECKPOINT_QUERY),
    answers: { 200: listOf('roles', Type.Object({ ...ROLE.properties, ...SOURCES })) },
    async run({ tenant, path, query }, { store }) {
      const { id } = await requireUser(store, tenant, path('id'))
      return effectiveReply(query, await store.roles.of(tenant, id, null))
    },
  }),
]

/** No more than `MOST_ROLES`, but for those that a tenant file gave. There are no groups that could give one. */
function effectiveReply(query: Parameters<typeof checkpointOf>[0], roles: readonly RoleRecord[]): Reply {
  const byId = roles.toSorted((one, other) => (one.id < other.id ? -1 : 1))
  const toWire = (role: RoleRecord) => ({ ...roleToWire(role), sources: ['direct'] })
  return sliceReply('roles', checkpointOf(query), byId, ({ id }) => id, toWire)
}
