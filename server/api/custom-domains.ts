/** `/custom-domains`: domains of the tenant's own. How one is shown to be its own is `tenants/custom-domains.ts`'. */
import Type from 'typebox'
import { changesBetween } from '../audit/changes.ts'
import { managedUnlessSame } from '../audit/events.ts'
import { EgressError } from '../http/egress.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { CustomDomainRecord } from '../store/custom-domains.ts'
import type { Nouns, Transaction } from '../store/store.ts'
import {
  askForDomain,
  domainToWire,
  issuerOf,
  listDomains,
  readDomain,
  readDomainChange,
  removeDomain,
  verifyDomain,
} from '../tenants/custom-domains.ts'
import { ManagementFault, notFound } from './fault.ts'
import { FIELDS_QUERY, fieldsOf } from './fields.ts'
import { type Call, type Operation, operation } from './operation.ts'

const DOMAIN = Type.Object({}, { additionalProperties: true })
const CHANGEABLE = {
  tls_policy: Type.Optional(Type.String()),
  custom_client_ip_header: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  domain_metadata: Type.Optional(Type.Object({}, { additionalProperties: true })),
  relying_party_identifier: Type.Optional(Type.Union([Type.String(), Type.Null()])),
}
const closed = { additionalProperties: false }
const KIND = 'custom-domain'

