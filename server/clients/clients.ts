/** Applications, resolved and cached. A change is heard over the bus by every node, which forgets its copy. */
import type { Bus } from '../kernel/bus.ts'
import { createCache } from '../kernel/cache.ts'
import type { Clock } from '../kernel/clock.ts'
import { isObject, type JsonObject } from '../kernel/json.ts'
import type { Sealer } from '../kernel/sealer.ts'
import { type ClientRecord, type GrantSubject, sealContextOfClientSecret } from '../store/clients.ts'
import type { Store, Transaction } from '../store/store.ts'
import { type ClientGrant, resolveGrant } from './client-grants.ts'
import { type Client, resolveClient } from './metadata.ts'

export interface Clients {
  find(tenant: string, id: string): Promise<Client | undefined>
  /**
   * What the client may ask of the API, as itself or for a person: its own grant, or for a client that is not the operator's
   * the one that all those have.
   */
  grantOf(
    client: Pick<Client, 'tenant' | 'id' | 'isFirstParty'>,
    audience: string,
    subject?: GrantSubject,
  ): Promise<ClientGrant | undefined>
  create(
    transaction: Transaction,
    client: {
      tenant: string
      id: string
      metadata: JsonObject
      secret: string | null
      credentials?: readonly JsonObject[]
    },
  ): Promise<'created' | 'taken'>
  change(
    transaction: Transaction,
    client: { tenant: string; id: string },
    changes: { metadata?: JsonObject; secret?: string; credentials?: readonly JsonObject[] },
  ): Promise<void>
  /** The secret as it was, for those who may read it. */
  openSecret(record: ClientRecord): string | null
  /** The same of the client of that id, read anew: no cache holds it. Null for one that has none, or is not there. */
  secretOf(tenant: string, id: string): Promise<string | null>
}

/** Some hundred bytes each; a tenant with more active clients than this reads some of them again. */
const CACHED_CLIENTS = 10_000

export function createClients({
  store,
  sealer,
  bus,
  clock,
}: {
  store: Store
  sealer: Sealer
  bus: Bus
  clock: Clock
}): Clients {
  const keyOf = (client: { tenant: string; id: string }) => `${client.tenant} ${client.id}`
  const cached = { limit: CACHED_CLIENTS, clock, bus, topic: 'client', keyOf }
  const clients = createCache<Client | undefined>(cached)
  const grants = createCache<readonly ClientGrant[]>(cached)
  /** Null: for every client of somebody else's. */
  const grantsOf = (tenant: string, id: string | null) =>
    grants.get(keyOf({ tenant, id: id ?? '' }), async () =>
      (await store.clients.grantsOf(tenant, id)).map(resolveGrant),
    )

  const openSecret = (record: ClientRecord): string | null =>
    record.sealedSecret === null ? null : sealer.open(sealContextOfClientSecret(record), record.sealedSecret).toString()

  return {
    openSecret,

    async secretOf(tenant, id) {
      const record = await store.clients.find(tenant, id)
      return record ? openSecret(record) : null
    },

    // A client that does not exist is not remembered: strangers' guesses would fill the cache.
    async find(tenant, id) {
      const key = keyOf({ tenant, id })
      const client = await clients.get(key, async () => {
        const record = await store.clients.find(tenant, id)
        return record && resolveClient(record, openSecret(record))
      })
      if (!client) clients.drop(key)
      return client
    },

    async grantOf({ tenant, id, isFirstParty }, audience, subject = 'client') {
      const isMeant = (grant: ClientGrant) => grant.audience === audience && grant.subject === subject
      const own = (await grantsOf(tenant, id)).find(isMeant)
      return own || isFirstParty ? own : (await grantsOf(tenant, null)).find(isMeant)
    },

    async create(transaction, { tenant, id, metadata, secret, credentials = [] }) {
      const now = clock()
      const outcome = await transaction.clients.create({
        tenant,
        id,
        epoch: 0,
        metadata,
        sealedSecret: secret === null ? null : sealer.seal(sealContextOfClientSecret({ tenant, id }), secret),
        credentials,
        createdAt: now,
        updatedAt: now,
      })
      transaction.announce({ topic: 'client', tenant, id })
      if (outcome === 'created' && metadata['is_first_party'] !== false) await putOnLists(transaction, tenant, id)
      return outcome
    },

    async change(transaction, { tenant, id }, { metadata, secret, credentials }) {
      await transaction.clients.change(
        tenant,
        id,
        {
          ...(metadata && { metadata }),
          ...(credentials && { credentials }),
          ...(secret !== undefined && { sealedSecret: sealer.seal(sealContextOfClientSecret({ tenant, id }), secret) }),
        },
        clock(),
      )
      transaction.announce({ topic: 'client', tenant, id })
    },
  }
}

/** As with Auth0, an application of the operator's has every connection of its day, unless the tenant's flag says no. */
async function putOnLists(transaction: Transaction, tenant: string, client: string): Promise<void> {
  const flags = (await transaction.tenants.find(tenant))?.settings['flags']
  if (isObject(flags) && flags['enable_client_connections'] === false) return
  for (const id of await transaction.connections.putOnEveryList(tenant, client))
    transaction.announce({ topic: 'connection', tenant, id })
}
