/** Connections: where people are vouched for. `auth0` is the strategy of our own database of passwords. */
import type { JsonObject } from '../kernel/json.ts'
import { toObject, toText } from './columns.ts'
import type { ConnectionsTable, Database } from './schema.ts'

export interface ConnectionRecord {
  readonly tenant: string
  readonly id: string
  /** Unique in a tenant. */
  readonly name: string
  readonly strategy: string
  readonly options: JsonObject
}

export interface Connections {
  create(connection: ConnectionRecord): Promise<'created' | 'taken'>
  find(tenant: string, id: string): Promise<ConnectionRecord | undefined>
  findByName(tenant: string, name: string): Promise<ConnectionRecord | undefined>
  list(tenant: string): Promise<ConnectionRecord[]>
}

const toRecord = (row: ConnectionsTable): ConnectionRecord => ({
  tenant: row.tenant,
  id: row.id,
  name: row.name,
  strategy: row.strategy,
  options: toObject(row.options),
})

export const connectionsIn = (db: Database): Connections => ({
  async create(connection) {
    const created = await db
      .insertInto('connections')
      .values({
        tenant: connection.tenant,
        id: connection.id,
        name: connection.name,
        strategy: connection.strategy,
        options: toText(connection.options),
      })
      .onConflict(conflict => conflict.doNothing())
      .returning('id')
      .executeTakeFirst()
    return created ? 'created' : 'taken'
  },

  async find(tenant, id) {
    const row = await db
      .selectFrom('connections')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('id', '=', id)
      .executeTakeFirst()
    return row && toRecord(row)
  },

  async findByName(tenant, name) {
    const row = await db
      .selectFrom('connections')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('name', '=', name)
      .executeTakeFirst()
    return row && toRecord(row)
  },

  async list(tenant) {
    const rows = await db.selectFrom('connections').selectAll().where('tenant', '=', tenant).orderBy('name').execute()
    return rows.map(toRecord)
  },
})