export const customDomains: readonly Operation[] = [
  operation({
    method: 'GET',
    path: '/custom-domains',
    summary: 'List the domains of the tenant’s own',
    scopes: ['read:custom_domains'],
    query: Type.Object({
      ...FIELDS_QUERY,
      q: Type.Optional(Type.String({ maxLength: 500 })),
      sort: Type.Optional(Type.String({ maxLength: 100 })),
      from: Type.Optional(Type.String({ maxLength: 100 })),
      take: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
    }),
    answers: { 200: Type.Array(DOMAIN) },
    async run({ tenant, query }, { store }) {
      // Searched by Auth0 as `domain:…`; of so few everybody finds theirs.
      const [, wanted] = /^\s*domain:\s*"?([^"\s*]+)"?\s*$/.exec(query.q ?? '') ?? []
      const listed = (await listDomains(store, tenant)).filter(
        ({ domain }) => wanted === undefined || domain === wanted,
      )
      return { status: 200, body: listed.map(record => fieldsOf(query)(domainToWire(record))) }
    },
  }),

  operation({
    method: 'POST',
    path: '/custom-domains',
    summary: 'Ask for a domain, which answers once it is verified',
    scopes: ['create:custom_domains'],
    body: Type.Object(
      { domain: Type.String(), type: Type.String(), verification_method: Type.Optional(Type.String()), ...CHANGEABLE },
      closed,
    ),
    answers: { 201: DOMAIN },
    async run(call, { store }) {
      const given = readDomain(call.body as JsonObject)
      const record = await store.transaction(async transaction => {
        const made = await askForDomain(transaction, call.tenant, given, call.now)
        if (made === 'full')
          throw new ManagementFault(403, 'custom_domain_limit', 'The tenant has as many domains as it may.')
        if (made === 'taken')
          throw new ManagementFault(409, 'custom_domain_conflict', `The domain ${given.domain} is there already.`)
        await note(transaction, call, made.id, 'created', null, made)
        return made
      })
      return { status: 201, body: domainToWire(record) }
    },
  }),

  operation({
    method: 'GET',
    path: '/custom-domains/default',
    summary: 'Read which domain mail leads to',
    scopes: ['read:custom_domains'],
    answers: { 200: DOMAIN },
    async run({ tenant, incoming }, { store }) {
      const found = await store.customDomains.findDefault(tenant)
      return { status: 200, body: found ? domainToWire(found) : ownHost(incoming.issuer) }
    },
  }),

  operation({
    method: 'PATCH',
    path: '/custom-domains/default',
    summary: 'Decide which domain mail leads to',
    scopes: ['update:custom_domains'],
    body: Type.Object({ domain: Type.String() }, closed),
    answers: { 200: DOMAIN },
    async run(call, { store }) {
      const { tenant, body, incoming } = call
      const told = await store.transaction(async transaction => {
        await transaction.tenants.hold(tenant)
        const before = await transaction.customDomains.findDefault(tenant)
        const isOwnHost = body.domain === new URL(incoming.issuer).host
        const wanted = await transaction.customDomains.findByDomain(tenant, body.domain.toLowerCase())
        if (!isOwnHost && wanted?.verifiedAt == null)
          throw new ManagementFault(400, 'invalid_body', 'Payload validation error: domain is no verified domain.')
        await transaction.customDomains.makeDefault(tenant, isOwnHost ? null : (wanted?.id ?? null))
        const changes = changesBetween({ domain: before?.domain ?? null }, { domain: body.domain })
        const by = { client: call.client.id }
        await transaction.events.record(managedUnlessSame(call.occasion, by, KIND, 'default', 'changed', changes))
        return wanted && !isOwnHost ? domainToWire({ ...wanted, isDefault: true }) : ownHost(incoming.issuer)
      })
      return { status: 200, body: told }
    },
  }),

  operation({
    method: 'GET',
    path: '/custom-domains/:id',
    summary: 'Read a domain',
    scopes: ['read:custom_domains'],
    answers: { 200: DOMAIN },
    async run(call, { store }) {
      return { status: 200, body: domainToWire(await find(store, call)) }
    },
  }),

  operation({
    method: 'PATCH',
    path: '/custom-domains/:id',
    summary: 'Change what is kept of a domain',
    scopes: ['update:custom_domains'],
    body: Type.Object(CHANGEABLE, closed),
    answers: { 200: DOMAIN },
    async run(call, { store }) {
      const record = await store.transaction(async transaction => {
        await transaction.tenants.hold(call.tenant)
        const before = await find(transaction, call)
        const after = { ...before, document: readDomainChange(call.body as JsonObject, before) }
        await transaction.customDomains.change(call.tenant, before.id, { document: after.document })
        await note(transaction, call, before.id, 'changed', before, after)
        return after
      })
      return { status: 200, body: domainToWire(record) }
    },
  }),

  operation({
    method: 'DELETE',
    path: '/custom-domains/:id',
    summary: 'Let go of a domain',
    scopes: ['delete:custom_domains'],
    answers: { 204: null },
    async run(call, { store }) {
      await store.transaction(async transaction => {
        const record = await find(transaction, call)
        if (!(await removeDomain(transaction, record))) throw none()
        await note(transaction, call, record.id, 'removed', record, null)
      })
      return { status: 204 }
    },
  }),

  operation({
    method: 'POST',
    path: '/custom-domains/:id/verify',
    summary: 'Look whether a domain is the tenant’s',
    scopes: ['create:custom_domains'],
    bodyMayBeLeftOut: true,
    answers: { 200: DOMAIN },
    async run(call, { store, findDnsTexts }) {
      const record = await find(store, call)
      const after = { ...record, verifiedAt: call.now }
      const outcome = await verifyDomain(store, record, findDnsTexts, call.now, transaction =>
        note(transaction, call, record.id, 'changed', record, after),
      )
      if (outcome === 'gone') throw none()
      if (outcome === 'taken')
        throw new ManagementFault(409, 'custom_domain_conflict', `The domain ${record.domain} is another tenant’s.`)
      const current = await find(store, call)
      if (outcome === 'verified') return { status: 200, body: domainToWire(current) }
      const wire = domainToWire(current)
      const error = 'The record was not found. A new one is seen everywhere once what was there before is forgotten.'
      return {
        status: 200,
        body: {
          ...wire,
          verification: { ...(wire['verification'] as JsonObject), status: 'failed', error_msg: error },
        },
      }
    },
  }),

  operation({
    method: 'POST',
    path: '/custom-domains/:id/test',
    summary: 'Look whether a domain leads here',
    scopes: ['read:custom_domains'],
    bodyMayBeLeftOut: true,
    answers: { 200: Type.Object({ success: Type.Boolean(), message: Type.Optional(Type.String()) }) },
    async run(call, { store, egress }) {
      const { domain, verifiedAt } = await find(store, call)
      if (verifiedAt === null) return { status: 200, body: { success: false, message: 'It is not verified.' } }
      try {
        const { body } = await egress.get(`${issuerOf(domain)}.well-known/openid-configuration`, {
          asker: { name: `domains of ${call.tenant}`, isOurs: false },
          accept: 'application/json',
        })
        const leadsHere = body.includes(`"issuer":${JSON.stringify(issuerOf(domain))}`)
        return leadsHere
          ? { status: 200, body: { success: true } }
          : { status: 200, body: { success: false, message: 'Something else answers there.' } }
      } catch (error) {
        if (!(error instanceof EgressError)) throw error
        return { status: 200, body: { success: false, message: error.message } }
      }
    },
  }),
]

/** The host at which the API was asked: it is the default where nobody says. */
const ownHost = (issuer: string): JsonObject => ({
  custom_domain_id: 'cd_0',
  domain: new URL(issuer).host,
  primary: true,
  is_default: true,
  status: 'ready',
  type: 'self_managed_certs',
})

async function find(nouns: Nouns, { tenant, path }: Pick<Call<unknown, unknown>, 'tenant' | 'path'>) {
  const record = await nouns.customDomains.find(tenant, path('id'))
  if (!record) throw none()
  return record
}

async function note(
  { events }: Transaction,
  { client, occasion }: Pick<Call<unknown, unknown>, 'client' | 'occasion'>,
  id: string,
  change: 'created' | 'changed' | 'removed',
  before: CustomDomainRecord | null,
  after: CustomDomainRecord | null,
): Promise<void> {
  const changes = changesBetween(before && domainToWire(before), after && domainToWire(after))
  await events.record(managedUnlessSame(occasion, { client: client.id }, KIND, id, change, changes))
}

const none = () => notFound('inexistent_custom_domain', 'There is no such domain.')
