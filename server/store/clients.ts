/** Applications, and what each may ask of which API as itself (client grants). */
import { sql } from 'kysely'
import type { Instant } from '../kernel/clock.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { SealContext } from '../kernel/sealer.ts'
import { atomically } from './atomic.ts'
import { onlyGiven, toDocument, toObject, toText } from './columns.ts'
import { lockingIn, memberIn } from './dialect.ts'
import { counted, type Part } from './roles.ts'
import type { ClientsTable, Database, OtherGrantsTable } from './schema.ts'
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
  /** Public keys and certificates that the metadata names by their ids; `clients/credentials.ts` has their form. */
  readonly credentials: readonly JsonObject[]
  readonly createdAt: Instant
  readonly updatedAt: Instant
}

/** For whom the client asks: itself, a person, or one who has no account. */
export type GrantSubject = 'client' | 'user' | 'anonymous_user'

export interface ClientGrantRecord {
  readonly tenant: string
  readonly id: string
  /** Null: every client of somebody else's that has no grant of its own. */
  readonly client: string | null
  /** The resource server's identifier. */
  readonly audience: string
  readonly subject: GrantSubject
  readonly scopes: readonly string[]
  /** What else is said of it, under Auth0's names; `clients/client-grants.ts` gives it its meaning. */
  readonly settings: JsonObject
}

/** Which grants a list is of. */
export interface GrantFilter {
  readonly client?: string | undefined
  readonly audience?: string | undefined
  readonly subject?: GrantSubject | undefined
  readonly isDefault?: boolean | undefined
  /** Of `allow_any_organization`. */
  readonly anyOrganization?: boolean | undefined
}

/** Which clients a list is of, by what their metadata says; `isFirstParty` is what a client is that does not say. */
export interface ClientFilter {
  readonly types?: readonly string[] | undefined
  readonly isFirstParty?: boolean | undefined
  readonly externalId?: string | undefined
  readonly ids?: readonly string[] | undefined
}

export type ClientChanges = Partial<Pick<ClientRecord, 'metadata' | 'sealedSecret' | 'credentials'>>

export interface Clients {
  create(client: ClientRecord): Promise<'created' | 'taken'>
  /** Removed clients are not found. */
  find(tenant: string, id: string): Promise<ClientRecord | undefined>
  /** In order of id. */
  list(tenant: string, part: Part, filter?: ClientFilter): Promise<ClientRecord[]>
  count(tenant: string, filter?: ClientFilter): Promise<number>
  /** Read to be changed: nobody else changes or removes it until the transaction ends. */
  hold(tenant: string, id: string): Promise<ClientRecord | undefined>
  change(tenant: string, id: string, changes: ClientChanges, at: Instant): Promise<'changed' | 'gone'>
  /** Those of the algorithms that the ID tokens of some client are to be signed with. */
  askedAlgorithms(tenant: string, among: readonly string[]): Promise<string[]>
  raiseEpoch(tenant: string, id: string): Promise<number>
  /**
   * A tombstone with a raised epoch; its grants, its registration and its places at connections go with it, and what else hung on it is dead by join
   * and purged with the removals.
   */
  remove(tenant: string, id: string, at: Instant): Promise<'removed' | 'gone'>
  /** Unique by (client, audience, subject): created, changed, or left as it is. The id of an existing grant stays. */
  putGrant(grant: ClientGrantRecord): Promise<'created' | 'changed' | 'same'>
  /** `taken` when there is one for the same client, audience and subject. */
  createGrant(grant: ClientGrantRecord): Promise<'created' | 'taken'>
  /** The client's own, or with null those for every client of somebody else's, in order of audience. */
  grantsOf(tenant: string, client: string | null): Promise<ClientGrantRecord[]>
  findGrant(tenant: string, id: string): Promise<ClientGrantRecord | undefined>
  /** In order of id. */
  listGrants(tenant: string, part: Part, filter?: GrantFilter): Promise<ClientGrantRecord[]>
  countGrants(tenant: string, filter?: GrantFilter): Promise<number>
  changeGrant(
    tenant: string,
    id: string,
    changes: Partial<Pick<ClientGrantRecord, 'scopes' | 'settings'>>,
  ): Promise<'changed' | 'gone'>
  removeGrant(tenant: string, id: string): Promise<'removed' | 'gone'>
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
  credentials: toDocument(row.credentials),
  createdAt: row.created_at,
  updatedAt: row.updated_at,
})

