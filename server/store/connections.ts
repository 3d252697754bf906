/**
 * Connections: where people are vouched for, and for which clients. `auth0` is the strategy of our own database of
 * passwords.
 */
import { sql } from 'kysely'
import type { Instant } from '../kernel/clock.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { SealContext } from '../kernel/sealer.ts'
import { atomically } from './atomic.ts'
import { onlyGiven, toFlag, toObject, toText } from './columns.ts'
import { lockingIn, skippingLockedIn } from './dialect.ts'
import type { ConnectionsTable, Database } from './schema.ts'

/** Of the connections that are databases of passwords, and the provider in the ids of their users, so that imported users keep theirs. */
export const DATABASE_STRATEGY = 'auth0'

/** Of connections whose people have no password: a code or a link is mailed to them. */
export const EMAIL_STRATEGY = 'email'

export interface ConnectionRecord {
  readonly tenant: string
  readonly id: string
  /** Unique in a tenant. */
  readonly name: string
  readonly strategy: string
  /** Under Auth0's names, as they were given, without what is secret in them. */
  readonly options: JsonObject
  /** What is secret in the options; null for nothing. What it holds is the caller's. */
  readonly sealedOptions: string | null
  /** What else is said of it, under Auth0's names: `display_name`, `realms`, … */
  readonly settings: JsonObject
  /** Ids of the clients that people come to through it, in their order; null for every client, also those to come. */
  readonly clients: readonly string[] | null
}

export type ConnectionChanges = Partial<Pick<ConnectionRecord, 'options' | 'sealedOptions' | 'settings'>>

export interface ConnectionFilter {
  readonly strategies?: readonly string[]
  readonly name?: string
  /** One that it serves by its list, or because it serves every client. */
  readonly client?: string
}

/** A removed connection is not found, and its name is free, from that instant on. */
export interface Connections {
  create(connection: ConnectionRecord): Promise<'created' | 'taken'>
  find(tenant: string, id: string): Promise<ConnectionRecord | undefined>
  /** As `find`; until the transaction ends nobody else changes it. */
  hold(tenant: string, id: string): Promise<ConnectionRecord | undefined>
  findByName(tenant: string, name: string): Promise<ConnectionRecord | undefined>
  /** In the order of their names; `after` is one. All of them without a limit. */
  list(
    tenant: string,
    page?: ConnectionFilter & { readonly after?: string; readonly offset?: number; readonly limit?: number },
  ): Promise<ConnectionRecord[]>
  count(tenant: string, filter?: ConnectionFilter): Promise<number>
  change(tenant: string, id: string, changes: ConnectionChanges): Promise<'changed' | 'gone'>
  /** Serves these and no others; null for every client. */
  serve(tenant: string, id: string, clients: readonly string[] | null): Promise<'changed' | 'gone'>
  /** From every client to the list of those there are. Nothing where there is a list. */
  settleClients(tenant: string, id: string): Promise<void>
  /** Of a connection with a list. */
  putOnList(tenant: string, id: string, clients: readonly string[]): Promise<void>
  takeOffList(tenant: string, id: string, clients: readonly string[]): Promise<void>
  /** Puts the client on the list of every connection that has one. Answers which those were. */
  putOnEveryList(tenant: string, client: string): Promise<string[]>
  /** Ids of those it serves, in their order, whether by a list or not. */
  clientsOf(tenant: string, id: string, page: { readonly after?: string; readonly limit: number }): Promise<string[]>
  /** Whether somebody is known to it, by whatever identity. */
  hasPeople(tenant: string, id: string): Promise<boolean>
  /** A tombstone, which leaves when its people have. No organization has it any more. */
  remove(tenant: string, id: string, at: Instant): Promise<'removed' | 'gone'>
  /** One that was removed, with at most so many of the identities in it; undefined when there is none. */
  removedWithPeople(limit: number): Promise<RemovedConnection | undefined>
  /** The end of a tombstone. */
  forget(tenant: string, id: string): Promise<void>
}

export interface RemovedConnection {
  readonly tenant: string
  readonly id: string
  readonly people: readonly {
    /** The user's id. */
    readonly user: string
    readonly subject: string
    /** Whether it is what the user's id is made of, and not one of somebody who is another's by now. */
    readonly isFirst: boolean
  }[]
}

/** What the secrets in its options are sealed to. */
export const sealContextOfConnection = ({ tenant, id }: { tenant: string; id: string }): SealContext => ({
  purpose: 'connection-options',
  tenant,
  record: id,
})

/** Three parameters each: far below what a statement may carry on either database. */
const CLIENTS_PER_STATEMENT = 500

/** No connection's name has a space. */
const nameOfRemoved = (id: string): string => `removed ${id}`

