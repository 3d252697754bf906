/** `/emails/provider`: what the tenant's mail is sent through. Which providers there are is `notify/email-provider.ts`'. */
import Type from 'typebox'
import { changesBetween } from '../audit/changes.ts'
import { managed, managedUnlessSame } from '../audit/events.ts'
import type { JsonObject } from '../kernel/json.ts'
import { PROVIDER_NAMES, providerToWire, readProvider } from '../notify/email-provider.ts'
import { ManagementFault, notFound } from './fault.ts'
import { FIELDS_QUERY, fieldsOf } from './fields.ts'
import { type Operation, operation } from './operation.ts'

const MEMBERS = {
  enabled: Type.Optional(Type.Boolean()),
  default_from_address: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  settings: Type.Optional(Type.Union([Type.Object({}, { additionalProperties: true }), Type.Null()])),
}
const CREDENTIALS = Type.Object({}, { additionalProperties: true })
const NAME = Type.Enum([...PROVIDER_NAMES])
const closed = { additionalProperties: false }
const PROVIDER = Type.Object({}, { additionalProperties: true })
const KIND = 'email-provider'
const ID = 'provider'

export const emailProvider: readonly Operation[] = [
  operation({
    method: 'GET',
    path: '/emails/provider',
    summary: 'Read what mail is sent through',
    scopes: ['read:email_provider'],
    query: Type.Object(FIELDS_QUERY),
    answers: { 200: PROVIDER },
    async run({ tenant, query }, { store }) {
      const provider = await store.emailProviders.find(tenant)
      if (!provider) throw none()
      return { status: 200, body: fieldsOf(query)(providerToWire(provider)) }
    },
  }),

  operation({
    method: 'POST',
    path: '/emails/provider',
    summary: 'Have mail sent through a provider of the tenant’s own',
    scopes: ['create:email_provider'],
    body: Type.Object({ name: NAME, ...MEMBERS, credentials: CREDENTIALS }, closed),
    answers: { 201: PROVIDER },
    async run({ tenant, body, client, occasion }, { store }) {
      const provider = readProvider(tenant, body as JsonObject)
      const told = providerToWire(provider)
      await store.transaction(async transaction => {
        if ((await transaction.emailProviders.create(provider)) === 'taken')
          throw new ManagementFault(409, 'email_provider_conflict', 'There is an e-mail provider already.')
        const changes = changesBetween(null, told)
        await transaction.events.record([managed(occasion, { client: client.id }, KIND, ID, 'created', changes)])
      })
      return { status: 201, body: told }
    },
  }),

  operation({
    method: 'PATCH',
    path: '/emails/provider',
    summary: 'Change what mail is sent through',
    scopes: ['update:email_provider'],
    body: Type.Object({ name: Type.Optional(NAME), ...MEMBERS, credentials: Type.Optional(CREDENTIALS) }, closed),
    answers: { 200: PROVIDER },
    async run({ tenant, body, client, occasion }, { store }) {
      const after = await store.transaction(async transaction => {
        const before = await transaction.emailProviders.hold(tenant)
        if (!before) throw none()
        const provider = readProvider(tenant, body as JsonObject, before)
        await transaction.emailProviders.change(provider)
        const told = providerToWire(provider)
        const changes = {
          ...changesBetween(providerToWire(before), told),
          ...(body.credentials && { credentials: 'changed' }),
        }
        await transaction.events.record(
          managedUnlessSame(occasion, { client: client.id }, KIND, ID, 'changed', changes),
        )
        return told
      })
      return { status: 200, body: after }
    },
  }),

  operation({
    method: 'DELETE',
    path: '/emails/provider',
    summary: 'Have mail sent the server’s own way again',
    scopes: ['delete:email_provider'],
    answers: { 204: null },
    async run({ tenant, client, occasion }, { store }) {
      await store.transaction(async transaction => {
        if (!(await transaction.emailProviders.remove(tenant))) throw none()
        await transaction.events.record([managed(occasion, { client: client.id }, KIND, ID, 'removed')])
      })
      return { status: 204 }
    },
  }),
]

const none = () => notFound('inexistent_email_provider', 'There is no e-mail provider.')
