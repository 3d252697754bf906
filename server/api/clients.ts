/** `/clients`: applications, their secrets, and through which connections people come to them. Their keys are `client-credentials.ts`'s. */
import Type from 'typebox'
import { changesBetween } from '../audit/changes.ts'
import { managed } from '../audit/events.ts'
import {
  clientToWire,
  globalClientId,
  globalClientName,
  globalClientToWire,
  READ_ONLY_MEMBERS,
  SECRET_MEMBERS,
} from '../clients/client-document.ts'
import { settleCredentials } from '../clients/credentials.ts'
import type { ManagementScope } from '../clients/management-scopes.ts'
import { CLIENT_MEMBERS, needsSecret, provesItselfOtherwise } from '../clients/metadata.ts'
import { readMembers } from '../config/members.ts'
import { connectionToWire } from '../identity/connections.ts'
import { newClientId } from '../kernel/ids.ts'
import type { JsonObject } from '../kernel/json.ts'
import { randomSecret } from '../kernel/secrets.ts'
import { removeClient } from '../revocation/revoke.ts'
import type { ClientFilter, ClientRecord } from '../store/clients.ts'
import {
  CLIENT,
  CLIENT_CHANGES,
  checkMetadata,
  clientTeller,
  findGlobalClient,
  judgingCredentials,
  NEW_CLIENT,
  noClient,
  readGlobalClient,
  requireClient,
  settable,
} from './client-members.ts'
import { ManagementFault } from './fault.ts'
import { FIELDS_QUERY, fieldsOf } from './fields.ts'
import { type Call, type Operation, operation } from './operation.ts'
import { CHECKPOINT_QUERY, listOf, listReply, OFFSET_QUERY, pagingOf } from './paging.ts'
import type { ApiServices } from './services.ts'

const PARTIAL_CLIENT = Type.Partial(CLIENT)
const CONNECTION = Type.Partial(Type.Object({ id: Type.String(), name: Type.String(), strategy: Type.String() }))

const isGlobal = () =>
  new ManagementFault(403, 'operation_not_supported', 'The client that stands for all applications stays as it is.')

const lacking = (...scopes: readonly ManagementScope[]) =>
  new ManagementFault(403, 'insufficient_scope', `Insufficient scope, expected any of: ${scopes.join(',')}`)

/** Who may replace the secret of a client changes nothing else of it; what a read has besides may come along. */
function demandSecretAlone(given: JsonObject): void {
  const isElse = (name: string) => name !== 'client_secret' && !READ_ONLY_MEMBERS.some(one => one === name)
  if (Object.keys(given).some(isElse)) throw lacking('update:clients')
}

/**
 * By what a client proves itself is as good as its secret: who may change how it looks must not put a key of theirs there,
 * or have a secret made for it, and come back as the client with all that it may do.
 */
function demandKeysFor(scopes: readonly string[], before: JsonObject, after: JsonObject): void {
  const sufficient: readonly ManagementScope[] = ['update:client_keys', 'update:client_credentials']
  if (!sufficient.some(scope => scopes.includes(scope)) && provesItselfOtherwise(before, after))
    throw lacking(...sufficient)
}

/** A key is published before a setting lets it sign. */
async function readyKey({ keyring }: ApiServices, tenant: string, metadata: JsonObject): Promise<void> {
  const { alg } = readMembers(CLIENT_MEMBERS, metadata).jwt_configuration ?? {}
  if (alg !== undefined) await keyring.signer(tenant, alg)
}

/** Of what the document of Auth0's can be asked for (`q`), the two that it documents: both of client grants. */
const SEARCH = /^client_grant\.(organization_id|allow_any_organization):"?([\w-]{1,100})"?$/
/** More grants than anybody searches, and few enough to look through. */
const MOST_FOUND = 1000

/** Ids of the clients that the search finds; undefined for all. */
async function searched({ store }: ApiServices, tenant: string, q: string | undefined) {
  if (q === undefined || q.trim() === '') return undefined
  const found = new Set<string>()
  for (const [index, part] of q
    .trim()
    .split(/\s+AND\s+/)
    .entries()) {
    const [, field, value = ''] = SEARCH.exec(part) ?? []
    if (field === undefined)
      throw new ManagementFault(
        400,
        'invalid_query_string',
        'Query validation error: q is client_grant.organization_id or client_grant.allow_any_organization with a value, or both with AND.',
      )
    const filter = field === 'allow_any_organization' ? { anyOrganization: value === 'true' } : {}
    const all = await store.clients.listGrants(tenant, { limit: MOST_FOUND }, filter)
    const allowed = new Set(
      field === 'organization_id' ? await store.organizationClients.grantsOf(tenant, value) : all.map(({ id }) => id),
    )
    const ids = new Set(all.flatMap(({ id, client }) => (client !== null && allowed.has(id) ? [client] : [])))
    if (index === 0) for (const id of ids) found.add(id)
    else for (const id of [...found]) if (!ids.has(id)) found.delete(id)
  }
  return [...found]
}

