/**
 * How a user proves who they are, and what of it may be taken away: today a password, and no second factor. What could not be
 * used is refused rather than kept as if it could, and everybody is told to have none.
 */
import Type from 'typebox'
import type { JsonObject } from '../kernel/json.ts'
import type { CredentialRecord } from '../store/credentials.ts'
import type { Nouns } from '../store/store.ts'
import { ManagementFault, notFound } from './fault.ts'
import { findUser } from './find-user.ts'
import { type Operation, operation } from './operation.ts'
import { listOf, OFFSET_QUERY, pagingOf, sliceReply } from './paging.ts'

const METHOD = Type.Object({
  id: Type.String(),
  type: Type.String(),
  confirmed: Type.Boolean(),
  created_at: Type.String(),
})
/** Whatever else such a method would have is its factor’s to say, once there is one. */
const WANTED = Type.Object({
  type: Type.Enum([
    'phone',
    'email',
    'totp',
    'webauthn-roaming',
    'webauthn-platform',
    'passkey',
    'push',
    'recovery-code',
  ]),
})
const CHANGE = Type.Object(
  { name: Type.Optional(Type.String()), preferred_authentication_method: Type.Optional(Type.Enum(['voice', 'sms'])) },
  { additionalProperties: false },
)
const METHODS = '/users/:id/authentication-methods'

export const authenticationMethods: readonly Operation[] = [
  operation({
    method: 'GET',
    path: METHODS,
    summary: 'List how a user proves who they are',
    scopes: ['read:authentication_methods'],
    query: Type.Object(OFFSET_QUERY),
    answers: { 200: listOf('authenticators', METHOD) },
    async run({ tenant, path, query }, { store }) {
      const paging = pagingOf({ page: query.page, per_page: query.per_page, include_totals: query.include_totals })
      const methods = await methodsOf(store, tenant, path('id'))
      return sliceReply('authenticators', paging, methods, idOf, toWire)
    },
  }),

  operation({
    method: 'POST',
    path: METHODS,
    summary: 'Enrol a second factor for a user: refused, since nobody is asked for one yet',
    scopes: ['create:authentication_methods'],
    body: WANTED,
    answers: {},
    async run({ tenant, path, body }, { store }) {
      await findUser(store, tenant, path('id'))
      throw unused(body.type)
    },
  }),

  operation({
    method: 'PUT',
    path: METHODS,
    summary: 'Replace the second factors of a user, by none',
    scopes: ['update:authentication_methods'],
    body: Type.Array(WANTED, { maxItems: 100 }),
    answers: { 200: Type.Array(METHOD) },
    async run({ tenant, path, body }, { store }) {
      await findUser(store, tenant, path('id'))
      const [first] = body
      if (first) throw unused(first.type)
      return { status: 200, body: [] }
    },
  }),

  operation({
    method: 'GET',
    path: `${METHODS}/:method`,
    summary: 'Read one of the ways in which a user proves who they are',
    scopes: ['read:authentication_methods'],
    answers: { 200: METHOD },
    async run({ tenant, path }, { store }) {
      return { status: 200, body: toWire(await findMethod(store, tenant, path('id'), path('method'))) }
    },
  }),

  operation({
    method: 'PATCH',
    path: `${METHODS}/:method`,
    summary: 'Rename a second factor of a user',
    scopes: ['update:authentication_methods'],
    body: CHANGE,
    answers: { 200: METHOD },
    async run({ tenant, path }, { store }) {
      await findMethod(store, tenant, path('id'), path('method'))
      throw new ManagementFault(
        400,
        'invalid_body',
        'Payload validation error: a password has neither a name nor a channel.',
      )
    },
  }),

  operation({
    method: 'DELETE',
    path: `${METHODS}/:method`,
    summary: 'Take a second factor from a user',
    scopes: ['delete:authentication_methods'],
    answers: { 204: null },
    async run({ tenant, path }, { store }) {
      await findMethod(store, tenant, path('id'), path('method'))
      throw new ManagementFault(400, 'operation_not_supported', 'A password is changed, or goes with its user.')
    },
  }),

  ...(
    [
      ['DELETE', METHODS, 'delete:authentication_methods', 'Take every second factor from a user'],
      ['DELETE', '/users/:id/authenticators', 'delete:guardian_enrollments', 'Take every authenticator from a user'],
      [
        'POST',
        '/users/:id/multifactor/actions/invalidate-remember-browser',
        'update:users',
        'Ask a user for a second factor in every browser again',
      ],
    ] as const
  ).map(([method, path, scope, summary]) =>
    operation({
      method,
      path,
      summary,
      scopes: [scope],
      answers: { 204: null },
      async run({ tenant, path: part }, { store }) {
        await findUser(store, tenant, part('id'))
        return { status: 204 }
      },
    }),
  ),

  operation({
    method: 'DELETE',
    path: '/users/:id/multifactor/:provider',
    summary: 'Take a provider’s second factor from a user',
    scopes: ['update:users'],
    answers: { 204: null },
    async run({ tenant, path }, { store }) {
      await findUser(store, tenant, path('id'))
      if (!['duo', 'google-authenticator'].includes(path('provider')))
        throw new ManagementFault(
          400,
          'invalid_uri',
          'Path validation error: the provider is duo or google-authenticator.',
        )
      return { status: 204 }
    },
  }),

  operation({
    method: 'GET',
    path: '/users/:id/enrollments',
    summary: 'List the second factors of a user',
    scopes: ['read:users'],
    answers: { 200: Type.Array(Type.Unknown()) },
    async run({ tenant, path }, { store }) {
      await findUser(store, tenant, path('id'))
      return { status: 200, body: [] }
    },
  }),

  operation({
    method: 'POST',
    path: '/users/:id/recovery-code-regeneration',
    summary: 'Give a user another recovery code, in place of the one they have',
    scopes: ['update:users'],
    answers: {},
    async run({ tenant, path }, { store }) {
      await findUser(store, tenant, path('id'))
      throw notFound('inexistent_enrollment', 'The user has no recovery code.')
    },
  }),
]

const idOf = ({ kind, id }: CredentialRecord): string => (kind === id ? kind : `${kind}|${id}`)

/** Under Auth0's names. */
const toWire = (credential: CredentialRecord): JsonObject => ({
  id: idOf(credential),
  type: credential.kind,
  confirmed: true,
  created_at: new Date(credential.createdAt).toISOString(),
})

async function methodsOf(store: Nouns, tenant: string, id: string): Promise<CredentialRecord[]> {
  const user = await findUser(store, tenant, id)
  const credentials = await store.credentials.ofUser(tenant, user.id)
  return credentials.toSorted((one, other) => (idOf(one) < idOf(other) ? -1 : 1))
}

async function findMethod(store: Nouns, tenant: string, id: string, method: string): Promise<CredentialRecord> {
  const found = (await methodsOf(store, tenant, id)).find(credential => idOf(credential) === method)
  if (!found) throw notFound('inexistent_authentication_method', 'The authentication method does not exist.')
  return found
}

const unused = (type: string) =>
  new ManagementFault(
    400,
    'unsupported_authentication_method',
    `Nobody is asked for a second factor here yet, so that ${type} would protect nobody and is not kept.`,
  )