async function toRecords(db: Database, rows: readonly ConnectionsTable[]): Promise<ConnectionRecord[]> {
  const listing = rows.filter(row => row.serves_every_client === 0)
  const [first] = listing
  const listed = first
    ? await db
        .selectFrom('connection_clients')
        .select(['connection', 'client'])
        .where('tenant', '=', first.tenant)
        .where(
          'connection',
          'in',
          listing.map(({ id }) => id),
        )
        .orderBy('client')
        .execute()
    : []
  const clients = Map.groupBy(listed, ({ connection }) => connection)
  return rows.map(row => ({
    tenant: row.tenant,
    id: row.id,
    name: row.name,
    strategy: row.strategy,
    options: toObject(row.options),
    sealedOptions: row.sealed_options,
    settings: toObject(row.settings),
    clients: row.serves_every_client === 1 ? null : (clients.get(row.id) ?? []).map(({ client }) => client),
  }))
}

const live = (db: Database, tenant: string) =>
  db.selectFrom('connections').where('tenant', '=', tenant).where('removed_at', 'is', null)

const filtered = (db: Database, tenant: string, { strategies, name, client }: ConnectionFilter) => {
  let query = live(db, tenant)
  if (strategies) query = query.where('strategy', 'in', strategies.length > 0 ? strategies : [''])
  if (name !== undefined) query = query.where('name', '=', name)
  if (client !== undefined)
    query = query.where(row =>
      row.or([
        row('serves_every_client', '=', 1),
        row.exists(
          row
            .selectFrom('connection_clients')
            .select('connection_clients.client')
            .whereRef('connection_clients.tenant', '=', 'connections.tenant')
            .whereRef('connection_clients.connection', '=', 'connections.id')
            .where('connection_clients.client', '=', client),
        ),
      ]),
    )
  return query
}

async function putOnList(db: Database, tenant: string, connection: string, clients: readonly string[]): Promise<void> {
  for (let from = 0; from < clients.length; from += CLIENTS_PER_STATEMENT)
    await db
      .insertInto('connection_clients')
      .values(clients.slice(from, from + CLIENTS_PER_STATEMENT).map(client => ({ tenant, connection, client })))
      .onConflict(conflict => conflict.doNothing())
      .execute()
}

/** Holds the row until the transaction ends, so that of two changes to a list the second sees the first. */
const setServesEvery = async (db: Database, tenant: string, id: string, every: boolean): Promise<boolean> =>
  (await db
    .updateTable('connections')
    .set({ serves_every_client: toFlag(every) })
    .where('tenant', '=', tenant)
    .where('id', '=', id)
    .where('removed_at', 'is', null)
    .returning('id')
    .executeTakeFirst()) !== undefined

