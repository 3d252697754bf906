/**
 * Clients that register themselves (RFC 7591, OpenID Connect Dynamic Client Registration 1.0) and manage what they
 * registered (RFC 7592). Only where the tenant opens it; a stranger gets what a stranger may have, and no more of it
 * than a network may ask for. What may be registered, and how it is stored, is `clients/registration.ts`'.
 */
import { clientRegistered, occasionOf } from '../../audit/events.ts'
import { needsSecret } from '../../clients/metadata.ts'
import { AS_A_STRANGER, describeRegistration, readRegistration, withRegistration } from '../../clients/registration.ts'
import { EgressError } from '../../http/egress.ts'
import { type Answer, type Incoming, json, type Route } from '../../http/route.ts'
import { PageError, ProtocolError } from '../../kernel/errors.ts'
import { newClientId } from '../../kernel/ids.ts'
import type { JsonObject } from '../../kernel/json.ts'
import { networkOf } from '../../kernel/network-of.ts'
import { HOUR, toSeconds } from '../../kernel/seconds.ts'
import { equalSecrets, randomSecret, sha256 } from '../../kernel/secrets.ts'
import { removeClient } from '../../revocation/revoke.ts'
import type { ClientRecord } from '../../store/clients.ts'
import type { Feature, OAuthServices } from '../feature.ts'

const PATH = '/oidc/register'
const NETWORK_COUNT = 'registration-network'
/**
 * Of registrations and changes. The plans of the conformance suite, one after the other, register some 450 clients; a
 * table that strangers fill grows no faster than this.
 */
const MOST_OF_NETWORK = 600

export const registration: Feature = {
  name: 'registration',
  spec: 'RFC 7591, RFC 7592, OpenID Connect Dynamic Client Registration 1.0',
  tenantMetadata: (issuer, tenant) =>
    tenant.isRegistrationOpen ? { registration_endpoint: `${issuer}${PATH.slice(1)}` } : {},
  routes: services => {
    const route = (method: Route['method'], path: string, answer: typeof register): Route => ({
      method,
      path,
      cors: 'open',
      speaks: 'json',
      takes: 'document',
      answer: async incoming => {
        const { isRegistrationOpen } = await services.tenants.find(incoming.tenant)
        if (!isRegistrationOpen) throw new PageError('not_found', 'There is nothing at this address.')
        return answer(services, incoming)
      },
    })
    return [
      route('POST', PATH, register),
      route('GET', `${PATH}/:client`, read),
      route('PUT', `${PATH}/:client`, replace),
      route('DELETE', `${PATH}/:client`, end),
    ]
  },
}

/** RFC 7591 §3. */
async function register(services: OAuthServices, incoming: Incoming): Promise<Answer> {
  const { store, clients, clock } = services
  const { tenant } = incoming
  await takeOfNetwork(services, incoming)
  const registered = await understand(services, incoming)
  const metadata = { ...registered, ...AS_A_STRANGER }
  const now = clock()
  const id = newClientId()
  const token = randomSecret()
  const secret = needsSecret(metadata) ? randomSecret() : null
  await store.transaction(async transaction => {
    if ((await clients.create(transaction, { tenant, id, metadata, secret })) === 'taken')
      throw new Error('A client id was made twice')
    await transaction.registrations.create({ tenant, client: id, tokenHash: sha256(token) })
    await transaction.events.record([clientRegistered(occasionOf(incoming, now), id, 'registered')])
  })
  return json(201, {
    ...describe(incoming, { id, metadata, createdAt: now }, secret),
    registration_access_token: token,
  })
}

/** RFC 7592 §2.1. */
async function read(services: OAuthServices, incoming: Incoming): Promise<Answer> {
  const client = await authorize(services, incoming)
  return json(200, { ...describe(incoming, client), registration_access_token: tokenOf(incoming) })
}

/** RFC 7592 §2.2: what is left out is as if it had never been registered. */
async function replace(services: OAuthServices, incoming: Incoming): Promise<Answer> {
  const { store, clients, clock } = services
  const before = await authorize(services, incoming)
  // What it says of its sector is fetched, and each change is an event that is kept.
  await takeOfNetwork(services, incoming)
  const { client_id: id, client_secret: given } = incoming.document ?? {}
  if (id !== before.id) throw refusal('client_id must be that of the registration.')
  const held = clients.openSecret(before)
  if (given !== undefined && !(typeof given === 'string' && held !== null && equalSecrets(given, held)))
    throw refusal('client_secret is not the one that the client has, and cannot be chosen.')
  const metadata = withRegistration(before.metadata, await understand(services, incoming))
  const secret = needsSecret(metadata) && held === null ? randomSecret() : null
  await store.transaction(async transaction => {
    await clients.change(transaction, before, { metadata, ...(secret !== null && { secret }) })
    await transaction.events.record([clientRegistered(occasionOf(incoming, clock()), before.id, 'changed')])
  })
  const described = describe(incoming, { ...before, metadata }, secret)
  return json(200, { ...described, registration_access_token: tokenOf(incoming) })
}