/** A machine's grants have a table of their own, which what was before the others reads; the rest share one. */
const toGrant = (row: OtherGrantsTable): ClientGrantRecord => ({
  tenant: row.tenant,
  id: row.id,
  client: row.client === EVERYBODY ? null : row.client,
  audience: row.audience,
  subject: row.subject as GrantSubject,
  scopes: toDocument(row.scopes),
  settings: toObject(row.settings),
})

/** In the place of a client in `other_grants`. */
const EVERYBODY = ''

const isMachines = ({ client, subject }: Pick<ClientGrantRecord, 'client' | 'subject'>): boolean =>
  client !== null && subject === 'client'

/** All grants as rows of one table. */
const allGrants = (db: Database) =>
  db.selectFrom(
    db
      .selectFrom('client_grants')
      .select(['tenant', 'id', 'client', 'audience', sql<string>`'client'`.as('subject'), 'scopes', 'settings'])
      .unionAll(
        db.selectFrom('other_grants').select(['tenant', 'id', 'client', 'audience', 'subject', 'scopes', 'settings']),
      )
      .as('grants'),
  )

const filteredGrants = (db: Database, tenant: string, filter: GrantFilter) => {
  const { client, audience, subject, isDefault, anyOrganization } = filter
  let query = allGrants(db).where('grants.tenant', '=', tenant)
  if (client !== undefined) query = query.where('grants.client', '=', client)
  if (audience !== undefined) query = query.where('grants.audience', '=', audience)
  if (subject !== undefined) query = query.where('grants.subject', '=', subject)
  if (isDefault !== undefined) query = query.where('grants.client', isDefault ? '=' : '<>', EVERYBODY)
  if (anyOrganization !== undefined) {
    const said = memberIn(db, sql.ref('grants.settings'), 'allow_any_organization')
    query = query.where(said, anyOrganization ? 'in' : 'not in', ['true', '1'])
  }
  return query
}

const filteredClients = (db: Database, tenant: string, { types, isFirstParty, externalId, ids }: ClientFilter) => {
  const said = (member: string) => memberIn(db, sql.ref('metadata'), member)
  let query = db.selectFrom('clients').where('tenant', '=', tenant).where('removed_at', 'is', null)
  if (types !== undefined) query = query.where(said('app_type'), 'in', types)
  if (isFirstParty !== undefined)
    query = query.where(said('is_first_party'), isFirstParty ? 'not in' : 'in', ['false', '0'])
  // Of none: `in ()` is no SQL.
  if (ids !== undefined) query = ids.length > 0 ? query.where('id', 'in', ids) : query.where('id', 'is', null)
  if (externalId !== undefined) query = query.where(said('external_client_id'), '=', externalId)
  return query
}

const LISTED_AT_ONCE = 200

