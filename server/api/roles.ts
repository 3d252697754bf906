/** `/roles`: roles, what each may do, and who has it in the whole tenant. */
import Type from 'typebox'
import { changesBetween } from '../audit/changes.ts'
import { managed } from '../audit/events.ts'
import { MOST_ROLE_PERMISSIONS, roleNameFault, roleToWire } from '../identity/roles.ts'
import { newId } from '../kernel/ids.ts'
import type { RoleRecord } from '../store/roles.ts'
import type { Transaction } from '../store/store.ts'
import type { UserRecord } from '../store/users.ts'
import { ManagementFault, notFound } from './fault.ts'
import { type Operation, operation } from './operation.ts'
import { CHECKPOINT_QUERY, listOf, listReply, OFFSET_QUERY, pagingOf } from './paging.ts'
import {
  describePermissions,
  PERMISSION,
  PERMISSIONS_BODY,
  readPermissions,
  recordPermissions,
  requirePermissions,
} from './permissions.ts'

const ROLE = Type.Object({
  id: Type.String(),
  name: Type.String(),
  description: Type.String(),
  type: Type.String(),
})

const TYPE = Type.Union([Type.Literal('tenant'), Type.Literal('organization')])
const DESCRIPTION = Type.String({ maxLength: 2000 })
/** What a role is read with may stand in a change of it, and says nothing there. */
const READ_ONLY = { id: Type.Optional(Type.String()), type: Type.Optional(Type.Literal('tenant')) }
const NEW_ROLE = Type.Object(
  {
    name: Type.String(),
    description: Type.Optional(DESCRIPTION),
    type: Type.Optional(Type.Literal('tenant')),
  },
  { additionalProperties: false },
)
const ROLE_CHANGES = Type.Object(
  { ...READ_ONLY, name: Type.Optional(Type.String()), description: Type.Optional(DESCRIPTION) },
  { additionalProperties: false },
)

/** Far more than a page of an administration lets somebody choose. */
const MOST_USERS_AT_ONCE = 500
const USERS_BODY = Type.Object(
  { users: Type.Array(Type.String({ minLength: 1 }), { minItems: 1, maxItems: MOST_USERS_AT_ONCE }) },
  { additionalProperties: false },
)

const ROLE_USER = Type.Object({
  user_id: Type.String(),
  email: Type.Optional(Type.String()),
  name: Type.Optional(Type.Unknown()),
  picture: Type.Optional(Type.Unknown()),
})

const userToWire = ({ id, email, profile }: UserRecord) => ({
  user_id: id,
  ...(email !== null && { email }),
  name: profile['name'] ?? undefined,
  picture: profile['picture'] ?? undefined,
})

const noRole = () => notFound('inexistent_role', 'The role does not exist.')
const noUser = () => notFound('inexistent_user', 'The user does not exist.')
const taken = () => new ManagementFault(409, 'role_conflict', 'A role of this name exists already.')

async function requireRole({ roles }: Pick<Transaction, 'roles'>, tenant: string, id: string): Promise<RoleRecord> {
  return (await roles.find(tenant, id)) ?? Promise.reject(noRole())
}

function checkName(name: string): void {
  const fault = name === '' ? 'name must not be empty.' : roleNameFault(name)
  if (fault !== undefined) throw new ManagementFault(400, 'invalid_body', `Payload validation error: ${fault}`)
}

