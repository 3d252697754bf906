/** Applications, and what each may ask of which API as itself (client grants). */
import type { Instant } from '../kernel/clock.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { SealContext } from '../kernel/sealer.ts'
import { atomically } from './atomic.ts'
import { onlyGiven, toDocument, toObject, toText } from './columns.ts'
import type { ClientGrantsTable, ClientsTable, Database } from './schema.ts'
import { askedForIn, idTokenAlgorithmIn } from './signing-algorithms.ts'

export interface ClientRecord {
  readonly tenant: string
  readonly id: string
  /** As for a user: raised by what ends everything the client was given. */
  readonly epoch: number
  /** The client's metadata under Auth0's names, as it was given; `clients/metadata.ts` gives it its meaning. */
  readonly metadata: JsonObject
  /** Sealed, because client_secret_jwt and exports need it back. Null for clients that have none. */
  readonly sealedSecret: string | null
  readonly createdAt: Instant
  readonly updatedAt: Instant
}

export interface ClientGrantRecord {
  readonly tenant: string
  readonly id: string
  readonly client: string
  /** The resource server's identifier. */
  readonly audience: string
  readonly scopes: readonly string[]
}

export interface Clients {
  create(client: ClientRecord): Promise<'created' | 'taken'>
  /** Removed clients are not found. */
  find(tenant: string, id: string): Promise<ClientRecord | undefined>
  list(tenant: string, page: { after?: string; limit: number }): Promise<ClientRecord[]>
  change(
    tenant: string,
    id: string,
    changes: Partial<Pick<ClientRecord, 'metadata' | 'sealedSecret'>>,
    at: Instant,
  ): Promise<'changed' | 'gone'>
  /** Those of the algorithms that the ID tokens of some client are to be signed with. */
  askedAlgorithms(tenant: string, among: readonly string[]): Promise<string[]>
  raiseEpoch(tenant: string, id: string): Promise<number>
  /** A tombstone with a raised epoch; its grants, its registration, its API keys and its places at connections go with it. */
  remove(tenant: string, id: string, at: Instant): Promise<'removed' | 'gone'>
  /** Unique by (client, audience): created, changed, or left as it is. The id of an existing grant stays. */
  putGrant(grant: ClientGrantRecord): Promise<'created' | 'changed' | 'same'>
  grantsOf(tenant: string, client: string): Promise<ClientGrantRecord[]>
}

/** What a client's secret is sealed to. */
export const sealContextOfClientSecret = ({ tenant, id }: { tenant: string; id: string }): SealContext => ({
  purpose: 'client-secret',
  tenant,
  record: id,
})

const toClient = (row: ClientsTable): ClientRecord => ({
  tenant: row.tenant,
  id: row.id,
  epoch: row.epoch,
  metadata: toObject(row.metadata),
  sealedSecret: row.sealed_secret,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
})

const toGrant = (row: ClientGrantsTable): ClientGrantRecord => ({
  tenant: row.tenant,
  id: row.id,
  client: row.client,
  audience: row.audience,
  scopes: toDocument(row.scopes),
})

export const clientsIn = (db: Database): Clients => ({
  async create(client) {
    const created = await db
      .insertInto('clients')
      .values({
        tenant: client.tenant,
        id: client.id,
        epoch: client.epoch,
        metadata: toText(client.metadata),
        sealed_secret: client.sealedSecret,
        signing_algorithm: idTokenAlgorithmIn(client.metadata),
        created_at: client.createdAt,
        updated_at: client.updatedAt,
        removed_at: null,
      })
      .onConflict(conflict => conflict.doNothing())
      .returning('id')
      .executeTakeFirst()
    return created ? 'created' : 'taken'
  },

  async find(tenant, id) {
    const row = await db
      .selectFrom('clients')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('id', '=', id)
      .where('removed_at', 'is', null)
      .executeTakeFirst()
    return row && toClient(row)
  },

  async list(tenant, { after, limit }) {
    const rows = await db
      .selectFrom('clients')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('id', '>', after ?? '')
      .where('removed_at', 'is', null)
      .orderBy('id')
      .limit(limit)
      .execute()
    return rows.map(toClient)
  },

  async change(tenant, id, changes, at) {
    const changed = await db
      .updateTable('clients')
      .set({
        ...onlyGiven({
          metadata: changes.metadata && toText(changes.metadata),
          signing_algorithm: changes.metadata && idTokenAlgorithmIn(changes.metadata),
          sealed_secret: changes.sealedSecret,
        }),
        updated_at: at,
      })
      .where('tenant', '=', tenant)
      .where('id', '=', id)
      .where('removed_at', 'is', null)
      .returning('id')
      .executeTakeFirst()
    return changed ? 'changed' : 'gone'
  },

  askedAlgorithms: (tenant, among) => askedForIn(db, 'clients', tenant, among),

  async raiseEpoch(tenant, id) {
    const { epoch } = await db
      .updateTable('clients')
      .set(row => ({ epoch: row('epoch', '+', 1) }))
      .where('tenant', '=', tenant)
      .where('id', '=', id)
      .returning('epoch')
      .executeTakeFirstOrThrow()
    return epoch
  },

  remove: (tenant, id, at) =>
    atomically(db, async transaction => {
      const removed = await transaction
        .updateTable('clients')
        .set(row => ({
          epoch: row('epoch', '+', 1),
          metadata: '{}',
          sealed_secret: null,
          signing_algorithm: null,
          updated_at: at,
          removed_at: at,
        }))
        .where('tenant', '=', tenant)
        .where('id', '=', id)
        .where('removed_at', 'is', null)
        .returning('id')
        .executeTakeFirst()
      if (!removed) return 'gone'
      for (const table of [
        'client_grants',
        'registrations',
        'api_keys',
        'organization_clients',
        'invitations',
        'connection_clients',
      ] as const)
        await transaction.deleteFrom(table).where('tenant', '=', tenant).where('client', '=', id).execute()
      return 'removed'
    }),

  async putGrant(grant) {
    const scopes = toText(grant.scopes)
    const created = await db
      .insertInto('client_grants')
      .values({ tenant: grant.tenant, id: grant.id, client: grant.client, audience: grant.audience, scopes })
      .onConflict(conflict => conflict.columns(['tenant', 'client', 'audience']).doNothing())
      .returning('id')
      .executeTakeFirst()
    if (created) return 'created'
    const changed = await db
      .updateTable('client_grants')
      .set({ scopes })
      .where('tenant', '=', grant.tenant)
      .where('client', '=', grant.client)
      .where('audience', '=', grant.audience)
      .where('scopes', '<>', scopes)
      .returning('id')
      .executeTakeFirst()
    return changed ? 'changed' : 'same'
  },

  async grantsOf(tenant, client) {
    const rows = await db
      .selectFrom('client_grants')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('client', '=', client)
      .orderBy('audience')
      .execute()
    return rows.map(toGrant)
  },
})
