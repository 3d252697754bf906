/**
 * `/connections`: what vouches for people, and for which applications. Databases of passwords sign people in; connections
 * of other strategies are kept as they are given. What a connection means is `identity/connections.ts`'s.
 */
import Type from 'typebox'
import { managed, managedUnlessSame } from '../audit/events.ts'
import {
  CONNECTION_NAME,
  LONGEST_DISPLAY_NAME,
  LONGEST_METADATUM,
  LONGEST_REALM,
  MOST_CLIENTS,
  MOST_METADATA,
  MOST_REALMS,
  optionProblems,
  STRATEGIES,
} from '../identity/connection-document.ts'
import { removePeople, removePeopleOfRemovedConnections } from '../identity/connection-removal.ts'
import { connectionChanges, connectionToWire, servedClients } from '../identity/connections.ts'
import { isDatabase } from '../identity/directories.ts'
import type { JsonObject } from '../kernel/json.ts'
import { emailKey } from '../policy/email-address.ts'
import type { ConnectionRecord } from '../store/connections.ts'
import type { Nouns } from '../store/store.ts'
import { ManagementFault, notFound } from './fault.ts'
import { FIELDS_QUERY, fieldsOf } from './fields.ts'
import { type Operation, operation } from './operation.ts'
import { CHECKPOINT_QUERY, cursorOf, listOf, listReply, OFFSET_QUERY, pagingOf } from './paging.ts'
import type { ApiServices } from './services.ts'

/** What Auth0 takes at once. */
const MOST_CLIENTS_AT_ONCE = 50

const METADATA = Type.Record(
  Type.String({ minLength: 1, maxLength: LONGEST_METADATUM }),
  Type.Union([Type.String({ maxLength: LONGEST_METADATUM }), Type.Null()]),
  { maxProperties: MOST_METADATA },
)
const PURPOSE = Type.Object({ active: Type.Boolean() })
const CLIENT_IDS = Type.Array(Type.String({ minLength: 1, maxLength: 255 }), { maxItems: MOST_CLIENTS })

const SETTINGS = {
  display_name: Type.Optional(Type.String({ minLength: 1, maxLength: LONGEST_DISPLAY_NAME })),
  realms: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: LONGEST_REALM }), { maxItems: MOST_REALMS })),
  is_domain_connection: Type.Optional(Type.Boolean()),
  show_as_button: Type.Optional(Type.Boolean()),
  metadata: Type.Optional(Type.Union([METADATA, Type.Null()])),
  authentication: Type.Optional(Type.Union([PURPOSE, Type.Null()])),
  connected_accounts: Type.Optional(Type.Union([PURPOSE, Type.Null()])),
  cross_app_access_requesting_app: Type.Optional(Type.Union([PURPOSE, Type.Null()])),
}
const OPTIONS = Type.Record(Type.String(), Type.Unknown())

const NEW = Type.Object(
  {
    name: Type.String({ pattern: CONNECTION_NAME }),
    strategy: Type.Enum([...STRATEGIES]),
    options: Type.Optional(OPTIONS),
    enabled_clients: Type.Optional(CLIENT_IDS),
    ...SETTINGS,
  },
  { additionalProperties: false },
)

/** What was read may be sent back: `id`, `name` and `strategy` are taken as long as they stay as they are. */
const CHANGES = Type.Object(
  {
    id: Type.Optional(Type.String()),
    name: Type.Optional(Type.String()),
    strategy: Type.Optional(Type.String()),
    options: Type.Optional(Type.Union([OPTIONS, Type.Null()])),
    enabled_clients: Type.Optional(Type.Union([CLIENT_IDS, Type.Null()])),
    ...SETTINGS,
  },
  { additionalProperties: false },
)

const CONNECTION = Type.Object({
  id: Type.Optional(Type.String()),
  name: Type.Optional(Type.String()),
  strategy: Type.Optional(Type.String()),
  options: Type.Optional(OPTIONS),
  enabled_clients: Type.Optional(Type.Array(Type.String())),
  display_name: Type.Optional(Type.String()),
  realms: Type.Optional(Type.Array(Type.String())),
  is_domain_connection: Type.Optional(Type.Boolean()),
  show_as_button: Type.Optional(Type.Boolean()),
  metadata: Type.Optional(METADATA),
  authentication: Type.Optional(PURPOSE),
  connected_accounts: Type.Optional(PURPOSE),
})

