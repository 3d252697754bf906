/** API keys made, listed and revoked by hand. What one looks like is `tokens/api-key.ts`'s; whether one counts, the gate's. */
import { apiKeyCreated, apiKeyRevoked } from '../audit/events.ts'
import { resolveGrant, scopesOf } from '../clients/client-grants.ts'
import { type Client, isPublic } from '../clients/metadata.ts'
import { resolveResourceServer } from '../clients/resource-servers.ts'
import { OperatorError, ProtocolError } from '../kernel/errors.ts'
import { DAY } from '../kernel/seconds.ts'
import { ENDED_API_KEY_LIFE } from '../policy/lifetimes.ts'
import { isProfileText, LONGEST_PROFILE_TEXT } from '../policy/profile-text.ts'
import { revokeApiKey as revoke } from '../revocation/revoke.ts'
import type { ApiKeyRecord, ApiKeyStanding } from '../store/api-keys.ts'
import type { UserRecord } from '../store/users.ts'
import { apiKeyHash, formatApiKey, newApiKey } from '../tokens/api-key.ts'
import { assertActiveKey } from '../tokens/assert-active.ts'
import { findTenant, type Operation, type OperatorServices, occasionOfCommand } from './operation.ts'
import { findUser } from './users.ts'

export type NewApiKey = {
  readonly tenant: string
  readonly client: string
  /** An id or an address; null for a key that stands for the client itself. */
  readonly user: string | null
  readonly audience: string
  readonly name: string
  readonly scopes: readonly string[]
  /** Null: it has no end of its own. */
  readonly days: number | null
}

/** Instants as ISO 8601 in UTC. */
export type ApiKey = {
  readonly id: string
  readonly name: string
  readonly client: string
  readonly user: string | null
  readonly audience: string
  /** What it may now: of what it was given, what the client's grant still holds. */
  readonly scopes: readonly string[]
  /** `ended`: with its client, its person or the client's grant. */
  readonly state: 'live' | 'revoked' | 'expired' | 'ended'
  readonly createdAt: string
  readonly expiresAt: string | null
  readonly usedAt: string | null
}

/** `key` is told here and nowhere else. */
export type CreatedApiKey = ApiKey & { readonly key: string }

export const LONGEST_DAYS = 3650

export const createApiKey: Operation<NewApiKey, CreatedApiKey> = async (services, given) => {
  const tenant = await findTenant(services, given.tenant)
  const { days } = given
  if (!isProfileText(given.name))
    throw new OperatorError(`A key's name is 1 to ${LONGEST_PROFILE_TEXT} characters that can be seen, on one line.`)
  if (days !== null && !(Number.isInteger(days) && days >= 1 && days <= LONGEST_DAYS))
    throw new OperatorError(`A key lasts 1 to ${LONGEST_DAYS} days, or until it is revoked.`)
  const client = await services.clients.find(tenant, given.client)
  if (!client) throw new OperatorError(`The tenant ${tenant} has no client "${given.client}".`)
  if (given.user === null && isPublic(client))
    throw new OperatorError(
      `${client.id} is a public client, which cannot act as itself. Say with --user whose key it is.`,
    )
  const granted = await findGranted(services, client, given.audience)
  const scopes = chooseScopes(given, granted)
  const user = given.user === null ? undefined : await findUser(services, { tenant, user: given.user })

  const occasion = occasionOfCommand(tenant, services.clock)
  const { at } = occasion
  const made = newApiKey()
  const expiresAt = days === null ? null : at + days * DAY
  const key: ApiKeyRecord = {
    tenant,
    id: made.id,
    secretHash: apiKeyHash(made),
    name: given.name,
    client: client.id,
    person: user ? await personOf(services, user) : null,
    audience: given.audience,
    scopes,
    clientEpoch: client.epoch,
    state: 'live',
    createdAt: at,
    expiresAt,
    usedAt: null,
    keptUntil: expiresAt === null ? null : expiresAt + ENDED_API_KEY_LIFE,
  }
  const standing: ApiKeyStanding = {
    key,
    user,
    clientEpoch: client.epoch,
    granted: { scopes: granted, holdsAll: false },
  }
  await refuseWhoDoesNotCount(services, standing, client)
  await services.store.transaction(async transaction => {
    await transaction.apiKeys.create(key)
    const facts = { id: key.id, client: client.id, user: user?.id ?? null, audience: key.audience }
    await transaction.events.record([apiKeyCreated(occasion, facts, scopes, expiresAt)])
  })
  return { ...describe(standing, at), key: formatApiKey(made) }
}

async function findGranted({ store }: OperatorServices, client: Client, audience: string): Promise<readonly string[]> {
  const { tenant, id } = client
  const api = await store.resourceServers.findByIdentifier(tenant, audience)
  if (!api) throw new OperatorError(`The tenant ${tenant} has no API "${audience}".`)
  const grants = await store.clients.grantsOf(tenant, id)
  const grant = grants.find(one => one.audience === audience && one.subject === 'client')
  if (!grant) throw new OperatorError(`${id} has no grant for ${audience}. Client grants are made by a tenant file.`)
  return scopesOf(resolveGrant(grant), resolveResourceServer(api))
}

