/**
 * `/device-credentials`: what devices of somebody hold. Here that is refresh tokens. A public key is registered with Auth0 by
 * the person themselves, with a token of theirs for this API, which this server gives to machines alone.
 */
import Type from 'typebox'
import type { Clients } from '../clients/clients.ts'
import { endRefreshTokens, findRefreshToken, pageOfRefreshTokens } from '../identity/refresh-tokens.ts'
import { ManagementFault, notFound } from './fault.ts'
import { FIELDS_QUERY, fieldsOf } from './fields.ts'
import { findUser } from './find-user.ts'
import { type Operation, operation } from './operation.ts'
import { listOf, listReply, OFFSET_QUERY, pagingOf } from './paging.ts'

/** Of one person: what is beyond is found by `/refresh-tokens`. */
const MOST_LISTED = 1000

export const deviceCredentials: readonly Operation[] = [
  operation({
    method: 'GET',
    path: '/device-credentials',
    summary: 'List what devices of a user hold',
    scopes: ['read:device_credentials'],
    query: Type.Object({
      ...OFFSET_QUERY,
      ...FIELDS_QUERY,
      per_page: Type.Optional(Type.Integer({ minimum: 1, maximum: MOST_LISTED })),
      user_id: Type.String({ minLength: 1 }),
      client_id: Type.Optional(Type.String({ minLength: 1 })),
      type: Type.Optional(Type.Enum(['public_key', 'refresh_token', 'rotating_refresh_token'])),
    }),
    answers: { 200: listOf('device_credentials', Type.Unknown()) },
    async run({ tenant, query, now }, { store, clients }) {
      const paging = pagingOf({ page: query.page, per_page: query.per_page, include_totals: query.include_totals })
      if (paging.kind !== 'offset') throw new TypeError('nothing that begins a checkpoint was given')
      const { type, client_id: client } = query
      const user = await findUser(store, tenant, query.user_id)
      const of = { tenant, user: user.id, client }
      const tokens = type === 'public_key' ? [] : await pageOfRefreshTokens(store, of, now, { limit: MOST_LISTED })
      const rotates = await rotatingAmong(clients, tenant, new Set(tokens.map(({ family }) => family.client)))
      const all = tokens.flatMap(({ family, authorization }) => {
        const isOf = rotates.has(family.client) ? 'rotating_refresh_token' : 'refresh_token'
        if (type !== undefined && type !== isOf) return []
        return [{ id: authorization.id, type: isOf, user_id: family.user, client_id: family.client }]
      })
      const items = all.slice(paging.start, paging.start + paging.limit).map(fieldsOf(query))
      return listReply('device_credentials', paging, { items, total: all.length })
    },
  }),

  operation({
    method: 'POST',
    path: '/device-credentials',
    summary: 'Register the public key of a device: refused, since nobody could use it',
    scopes: ['create:device_credentials'],
    body: Type.Object({
      device_name: Type.String({ minLength: 1 }),
      type: Type.Enum(['public_key']),
      value: Type.String({ minLength: 1 }),
      device_id: Type.String({ minLength: 1 }),
      client_id: Type.Optional(Type.String()),
    }),
    answers: {},
    async run() {
      throw new ManagementFault(
        400,
        'unsupported_device_credential',
        'The public key of a device is registered by the person whose it is, and is nothing that somebody could sign in with here.',
      )
    },
  }),

  operation({
    method: 'DELETE',
    path: '/device-credentials/:id',
    summary: 'End what a device holds',
    scopes: ['delete:device_credentials'],
    answers: { 204: null },
    async run({ tenant, path, client, now, occasion }, { store }) {
      const token = await findRefreshToken(store, tenant, path('id'), now)
      if (!token) throw notFound('inexistent_device_credential', 'The device credential does not exist.')
      await endRefreshTokens(store, [token], { machine: client.id }, occasion, now)
      return { status: 204 }
    },
  }),
]

async function rotatingAmong(clients: Clients, tenant: string, ids: ReadonlySet<string>): Promise<Set<string>> {
  const found = await Promise.all([...ids].map(id => clients.find(tenant, id)))
  return new Set(found.flatMap(client => (client?.refresh.rotates ? [client.id] : [])))
}