/** The rest of a change, in the transaction of whatever changed. */
type Changing = Pick<Call<unknown, unknown>, 'tenant' | 'client' | 'occasion' | 'now'>

async function changeGlobal(services: ApiServices, call: Changing, given: JsonObject): Promise<JsonObject> {
  const { tenant, client, occasion, now } = call
  const { name: tenantName } = await services.tenants.find(tenant)
  const name = globalClientName(tenant)
  return services.store.transaction(async transaction => {
    // Held, so that two changes are both in it.
    await transaction.tenants.hold(tenant)
    const before = (await transaction.documents.find(name))?.data ?? {}
    const { name: _name, ...data } = settable({ ...before, ...given })
    await transaction.documents.put({ ...name, data, sealed: null, createdAt: now, updatedAt: now })
    const changes = changesBetween(before, data, SECRET_MEMBERS)
    if (Object.keys(changes).length > 0)
      await transaction.events.record([
        managed(occasion, { client: client.id }, 'client', globalClientId(tenant), 'changed', changes),
      ])
    return globalClientToWire(tenant, tenantName, data)
  })
}

export const clients: readonly Operation[] = [
  operation({
    method: 'GET',
    path: '/clients',
    summary: 'List clients',
    scopes: ['read:clients', 'read:client_keys'],
    query: Type.Object({
      ...OFFSET_QUERY,
      ...FIELDS_QUERY,
      is_global: Type.Optional(Type.Boolean()),
      is_first_party: Type.Optional(Type.Boolean()),
      app_type: Type.Optional(Type.String({ maxLength: 500 })),
      external_client_id: Type.Optional(Type.String({ maxLength: 600 })),
      q: Type.Optional(Type.String({ maxLength: 500 })),
    }),
    answers: { 200: listOf('clients', PARTIAL_CLIENT) },
    async run(call, services) {
      const { tenant, query } = call
      const paging = pagingOf(query)
      const [start, limit] = [paging.kind === 'offset' ? paging.start : 0, paging.limit]
      const shown = fieldsOf(query)
      const ids = await searched(services, tenant, query.q)
      const filter: ClientFilter = {
        ids,
        types: query.app_type?.split(',').map(type => type.trim()),
        isFirstParty: query.is_first_party,
        externalId: query.external_client_id,
      }
      const narrows = [ids, query.app_type, query.external_client_id].some(one => one !== undefined)
      const hasGlobal = query.is_global !== false && query.is_first_party !== false && !narrows
      // It comes first, and is one of those that are counted.
      const own = hasGlobal && start === 0 ? [await readGlobalClient(services, tenant)] : []
      const before = hasGlobal ? 1 : 0
      const part = { offset: Math.max(start - before, 0), limit: limit - own.length }
      const found =
        query.is_global === true || part.limit === 0 ? [] : await services.store.clients.list(tenant, part, filter)
      const rest = query.is_global === true ? 0 : await services.store.clients.count(tenant, filter)
      const tell = await clientTeller(services, call)
      const items = [...own, ...found.map(record => tell(record))].map(shown)
      return listReply('clients', paging, { items, total: rest + before })
    },
  }),

  operation({
    method: 'POST',
    path: '/clients',
    summary: 'Create a client',
    scopes: ['create:clients'],
    body: NEW_CLIENT,
    answers: { 201: CLIENT },
    async run(call, services) {
      const { tenant, body, client: caller, now, occasion } = call
      const given = settable(body)
      await checkMetadata(given, null)
      const { metadata, credentials } = judgingCredentials(() => settleCredentials(given, [], now))
      const secret = needsSecret(metadata) ? randomSecret() : null
      const id = newClientId()
      await readyKey(services, tenant, metadata)
      const tell = await clientTeller(services, call)
      const made = await services.store.transaction(async transaction => {
        const outcome = await services.clients.create(transaction, { tenant, id, metadata, secret, credentials })
        const record = await transaction.clients.find(tenant, id)
        if (outcome !== 'created' || !record) throw new Error('a new client has an id that is taken')
        const changes = changesBetween(null, metadata, SECRET_MEMBERS)
        await transaction.events.record([managed(occasion, { client: caller.id }, 'client', id, 'created', changes)])
        return record
      })
      return { status: 201, body: tell(made, secret ?? undefined) }
    },
  }),

  operation({
    method: 'GET',
    path: '/clients/:id',
    summary: 'Read a client',
    scopes: ['read:clients', 'read:client_keys'],
    query: Type.Object(FIELDS_QUERY),
    answers: { 200: PARTIAL_CLIENT },
    async run(call, services) {
      const { tenant, path, query } = call
      const found =
        (await findGlobalClient(services, tenant, path('id'))) ??
        (await clientTeller(services, call))(await requireClient(services.store, tenant, path('id')))
      return { status: 200, body: fieldsOf(query)(found) }
    },
  }),

  operation({
    method: 'PATCH',
    path: '/clients/:id',
    summary: 'Change a client',
    scopes: ['update:clients', 'update:client_keys'],
    body: CLIENT_CHANGES,
    answers: { 200: CLIENT },
    async run(call, services) {
      const { tenant, path, body, client: caller, scopes, now, occasion } = call
      const given = body as JsonObject & { readonly client_secret?: string }
      if (!scopes.includes('update:clients')) demandSecretAlone(given)
      if (path('id') === globalClientId(tenant))
        return { status: 200, body: await changeGlobal(services, call, settable(given)) }
      if (given.client_secret !== undefined && !scopes.includes('update:client_keys'))
        throw lacking('update:client_keys')
      const found = await requireClient(services.store, tenant, path('id'))
      const merged = (before: ClientRecord) =>
        judgingCredentials(() => settleCredentials(settable({ ...before.metadata, ...given }), before.credentials, now))
      // The key comes first, in a transaction of its own; what is written is made anew of what is there by then.
      const planned = merged(found)
      await checkMetadata(settable({ ...found.metadata, ...given }), given.client_secret ?? null)
      await readyKey(services, tenant, planned.metadata)
      const { after, made } = await services.store.transaction(async transaction => {
        const before = await transaction.clients.hold(tenant, found.id)
        if (!before) throw noClient()
        const { metadata, credentials } = merged(before)
        demandKeysFor(scopes, before.metadata, metadata)
        // A change of how it proves itself may be the first that wants a secret.
        const lacks = before.sealedSecret === null && needsSecret(metadata)
        const secret = given.client_secret ?? (lacks ? randomSecret() : undefined)
        const changes = {
          ...changesBetween(before.metadata, metadata, SECRET_MEMBERS),
          ...(secret !== undefined && { client_secret: 'changed' }),
        }
        if (Object.keys(changes).length === 0) return { after: before, made: undefined }
        await services.clients.change(
          transaction,
          { tenant, id: before.id },
          { metadata, credentials, ...(secret !== undefined && { secret }) },
        )
        await transaction.events.record([
          managed(occasion, { client: caller.id }, 'client', before.id, 'changed', changes),
        ])
        return { after: (await transaction.clients.find(tenant, before.id)) ?? before, made: secret }
      })
      return { status: 200, body: (await clientTeller(services, call))(after, made) }
    },
  }),

  operation({
    method: 'DELETE',
    path: '/clients/:id',
    summary: 'Remove a client: everything it was given ends',
    scopes: ['delete:clients'],
    answers: { 204: null },
    async run({ tenant, path, client: caller, now, occasion }, services) {
      if (path('id') === globalClientId(tenant)) throw isGlobal()
      const { name } = await services.tenants.find(tenant)
      await services.store.transaction(async transaction => {
        const before = await requireClient(transaction, tenant, path('id'))
        if ((await removeClient(transaction, { tenant, id: before.id }, now)) === 'gone') throw noClient()
        const changes = changesBetween(clientToWire(before, name), null, SECRET_MEMBERS)
        await transaction.events.record([
          managed(occasion, { client: caller.id }, 'client', before.id, 'removed', changes),
        ])
      })
      return { status: 204 }
    },
  }),

  operation({
    method: 'POST',
    path: '/clients/:id/rotate-secret',
    summary: 'Give a client another secret; the one it had counts no more',
    scopes: ['update:client_keys'],
    answers: { 200: CLIENT },
    async run(call, services) {
      const { tenant, path, client: caller, occasion } = call
      if (path('id') === globalClientId(tenant)) throw isGlobal()
      const secret = randomSecret()
      const after = await services.store.transaction(async transaction => {
        const before = await transaction.clients.hold(tenant, path('id'))
        if (!before) throw noClient()
        await services.clients.change(transaction, { tenant, id: before.id }, { secret })
        const changes = { client_secret: 'changed' }
        await transaction.events.record([
          managed(occasion, { client: caller.id }, 'client', before.id, 'changed', changes),
        ])
        return before
      })
      return { status: 200, body: (await clientTeller(services, call))(after, secret) }
    },
  }),

  operation({
    method: 'GET',
    path: '/clients/:id/connections',
    summary: 'List the connections by which people come to a client',
    scopes: ['read:connections'],
    query: Type.Object({
      ...CHECKPOINT_QUERY,
      ...FIELDS_QUERY,
      strategy: Type.Optional(Type.Array(Type.String({ maxLength: 100 }), { maxItems: 100 })),
    }),
    answers: { 200: listOf('connections', CONNECTION) },
    async run({ tenant, path, query }, { store }) {
      const { id } = await requireClient(store, tenant, path('id'))
      const paging = pagingOf({ take: 50, ...query })
      const after = paging.kind === 'checkpoint' ? (paging.after ?? undefined) : undefined
      const found = await store.connections.list(tenant, {
        client: id,
        limit: paging.limit + 1,
        ...(after !== undefined && { after }),
        ...(query.strategy && { strategies: query.strategy }),
      })
      const page = found.slice(0, paging.limit)
      const shown = fieldsOf(query)
      return listReply('connections', paging, {
        // What they are set to, and whom else they serve, is told to whoever may read it of them.
        items: page.map(connection => shown(connectionToWire(connection, {}, [id]))),
        next: found.length > page.length ? page.at(-1)?.name : undefined,
      })
    },
  }),
]
