/**
 * Users as whoever administers them sees them: each with their identities and the names of the connections of those, one by
 * one, and found by what they are. What a search may say is `policy/search-query.ts`, how it is looked up
 * `people-search.ts`. Somebody whose connections have all been removed is gone, as a removed user is.
 */
import { type RawBuilder, sql } from 'kysely'
import type { SearchQuery } from '../policy/search-query.ts'
import { prefixed, unprefixing } from './columns.ts'
import { dialectOf } from './dialect.ts'
import { type Condition, planSearch } from './people-search.ts'
import { prepared } from './prepared.ts'
import type { Database, IdentitiesTable, UsersTable } from './schema.ts'
import { type IdentityRecord, identityColumns, toIdentity, toUser, type UserRecord, userColumns } from './users.ts'

export interface NamedIdentity extends IdentityRecord {
  readonly connectionName: string
  readonly strategy: string
}

export interface Person {
  readonly user: UserRecord
  /** The first of them first. */
  readonly identities: readonly NamedIdentity[]
}

/** What people are ordered by; whoever lacks it comes last, in either direction. */
export type PeopleOrder =
  | 'user_id'
  | 'created_at'
  | 'updated_at'
  | 'last_login'
  | 'logins_count'
  | 'email'
  | 'name'
  | 'given_name'
  | 'family_name'
  | 'nickname'
  | 'username'
  | 'phone_number'

export interface PeopleSearch {
  /** Null for everybody. */
  readonly query: SearchQuery | null
  /** The id of a connection that they have an identity in; null for any. */
  readonly connection: string | null
}

export interface PeoplePage extends PeopleSearch {
  readonly order: { readonly by: PeopleOrder; readonly descending: boolean }
  readonly offset: number
  readonly limit: number
}

export interface People {
  find(tenant: string, id: string): Promise<Person | undefined>
  /** @throws SearchProblem for what a field cannot be; so do the others. */
  page(tenant: string, page: PeoplePage): Promise<Person[]>
  /** In the order of their ids, behind `after`; from the first when it is null. What the page before does not hold is not read again. */
  after(tenant: string, search: PeopleSearch, after: string | null, limit: number): Promise<Person[]>
  /** How many there are: it looks at each. */
  count(tenant: string, search: PeopleSearch): Promise<number>
}

const identityOf = unprefixing<IdentitiesTable>('identity__', identityColumns)

const readPerson = prepared((db, { tenant, id }: { readonly tenant: string; readonly id: string }) =>
  db
    .selectFrom('users')
    .innerJoin('identities', join =>
      join.onRef('identities.tenant', '=', 'users.tenant').onRef('identities.user', '=', 'users.id'),
    )
    .innerJoin('connections', join =>
      join
        .onRef('connections.tenant', '=', 'identities.tenant')
        .onRef('connections.id', '=', 'identities.connection')
        .on('connections.removed_at', 'is', null),
    )
    .select(userColumns.map(column => `users.${column}` as const))
    .select(prefixed('identities', 'identity__', identityColumns))
    .select(['connections.name as connection_name', 'connections.strategy as connection_strategy'])
    .where('users.tenant', '=', tenant)
    .where('users.id', '=', id)
    .where('users.removed_at', 'is', null)
    .orderBy('identities.ordinal')
    .orderBy('identities.connection')
    .orderBy('identities.subject'),
)

interface NamedRow {
  readonly connection_name: string
  readonly connection_strategy: string
}

const named = (row: IdentitiesTable, { connection_name, connection_strategy }: NamedRow): NamedIdentity => ({
  ...toIdentity(row),
  connectionName: connection_name,
  strategy: connection_strategy,
})

async function withIdentities(db: Database, tenant: string, users: readonly UserRecord[]): Promise<Person[]> {
  if (users.length === 0) return []
  const rows = await db
    .selectFrom('identities')
    .innerJoin('connections', join =>
      join
        .onRef('connections.tenant', '=', 'identities.tenant')
        .onRef('connections.id', '=', 'identities.connection')
        .on('connections.removed_at', 'is', null),
    )
    .selectAll('identities')
    .select(['connections.name as connection_name', 'connections.strategy as connection_strategy'])
    .where('identities.tenant', '=', tenant)
    .where(
      'identities.user',
      'in',
      users.map(({ id }) => id),
    )
    .orderBy('identities.ordinal')
    .orderBy('identities.connection')
    .orderBy('identities.subject')
    .execute()
  const identities = Map.groupBy(rows, row => row.user)
  return users.flatMap(user => {
    const own = identities.get(user.id)
    return own ? [{ user, identities: own.map(row => named(row, row)) }] : []
  })
}

/** The rows that are meant, before they are ordered: `from` and `where` of a statement. */
interface Meant {
  readonly from: RawBuilder<unknown>
  readonly where: RawBuilder<unknown>
  /** The id, by the table that the statement begins with, in whose order its rows come. */
  readonly id: RawBuilder<unknown>
}

