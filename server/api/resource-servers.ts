/** `/resource-servers`: the APIs that access tokens are for. The server's own is among them, and nobody's to change. */
import Type, { type Static } from 'typebox'
import { changesBetween } from '../audit/changes.ts'
import { managed } from '../audit/events.ts'
import { changeApi, createApi } from '../clients/api-changes.ts'
import { apiProblems, apiToWire, isKey } from '../clients/api-document.ts'
import { API_CLAIMS, readClaims } from '../clients/custom-claims.ts'
import { ACCESS_TOKEN_ALGORITHMS, RESOURCE_SERVER_MEMBERS } from '../clients/resource-servers.ts'
import { findSystemApi } from '../clients/system-apis.ts'
import { checkMembers, readMembers } from '../config/members.ts'
import { newId } from '../kernel/ids.ts'
import type { JsonObject, JsonValue } from '../kernel/json.ts'
import { randomSecret } from '../kernel/secrets.ts'
import { removeApi } from '../revocation/revoke.ts'
import type { ResourceServerRecord } from '../store/resource-servers.ts'
import { userinfoAudience } from '../tokens/access-token.ts'
import { OPENID_SCOPES } from '../tokens/claims.ts'
import { templateProblems } from '../tokens/custom-claims.ts'
import { ManagementFault, notFound } from './fault.ts'
import { FIELDS_QUERY, fieldsOf } from './fields.ts'
import { memberSchemas } from './member-schema.ts'
import { type Operation, operation } from './operation.ts'
import { listOf, listReply, OFFSET_QUERY, pagingOf } from './paging.ts'
import type { ApiServices } from './services.ts'

/** Members of Auth0's that have no meaning here, and are kept as they are given. */
const KEPT = Object.fromEntries(
  [
    'allow_online_access',
    'allow_online_access_with_ephemeral_sessions',
    'token_lifetime_for_anonymous_access_tokens',
    'consent_policy',
    'authorization_details',
    'proof_of_possession',
    'authorization_policy',
  ].map(name => [name, Type.Optional(Type.Unknown())]),
)
const { identifier: _identifier, ...SETTINGS } = RESOURCE_SERVER_MEMBERS
const IDENTIFIER = Type.String({ minLength: 1, maxLength: 600 })

const NEW_API = Type.Object(
  { ...memberSchemas(SETTINGS), ...KEPT, identifier: IDENTIFIER },
  { additionalProperties: false },
)
/** What an API is read with may stand in a change of it: what cannot be changed has to say what it is. */
const API_CHANGES = Type.Object(
  {
    ...memberSchemas(SETTINGS),
    ...KEPT,
    id: Type.Optional(Type.String()),
    identifier: Type.Optional(IDENTIFIER),
    is_system: Type.Optional(Type.Boolean()),
    client_id: Type.Optional(Type.Unknown()),
  },
  { additionalProperties: false },
)

const API = Type.Object({
  id: Type.String(),
  name: Type.String(),
  identifier: Type.String(),
  is_system: Type.Boolean(),
  scopes: Type.Unknown(),
  signing_alg: Type.Optional(Type.Union(ACCESS_TOKEN_ALGORITHMS.map(name => Type.Literal(name)))),
  /** Where one was made for an API that was created, and never again. */
  signing_secret: Type.Optional(Type.String()),
})
export const PARTIAL_API = Type.Partial(API)

const invalid = (message: string) => new ManagementFault(400, 'invalid_body', `Payload validation error: ${message}`)
const noApi = () => notFound('inexistent_resource_server', 'The resource server does not exist.')
const taken = () =>
  new ManagementFault(409, 'resource_server_conflict', 'A resource server with this identifier exists already.')
const isOurs = () =>
  new ManagementFault(403, 'system_resource_server', 'An API of the server itself cannot be changed or removed.')

interface Here {
  readonly tenant: string
  readonly incoming: { readonly issuer: string }
}

/** As the others are told. */
export function systemToWire({ tenant, incoming: { issuer } }: Here, audience: string): JsonObject | undefined {
  const api = findSystemApi(tenant, issuer, audience)
  return (
    api && {
      id: api.id,
      name: api.name,
      identifier: api.identifier,
      is_system: true,
      scopes: api.scopes.map(value => ({ value, description: api.descriptions[value] })),
      signing_alg: api.algorithm as 'RS256',
      token_dialect: api.dialect,
      token_lifetime: api.machineLifetimeSeconds,
      allow_offline_access: false,
      enforce_policies: false,
      skip_consent_for_verifiable_first_party_clients: false,
    }
  )
}

export const managementOf = ({ incoming: { issuer } }: Here): string => `${issuer}api/v2/`
const isSystem = (here: Here, named: string): boolean =>
  namesOf(named).some(name => name === 'management' || name === managementOf(here))

/** Auth0's libraries escape an identifier that their users were told to escape before. */
function namesOf(named: string): readonly string[] {
  try {
    return [named, decodeURIComponent(named)]
  } catch {
    return [named]
  }
}