const missing = () => notFound('inexistent_connection', 'The connection does not exist.')

async function findConnection({ store }: ApiServices, tenant: string, id: string): Promise<ConnectionRecord> {
  const found = await store.connections.find(tenant, id)
  if (!found) throw missing()
  return found
}

/** As somebody with these scopes sees it: what is secret in the options needs one of its own, as with Auth0. */
async function toWire(
  { store, connections }: ApiServices,
  scopes: readonly string[],
  connection: ConnectionRecord,
): Promise<JsonObject> {
  const options = scopes.includes('read:connections_options') ? connections.openOptions(connection) : connection.options
  return connectionToWire(connection, options, await servedClients(store, connection))
}

function changesOf(before: ConnectionRecord | null, after: ConnectionRecord | null): JsonObject {
  const isSecretChanged = (before?.sealedOptions ?? null) !== (after?.sealedOptions ?? null)
  return connectionChanges(before, after, isSecretChanged)
}

/** Throws for the first. */
function checkOptions(strategy: string, options: JsonObject | null | undefined): void {
  if (!options) return
  const [problem] = optionProblems(strategy, options)
  if (problem) throw invalid(`options.${problem.path.join('.')}: ${problem.message}`)
}

const invalid = (problem: string) => new ManagementFault(400, 'invalid_body', `Payload validation error: ${problem}`)

/** Throws for one that is not there. */
async function checkClients({ clients }: Nouns, tenant: string, ids: readonly string[]): Promise<void> {
  for (const id of new Set(ids))
    if (!(await clients.find(tenant, id))) throw invalid(`There is no client ${JSON.stringify(id)}.`)
}

type Settings = { readonly [name in keyof typeof SETTINGS]?: unknown }

const settingsIn = (body: Settings): JsonObject =>
  Object.fromEntries(
    Object.keys(SETTINGS).flatMap(name => {
      const value = body[name as keyof Settings]
      return value === undefined ? [] : [[name, value]]
    }),
  ) as JsonObject

const LIST_QUERY = Type.Object({
  ...OFFSET_QUERY,
  ...CHECKPOINT_QUERY,
  ...FIELDS_QUERY,
  strategy: Type.Optional(Type.Array(Type.String(), { maxItems: STRATEGIES.length })),
  name: Type.Optional(Type.String({ maxLength: 128 })),
})

/** The connections that the filter names, by whichever way of paging. */
async function listed(
  services: ApiServices,
  query: { readonly strategy?: readonly string[]; readonly name?: string; readonly client?: string } & Parameters<
    typeof pagingOf
  >[0] &
    Parameters<typeof fieldsOf>[0],
  tenant: string,
  scopes: readonly string[],
) {
  const { store } = services
  const paging = pagingOf(query)
  const filter = {
    ...(query.strategy && { strategies: query.strategy }),
    ...(query.name !== undefined && { name: query.name }),
    ...(query.client !== undefined && { client: query.client }),
  }
  const wanted = fieldsOf(query)
  const shown = async (records: readonly ConnectionRecord[]) => {
    const items: object[] = []
    for (const record of records) items.push(wanted(await toWire(services, scopes, record)))
    return items
  }
  if (paging.kind === 'offset') {
    const { start, limit, withTotals } = paging
    const records = await store.connections.list(tenant, { ...filter, offset: start, limit })
    const total = withTotals ? await store.connections.count(tenant, filter) : undefined
    return listReply('connections', paging, { items: await shown(records), total })
  }
  const { after, limit } = paging
  const page = { ...filter, ...(after !== null && { after }), limit: limit + 1 }
  const records = await store.connections.list(tenant, page)
  const items = await shown(records.slice(0, limit))
  return listReply('connections', paging, {
    items,
    next: records.length > limit ? records[limit - 1]?.name : undefined,
  })
}

