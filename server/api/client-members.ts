/** What resources that speak of clients have in common: how one is found, checked and told, and the one that is all of them. */
import Type from 'typebox'
import {
  clientToWire,
  globalClientId,
  globalClientName,
  globalClientToWire,
  KEPT_MEMBERS,
  READ_ONLY_MEMBERS,
} from '../clients/client-document.ts'
import { CredentialFault } from '../clients/credentials.ts'
import { CLIENT_CLAIMS, readClaims } from '../clients/custom-claims.ts'
import { CLIENT_MEMBERS, clientProblems } from '../clients/metadata.ts'
import { checkMembers } from '../config/members.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { ClientRecord } from '../store/clients.ts'
import type { Nouns } from '../store/store.ts'
import { templateProblems } from '../tokens/custom-claims.ts'
import { ManagementFault, notFound } from './fault.ts'
import { memberSchemas } from './member-schema.ts'
import type { ApiServices } from './services.ts'

const optional = (names: readonly string[]) =>
  Object.fromEntries(names.map(name => [name, Type.Optional(Type.Unknown())]))

const SETTABLE = { ...memberSchemas(CLIENT_MEMBERS), ...optional(KEPT_MEMBERS) }
const NAME = Type.String({ minLength: 1, maxLength: 200 })

export const NEW_CLIENT = Type.Object({ ...SETTABLE, name: NAME }, { additionalProperties: false })
/** What a client is read with may stand in a change of it, and says nothing there. */
export const CLIENT_CHANGES = Type.Object(
  {
    ...SETTABLE,
    ...optional(READ_ONLY_MEMBERS),
    name: Type.Optional(NAME),
    client_secret: Type.Optional(Type.String({ minLength: 16, maxLength: 1000 })),
  },
  { additionalProperties: false },
)

export const CLIENT = Type.Object({
  client_id: Type.String(),
  tenant: Type.String(),
  name: Type.String(),
  global: Type.Boolean(),
  /** At creation and rotation, and for a token with read:client_keys. */
  client_secret: Type.Optional(Type.String()),
  is_first_party: Type.Optional(Type.Boolean()),
  app_type: Type.Optional(Type.String()),
  grant_types: Type.Optional(Type.Array(Type.String())),
})

export const noClient = () => notFound('inexistent_client', 'The client does not exist.')
export const invalid = (message: string) =>
  new ManagementFault(400, 'invalid_body', `Payload validation error: ${message}`)

export async function requireClient({ clients }: Pick<Nouns, 'clients'>, tenant: string, id: string) {
  return (await clients.find(tenant, id)) ?? Promise.reject(noClient())
}

/** Of a document that will be kept: as the tenant file is checked, and by the same tables. */
export async function checkMetadata(metadata: JsonObject, secret: string | null): Promise<void> {
  const [problem] = [
    ...checkMembers(CLIENT_MEMBERS, metadata),
    ...clientProblems(metadata, secret),
    ...(await templateProblems(readClaims(metadata['claims'], CLIENT_CLAIMS))),
  ]
  if (problem) throw invalid(`${problem.path.join('.')}: ${problem.message}`)
}

/** Runs what may find a credential wrong. */
export function judgingCredentials<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw error instanceof CredentialFault ? invalid(error.message) : error
  }
}

/** A member that is null is unset, and what only a read has is nothing of the client's. */
export const settable = (document: Readonly<Record<string, unknown>>): JsonObject =>
  Object.fromEntries(
    Object.entries(document).filter(
      ([name, value]) => value !== null && name !== 'client_secret' && !READ_ONLY_MEMBERS.some(one => one === name),
    ),
  ) as JsonObject

const READ_KEYS = 'read:client_keys'

/** How clients are told to whoever asks: with their secrets where the token says so. */
export async function clientTeller(services: ApiServices, call: { tenant: string; scopes: readonly string[] }) {
  const { name } = await services.tenants.find(call.tenant)
  const showsSecrets = call.scopes.includes(READ_KEYS)
  return (record: ClientRecord, made?: string): JsonObject => {
    const secret = made ?? (showsSecrets ? services.clients.openSecret(record) : null)
    return { ...clientToWire(record, name), ...(secret !== null && { client_secret: secret }) }
  }
}

/** Undefined for any other id. */
export async function findGlobalClient(services: ApiServices, tenant: string, id: string) {
  if (id !== globalClientId(tenant)) return undefined
  return readGlobalClient(services, tenant)
}

export async function readGlobalClient({ store, tenants }: ApiServices, tenant: string): Promise<JsonObject> {
  const said = await store.documents.find(globalClientName(tenant))
  return globalClientToWire(tenant, (await tenants.find(tenant)).name, said?.data ?? {})
}
