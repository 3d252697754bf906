/** `/users/{id}`. What a user is under Auth0's names is `identity/user-wire.ts`'s, what ends with them `managed-users.ts`'. */
import Type from 'typebox'
import { removeUser } from '../identity/managed-users.ts'
import { userToWire } from '../identity/user-wire.ts'
import { FIELDS_QUERY, fieldsOf } from './fields.ts'
import { inexistentUser } from './find-user.ts'
import { type Operation, operation } from './operation.ts'
import { userIdentities } from './user-identities.ts'
import { userList } from './user-list.ts'
import { USER } from './user-schemas.ts'
import { userWrites } from './user-writes.ts'

export const users: readonly Operation[] = [
  ...userList,
  operation({
    method: 'GET',
    path: '/users/:id',
    summary: 'Read a user',
    scopes: ['read:users'],
    query: Type.Object(FIELDS_QUERY),
    answers: { 200: USER },
    async run({ tenant, path, query }, { store }) {
      const person = await store.people.find(tenant, path('id'))
      if (!person) throw inexistentUser()
      return { status: 200, body: fieldsOf(query)(userToWire(person)) }
    },
  }),
  operation({
    method: 'DELETE',
    path: '/users/:id',
    summary: 'Remove a user for good, with all that they were given',
    scopes: ['delete:users'],
    answers: { 204: null },
    // As with Auth0, who is not there is as gone as who was removed.
    async run({ path, client, occasion }, { store }) {
      await store.transaction(transaction => removeUser(transaction, path('id'), occasion, { client: client.id }))
      return { status: 204 }
    },
  }),
  ...userWrites,
  ...userIdentities,
]