/** In order of id. */
export async function* everyClient(
  { clients }: { readonly clients: Clients },
  tenant: string,
): AsyncGenerator<ClientRecord> {
  for (let after: string | undefined; ; ) {
    const page = await clients.list(tenant, { limit: LISTED_AT_ONCE, ...(after !== undefined && { after }) })
    yield* page
    if (page.length < LISTED_AT_ONCE) return
    after = page.at(-1)?.id
  }
}

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
        credentials: toText(client.credentials),
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

  async hold(tenant, id) {
    const row = await db
      .selectFrom('clients')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('id', '=', id)
      .where('removed_at', 'is', null)
      .$call(lockingIn(db))
      .executeTakeFirst()
    return row && toClient(row)
  },

  async list(tenant, { after, offset, limit }, filter = {}) {
    const rows = await filteredClients(db, tenant, filter)
      .selectAll()
      .where('id', '>', after ?? '')
      .orderBy('id')
      .limit(limit)
      .offset(offset ?? 0)
      .execute()
    return rows.map(toClient)
  },

  count: (tenant, filter = {}) => counted(filteredClients(db, tenant, filter)),

  async change(tenant, id, changes, at) {
    const changed = await db
      .updateTable('clients')
      .set({
        ...onlyGiven({
          metadata: changes.metadata && toText(changes.metadata),
          signing_algorithm: changes.metadata && idTokenAlgorithmIn(changes.metadata),
          sealed_secret: changes.sealedSecret,
          credentials: changes.credentials && toText(changes.credentials),
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
          credentials: '[]',
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
        'other_grants',
        'organization_clients',
        'connection_clients',
      ] as const)
        await transaction.deleteFrom(table).where('tenant', '=', tenant).where('client', '=', id).execute()
      await transaction.insertInto('removals').values({ tenant, kind: 'client', id, at, seen: null }).execute()
      return 'removed'
    }),

  putGrant: grant =>
    atomically(db, async transaction => {
      if ((await insertGrant(transaction, grant)) === 'created') return 'created'
      const { tenant, client, audience, subject } = grant
      const [scopes, settings] = [toText(grant.scopes), toText(grant.settings)]
      const changed = await transaction
        .updateTable((isMachines(grant) ? 'client_grants' : 'other_grants') as 'other_grants')
        .set({ scopes, settings })
        .where('tenant', '=', tenant)
        .where('client', '=', client ?? EVERYBODY)
        .where('audience', '=', audience)
        .$if(!isMachines(grant), query => query.where('subject', '=', subject))
        .where(row => row.or([row('scopes', '<>', scopes), row('settings', '<>', settings)]))
        .returning('id')
        .executeTakeFirst()
      return changed ? 'changed' : 'same'
    }),

  createGrant: grant => insertGrant(db, grant),

  async grantsOf(tenant, client) {
    const rows = await allGrants(db)
      .selectAll()
      .where('grants.tenant', '=', tenant)
      .where('grants.client', '=', client ?? EVERYBODY)
      .orderBy('grants.audience')
      .orderBy('grants.subject')
      .execute()
    return rows.map(toGrant)
  },

  async findGrant(tenant, id) {
    const row = await allGrants(db)
      .selectAll()
      .where('grants.tenant', '=', tenant)
      .where('grants.id', '=', id)
      .executeTakeFirst()
    return row && toGrant(row)
  },

  async listGrants(tenant, { after, offset, limit }, filter = {}) {
    const rows = await filteredGrants(db, tenant, filter)
      .selectAll()
      .where('grants.id', '>', after ?? '')
      .orderBy('grants.id')
      .limit(limit)
      .offset(offset ?? 0)
      .execute()
    return rows.map(toGrant)
  },

  async countGrants(tenant, filter = {}) {
    const { found } = await filteredGrants(db, tenant, filter)
      .select(row => row.fn.countAll<number | string>().as('found'))
      .executeTakeFirstOrThrow()
    return Number(found)
  },

  changeGrant: (tenant, id, changes) =>
    atomically(db, async transaction => {
      const given = onlyGiven({
        scopes: changes.scopes && toText(changes.scopes),
        settings: changes.settings && toText(changes.settings),
      })
      for (const table of GRANT_TABLES) {
        const changed = await transaction
          .updateTable(table as 'other_grants')
          // A change of nothing finds out whether it is there.
          .set(row => ({ scopes: row.ref('scopes'), ...given }))
          .where('tenant', '=', tenant)
          .where('id', '=', id)
          .returning('id')
          .executeTakeFirst()
        if (changed) return 'changed'
      }
      return 'gone'
    }),

  removeGrant: (tenant, id) =>
    atomically(db, async transaction => {
      for (const table of GRANT_TABLES) {
        const removed = await transaction
          .deleteFrom(table)
          .where('tenant', '=', tenant)
          .where('id', '=', id)
          .returning('id')
          .executeTakeFirst()
        if (!removed) continue
        await transaction
          .deleteFrom('organization_grants')
          .where('tenant', '=', tenant)
          .where('grant', '=', id)
          .execute()
        return 'removed'
      }
      return 'gone'
    }),
})

const GRANT_TABLES = ['client_grants', 'other_grants'] as const

async function insertGrant(db: Database, grant: ClientGrantRecord): Promise<'created' | 'taken'> {
  const { tenant, id, audience, subject } = grant
  const values = { tenant, id, audience, scopes: toText(grant.scopes), settings: toText(grant.settings) }
  const created =
    grant.client !== null && isMachines(grant)
      ? await db
          .insertInto('client_grants')
          .values({ ...values, client: grant.client })
          .onConflict(conflict => conflict.columns(['tenant', 'client', 'audience']).doNothing())
          .returning('id')
          .executeTakeFirst()
      : await db
          .insertInto('other_grants')
          .values({ ...values, client: grant.client ?? EVERYBODY, subject })
          .onConflict(conflict => conflict.columns(['tenant', 'client', 'audience', 'subject']).doNothing())
          .returning('id')
          .executeTakeFirst()
  return created ? 'created' : 'taken'
}
