/** `/organizations`: what they are called and what they look like. What belongs to them has files of its own. */
import Type from 'typebox'
import {
  enabledConnectionToWire,
  LONGEST_ORGANIZATION_TEXT,
  MOST_ORGANIZATION_METADATA,
  ORGANIZATION_COLOUR,
  organizationToWire,
} from '../identity/organization-documents.ts'
import {
  addConnection,
  changeOrganization,
  createOrganization,
  endOrganization,
} from '../identity/organization-management.ts'
import type { JsonObject } from '../kernel/json.ts'
import { organizationNameFault } from '../policy/organization-name.ts'
import type { OrganizationOrder, OrganizationPage, OrganizationRecord } from '../store/organizations.ts'
import type { Nouns } from '../store/store.ts'
import { ManagementFault } from './fault.ts'
import { doingOf, findOrganization, holdOrganization } from './find-organization.ts'
import { type Operation, operation } from './operation.ts'
import {
  CONNECTION_SETTINGS,
  ENABLED_CONNECTION,
  requireConnection,
  settingsFrom,
} from './organization-connection-schemas.ts'
import { CHECKPOINT_QUERY, listOf, listReply, OFFSET_QUERY, pagingOf, readPositionOf } from './paging.ts'

const COLOUR = Type.String({ pattern: ORGANIZATION_COLOUR })
const BRANDING = Type.Object(
  {
    logo_url: Type.Optional(Type.String({ pattern: '^https://', maxLength: 2048 })),
    colors: Type.Optional(Type.Object({ primary: COLOUR, page_background: COLOUR }, { additionalProperties: false })),
  },
  { additionalProperties: false },
)
const METADATA_NAME = `^.{1,${LONGEST_ORGANIZATION_TEXT}}$`
const metadata = (value: ReturnType<typeof Type.String> | ReturnType<typeof Type.Union>) =>
  Type.Object(
    {},
    {
      patternProperties: { [METADATA_NAME]: value },
      additionalProperties: false,
      maxProperties: MOST_ORGANIZATION_METADATA,
    },
  )
const METADATA_VALUE = Type.String({ maxLength: LONGEST_ORGANIZATION_TEXT })
const NAME = Type.String({ minLength: 1, maxLength: LONGEST_ORGANIZATION_TEXT })
/** Kept as they are given: nothing here follows them. */
const KEPT = {
  token_quota: Type.Optional(Type.Union([Type.Object({}), Type.Null()])),
  third_party_client_access: Type.Optional(Type.Union([Type.Literal('block'), Type.Literal('allow')])),
  is_app_entitlement_active: Type.Optional(Type.Boolean()),
}
const MOST_CONNECTIONS = 10

const NEW = Type.Object(
  {
    name: NAME,
    display_name: Type.Optional(NAME),
    branding: Type.Optional(BRANDING),
    metadata: Type.Optional(metadata(METADATA_VALUE)),
    enabled_connections: Type.Optional(
      Type.Array(
        Type.Object({ connection_id: Type.String(), ...CONNECTION_SETTINGS }, { additionalProperties: false }),
        {
          maxItems: MOST_CONNECTIONS,
        },
      ),
    ),
    ...KEPT,
  },
  { additionalProperties: false },
)
const CHANGES = Type.Object(
  {
    name: Type.Optional(NAME),
    display_name: Type.Optional(NAME),
    branding: Type.Optional(BRANDING),
    metadata: Type.Optional(metadata(Type.Union([METADATA_VALUE, Type.Null()]))),
    ...KEPT,
  },
  { additionalProperties: false },
)
export const ORGANIZATION = Type.Object({
  id: Type.String(),
  name: Type.String(),
  display_name: Type.String(),
  branding: Type.Optional(Type.Unknown()),
  metadata: Type.Optional(Type.Unknown()),
  client: Type.Optional(Type.Object({ use_for_member_access: Type.Boolean() })),
})

const taken = () => new ManagementFault(409, 'organization_conflict', 'An organization with this name already exists.')

function checkName(name: string | undefined): void {
  const fault = name === undefined ? undefined : organizationNameFault(name)
  if (fault !== undefined) throw new ManagementFault(400, 'invalid_body', `Payload validation error: name ${fault}.`)
}

const SORT = /^(created_at|name|display_name):(-?1)$/

function orderOf(sort: string | undefined): Pick<OrganizationPage, 'by' | 'descending'> {
  if (sort === undefined) return {}
  const [, by, direction] = SORT.exec(sort) ?? []
  if (by === undefined)
    throw new ManagementFault(
      400,
      'invalid_query_string',
      'Query validation error: sort has to be created_at, name or display_name, a colon, and 1 or -1.',
    )
  return { by: by as OrganizationOrder, descending: direction === '-1' }
}

/** Where an organization stands in whichever order: all that it may be sorted by. */
export const positionOf = ({ id, name, displayName, createdAt }: OrganizationRecord): string =>
  JSON.stringify([id, name, displayName, createdAt])

export function readPosition(paging: { readonly after: string | null }): OrganizationPage['after'] {
  const read = readPositionOf(paging, isPosition)
  if (read === null) return undefined
  const [id, name, displayName, createdAt] = read
  return { id, name, displayName, createdAt }
}

const isPosition = (read: unknown): read is readonly [string, string, string, number] =>
  Array.isArray(read) &&
  read.slice(0, 3).every(one => typeof one === 'string') &&
  Number.isSafeInteger(read[3]) &&
  read.length === 4

