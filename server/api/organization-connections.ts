/**
 * `/organizations/{id}/enabled_connections`, and its newer twin `/organizations/{id}/connections`: by which connections an
 * organization's people sign in. They are two views of the same: the newer one says more.
 */
import Type, { type TObject } from 'typebox'
import { enabledConnectionToWire, organizationConnectionToWire } from '../identity/organization-documents.ts'
import { addConnection, changeConnection, removeConnection } from '../identity/organization-management.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { OrganizationConnectionRecord } from '../store/organization-connections.ts'
import type { Nouns } from '../store/store.ts'
import { ManagementFault, notFound } from './fault.ts'
import { doingOf, findOrganization, holdOrganization } from './find-organization.ts'
import { type Operation, operation } from './operation.ts'
import {
  CONNECTION_SETTINGS,
  ENABLED_CONNECTION,
  requireConnection,
  settingsFrom,
} from './organization-connection-schemas.ts'
import { listOf, OFFSET_QUERY, pagingOf, sliceReply } from './paging.ts'

const LEVEL = Type.Union([
  Type.Literal('none'),
  Type.Literal('readonly'),
  Type.Literal('limited'),
  Type.Literal('full'),
])
const orNull = <T extends ReturnType<typeof Type.String> | ReturnType<typeof Type.Boolean> | typeof LEVEL>(schema: T) =>
  Type.Optional(Type.Union([schema, Type.Null()]))
const LABEL = Type.String({ minLength: 1, maxLength: 50 })

interface View {
  readonly name: 'enabled_connections' | 'connections'
  readonly what: string
  /** Members of a body besides those of both. */
  readonly more: TObject['properties']
  readonly moreOrNull: TObject['properties']
  readonly item: TObject
  readonly toWire: (record: OrganizationConnectionRecord) => JsonObject
}

const VIEWS: readonly View[] = [
  {
    name: 'enabled_connections',
    what: 'an enabled connection',
    more: {},
    moreOrNull: {},
    item: ENABLED_CONNECTION,
    toWire: enabledConnectionToWire,
  },
  {
    name: 'connections',
    what: 'a connection',
    more: {
      organization_connection_name: Type.Optional(LABEL),
      organization_access_level: Type.Optional(LEVEL),
      is_enabled: Type.Optional(Type.Boolean()),
    },
    moreOrNull: {
      organization_connection_name: orNull(LABEL),
      organization_access_level: orNull(LEVEL),
      is_enabled: orNull(Type.Boolean()),
    },
    item: Type.Object({
      ...ENABLED_CONNECTION.properties,
      is_enabled: Type.Boolean(),
      organization_connection_name: Type.Optional(Type.String()),
      organization_access_level: Type.Optional(Type.String()),
    }),
    toWire: organizationConnectionToWire,
  },
]

async function find(store: Nouns, tenant: string, organization: string, connection: string) {
  const found = await store.organizationConnections.find({ tenant, organization, connection })
  if (!found) throw notFound('inexistent_connection', 'The organization does not have this connection.')
  return found
}

const viewed = ({ name, what, more, moreOrNull, item, toWire }: View): readonly Operation[] => [
  operation({
    method: 'GET',
    path: `/organizations/:id/${name}`,
    summary: 'List the connections of an organization',
    scopes: ['read:organization_connections'],
    query: Type.Object({
      ...OFFSET_QUERY,
      ...(name === 'connections' && { is_enabled: Type.Optional(Type.Boolean()) }),
    }),
    answers: { 200: listOf(name, item) },
    async run({ tenant, path, query }, { store }) {
      const { id } = await findOrganization(store, tenant, path('id'))
      const wanted = (query as { readonly is_enabled?: boolean }).is_enabled
      const all = (await store.organizationConnections.list(tenant, id)).filter(
        ({ settings }) => wanted === undefined || (settings['is_enabled'] !== false) === wanted,
      )
      return sliceReply(name, pagingOf(query), all, one => one.name, toWire)
    },
  }),

  operation({
    method: 'POST',
    path: `/organizations/:id/${name}`,
    summary: `Add ${what} to an organization`,
    scopes: ['create:organization_connections'],
    body: Type.Object(
      { connection_id: Type.String(), ...CONNECTION_SETTINGS, ...more },
      { additionalProperties: false },
    ),
    answers: { 201: item },
    async run({ tenant, path, body, ...call }, { store }) {
      const { connection_id: id, ...settings } = body
      return store.transaction(async transaction => {
        const organization = await holdOrganization(transaction, tenant, path('id'))
        const connection = await requireConnection(transaction, tenant, id)
        const named = { tenant, organization: organization.id, connection: connection.id }
        if ((await addConnection(transaction, named, settingsFrom(settings, connection), doingOf(call))) === 'already')
          throw new ManagementFault(409, 'connection_conflict', 'The organization has this connection already.')
        return { status: 201, body: toWire(await find(transaction, tenant, organization.id, connection.id)) }
      })
    },
  }),

  operation({
    method: 'GET',
    path: `/organizations/:id/${name}/:connection`,
    summary: `Read ${what} of an organization`,
    scopes: ['read:organization_connections'],
    answers: { 200: item },
    async run({ tenant, path }, { store }) {
      const { id } = await findOrganization(store, tenant, path('id'))
      return { status: 200, body: toWire(await find(store, tenant, id, path('connection'))) }
    },
  }),

  operation({
    method: 'PATCH',
    path: `/organizations/:id/${name}/:connection`,
    summary: `Change ${what} of an organization`,
    scopes: ['update:organization_connections'],
    body: Type.Object({ ...CONNECTION_SETTINGS, ...moreOrNull }, { additionalProperties: false }),
    answers: { 200: item },
    async run({ tenant, path, body, ...call }, { store }) {
      return store.transaction(async transaction => {
        const { id } = await holdOrganization(transaction, tenant, path('id'))
        const before = await find(transaction, tenant, id, path('connection'))
        settingsFrom({ ...before.settings, ...body }, before)
        await changeConnection(transaction, before, body as JsonObject, doingOf(call))
        return { status: 200, body: toWire(await find(transaction, tenant, id, before.connection)) }
      })
    },
  }),

  operation({
    method: 'DELETE',
    path: `/organizations/:id/${name}/:connection`,
    summary: `Take ${what} from an organization`,
    scopes: ['delete:organization_connections'],
    answers: { 204: null },
    async run({ tenant, path, ...call }, { store }) {
      await store.transaction(async transaction => {
        const { id } = await holdOrganization(transaction, tenant, path('id'))
        const { connection } = await find(transaction, tenant, id, path('connection'))
        await removeConnection(transaction, { tenant, organization: id, connection }, doingOf(call))
      })
      return { status: 204 }
    },
  }),
]

export const organizationConnections: readonly Operation[] = VIEWS.flatMap(viewed)
