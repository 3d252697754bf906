/** `/clients/{client_id}/credentials`: keys and certificates of a client. Where they are to be used its metadata says, by their ids. */
import Type from 'typebox'
import { changesBetween } from '../audit/changes.ts'
import { managed } from '../audit/events.ts'
import {
  CREDENTIAL_TYPES,
  credentialToWire,
  MOST_CREDENTIALS,
  newCredential,
  withoutCredential,
} from '../clients/credentials.ts'
import { CLIENT_KEY_ALGORITHMS } from '../clients/public-keys.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { ClientRecord } from '../store/clients.ts'
import type { Transaction } from '../store/store.ts'
import { invalid, judgingCredentials, noClient, requireClient } from './client-members.ts'
import { notFound } from './fault.ts'
import { type Call, type Operation, operation } from './operation.ts'
import type { ApiServices } from './services.ts'

const oneOf = (values: readonly string[]) => Type.Union(values.map(value => Type.Literal(value)))
const INSTANT = Type.String({ maxLength: 40 })
const TEXT = Type.String({ minLength: 1, maxLength: 255 })

const NEW_CREDENTIAL = Type.Object(
  {
    credential_type: oneOf(CREDENTIAL_TYPES),
    name: Type.Optional(TEXT),
    subject_dn: Type.Optional(Type.String({ minLength: 1, maxLength: 1000 })),
    pem: Type.Optional(Type.String({ minLength: 1, maxLength: 20_000 })),
    alg: Type.Optional(oneOf(CLIENT_KEY_ALGORITHMS)),
    kid: Type.Optional(TEXT),
    parse_expiry_from_cert: Type.Optional(Type.Boolean()),
    expires_at: Type.Optional(INSTANT),
  },
  { additionalProperties: false },
)
const CREDENTIAL_CHANGES = Type.Object(
  { expires_at: Type.Optional(Type.Union([INSTANT, Type.Null()])) },
  { additionalProperties: false },
)
const CREDENTIAL = Type.Object({
  id: Type.String(),
  credential_type: Type.String(),
  created_at: Type.String(),
  updated_at: Type.String(),
})

const noCredential = () => notFound('inexistent_client_credential', 'The client credential does not exist.')

function credentialOf({ credentials }: ClientRecord, id: string): JsonObject {
  const found = credentials.find(credential => credential['id'] === id)
  if (!found) throw noCredential()
  return found
}

type Caller = Pick<Call<unknown, unknown>, 'tenant' | 'client' | 'occasion' | 'path'>

/** What of the client is changed, and how that is told; in one transaction, with the client held. */
async function changing<T>(
  { store, clients }: ApiServices,
  call: Caller,
  work: (before: ClientRecord) => {
    readonly changes: { readonly credentials: readonly JsonObject[]; readonly metadata?: JsonObject }
    readonly id: string
    readonly told: 'created' | 'changed' | 'removed'
    readonly what: JsonObject
    readonly result: T
  },
): Promise<T> {
  const { tenant, client: caller, occasion, path } = call
  return store.transaction(async (transaction: Transaction) => {
    const before = await transaction.clients.hold(tenant, path('client_id'))
    if (!before) throw noClient()
    const { changes, id, told, what, result } = work(before)
    if (told === 'changed' && Object.keys(what).length === 0) return result
    await clients.change(transaction, { tenant, id: before.id }, changes)
    await transaction.events.record([
      managed(occasion, { client: caller.id }, 'client-credential', id, told, { client: before.id, ...what }),
    ])
    return result
  })
}

export const clientCredentials: readonly Operation[] = [
  operation({
    method: 'GET',
    path: '/clients/:client_id/credentials',
    summary: 'List the credentials of a client',
    scopes: ['read:client_credentials'],
    answers: { 200: Type.Array(CREDENTIAL) },
    async run({ tenant, path }, { store }) {
      const { credentials } = await requireClient(store, tenant, path('client_id'))
      return { status: 200, body: credentials.map(credentialToWire) }
    },
  }),

  operation({
    method: 'POST',
    path: '/clients/:client_id/credentials',
    summary: 'Register a key or a certificate of a client',
    scopes: ['create:client_credentials'],
    body: NEW_CREDENTIAL,
    answers: { 201: CREDENTIAL },
    async run(call, services) {
      const made = judgingCredentials(() => newCredential(call.body, call.now))
      const body = await changing(services, call, before => {
        if (before.credentials.length >= MOST_CREDENTIALS)
          throw invalid(`a client may have ${MOST_CREDENTIALS} credentials at most.`)
        const wire = credentialToWire(made)
        return {
          changes: { credentials: [...before.credentials, made] },
          ...{ id: String(made['id']), told: 'created', what: changesBetween(null, wire), result: wire },
        }
      })
      return { status: 201, body }
    },
  }),

  operation({
    method: 'GET',
    path: '/clients/:client_id/credentials/:credential_id',
    summary: 'Read a credential of a client',
    scopes: ['read:client_credentials'],
    answers: { 200: CREDENTIAL },
    async run({ tenant, path }, { store }) {
      const client = await requireClient(store, tenant, path('client_id'))
      return { status: 200, body: credentialToWire(credentialOf(client, path('credential_id'))) }
    },
  }),

  operation({
    method: 'PATCH',
    path: '/clients/:client_id/credentials/:credential_id',
    summary: 'Say when a credential of a client ends',
    scopes: ['update:client_credentials'],
    body: CREDENTIAL_CHANGES,
    answers: { 200: CREDENTIAL },
    async run(call, services) {
      const { path, body, now } = call
      const { expires_at: ends } = body
      if (typeof ends === 'string' && Number.isNaN(Date.parse(ends))) throw invalid('expires_at is not a date.')
      const answered = await changing(services, call, before => {
        const found = credentialOf(before, path('credential_id'))
        const { expires_at: was, ...rest } = found
        const wanted = ends === undefined ? was : ends === null ? undefined : new Date(ends).toISOString()
        const changed: JsonObject = {
          ...rest,
          ...(wanted !== undefined && { expires_at: wanted }),
          updated_at: wanted === was ? (found['updated_at'] ?? null) : new Date(now).toISOString(),
        }
        return {
          changes: { credentials: before.credentials.map(one => (one === found ? changed : one)) },
          ...{ id: path('credential_id'), told: 'changed', what: changesBetween(found, changed) },
          result: credentialToWire(changed),
        }
      })
      return { status: 200, body: answered }
    },
  }),

  operation({
    method: 'DELETE',
    path: '/clients/:client_id/credentials/:credential_id',
    summary: 'Take a credential from a client: what is signed with it from now on is nothing',
    scopes: ['delete:client_credentials'],
    answers: { 204: null },
    async run(call, services) {
      const id = call.path('credential_id')
      await changing(services, call, before => {
        const found = credentialOf(before, id)
        return {
          changes: {
            credentials: before.credentials.filter(one => one !== found),
            metadata: withoutCredential(before.metadata, id),
          },
          ...{ id, told: 'removed', what: changesBetween(credentialToWire(found), null), result: undefined },
        }
      })
      return { status: 204 }
    },
  }),
]