/** With what the client is to each of them, where that is asked for. */
async function withClient(
  store: Nouns,
  tenant: string,
  found: readonly OrganizationRecord[],
  client: string | undefined,
): Promise<readonly JsonObject[]> {
  const items: JsonObject[] = []
  for (const organization of found) {
    const association = client && (await store.organizationClients.find(tenant, organization.id, client))
    items.push({
      ...organizationToWire(organization),
      ...(association && { client: { use_for_member_access: association.isForMembers } }),
    })
  }
  return items
}

export const organizations: readonly Operation[] = [
  operation({
    method: 'GET',
    path: '/organizations',
    summary: 'List organizations',
    scopes: ['read:organizations', 'read:organizations_summary'],
    query: Type.Object({
      ...OFFSET_QUERY,
      ...CHECKPOINT_QUERY,
      sort: Type.Optional(Type.String()),
      include_client_association_for: Type.Optional(Type.String()),
    }),
    answers: { 200: listOf('organizations', ORGANIZATION) },
    async run({ tenant, query }, { store }) {
      const order = orderOf(query.sort)
      const paging = pagingOf(query)
      const client = query.include_client_association_for
      if (paging.kind === 'offset') {
        const page = { ...order, offset: paging.start, limit: paging.limit }
        const found = await store.organizations.list(tenant, page)
        const total = paging.withTotals ? await store.organizations.count(tenant) : undefined
        return listReply('organizations', paging, { items: await withClient(store, tenant, found, client), total })
      }
      const { limit } = paging
      const found = await store.organizations.list(tenant, {
        ...order,
        after: readPosition(paging),
        limit: limit + 1,
      })
      const page = found.slice(0, limit)
      const last = page.at(-1)
      return listReply('organizations', paging, {
        items: await withClient(store, tenant, page, client),
        next: found.length > limit && last ? positionOf(last) : undefined,
      })
    },
  }),

  operation({
    method: 'POST',
    path: '/organizations',
    summary: 'Create an organization',
    scopes: ['create:organizations'],
    body: NEW,
    answers: { 201: Type.Object({ ...ORGANIZATION.properties, enabled_connections: Type.Array(ENABLED_CONNECTION) }) },
    async run({ tenant, body, ...call }, { store }) {
      const { name, display_name: displayName = name, enabled_connections: wanted = [], ...settings } = body
      checkName(name)
      const doing = doingOf(call)
      return store.transaction(async transaction => {
        const made = await createOrganization(
          transaction,
          { tenant, name, displayName, settings: settings as JsonObject },
          doing,
        )
        if (made === 'taken') throw taken()
        for (const { connection_id: id, ...rest } of wanted) {
          const connection = await requireConnection(transaction, tenant, id)
          const named = { tenant, organization: made.id, connection: connection.id }
          await addConnection(transaction, named, settingsFrom(rest, connection), doing)
        }
        const enabled = await transaction.organizationConnections.list(tenant, made.id)
        return {
          status: 201,
          body: { ...organizationToWire(made), enabled_connections: enabled.map(enabledConnectionToWire) },
        }
      })
    },
  }),

  operation({
    method: 'GET',
    path: '/organizations/name/:name',
    summary: 'Read an organization by its name',
    scopes: ['read:organizations'],
    answers: { 200: ORGANIZATION },
    async run({ tenant, path }, { store }) {
      const found = await store.organizations.findByName(tenant, path('name'))
      return { status: 200, body: organizationToWire(await findOrganization(store, tenant, found?.id ?? '')) }
    },
  }),

  operation({
    method: 'GET',
    path: '/organizations/:id',
    summary: 'Read an organization',
    scopes: ['read:organizations'],
    answers: { 200: ORGANIZATION },
    async run({ tenant, path }, { store }) {
      return { status: 200, body: organizationToWire(await findOrganization(store, tenant, path('id'))) }
    },
  }),

  operation({
    method: 'PATCH',
    path: '/organizations/:id',
    summary: 'Change an organization',
    scopes: ['update:organizations'],
    body: CHANGES,
    answers: { 200: ORGANIZATION },
    async run({ tenant, path, body, ...call }, { store }) {
      const { name, display_name: displayName, ...settings } = body
      checkName(name)
      const changes = {
        ...(name !== undefined && { name }),
        ...(displayName !== undefined && { displayName }),
        settings: settings as JsonObject,
      }
      return store.transaction(async transaction => {
        const { id } = await holdOrganization(transaction, tenant, path('id'))
        const after = await changeOrganization(transaction, { tenant, id }, changes, doingOf(call))
        if (after === 'taken') throw taken()
        if (after === 'gone')
          throw new ManagementFault(404, 'inexistent_organization', 'The organization does not exist.')
        const held = (after.settings['metadata'] ?? {}) as JsonObject
        if (Object.keys(held).length > MOST_ORGANIZATION_METADATA)
          throw new ManagementFault(
            400,
            'invalid_body',
            `Payload validation error: metadata has more than ${MOST_ORGANIZATION_METADATA} members.`,
          )
        return { status: 200, body: organizationToWire(after) }
      })
    },
  }),

  operation({
    method: 'DELETE',
    path: '/organizations/:id',
    summary: 'Remove an organization, and end all that was given within it',
    scopes: ['delete:organizations'],
    answers: { 204: null },
    async run({ tenant, path, ...call }, { store }) {
      await store.transaction(async transaction => {
        const organization = await holdOrganization(transaction, tenant, path('id'))
        await endOrganization(transaction, organization, doingOf(call))
      })
      return { status: 204 }
    },
  }),
]