function meantBy(db: Database, tenant: string, { query, connection }: PeopleSearch): Meant {
  const { begins, condition } = query
    ? planSearch(query, tenant, dialectOf(db))
    : { begins: [], condition: sql`1 = 1` as Condition }
  const joins = begins.map(({ path, value }, index) => {
    const table = sql.table(`exact${index}`)
    return sql`inner join user_attributes as ${table} on ${table}.tenant = users.tenant and ${table}."user" = users.id
      and ${table}.tenant = ${tenant} and ${table}.path = ${path} and ${table}.value = ${value}`
  })
  const ofConnection =
    connection === null
      ? sql``
      : sql`and exists (select 1 from identities where identities.tenant = users.tenant
          and identities."user" = users.id and identities.connection = ${connection})`
  return {
    from: sql`users ${sql.join(joins, sql` `)}`,
    where: sql`users.tenant = ${tenant} and users.removed_at is null and ${condition} ${ofConnection}`,
    id: begins.length > 0 ? sql`exact0."user"` : sql`users.id`,
  }
}

const columns = sql.join(userColumns.map(column => sql.ref(`users.${column}`)))

const read = async (db: Database, statement: RawBuilder<UsersTable>): Promise<UserRecord[]> =>
  (await statement.execute(db)).rows.map(toUser)

/** Columns of `users`; the rest are attributes. */
const COLUMNS: Partial<Record<PeopleOrder, string>> = {
  created_at: 'created_at',
  updated_at: 'updated_at',
  last_login: 'last_login_at',
  logins_count: 'logins_count',
}

/** Those who have what is ordered by, in an index' order, and those who do not. */
function ordering({ by, descending }: PeoplePage['order'], tenant: string) {
  const direction = descending ? sql`desc` : sql`asc`
  const column = COLUMNS[by]
  if (column !== undefined) {
    const at = sql.ref(`users.${column}`)
    return {
      join: sql``,
      has: sql`${at} is not null`,
      lacks: sql`${at} is null`,
      order: sql`${at} ${direction}, users.id ${direction}`,
    }
  }
  const its = sql`ordered.tenant = ${tenant} and ordered.path = ${by} and ordered."user" = users.id`
  return {
    join: sql`inner join user_attributes as ordered on ${its}`,
    has: sql`1 = 1`,
    lacks: sql`not exists (select 1 from user_attributes as ordered where ${its})`,
    order: sql`ordered.value ${direction}, ordered."user" ${direction}`,
  }
}

const countOf = async (db: Database, from: RawBuilder<unknown>, where: RawBuilder<unknown>): Promise<number> => {
  const { rows } = await sql<{ count: number }>`select count(*) as count from ${from} where ${where}`.execute(db)
  return Number(rows[0]?.count ?? 0)
}

export const peopleIn = (db: Database): People => ({
  async find(tenant, id) {
    const rows = await readPerson(db, { tenant, id })
    const [first] = rows
    if (!first) return undefined
    return {
      user: toUser(first),
      identities: rows.flatMap(row => {
        const identity = identityOf(row)
        return identity ? [named(identity, row)] : []
      }),
    }
  },

  async page(tenant, page) {
    const { from, where, id } = meantBy(db, tenant, page)
    const { offset, limit, order } = page
    if (order.by === 'user_id') {
      const direction = order.descending ? sql`desc` : sql`asc`
      const users = await read(
        db,
        sql`select ${columns} from ${from} where ${where} order by ${id} ${direction} limit ${limit} offset ${offset}`,
      )
      return withIdentities(db, tenant, users)
    }
    const { join, has, lacks, order: by } = ordering(order, tenant)
    const users = await read(
      db,
      sql`select ${columns} from ${from} ${join} where ${where} and ${has} order by ${by} limit ${limit} offset ${offset}`,
    )
    if (users.length < limit) {
      const isBehindAll = users.length === 0 && offset > 0
      const having = isBehindAll ? await countOf(db, sql`${from} ${join}`, sql`${where} and ${has}`) : offset
      users.push(
        ...(await read(
          db,
          sql`select ${columns} from ${from} where ${where} and ${lacks} order by ${id}
              limit ${limit - users.length} offset ${offset - having}`,
        )),
      )
    }
    return withIdentities(db, tenant, users)
  },

  async after(tenant, search, after, limit) {
    const { from, where, id } = meantBy(db, tenant, search)
    const behind = after === null ? sql`` : sql`and ${id} > ${after}`
    const users = await read(
      db,
      sql`select ${columns} from ${from} where ${where} ${behind} order by ${id} limit ${limit}`,
    )
    return withIdentities(db, tenant, users)
  },

  async count(tenant, search) {
    const { from, where } = meantBy(db, tenant, search)
    return countOf(db, from, where)
  },
})
