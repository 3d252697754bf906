/**
 * Where a window of people begins and how far it reaches: rows of `users` in an order, each found by an index, behind the last
 * one of the window before. What is asked of them is `people-windows.ts`'.
 */
import { CompiledQuery, type RawBuilder, sql } from 'kysely'
import type { PeoplePage } from './people.ts'
import { directionOf, indexedColumn, lacksAttribute, userOf } from './people-order.ts'
import type { Condition, Found } from './people-search.ts'
import type { Database } from './schema.ts'

type Order = PeoplePage['order']

export interface Source {
  readonly rows: (last: Last | undefined) => RawBuilder<unknown>
  /** What has to be asked of each besides. */
  readonly condition?: Condition
}

/** The last row of a window. */
export interface Last {
  readonly id: string
  /** What is ordered by, where that is not the id. */
  readonly at: string | number | null
}

/** Stand in a statement for what differs from window to window. */
class Hole {}
const LIMIT = new Hole()
export const LAST_ID = new Hole()
const LAST_AT = new Hole()

/** A statement for each window, compiled twice: for the first, which is behind nothing, and for the others. */
export function windowed<Row>(db: Database, statement: (last: Last | undefined) => RawBuilder<unknown>) {
  let first: CompiledQuery | undefined
  let next: CompiledQuery | undefined
  const compile = (last: Last | undefined) => statement(last).compile(db)
  return async (last: Last | undefined, limit: number): Promise<readonly Row[]> => {
    if (last) next ??= compile(last)
    else first ??= compile(last)
    const { sql: text, parameters } = (last ? next : first) as CompiledQuery
    const filled = parameters.map(value =>
      value === LIMIT ? limit : value === LAST_ID ? last?.id : value === LAST_AT ? last?.at : value,
    )
    return (await db.executeQuery<Row>(CompiledQuery.raw(text, filled))).rows
  }
}

/** What conditions speak of. A row has more, and is copied to be looked at. */
const columns = sql.join(
  [
    'tenant',
    'id',
    'blocked',
    'email_verified',
    'created_at',
    'updated_at',
    'removed_at',
    'last_login_at',
    'last_ip',
    'last_password_reset_at',
    'logins_count',
  ].map(column => sql.ref(`users.${column}`)),
)

/** Those who have what is ordered by, and then the others, in the order of their ids. */
export function sourcesInOrder(db: Database, tenant: string, order: Order): readonly Source[] {
  const { by } = order
  if (by === 'user_id') return [byId(tenant, order)]
  const ascending = { by, descending: false }
  const column = indexedColumn(by)
  if (column === undefined)
    return [byAttribute(db, tenant, order), { ...byId(tenant, ascending), condition: lacksAttribute(db, by) }]
  const at = sql.ref(`users.${column}`)
  return [byColumn(tenant, order, at), byId(tenant, ascending, sql`${at} is null`)]
}

export const byId = (tenant: string, order: Order, besides: Condition = sql`true`): Source => ({
  rows: last => sql`
    select ${columns}, null as at from users where users.tenant = ${tenant} and ${besides}
       ${last ? sql`and users.id ${aheadIn(order)} ${LAST_ID}` : sql``}
     order by users.id ${directionOf(order)} limit ${LIMIT}`,
})

/** Those who have this exact value, in the order of their ids. */
export function byFound(db: Database, tenant: string, { ids }: Found, order: Order): Source {
  const { join, where } = userOf(db, tenant, sql`found."user"`)
  return {
    rows: last => sql`
      select ${columns}, null as at from (${ids}) as found ${join}
       where ${where} ${last ? sql`and found."user" ${aheadIn(order)} ${LAST_ID}` : sql``}
       order by found."user" ${directionOf(order)} limit ${LIMIT}`,
  }
}

function byColumn(tenant: string, order: Order, at: RawBuilder<unknown>): Source {
  const direction = directionOf(order)
  return {
    rows: last => sql`
      select ${columns}, ${at} as at from users where users.tenant = ${tenant} and ${at} is not null
         ${last ? sql`and (${at}, users.id) ${aheadIn(order)} (${LAST_AT}, ${LAST_ID})` : sql``}
       order by ${at} ${direction}, users.id ${direction} limit ${LIMIT}`,
  }
}

function byAttribute(db: Database, tenant: string, order: Order): Source {
  const { join, where } = userOf(db, tenant, sql`ordered."user"`)
  const direction = directionOf(order)
  return {
    rows: last => sql`
      select ${columns}, ordered.value as at from user_attributes as ordered ${join}
       where ordered.tenant = ${tenant} and ordered.path = ${order.by} and ${where}
         ${last ? sql`and (ordered.value, ordered."user") ${aheadIn(order)} (${LAST_AT}, ${LAST_ID})` : sql``}
       order by ordered.value ${direction}, ordered."user" ${direction} limit ${LIMIT}`,
  }
}

const aheadIn = ({ descending }: Order): RawBuilder<unknown> => (descending ? sql`<` : sql`>`)