export const roles: readonly Operation[] = [
  operation({
    method: 'GET',
    path: '/roles',
    summary: 'List roles',
    scopes: ['read:roles'],
    query: Type.Object({
      ...OFFSET_QUERY,
      name_filter: Type.Optional(Type.String({ maxLength: 200 })),
      type: Type.Optional(TYPE),
      owner_id: Type.Optional(Type.String()),
    }),
    answers: { 200: listOf('roles', ROLE) },
    async run({ tenant, query }, { store }) {
      const paging = pagingOf(query)
      const start = paging.kind === 'offset' ? paging.start : 0
      // Roles of organizations' own making do not exist: theirs are the tenant's, given within one.
      if (query.type === 'organization' || query.owner_id !== undefined)
        return listReply('roles', paging, { items: [], total: 0 })
      const found = await store.roles.list(tenant, { offset: start, limit: paging.limit }, query.name_filter)
      const total = query.include_totals ? await store.roles.count(tenant, query.name_filter) : undefined
      return listReply('roles', paging, { items: found.map(roleToWire), total })
    },
  }),

  operation({
    method: 'POST',
    path: '/roles',
    summary: 'Create a role',
    scopes: ['create:roles'],
    body: NEW_ROLE,
    answers: { 200: ROLE },
    async run({ tenant, body: { name, description = '' }, client, occasion }, { store }) {
      checkName(name)
      const role = { tenant, id: newId('rol'), name, description }
      await store.transaction(async transaction => {
        if ((await transaction.roles.create(role)) === 'taken') throw taken()
        const changes = changesBetween(null, roleToWire(role))
        await transaction.events.record([managed(occasion, { client: client.id }, 'role', role.id, 'created', changes)])
      })
      // As Auth0 answers this one.
      return { status: 200, body: roleToWire(role) }
    },
  }),

  operation({
    method: 'GET',
    path: '/roles/:id',
    summary: 'Read a role',
    scopes: ['read:roles'],
    answers: { 200: ROLE },
    run: async ({ tenant, path }, { store }) => ({
      status: 200,
      body: roleToWire(await requireRole(store, tenant, path('id'))),
    }),
  }),

  operation({
    method: 'PATCH',
    path: '/roles/:id',
    summary: 'Change a role',
    scopes: ['update:roles'],
    body: ROLE_CHANGES,
    answers: { 200: ROLE },
    async run({ tenant, path, body: { name, description }, client, occasion }, { store }) {
      if (name !== undefined) checkName(name)
      const after = await store.transaction(async transaction => {
        const before = await requireRole(transaction, tenant, path('id'))
        const given = { ...(name !== undefined && { name }), ...(description !== undefined && { description }) }
        const changed = { ...before, ...given }
        // What is not named is left to whoever changes it at the same time.
        const outcome = await transaction.roles.change(tenant, before.id, given)
        if (outcome !== 'changed') throw outcome === 'taken' ? taken() : noRole()
        const changes = changesBetween(roleToWire(before), roleToWire(changed))
        if (Object.keys(changes).length > 0)
          await transaction.events.record([
            managed(occasion, { client: client.id }, 'role', before.id, 'changed', changes),
          ])
        return changed
      })
      return { status: 200, body: roleToWire(after) }
    },
  }),

  operation({
    method: 'DELETE',
    path: '/roles/:id',
    summary: 'Remove a role, from everybody who has it too',
    scopes: ['delete:roles'],
    answers: { 200: null },
    async run({ tenant, path, client, now, occasion }, { store }) {
      await store.transaction(async transaction => {
        const before = await requireRole(transaction, tenant, path('id'))
        if ((await transaction.roles.remove(tenant, before.id, now)) === 'gone') throw noRole()
        const changes = changesBetween(roleToWire(before), null)
        await transaction.events.record([
          managed(occasion, { client: client.id }, 'role', before.id, 'removed', changes),
        ])
      })
      return { status: 200 }
    },
  }),

  operation({
    method: 'GET',
    path: '/roles/:id/permissions',
    summary: 'List what a role may do',
    scopes: ['read:roles'],
    query: Type.Object(OFFSET_QUERY),
    answers: { 200: listOf('permissions', PERMISSION) },
    async run(call, services) {
      const { tenant, path, query } = call
      const { store } = services
      const { id } = await requireRole(store, tenant, path('id'))
      const paging = pagingOf(query)
      const offset = paging.kind === 'offset' ? paging.start : 0
      const found = await store.permissions.ofRole(tenant, id, { offset, limit: paging.limit })
      const total = query.include_totals ? await store.permissions.countOfRole(tenant, id) : undefined
      return listReply('permissions', paging, { items: await describePermissions(services, call, found), total })
    },
  }),

  operation({
    method: 'POST',
    path: '/roles/:id/permissions',
    summary: 'Let a role do more',
    scopes: ['update:roles'],
    body: PERMISSIONS_BODY,
    answers: { 201: null },
    async run(call, services) {
      const { tenant, path, body } = call
      const permissions = readPermissions(body)
      await requirePermissions(services, call, permissions)
      await services.store.transaction(async transaction => {
        const given = await transaction.permissions.giveRole(tenant, path('id'), permissions)
        if (given === 'gone') throw noRole()
        if ((await transaction.permissions.countOfRole(tenant, path('id'))) > MOST_ROLE_PERMISSIONS)
          throw new ManagementFault(
            400,
            'too_many_permissions',
            `A role may hold ${MOST_ROLE_PERMISSIONS} permissions at most.`,
          )
        await recordPermissions(transaction, call, 'role-permission', path('id'), { given })
      })
      return { status: 201 }
    },
  }),

  operation({
    method: 'DELETE',
    path: '/roles/:id/permissions',
    summary: 'Let a role do less',
    scopes: ['update:roles'],
    body: PERMISSIONS_BODY,
    answers: { 204: null },
    async run(call, { store }) {
      const { tenant, path, body } = call
      await store.transaction(async transaction => {
        const { id } = await requireRole(transaction, tenant, path('id'))
        const taken = await transaction.permissions.takeFromRole(tenant, id, readPermissions(body))
        await recordPermissions(transaction, call, 'role-permission', id, { taken })
      })
      return { status: 204 }
    },
  }),

  operation({
    method: 'GET',
    path: '/roles/:id/users',
    summary: 'List who has a role in the whole tenant',
    scopes: { allOf: ['read:users', 'read:roles'] },
    query: Type.Object({ ...OFFSET_QUERY, ...CHECKPOINT_QUERY }),
    answers: { 200: listOf('users', ROLE_USER) },
    async run({ tenant, path, query }, { store }) {
      const { id } = await requireRole(store, tenant, path('id'))
      const paging = pagingOf(query)
      if (paging.kind === 'offset') {
        const found = await store.roles.usersOf(tenant, id, { offset: paging.start, limit: paging.limit })
        const total = paging.withTotals ? await store.roles.countUsersOf(tenant, id) : undefined
        return listReply('users', paging, { items: found.map(userToWire), total })
      }
      const { after, limit } = paging
      const found = await store.roles.usersOf(tenant, id, { after: after ?? undefined, limit: limit + 1 })
      const page = found.slice(0, limit)
      const next = found.length > limit ? page.at(-1)?.id : undefined
      return listReply('users', paging, { items: page.map(userToWire), next })
    },
  }),

  operation({
    method: 'POST',
    path: '/roles/:id/users',
    summary: 'Give users a role',
    scopes: ['create:role_members', 'update:roles'],
    body: USERS_BODY,
    answers: { 200: null },
    async run({ tenant, path, body, client, occasion }, { store }) {
      await store.transaction(async transaction => {
        const { id } = await requireRole(transaction, tenant, path('id'))
        // In one order, so that two who name the same people do not wait for one another.
        for (const user of [...new Set(body.users)].sort()) {
          const given = await transaction.roles.give(tenant, user, null, [id])
          if (given === 'gone') throw noUser()
          if (given.length > 0)
            await transaction.events.record([
              managed(occasion, { client: client.id }, 'user-role', user, 'created', { roles: { after: given } }),
            ])
        }
      })
      return { status: 200 }
    },
  }),
]
