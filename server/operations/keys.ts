/** Keys listed and changed by hand. What a change means for a key's life is `keys/rotation.ts`'s. */
import { OperatorError } from '../kernel/errors.ts'
import { HS256 } from '../keys/algorithms.ts'
import type { KeySummary } from '../keys/keyring.ts'
import { secretSlot, slotOf } from '../keys/purposes.ts'
import type { Rewrapped } from '../keys/rewrap.ts'
import type { ResourceServerRecord } from '../store/resource-servers.ts'
import { findTenant, type Operation, type OperatorServices } from './operation.ts'

/** Instants as ISO 8601 in UTC. */
export type Key = {
  readonly id: string
  readonly purpose: string
  /** The audience of the API whose secret it is; null for the tenant's own. */
  readonly api: string | null
  readonly algorithm: string
  readonly state: KeySummary['state']
  readonly since: string
  /** When the schedule does something with it; null when nothing will happen by itself. */
  readonly changesAt: string | null
}

/** Oldest first, those included that are out of use. */
export const listKeys: Operation<{ tenant: string }, readonly Key[]> = async (services, given) => {
  const tenant = await findTenant(services, given.tenant)
  const apis = await services.store.resourceServers.list(tenant)
  const audienceOf = (owner: string) => apis.find(({ id }) => id === owner)?.identifier ?? owner
  return (await services.keyring.list(tenant)).map(key => ({
    id: key.id,
    purpose: key.purpose,
    api: key.owner === '' ? null : audienceOf(key.owner),
    algorithm: key.algorithm,
    state: key.state,
    since: toIso(key.stateSince),
    changesAt: key.dueAt === null ? null : toIso(key.dueAt),
  }))
}

/** Which key is to have a successor: the one of an id, the one that signs with an algorithm, or the one of a purpose. */
export type Rotation = { readonly tenant: string } & (
  | { readonly key: string }
  | { readonly algorithm: string }
  | { readonly purpose: string }
)

export type Rotated = {
  readonly purpose: string
  readonly algorithm: string
  /** When the next key signs or is current. */
  readonly takesOver: string
  readonly isNow: boolean
}

export const rotateKey: Operation<Rotation, Rotated> = async (services, given) => {
  const { keyring, clock } = services
  const tenant = await findTenant(services, given.tenant)
  const key = (await keyring.list(tenant)).find(wantedBy(given))
  if (!key) throw new OperatorError(`The tenant ${tenant} has no such key. See latchkey keys list.`)
  // Others hold a copy of an API's secret: a random one that nobody was told would serve nobody.
  if (key.purpose === secretSlot(tenant, 'api-secret').purpose)
    throw new OperatorError(`The key ${key.id} is a secret that an API shares. Use latchkey keys rotate --api.`)
  refuseToChangeSalt(key)
  const now = clock()
  const { takesOver } = await keyring.rotate(tenant, slotOf({ ...key, tenant }))
  return {
    purpose: key.purpose,
    algorithm: key.algorithm,
    takesOver: toIso(takesOver),
    isNow: takesOver <= Math.max(now, clock()),
  }
}

function wantedBy(given: Rotation): (key: KeySummary) => boolean {
  if ('key' in given) return ({ id }) => id === given.key
  if ('algorithm' in given)
    return ({ purpose, algorithm }) => purpose === 'token-signing' && algorithm === given.algorithm
  return ({ purpose }) => purpose === given.purpose
}

function refuseToChangeSalt({ id, purpose }: KeySummary): void {
  if (purpose === secretSlot('', 'pairwise-salt').purpose)
    throw new OperatorError(
      `The key ${id} makes the names by which pairwise clients know people. With another everybody would be a stranger to them, so it is never changed.`,
    )
}

/** Gives an API another secret; the former one is taken until nothing signed with it lives. */
export const rotateApiSecret: Operation<
  { tenant: string; api: string; secret: string },
  { readonly outcome: 'put' | 'unchanged' }
> = async (services, given) => {
  const tenant = await findTenant(services, given.tenant)
  const api = await findApi(services, tenant, given.api)
  if (api.settings['signing_alg'] !== 'HS256')
    throw new OperatorError(`The API ${given.api} shares no secret: its tokens are not signed with HS256.`)
  const length = Buffer.byteLength(given.secret)
  if (length < HS256.minimumBytes)
    throw new OperatorError(
      `The secret for the API ${given.api} is ${length} bytes long; it needs at least ${HS256.minimumBytes} (RFC 7518 §3.2).`,
    )
  return { outcome: await services.keyring.putApiSecret(tenant, api.id, given.secret) }
}

export const revokeKey: Operation<
  { tenant: string; key: string },
  { readonly outcome: 'revoked' | 'already' }
> = async (services, given) => {
  const tenant = await findTenant(services, given.tenant)
  const key = (await services.keyring.list(tenant)).find(({ id }) => id === given.key)
  if (key) refuseToChangeSalt(key)
  const outcome = await services.keyring.revoke(tenant, given.key)
  if (outcome === 'unknown')
    throw new OperatorError(`The tenant ${tenant} has no key "${given.key}". See latchkey keys list.`)
  return { outcome }
}

export const rewrapAll: Operation<Record<never, never>, Rewrapped> = ({ rewrap }) => rewrap()

async function findApi({ store }: OperatorServices, tenant: string, audience: string): Promise<ResourceServerRecord> {
  const api = await store.resourceServers.findByIdentifier(tenant, audience)
  if (!api) throw new OperatorError(`The tenant ${tenant} has no API "${audience}".`)
  return api
}

const toIso = (instant: number): string => new Date(instant).toISOString()
