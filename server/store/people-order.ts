/** What lists of people are ordered by: of a few, by looking at each, and of all there are, by an index. */
import { type RawBuilder, sql } from 'kysely'
import { dialectOf, lookedUp, memberIn } from './dialect.ts'
import type { PeoplePage } from './people.ts'
import { type Condition, ownAttribute } from './people-search.ts'
import type { Database } from './schema.ts'

type Order = PeoplePage['order']

/** Columns of `users`; the rest are claims of the profile, and attributes. */
const COLUMNS: Partial<Record<Order['by'], string>> = {
  created_at: 'created_at',
  updated_at: 'updated_at',
  last_login: 'last_login_at',
  logins_count: 'logins_count',
}
const TEXT_COLUMNS: Partial<Record<Order['by'], string>> = { email: 'email', username: 'username' }

/** The column in whose order an index of `users` has them; undefined where it is `user_attributes`'. */
export const indexedColumn = (by: Order['by']): string | undefined => COLUMNS[by]

export const directionOf = ({ descending }: Order): RawBuilder<unknown> => (descending ? sql`desc` : sql`asc`)

/** Of those who were found: each row is looked at. */
export function orderWithin(order: Order, db: Database): RawBuilder<unknown> {
  const { by } = order
  const direction = directionOf(order)
  if (by === 'user_id') return sql`users.id ${direction}`
  const column = COLUMNS[by] ?? TEXT_COLUMNS[by]
  const value =
    column === undefined ? sql`nullif(${memberIn(db, sql`users.profile`, by)}, '')` : sql.ref(`users.${column}`)
  const key = COLUMNS[by] === undefined ? sql`lower(${value})` : value
  return sql`case when ${value} is null then 1 else 0 end, ${key} ${direction}, users.id ${direction}`
}

/** Of all there are: those who have what is ordered by, in an index' order, and those who do not. */
export function orderAmongAll(order: Order, db: Database, tenant: string) {
  const { by } = order
  const direction = directionOf(order)
  const column = COLUMNS[by]
  if (column !== undefined) {
    const at = sql.ref(`users.${column}`)
    return {
      from: sql`users`,
      has: sql`${at} is not null`,
      lacks: sql`${at} is null`,
      order: sql`${at} ${direction}, users.id ${direction}`,
    }
  }
  const { join, where } = userOf(db, tenant, sql`ordered."user"`)
  return {
    from: sql`user_attributes as ordered ${join}`,
    has: sql`${where} and ordered.tenant = ${tenant} and ordered.path = ${by}`,
    lacks: lacksAttribute(db, by),
    order: sql`ordered.value ${direction}, ordered."user" ${direction}`,
  }
}

export const lacksAttribute = (db: Database, path: string): Condition =>
  sql`not ${ownAttribute(dialectOf(db), sql`path = ${path}`)}`

/** The user's row beside their id. */
export const userOf = (db: Database, tenant: string, id: RawBuilder<unknown>) =>
  lookedUp(dialectOf(db), 'users', sql`users.tenant = ${tenant} and users.id = ${id}`)