export const connectionsIn = (db: Database): Connections => ({
  create: connection =>
    atomically(db, async transaction => {
      const { tenant, id, clients } = connection
      const created = await transaction
        .insertInto('connections')
        .values({
          tenant,
          id,
          name: connection.name,
          strategy: connection.strategy,
          options: toText(connection.options),
          sealed_options: connection.sealedOptions,
          settings: toText(connection.settings),
          serves_every_client: toFlag(clients === null),
          removed_at: null,
        })
        .onConflict(conflict => conflict.doNothing())
        .returning('id')
        .executeTakeFirst()
      if (!created) return 'taken'
      await putOnList(transaction, tenant, id, clients ?? [])
      return 'created'
    }),

  async find(tenant, id) {
    const [found] = await toRecords(db, await live(db, tenant).selectAll().where('id', '=', id).execute())
    return found
  },

  async hold(tenant, id) {
    const rows = await live(db, tenant).selectAll().where('id', '=', id).$call(lockingIn(db)).execute()
    const [held] = await toRecords(db, rows)
    return held
  },

  async findByName(tenant, name) {
    const [found] = await toRecords(db, await live(db, tenant).selectAll().where('name', '=', name).execute())
    return found
  },

  async list(tenant, { after, offset, limit, ...filter } = {}) {
    let query = filtered(db, tenant, filter).selectAll().orderBy('name')
    if (after !== undefined) query = query.where('name', '>', after)
    if (limit !== undefined) query = query.limit(limit).offset(offset ?? 0)
    return toRecords(db, await query.execute())
  },

  async count(tenant, filter = {}) {
    const { connections } = await filtered(db, tenant, filter)
      .select(row => row.fn.countAll().as('connections'))
      .executeTakeFirstOrThrow()
    return Number(connections)
  },

  async change(tenant, id, changes) {
    const changed = await db
      .updateTable('connections')
      .set({
        ...onlyGiven({
          options: changes.options && toText(changes.options),
          sealed_options: changes.sealedOptions,
          settings: changes.settings && toText(changes.settings),
        }),
        // One column at least, for a change that names none.
        id,
      })
      .where('tenant', '=', tenant)
      .where('id', '=', id)
      .where('removed_at', 'is', null)
      .returning('id')
      .executeTakeFirst()
    return changed ? 'changed' : 'gone'
  },

  serve: (tenant, id, clients) =>
    atomically(db, async transaction => {
      if (!(await setServesEvery(transaction, tenant, id, clients === null))) return 'gone'
      await transaction
        .deleteFrom('connection_clients')
        .where('tenant', '=', tenant)
        .where('connection', '=', id)
        .execute()
      await putOnList(transaction, tenant, id, clients ?? [])
      return 'changed'
    }),

  settleClients: (tenant, id) =>
    atomically(db, async transaction => {
      const settled = await transaction
        .updateTable('connections')
        .set({ serves_every_client: 0 })
        .where('tenant', '=', tenant)
        .where('id', '=', id)
        .where('serves_every_client', '=', 1)
        .where('removed_at', 'is', null)
        .returning('id')
        .executeTakeFirst()
      if (!settled) return
      await transaction
        .insertInto('connection_clients')
        .columns(['tenant', 'connection', 'client'])
        .expression(
          transaction
            .selectFrom('clients')
            .select(['tenant', sql.val(id).$castTo<string>().as('connection'), 'id as client'])
            .where('tenant', '=', tenant)
            .where('removed_at', 'is', null),
        )
        .execute()
    }),

  putOnList: (tenant, id, clients) => putOnList(db, tenant, id, clients),

  async takeOffList(tenant, id, clients) {
    if (clients.length === 0) return
    await db
      .deleteFrom('connection_clients')
      .where('tenant', '=', tenant)
      .where('connection', '=', id)
      .where('client', 'in', clients)
      .execute()
  },

  async putOnEveryList(tenant, client) {
    const rows = await live(db, tenant).select('id').where('serves_every_client', '=', 0).execute()
    for (const { id } of rows) await putOnList(db, tenant, id, [client])
    return rows.map(({ id }) => id)
  },

  async clientsOf(tenant, id, { after, limit }) {
    const connection = await live(db, tenant).select('serves_every_client').where('id', '=', id).executeTakeFirst()
    if (!connection) return []
    const rows =
      connection.serves_every_client === 1
        ? await db
            .selectFrom('clients')
            .select('id as client')
            .where('tenant', '=', tenant)
            .where('removed_at', 'is', null)
            .where('id', '>', after ?? '')
            .orderBy('id')
            .limit(limit)
            .execute()
        : await db
            .selectFrom('connection_clients')
            .select('client')
            .where('tenant', '=', tenant)
            .where('connection', '=', id)
            .where('client', '>', after ?? '')
            .orderBy('client')
            .limit(limit)
            .execute()
    return rows.map(({ client }) => client)
  },

  async hasPeople(tenant, id) {
    const found = await db
      .selectFrom('identities')
      .select('subject')
      .where('tenant', '=', tenant)
      .where('connection', '=', id)
      .limit(1)
      .executeTakeFirst()
    return found !== undefined
  },

  remove: (tenant, id, at) =>
    atomically(db, async transaction => {
      const removed = await transaction
        .updateTable('connections')
        .set({
          name: nameOfRemoved(id),
          options: '{}',
          sealed_options: null,
          settings: '{}',
          serves_every_client: 0,
          removed_at: at,
        })
        .where('tenant', '=', tenant)
        .where('id', '=', id)
        .where('removed_at', 'is', null)
        .returning('id')
        .executeTakeFirst()
      if (!removed) return 'gone'
      for (const table of ['connection_clients', 'organization_connections'] as const)
        await transaction.deleteFrom(table).where('tenant', '=', tenant).where('connection', '=', id).execute()
      return 'removed'
    }),

  async removedWithPeople(limit) {
    const removed = await db
      .selectFrom('connections')
      .select(['tenant', 'id'])
      .where('removed_at', 'is not', null)
      .orderBy('removed_at')
      .limit(1)
      .$call(skippingLockedIn(db))
      .executeTakeFirst()
    if (!removed) return undefined
    const people = await db
      .selectFrom('identities')
      .select(['user', 'subject', 'ordinal'])
      .where('tenant', '=', removed.tenant)
      .where('connection', '=', removed.id)
      .limit(limit)
      .execute()
    return {
      ...removed,
      people: people.map(({ user, subject, ordinal }) => ({ user, subject, isFirst: ordinal === 0 })),
    }
  },

  async forget(tenant, id) {
    await db
      .deleteFrom('connections')
      .where('tenant', '=', tenant)
      .where('id', '=', id)
      .where('removed_at', 'is not', null)
      .execute()
  },
})