export const connections: readonly Operation[] = [
  operation({
    method: 'GET',
    path: '/connections',
    summary: 'List connections',
    scopes: ['read:connections'],
    query: LIST_QUERY,
    answers: { 200: listOf('connections', CONNECTION) },
    run: ({ tenant, query, scopes }, services) => listed(services, query, tenant, scopes),
  }),

  operation({
    method: 'POST',
    path: '/connections',
    summary: 'Create a connection',
    scopes: ['create:connections'],
    body: NEW,
    answers: { 201: CONNECTION },
    async run({ tenant, body, client, scopes, occasion }, services) {
      const { name, strategy, enabled_clients: clients = [] } = body
      const options = body.options as JsonObject | undefined
      checkOptions(strategy, options)
      await checkClients(services.store, tenant, clients)
      const given = { tenant, name, strategy, settings: settingsIn(body), clients }
      const made = await services.store.transaction(async transaction => {
        const record = await services.connections.create(transaction, { ...given, ...(options && { options }) })
        if (record === 'taken') return record
        const changes = changesOf(null, record)
        await transaction.events.record([
          managed(occasion, { client: client.id }, 'connection', record.id, 'created', changes),
        ])
        return record
      })
      if (made === 'taken')
        throw new ManagementFault(409, 'connection_conflict', 'A connection with the same name already exists.')
      return { status: 201, body: await toWire(services, scopes, made) }
    },
  }),

  operation({
    method: 'GET',
    path: '/connections/:id',
    summary: 'Read a connection',
    scopes: ['read:connections'],
    query: Type.Object(FIELDS_QUERY),
    answers: { 200: CONNECTION },
    async run({ tenant, path, query, scopes }, services) {
      const connection = await findConnection(services, tenant, path('id'))
      return { status: 200, body: fieldsOf(query)(await toWire(services, scopes, connection)) }
    },
  }),

  operation({
    method: 'PATCH',
    path: '/connections/:id',
    summary: 'Change a connection; options are replaced as a whole',
    scopes: ['update:connections'],
    body: CHANGES,
    answers: { 200: CONNECTION },
    async run({ tenant, path, body, client, scopes, occasion }, services) {
      const found = await findConnection(services, tenant, path('id'))
      for (const name of ['id', 'name', 'strategy'] as const)
        if (body[name] !== undefined && body[name] !== found[name]) throw invalid(`${name} cannot be changed.`)
      const options = body.options as JsonObject | null | undefined
      const { enabled_clients: clients } = body
      checkOptions(found.strategy, options)
      if (clients) await checkClients(services.store, tenant, clients)
      const changed = await services.store.transaction(async transaction => {
        const before = await transaction.connections.hold(tenant, found.id)
        if (!before) return 'gone'
        const after = await services.connections.change(transaction, before, {
          settings: settingsIn(body),
          ...(options && { options }),
          ...(clients && { clients }),
        })
        if (after === 'gone') return after
        const changes = changesOf(before, after)
        if (Object.keys(changes).length > 0)
          await transaction.events.record([
            managed(occasion, { client: client.id }, 'connection', found.id, 'changed', changes),
          ])
        return after
      })
      if (changed === 'gone') throw missing()
      return { status: 200, body: await toWire(services, scopes, changed) }
    },
  }),

  operation({
    method: 'DELETE',
    path: '/connections/:id',
    summary: 'Delete a connection with its people',
    scopes: ['delete:connections'],
    answers: { 204: null },
    async run({ tenant, path, client, now, occasion }, { store, connections }) {
      const isRemoved = await store.transaction(async transaction => {
        const before = await transaction.connections.find(tenant, path('id'))
        if (!before || (await connections.remove(transaction, before, now)) === 'gone') return false
        const changes = changesOf(before, null)
        await transaction.events.record([
          managed(occasion, { client: client.id }, 'connection', before.id, 'removed', changes),
        ])
        return true
      })
      // Auth0 answers alike for one that is not there.
      if (isRemoved) await removePeopleOfRemovedConnections(store, now, REMOVED_AT_ONCE)
      return { status: 204 }
    },
  }),

  operation({
    method: 'GET',
    path: '/connections/:id/clients',
    summary: 'List the clients that a connection serves',
    scopes: ['read:connections'],
    query: Type.Object(CHECKPOINT_QUERY),
    answers: {
      200: Type.Object({
        clients: Type.Array(Type.Object({ client_id: Type.String() })),
        next: Type.Optional(Type.String()),
      }),
    },
    async run({ tenant, path, query }, services) {
      const { id } = await findConnection(services, tenant, path('id'))
      const { after, limit } = checkpointOf(query)
      const page = { ...(after !== null && { after }), limit: limit + 1 }
      const ids = await services.store.connections.clientsOf(tenant, id, page)
      const last = ids.length > limit ? ids[limit - 1] : undefined
      const clients = ids.slice(0, limit).map(client_id => ({ client_id }))
      return { status: 200, body: { clients, ...(last !== undefined && { next: cursorOf(last) }) } }
    },
  }),

  operation({
    method: 'PATCH',
    path: '/connections/:id/clients',
    summary: 'Enable or disable a connection for clients',
    scopes: ['update:connections'],
    body: Type.Array(
      Type.Object(
        { client_id: Type.String({ minLength: 1, maxLength: 255 }), status: Type.Boolean() },
        { additionalProperties: false },
      ),
      { minItems: 1, maxItems: MOST_CLIENTS_AT_ONCE },
    ),
    answers: { 204: null },
    async run({ tenant, path, body, client, occasion }, services) {
      const { store, connections } = services
      const found = await findConnection(services, tenant, path('id'))
      await checkClients(
        store,
        tenant,
        body.filter(({ status }) => status).map(({ client_id }) => client_id),
      )
      const wanted = body.map(({ client_id, status }) => ({ client: client_id, isServed: status }))
      await store.transaction(async transaction => {
        const before = await transaction.connections.hold(tenant, found.id)
        if (!before) throw missing()
        await connections.changeClients(transaction, before, wanted)
        const others = body.filter(({ client_id, status }) => before.clients?.includes(client_id) !== status)
        const enabled = Object.fromEntries(others.map(({ client_id, status }) => [client_id, status]))
        const changes = others.length > 0 ? { enabled_clients: enabled } : {}
        const by = { client: client.id }
        await transaction.events.record(managedUnlessSame(occasion, by, 'connection', found.id, 'changed', changes))
      })
      return { status: 204 }
    },
  }),

  operation({
    method: 'DELETE',
    path: '/connections/:id/users',
    summary: 'Delete the user with an e-mail address in a database',
    scopes: ['delete:users'],
    query: Type.Object({ email: Type.String({ minLength: 1, maxLength: 254 }) }),
    answers: { 204: null },
    async run({ tenant, path, query, client, now, occasion }, services) {
      const connection = await findConnection(services, tenant, path('id'))
      if (!isDatabase(connection))
        throw new ManagementFault(400, 'invalid_connection', 'People are deleted by address in databases alone.')
      const key = { emailKey: emailKey(query.email) }
      const found = await services.store.users.findByIdentity(tenant, connection.id, key)
      if (!found) throw notFound('inexistent_user', 'The user does not exist.')
      const { identity } = found
      const one = { user: found.user.id, subject: identity.subject, isFirst: identity.ordinal === 0 }
      await services.store.transaction(async transaction => {
        for (const user of await removePeople(transaction, { tenant, id: connection.id, people: [one] }, now))
          await transaction.events.record([managed(occasion, { client: client.id }, 'user', user, 'removed')])
      })
      return { status: 204 }
    },
  }),

  operation({
    method: 'GET',
    path: '/connections/:id/status',
    summary: 'Whether people can sign in through a connection now',
    scopes: ['read:connections'],
    answers: { 200: null },
    async run({ tenant, path }, services) {
      const connection = await findConnection(services, tenant, path('id'))
      if (!isDatabase(connection)) throw notFound('connection_offline', 'The connection is offline.')
      return { status: 200 }
    },
  }),
]

/** As many as a purge takes: what is left is the job's. */
const REMOVED_AT_ONCE = 500

/** Of a list that has no other shape. */
function checkpointOf(query: Parameters<typeof pagingOf>[0]) {
  const paging = pagingOf({ take: 50, ...query })
  return paging.kind === 'checkpoint' ? paging : { after: null, limit: paging.limit }
}