/** RFC 7592 §2.3. Whatever the client was given is over with it. */
async function end(services: OAuthServices, incoming: Incoming): Promise<Answer> {
  const { store, clock } = services
  const { tenant, id } = await authorize(services, incoming)
  const now = clock()
  await store.transaction(async transaction => {
    await removeClient(transaction, { tenant, id }, now)
    await transaction.events.record([clientRegistered(occasionOf(incoming, now), id, 'removed')])
  })
  return { status: 204, headers: { 'cache-control': 'no-store' } }
}

/** RFC 7592 §2: whoever has the token of the registration, and nobody else; the same for one that does not exist. */
async function authorize({ store }: OAuthServices, incoming: Incoming): Promise<ClientRecord> {
  const { tenant, path } = incoming
  const id = path['client'] ?? ''
  const token = tokenOf(incoming)
  const hash = await store.registrations.tokenHashOf(tenant, id)
  const client = await store.clients.find(tenant, id)
  if (client && hash !== undefined && token !== undefined && equalSecrets(hash, sha256(token))) return client
  throw new ProtocolError('invalid_token', 'This is not the registration_access_token of the client.', {
    'www-authenticate': 'Bearer realm="register", error="invalid_token"',
  })
}

/** RFC 6750 §2.1. */
const tokenOf = ({ header }: Incoming): string | undefined =>
  /^bearer +([\w\-.~+/]+=*)$/i.exec(header('authorization') ?? '')?.[1]

/** The metadata that is asked for, with all that has to be fetched to believe it. */
async function understand(
  { egress, log }: OAuthServices,
  { document, tenant, address }: Incoming,
): Promise<JsonObject> {
  if (!document) throw refusal('The body must be a JSON object.')
  const metadata = readRegistration(document)
  const { jwks_uri, request_uris, sector_identifier_uri: sector, callbacks } = metadata
  const fetched = [jwks_uri ?? [], request_uris ?? []].flat() as readonly string[]
  if (!fetched.every(egress.isFetchable))
    throw refusal('jwks_uri and request_uris must be https URLs that this server may ask.')
  if (typeof sector !== 'string') return metadata
  // OpenID Connect Core §8.1. Why it cannot be read is the operator's to know: a stranger could feel out our network by it.
  const asker = { name: `network ${networkOf(address)}`, isOurs: false }
  const listed = await egress.get(sector, { asker, accept: 'application/json' }).then(
    ({ body }) => parseList(body.toString()),
    (error: unknown): readonly unknown[] => {
      if (!(error instanceof EgressError)) throw error
      log.warn({ tenant, reason: error.reason }, `a sector_identifier_uri: ${error.message}`)
      return []
    },
  )
  if (!(callbacks as readonly string[]).every(uri => listed.includes(uri)))
    throw refusal('sector_identifier_uri cannot be read, or does not list each of the redirect_uris.')
  return metadata
}

function parseList(text: string): readonly unknown[] {
  try {
    const list: unknown = JSON.parse(text)
    return Array.isArray(list) ? list : []
  } catch {
    return []
  }
}

/** RFC 7591 §3.2.1. A secret is told when it is made and never again. */
function describe(
  { issuer }: Incoming,
  { id, metadata, createdAt }: Pick<ClientRecord, 'id' | 'metadata' | 'createdAt'>,
  secret: string | null = null,
): JsonObject {
  return {
    ...describeRegistration(metadata),
    client_id: id,
    client_id_issued_at: toSeconds(createdAt),
    ...(secret !== null && { client_secret: secret, client_secret_expires_at: 0 }),
    registration_client_uri: `${issuer}${PATH.slice(1)}/${id}`,
  }
}

/** An hour of the clock has a count of its own, on all nodes, which ends with it. */
async function takeOfNetwork({ store, clock }: OAuthServices, { tenant, address }: Incoming): Promise<void> {
  const now = clock()
  const hour = Math.floor(now / HOUR)
  const id = `${networkOf(address)}.${hour}`
  await store.tickets.mark(tenant, NETWORK_COUNT, id, now, (hour + 1) * HOUR)
  if ((await store.tickets.fail(tenant, NETWORK_COUNT, id, MOST_OF_NETWORK + 1, now)) <= MOST_OF_NETWORK) return
  throw new ProtocolError('too_many_attempts', 'Too much was registered from this network. Ask later.', {
    'retry-after': String(Math.ceil(((hour + 1) * HOUR - now) / 1000)),
  })
}

const refusal = (message: string) => new ProtocolError('invalid_client_metadata', message)