/** Deny by default: a key that outlives whoever asked for it may what was thought of, and nothing else. */
function chooseScopes({ scopes, client, audience }: NewApiKey, granted: readonly string[]): readonly string[] {
  const chosen = [...new Set(scopes)]
  const beyond = chosen.filter(scope => !granted.includes(scope))
  if (beyond.length > 0)
    throw new OperatorError(`The grant of ${client} for ${audience} does not hold ${beyond.join(' and ')}.`)
  if (chosen.length === 0 && granted.length > 0)
    throw new OperatorError(`Say with --scope what the key may. The grant of ${client} holds ${granted.join(', ')}.`)
  return chosen
}

/** Of several accounts of one person, any vouches for them. */
async function personOf({ store }: OperatorServices, user: UserRecord): Promise<ApiKeyRecord['person']> {
  const [identity] = await store.users.identitiesOf(user.tenant, user.id)
  return { id: user.id, connection: identity?.connection ?? '', epoch: user.epoch }
}

/** The gate, before anything is issued. */
async function refuseWhoDoesNotCount(
  { store, clock }: OperatorServices,
  standing: ApiKeyStanding,
  client: Client,
): Promise<void> {
  const { tenant, person } = standing.key
  const connection = person ? await store.connections.find(tenant, person.connection) : undefined
  try {
    assertActiveKey(standing, { client, connection, now: clock() })
  } catch (error) {
    if (error instanceof ProtocolError) throw new OperatorError(`No key was made: ${error.message}`, { cause: error })
    throw error
  }
}

const LISTED_AT_ONCE = 500

/** Oldest first, those included that are over, for a month. */
export const listApiKeys: Operation<
  { tenant: string; client: string | null; user: string | null },
  readonly ApiKey[]
> = async (services, given) => {
  const tenant = await findTenant(services, given.tenant)
  const of = {
    ...(given.client !== null && { client: given.client }),
    ...(given.user !== null && { user: (await findUser(services, { tenant, user: given.user })).id }),
  }
  const listed: ApiKeyStanding[] = []
  for (;;) {
    const after = listed.at(-1)?.key.id
    const page = await services.store.apiKeys.list(tenant, {
      ...of,
      ...(after !== undefined && { after }),
      limit: LISTED_AT_ONCE,
    })
    listed.push(...page)
    if (page.length < LISTED_AT_ONCE) break
  }
  const now = services.clock()
  return listed.sort((one, other) => one.key.createdAt - other.key.createdAt).map(standing => describe(standing, now))
}

/** The secret is not asked for: whoever found a key, or its beginning, ends it by that. */
export const revokeApiKey: Operation<
  { tenant: string; key: string },
  { readonly id: string; readonly outcome: 'revoked' | 'already' }
> = async (services, given) => {
  const tenant = await findTenant(services, given.tenant)
  const id = /^lk_[0-9a-f]{24}/.exec(given.key)?.[0] ?? ''
  const found = await services.store.apiKeys.standing(tenant, id)
  if (!found) throw new OperatorError(`The tenant ${tenant} has no such API key. See latchkey api-keys list.`)
  const { client, person, audience } = found.key
  const occasion = occasionOfCommand(tenant, services.clock)
  const isRevoked = await services.store.transaction(async transaction => {
    const isFirst = await revoke(transaction, { tenant, id }, occasion.at)
    const facts = { id, client, user: person?.id ?? null, audience }
    if (isFirst) await transaction.events.record([apiKeyRevoked(occasion, 'operator', facts)])
    return isFirst
  })
  return { id, outcome: isRevoked ? 'revoked' : 'already' }
}

function describe(standing: ApiKeyStanding, now: number): ApiKey {
  const { key, granted } = standing
  return {
    id: key.id,
    name: key.name,
    client: key.client,
    user: key.person?.id ?? null,
    audience: key.audience,
    scopes: key.scopes.filter(scope => granted?.holdsAll || granted?.scopes.includes(scope)),
    state: stateOf(standing, now),
    createdAt: toIso(key.createdAt),
    expiresAt: key.expiresAt === null ? null : toIso(key.expiresAt),
    usedAt: key.usedAt === null ? null : toIso(key.usedAt),
  }
}

/** What an operator should know of it. Whether it counts is the gate's to say, which asks more. */
function stateOf({ key, user, clientEpoch, granted }: ApiKeyStanding, now: number): ApiKey['state'] {
  if (key.state === 'revoked') return 'revoked'
  if (key.expiresAt !== null && now >= key.expiresAt) return 'expired'
  const isOrphan = key.person !== null && (!user || user.blocked || user.epoch !== key.person.epoch)
  return isOrphan || clientEpoch !== key.clientEpoch || granted === undefined ? 'ended' : 'live'
}

const toIso = (instant: number): string => new Date(instant).toISOString()
