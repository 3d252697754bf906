/** `/refresh-tokens` and `/users/{id}/refresh-tokens`: what applications hold to come back with. */
import Type from 'typebox'
import { changesBetween } from '../audit/changes.ts'
import { managedUnlessSame } from '../audit/events.ts'
import type { Clients } from '../clients/clients.ts'
import {
  endRefreshTokens,
  endRefreshTokensOf,
  findRefreshToken,
  type LiveRefreshToken,
  pageOfRefreshTokens,
  refreshTokenToWire,
} from '../identity/refresh-tokens.ts'
import type { Instant } from '../kernel/clock.ts'
import type { Nouns } from '../store/store.ts'
import { ManagementFault, notFound } from './fault.ts'
import { FIELDS_QUERY, fieldsOf } from './fields.ts'
import { findUser } from './find-user.ts'
import { METADATA, metadataFrom } from './metadata.ts'
import { type Operation, operation, type Reply } from './operation.ts'
import { CHECKPOINT_QUERY, checkpointOf, listReply } from './paging.ts'
import type { ApiServices } from './services.ts'

const REFRESH_TOKEN = Type.Object({
  id: Type.String(),
  user_id: Type.String(),
  client_id: Type.String(),
  session_id: Type.Union([Type.String(), Type.Null()]),
  rotating: Type.Boolean(),
})
const PAGED = { ...CHECKPOINT_QUERY, include_totals: Type.Optional(Type.Boolean()) }
const NEXT = Type.Optional(Type.String())