/** By its id, or by its identifier, which may well look like an address. */
async function findApi({ store }: ApiServices, { tenant }: Here, named: string) {
  const found = await store.resourceServers.find(tenant, named)
  if (found) return found
  const [first, second] = namesOf(named)
  return (
    (await store.resourceServers.findByIdentifier(tenant, first ?? named)) ??
    (second === undefined || second === first || second.includes('\0')
      ? undefined
      : await store.resourceServers.findByIdentifier(tenant, second))
  )
}

/** Everything that a document says, sound: as the tenant file is checked, and by the same tables. */
async function checkDocument(document: JsonObject): Promise<void> {
  const [problem] = [
    ...checkMembers(RESOURCE_SERVER_MEMBERS, document),
    ...apiProblems(document, OPENID_SCOPES),
    ...(await templateProblems(readClaims(document['claims'], API_CLAIMS))),
  ]
  if (problem) throw invalid(`${problem.path.join('.')}: ${problem.message}`)
}

/** The secret that the API is to have besides what it has; undefined where nothing changes. */
async function secretFor(
  { keyring }: ApiServices,
  { tenant, id, identifier }: Pick<ResourceServerRecord, 'tenant' | 'id' | 'identifier'>,
  document: JsonObject,
): Promise<string | undefined> {
  const given = document['signing_secret']
  if (document['signing_alg'] !== 'HS256') {
    if (typeof given === 'string') throw invalid('signing_secret is for an API whose signing_alg is HS256.')
    return undefined
  }
  if (typeof given !== 'string') {
    const [current] = await keyring.apiSecrets(tenant, id)
    return current?.state === 'current' ? undefined : randomSecret()
  }
  if (await isKey(given, identifier)) throw invalid('signing_secret is a key that others may know, and not a secret.')
  if (await keyring.isRevokedApiSecret(tenant, given))
    throw invalid('signing_secret was revoked, and is never taken again.')
  return given
}

/** An API is never stored without the secret it signs with, and a key is published before a setting lets it sign. */
async function readyKeys({ keyring }: ApiServices, tenant: string, id: string, document: JsonObject, secret?: string) {
  const { signing_alg: algorithm = 'RS256' } = readMembers(SETTINGS, document)
  if (algorithm !== 'HS256') await keyring.signer(tenant, algorithm)
  if (secret !== undefined) await keyring.putApiSecret(tenant, id, secret, 'management-api')
}

const without = (document: Readonly<Record<string, unknown>>, ...names: readonly string[]): JsonObject =>
  Object.fromEntries(Object.entries(document).filter(([name]) => !names.includes(name))) as JsonObject

/** What is kept of a document: everything but what is kept elsewhere, and nothing that is unset. */
const settingsIn = (document: JsonObject): JsonObject =>
  Object.fromEntries(
    Object.entries(without(document, 'id', 'identifier', 'is_system', 'client_id', 'signing_secret')).filter(
      ([, value]) => value !== null,
    ),
  )

/** For an event: that a secret is another one now, and not which. */
const toldSecret = (secret: string | undefined): JsonObject =>
  secret === undefined ? {} : { signing_secret: 'changed' }

/** Between two tries to make an API whose identifier a removed one had. */
const ROWS_AT_ONCE = 500

