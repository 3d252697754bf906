/** `/client-grants`: what a client may ask of an API. For which organizations one counts is theirs to say. */
import Type from 'typebox'
import { changesBetween } from '../audit/changes.ts'
import { managed } from '../audit/events.ts'
import { GRANT_SUBJECTS, grantToWire, ORGANIZATION_USAGES, THIRD_PARTIES } from '../clients/client-grants.ts'
import { resolveResourceServer } from '../clients/resource-servers.ts'
import { findSystemApi } from '../clients/system-apis.ts'
import { newId } from '../kernel/ids.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { ClientGrantRecord } from '../store/clients.ts'
import { ManagementFault, notFound } from './fault.ts'
import { type Operation, operation } from './operation.ts'
import { CHECKPOINT_QUERY, listOf, listReply, OFFSET_QUERY, pagingOf } from './paging.ts'
import { NAME } from './permissions.ts'
import type { ApiServices } from './services.ts'

const oneOf = (values: readonly string[]) => Type.Union(values.map(value => Type.Literal(value)))
const SCOPES = Type.Array(Type.String({ minLength: 1, maxLength: 280 }), { maxItems: 1000 })
const SUBJECT = oneOf(GRANT_SUBJECTS)
const USAGE = oneOf(ORGANIZATION_USAGES)
const DEFAULT_FOR = Type.Literal(THIRD_PARTIES)
const DETAILS = Type.Array(Type.String({ maxLength: 255 }), { maxItems: 100 })

const NEW_GRANT = Type.Object(
  {
    client_id: Type.Optional(Type.String({ minLength: 1 })),
    default_for: Type.Optional(DEFAULT_FOR),
    audience: NAME,
    scope: Type.Optional(SCOPES),
    subject_type: Type.Optional(SUBJECT),
    organization_usage: Type.Optional(USAGE),
    allow_any_organization: Type.Optional(Type.Boolean()),
    allow_all_scopes: Type.Optional(Type.Boolean()),
    authorization_details_types: Type.Optional(DETAILS),
  },
  { additionalProperties: false },
)
const orNull = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) =>
  Type.Optional(Type.Union([schema, Type.Null()]))
const GRANT_CHANGES = Type.Object(
  {
    scope: orNull(SCOPES),
    organization_usage: orNull(USAGE),
    allow_any_organization: orNull(Type.Boolean()),
    allow_all_scopes: orNull(Type.Boolean()),
    authorization_details_types: orNull(DETAILS),
  },
  { additionalProperties: false },
)

const GRANT = Type.Object({
  id: Type.String(),
  client_id: Type.Optional(Type.String()),
  default_for: Type.Optional(DEFAULT_FOR),
  audience: Type.String(),
  scope: Type.Array(Type.String()),
  subject_type: SUBJECT,
})

const noGrant = () => notFound('inexistent_client_grant', 'The client grant does not exist.')
const invalid = (message: string) => new ManagementFault(400, 'invalid_body', `Payload validation error: ${message}`)

interface Here {
  readonly tenant: string
  readonly incoming: { readonly issuer: string }
}

/** Throws for a scope that the API does not have: it would be granted to whoever makes one of that name. */
async function checkScopes(
  { store }: ApiServices,
  { tenant, incoming }: Here,
  { audience, scopes, settings }: Pick<ClientGrantRecord, 'audience' | 'scopes' | 'settings'>,
): Promise<void> {
  const record = await store.resourceServers.findByIdentifier(tenant, audience)
  const api = findSystemApi(tenant, incoming.issuer, audience) ?? (record && resolveResourceServer(record))
  if (!api) throw notFound('inexistent_resource_server', 'The resource server does not exist.')
  const has = new Set(api.scopes)
  const beyond = scopes.find(scope => !has.has(scope))
  if (beyond !== undefined) throw invalid(`the API ${audience} has no scope ${beyond}.`)
  if (settings['allow_all_scopes'] === true && scopes.length > 0)
    throw invalid('scope must be left out where allow_all_scopes is true.')
}

/** A member that is null is unset. */
const given = (members: Readonly<Record<string, unknown>>): JsonObject =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== null && value !== undefined)) as JsonObject