export const refreshTokens: readonly Operation[] = [
  operation({
    method: 'GET',
    path: '/users/:id/refresh-tokens',
    summary: 'List the refresh tokens of a user',
    scopes: ['read:refresh_tokens'],
    query: Type.Object(PAGED),
    answers: { 200: Type.Object({ tokens: Type.Array(REFRESH_TOKEN), next: NEXT }) },
    async run({ tenant, path, query, now }, services) {
      const user = await findUser(services.store, tenant, path('id'))
      return list(services, 'tokens', { tenant, user: user.id }, query, now)
    },
  }),

  operation({
    method: 'DELETE',
    path: '/users/:id/refresh-tokens',
    summary: 'End the refresh tokens of a user',
    scopes: ['delete:refresh_tokens'],
    answers: { 202: null },
    async run({ tenant, path, client, now, occasion }, { store }) {
      const user = await findUser(store, tenant, path('id'))
      await endRefreshTokensOf(store, { tenant, user: user.id }, { machine: client.id }, occasion, now)
      return { status: 202 }
    },
  }),

  operation({
    method: 'GET',
    path: '/refresh-tokens',
    summary: 'List the refresh tokens of a user, of one client where it is named',
    scopes: ['read:refresh_tokens'],
    query: Type.Object({
      ...PAGED,
      ...FIELDS_QUERY,
      user_id: Type.String({ minLength: 1 }),
      client_id: Type.Optional(Type.String({ minLength: 1 })),
    }),
    answers: { 200: Type.Object({ refresh_tokens: Type.Array(Type.Unknown()), next: NEXT }) },
    async run({ tenant, query, now }, services) {
      const user = await findUser(services.store, tenant, query.user_id)
      const of = { tenant, user: user.id, client: query.client_id }
      return list(services, 'refresh_tokens', of, query, now, fieldsOf(query))
    },
  }),

  operation({
    method: 'POST',
    path: '/refresh-tokens/revoke',
    summary: 'End refresh tokens: those named, or a user’s, of one client and API where they are named',
    scopes: ['delete:refresh_tokens'],
    body: Type.Object(
      {
        ids: Type.Optional(Type.Array(Type.String(), { minItems: 1, maxItems: 100 })),
        user_id: Type.Optional(Type.String({ minLength: 1 })),
        client_id: Type.Optional(Type.String({ minLength: 1 })),
        audience: Type.Optional(Type.String({ minLength: 1 })),
      },
      { additionalProperties: false },
    ),
    answers: { 202: null },
    async run({ tenant, body, client, now, occasion }, { store }) {
      const { ids, user_id: id, client_id: of, audience } = body
      const by = { machine: client.id }
      if (ids !== undefined) {
        if (id !== undefined || of !== undefined || audience !== undefined) throw ambiguous('ids stand alone')
        const found = await Promise.all(ids.map(one => findRefreshToken(store, tenant, one, now)))
        await endRefreshTokens(
          store,
          found.filter(token => token !== undefined),
          by,
          occasion,
          now,
        )
        return { status: 202 }
      }
      if (id === undefined) throw ambiguous('there are neither ids nor a user_id')
      if (audience !== undefined && of === undefined) throw ambiguous('an audience goes with a client_id')
      const user = await findUser(store, tenant, id)
      await endRefreshTokensOf(store, { tenant, user: user.id, client: of, audience }, by, occasion, now)
      return { status: 202 }
    },
  }),

  operation({
    method: 'GET',
    path: '/refresh-tokens/:id',
    summary: 'Read what is known of a refresh token',
    scopes: ['read:refresh_tokens'],
    answers: { 200: REFRESH_TOKEN },
    async run({ tenant, path, now }, services) {
      return { status: 200, body: await written(services, await find(services.store, tenant, path('id'), now)) }
    },
  }),

  operation({
    method: 'PATCH',
    path: '/refresh-tokens/:id',
    summary: 'Note something about a refresh token',
    scopes: ['update:refresh_tokens'],
    body: Type.Object({ refresh_token_metadata: Type.Optional(METADATA) }, { additionalProperties: false }),
    answers: { 200: REFRESH_TOKEN },
    async run({ tenant, path, body, client, now, occasion }, services) {
      const { store } = services
      const token = await find(store, tenant, path('id'), now)
      if (body.refresh_token_metadata === undefined) return { status: 200, body: await written(services, token) }
      const metadata = metadataFrom(body.refresh_token_metadata)
      const { family, authorization } = token
      const changes = changesBetween({ refresh_token_metadata: family.metadata }, { refresh_token_metadata: metadata })
      await store.transaction(async transaction => {
        await transaction.families.note(tenant, family.hash, metadata)
        await transaction.events.record(
          managedUnlessSame(
            ...([occasion, { client: client.id }, 'refresh-token', authorization.id, 'changed', changes] as const),
            family.user,
          ),
        )
      })
      return { status: 200, body: await written(services, { authorization, family: { ...family, metadata } }) }
    },
  }),

  operation({
    method: 'DELETE',
    path: '/refresh-tokens/:id',
    summary: 'End a refresh token, with all that came of it',
    scopes: ['delete:refresh_tokens'],
    answers: { 202: null },
    async run({ tenant, path, client, now, occasion }, { store }) {
      const token = await find(store, tenant, path('id'), now)
      await endRefreshTokens(store, [token], { machine: client.id }, occasion, now)
      return { status: 202 }
    },
  }),
]

async function list(
  services: Pick<ApiServices, 'store' | 'clients'>,
  key: string,
  of: Parameters<typeof pageOfRefreshTokens>[1],
  query: Parameters<typeof checkpointOf>[0],
  now: Instant,
  pick: (document: object) => object = document => document,
): Promise<Reply> {
  const paging = checkpointOf(query)
  const { after, limit } = paging
  const found = await pageOfRefreshTokens(services.store, of, now, { after: after ?? undefined, limit: limit + 1 })
  const page = found.slice(0, limit)
  const items = (await Promise.all(page.map(token => written(services, token)))).map(pick)
  return listReply(key, paging, { items, next: found.length > limit ? page.at(-1)?.authorization.id : undefined })
}

async function find(store: Nouns, tenant: string, id: string, now: Instant): Promise<LiveRefreshToken> {
  const token = await findRefreshToken(store, tenant, id, now)
  if (!token) throw notFound('inexistent_refresh_token', 'The refresh token does not exist.')
  return token
}

async function written({ clients }: { readonly clients: Clients }, token: LiveRefreshToken) {
  const client = await clients.find(token.family.tenant, token.family.client)
  return refreshTokenToWire(token, client?.refresh.rotates ?? false)
}

const ambiguous = (problem: string) => new ManagementFault(400, 'invalid_body', `Payload validation error: ${problem}.`)