export const resourceServers: readonly Operation[] = [
  operation({
    method: 'GET',
    path: '/resource-servers',
    summary: 'List APIs',
    scopes: ['read:resource_servers'],
    query: Type.Object({
      ...OFFSET_QUERY,
      ...FIELDS_QUERY,
      identifiers: Type.Optional(Type.Array(IDENTIFIER, { maxItems: 100 })),
    }),
    answers: { 200: listOf('resource_servers', PARTIAL_API) },
    async run(call, { store }) {
      const { tenant, query } = call
      const { resourceServers } = store
      const paging = pagingOf(query)
      const [start, limit] = [paging.kind === 'offset' ? paging.start : 0, paging.limit]
      const shown = fieldsOf(query)
      const named = query.identifiers
      if (named) {
        const own = named.flatMap((identifier): JsonObject[] => {
          const system = systemToWire(call, identifier)
          return system ? [system] : []
        })
        const all = [...own, ...(await resourceServers.among(tenant, named)).map(apiToWire)]
        const items = all.slice(start, start + limit).map(shown)
        return listReply('resource_servers', paging, { items, total: all.length })
      }
      // The server's own comes first, and is one of those that are counted.
      const own = start === 0 ? [systemToWire(call, managementOf(call)) ?? {}] : []
      const part = { offset: Math.max(start - 1, 0), limit: limit - own.length }
      const found = part.limit > 0 ? await resourceServers.list(tenant, part) : []
      const total = query.include_totals ? (await resourceServers.count(tenant)) + 1 : undefined
      return listReply('resource_servers', paging, { items: [...own, ...found.map(apiToWire)].map(shown), total })
    },
  }),

  operation({
    method: 'POST',
    path: '/resource-servers',
    summary: 'Create an API',
    scopes: ['create:resource_servers'],
    body: NEW_API,
    answers: { 201: API },
    async run(call, services) {
      const { tenant, incoming, body, client, now, occasion } = call
      const { store } = services
      const document = body as JsonObject
      await checkDocument(document)
      const identifier = (body as Static<typeof NEW_API> & { identifier: string }).identifier
      const hosts = await store.tenants.hostsOf(tenant)
      const issuers = new Set([incoming.issuer, ...hosts.map(({ issuer }) => issuer)])
      if ([...issuers].some(issuer => [`${issuer}api/v2/`, userinfoAudience(issuer)].includes(identifier)))
        throw taken()
      const api = {
        tenant,
        id: newId('api'),
        identifier,
        settings: settingsIn(document),
        createdAt: now,
        updatedAt: now,
      }
      const secret = await secretFor(services, api, document)
      if (await store.resourceServers.findByIdentifier(tenant, identifier)) throw taken()
      await readyKeys(services, tenant, api.id, document, secret)
      const create = () =>
        store.transaction(async transaction => {
          const outcome = await createApi(transaction, api)
          if (outcome !== 'created') return outcome
          const changes = { ...changesBetween(null, apiToWire({ ...api, epoch: 0 })), ...toldSecret(secret) }
          await transaction.events.record([
            managed(occasion, { client: client.id }, 'resource-server', api.id, 'created', changes),
          ])
          return outcome
        })
      let outcome = await create()
      if (outcome === 'leaving') {
        await store.removals.finishApi(tenant, identifier, ROWS_AT_ONCE)
        outcome = await create()
      }
      if (outcome !== 'created') throw taken()
      const wire = apiToWire({ ...api, epoch: 0 })
      return { status: 201, body: secret === undefined ? wire : { ...wire, signing_secret: secret } }
    },
  }),

  operation({
    method: 'GET',
    path: '/resource-servers/:id',
    summary: 'Read an API, by its id or its identifier',
    scopes: ['read:resource_servers'],
    query: Type.Object(FIELDS_QUERY),
    answers: { 200: PARTIAL_API },
    async run(call, services) {
      const named = call.path('id')
      if (isSystem(call, named)) return { status: 200, body: systemToWire(call, managementOf(call)) }
      const found = await findApi(services, call, named)
      if (!found) throw noApi()
      return { status: 200, body: fieldsOf(call.query)(apiToWire(found)) }
    },
  }),

  operation({
    method: 'PATCH',
    path: '/resource-servers/:id',
    summary: 'Change an API',
    scopes: ['update:resource_servers'],
    body: API_CHANGES,
    answers: { 200: API },
    async run(call, services) {
      const { tenant, path, body, client, now, occasion } = call
      const { store } = services
      if (isSystem(call, path('id'))) throw isOurs()
      const found = await findApi(services, call, path('id'))
      if (!found) throw noApi()
      const given = body as Readonly<Record<string, JsonValue>>
      if (given['identifier'] !== undefined && given['identifier'] !== found.identifier)
        throw invalid('identifier cannot be changed.')
      const documentOf = (before: ResourceServerRecord): JsonObject => ({
        ...before.settings,
        ...without(given, 'id', 'is_system', 'client_id'),
        identifier: before.identifier,
      })
      // The keys come first, and their transactions are their own: what is written afterwards is checked again.
      await checkDocument(documentOf(found))
      const secret = await secretFor(services, found, documentOf(found))
      await readyKeys(services, tenant, found.id, documentOf(found), secret)
      const after = await store.transaction(async transaction => {
        const before = await transaction.resourceServers.hold(tenant, found.id)
        if (!before) throw noApi()
        const settings = settingsIn(documentOf(before))
        const changed = { ...before, settings }
        const changes = { ...changesBetween(apiToWire(before), apiToWire(changed)), ...toldSecret(secret) }
        if (Object.keys(changes).length === 0) return before
        await changeApi(transaction, before, settings, now)
        await transaction.events.record([
          managed(occasion, { client: client.id }, 'resource-server', before.id, 'changed', changes),
        ])
        return changed
      })
      const wire = apiToWire(after)
      // Told once, where nobody gave it.
      const isMade = secret !== undefined && given['signing_secret'] === undefined
      return { status: 200, body: isMade ? { ...wire, signing_secret: secret } : wire }
    },
  }),

  operation({
    method: 'DELETE',
    path: '/resource-servers/:id',
    summary: 'Remove an API: every token for it ends',
    scopes: ['delete:resource_servers'],
    answers: { 204: null },
    async run(call, services) {
      const { path, client, now, occasion } = call
      if (isSystem(call, path('id'))) throw isOurs()
      const found = await findApi(services, call, path('id'))
      if (!found) throw noApi()
      await services.store.transaction(async transaction => {
        if ((await removeApi(transaction, found, now)) === 'gone') throw noApi()
        const changes = changesBetween(apiToWire(found), null)
        await transaction.events.record([
          managed(occasion, { client: client.id }, 'resource-server', found.id, 'removed', changes),
        ])
      })
      return { status: 204 }
    },
  }),
]