export const clientGrants: readonly Operation[] = [
  operation({
    method: 'GET',
    path: '/client-grants',
    summary: 'List what clients may ask of APIs',
    scopes: ['read:client_grants'],
    query: Type.Object({
      ...OFFSET_QUERY,
      ...CHECKPOINT_QUERY,
      audience: Type.Optional(NAME),
      client_id: Type.Optional(Type.String()),
      allow_any_organization: Type.Optional(Type.Boolean()),
      subject_type: Type.Optional(SUBJECT),
      default_for: Type.Optional(DEFAULT_FOR),
    }),
    answers: { 200: listOf('client_grants', GRANT) },
    async run({ tenant, query }, { store }) {
      const paging = pagingOf(query)
      const filter = {
        audience: query.audience,
        client: query.client_id,
        subject: query.subject_type as ClientGrantRecord['subject'] | undefined,
        anyOrganization: query.allow_any_organization,
        isDefault: query.default_for === undefined ? undefined : true,
      }
      if (paging.kind === 'offset') {
        const part = { offset: paging.start, limit: paging.limit }
        const found = await store.clients.listGrants(tenant, part, filter)
        const total = paging.withTotals ? await store.clients.countGrants(tenant, filter) : undefined
        return listReply('client_grants', paging, { items: found.map(grantToWire), total })
      }
      const { after, limit } = paging
      const found = await store.clients.listGrants(tenant, { after: after ?? undefined, limit: limit + 1 }, filter)
      const page = found.slice(0, limit)
      const next = found.length > limit ? page.at(-1)?.id : undefined
      return listReply('client_grants', paging, { items: page.map(grantToWire), next })
    },
  }),

  operation({
    method: 'POST',
    path: '/client-grants',
    summary: 'Let a client ask something of an API',
    scopes: ['create:client_grants'],
    body: NEW_GRANT,
    answers: { 201: GRANT },
    async run(call, services) {
      const { tenant, body, client: caller, occasion } = call
      const { client_id: client = null, default_for: others, audience, scope = [], subject_type, ...settings } = body
      if ((client === null) === (others === undefined))
        throw invalid('one of client_id and default_for has to be there, and not both.')
      const grant: ClientGrantRecord = {
        ...{ tenant, id: newId('cgr'), client, audience },
        subject: (subject_type ?? 'client') as ClientGrantRecord['subject'],
        scopes: [...new Set(scope)],
        settings: given(settings),
      }
      await checkScopes(services, call, grant)
      await services.store.transaction(async transaction => {
        // Held, so that it is not removed meanwhile and keeps a grant.
        if (client !== null && !(await transaction.clients.hold(tenant, client)))
          throw notFound('inexistent_client', 'The client does not exist.')
        if ((await transaction.clients.createGrant(grant)) === 'taken')
          throw new ManagementFault(
            409,
            'client_grant_conflict',
            'A client grant for this client and resource server exists already.',
          )
        transaction.announce({ topic: 'client', tenant, id: client ?? '' })
        const changes = changesBetween(null, grantToWire(grant))
        await transaction.events.record([
          managed(occasion, { client: caller.id }, 'client-grant', grant.id, 'created', changes),
        ])
      })
      return { status: 201, body: grantToWire(grant) }
    },
  }),

  operation({
    method: 'GET',
    path: '/client-grants/:id',
    summary: 'Read a client grant',
    scopes: ['read:client_grants'],
    answers: { 200: GRANT },
    async run({ tenant, path }, { store }) {
      const grant = await store.clients.findGrant(tenant, path('id'))
      if (!grant) throw noGrant()
      return { status: 200, body: grantToWire(grant) }
    },
  }),

  operation({
    method: 'PATCH',
    path: '/client-grants/:id',
    summary: 'Change what a client may ask of an API',
    scopes: ['update:client_grants'],
    body: GRANT_CHANGES,
    answers: { 200: GRANT },
    async run(call, services) {
      const { tenant, path, body, client: caller, occasion } = call
      const { scope, ...settings } = body
      const changed = (before: ClientGrantRecord): ClientGrantRecord => ({
        ...before,
        ...(scope !== undefined && { scopes: [...new Set(scope ?? [])] }),
        settings: given({ ...before.settings, ...settings }),
      })
      const found = await services.store.clients.findGrant(tenant, path('id'))
      if (!found) throw noGrant()
      await checkScopes(services, call, changed(found))
      const after = await services.store.transaction(async transaction => {
        const { clients } = transaction
        if (found.client !== null) await clients.hold(tenant, found.client)
        else await transaction.tenants.hold(tenant)
        const before = await clients.findGrant(tenant, found.id)
        if (!before) throw noGrant()
        const grant = changed(before)
        const changes = changesBetween(grantToWire(before), grantToWire(grant))
        if (Object.keys(changes).length === 0) return grant
        if ((await clients.changeGrant(tenant, grant.id, grant)) === 'gone') throw noGrant()
        transaction.announce({ topic: 'client', tenant, id: grant.client ?? '' })
        await transaction.events.record([
          managed(occasion, { client: caller.id }, 'client-grant', grant.id, 'changed', changes),
        ])
        return grant
      })
      return { status: 200, body: grantToWire(after) }
    },
  }),

  operation({
    method: 'DELETE',
    path: '/client-grants/:id',
    summary: 'Let a client ask nothing more of an API',
    scopes: ['delete:client_grants'],
    answers: { 204: null },
    async run({ tenant, path, client: caller, occasion }, { store }) {
      await store.transaction(async transaction => {
        const before = await transaction.clients.findGrant(tenant, path('id'))
        if (!before || (await transaction.clients.removeGrant(tenant, before.id)) === 'gone') throw noGrant()
        transaction.announce({ topic: 'client', tenant, id: before.client ?? '' })
        const changes = changesBetween(grantToWire(before), null)
        await transaction.events.record([
          managed(occasion, { client: caller.id }, 'client-grant', before.id, 'removed', changes),
        ])
      })
      return { status: 204 }
    },
  }),
]
