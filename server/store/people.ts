/**
 * Users as whoever administers them sees them: each with their identities and the names of the connections of those, one by
 * one, and found by what they are. What a search may say is `policy/search-query.ts`, how it is looked up
 * `people-search.ts`. Somebody whose connections have all been removed is gone, as a removed user is.
 */
import { type RawBuilder, sql } from 'kysely'
import type { SearchQuery } from '../policy/search-query.ts'
import { heldByMany, prefixed, qualified, unprefixing } from './columns.ts'
import { dialectOf, lookedUp, memberIn, rowsOf } from './dialect.ts'
import type { Condition, Found } from './people-search.ts'
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
        .on('connections.id', '=', heldByMany('identities.connection'))
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
  const dialect = dialectOf(db)
  const ids = rowsOf(
    db,
    { id: 'text' },
    users.map(({ id }) => [id]),
  )
  const own = lookedUp(dialect, 'identities', sql`identities.tenant = ${tenant} and identities."user" = found.id`)
  const itsConnection = sql`connections.tenant = ${tenant} and connections.id = ${heldByMany('identities.connection')}`
  const its = lookedUp(dialect, 'connections', itsConnection)
  const { rows } = await sql<IdentitiesTable & NamedRow>`
    select ${sql.join(qualified('identities', identityColumns).map(column => sql.ref(column)))},
           connections.name as connection_name, connections.strategy as connection_strategy
      from (${ids}) as found ${own.join} ${its.join}
     where ${own.where} and ${its.where} and connections.removed_at is null
     order by identities.ordinal, identities.connection, identities.subject`.execute(db)
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
  /** Whether it begins with those who were found, rather than with all there are. */
  readonly isNarrow: boolean
}

/** How many may be looked at one by one. */
const FEW = 1000

/**
 * A statement begins with the fewest: planned by a database that has not yet counted what it holds, the same statement is
 * thousands of times slower. So where several things are asked, each is counted as far as it matters.
 */
async function meantBy(db: Database, tenant: string, { query, connection }: PeopleSearch): Promise<Meant> {
  // Loaded when somebody first lists people: a server that is asked for none has no use for it.
  const { planSearch, withConnection } = await import('./people-search.ts')
  const { founds, condition } = query
    ? planSearch(query, tenant, dialectOf(db))
    : { founds: [], condition: sql`1 = 1` as Condition }
  const inConnection = connection === null ? [] : [withConnection(tenant, connection)]
  const { first, isFew } = await fewestOf(db, [...founds, ...inConnection])
  // Everybody in a large connection is found among all there are as quickly.
  const begin = first && (isFew || first.isOrdered) ? first : undefined
  const conditions = [
    condition,
    ...founds.flatMap(found => (found === begin ? [] : isFew ? [found.holds] : [found.isAmong])),
    ...inConnection.flatMap(found => (found === begin ? [] : [found.holds])),
  ]
  const where = sql`users.tenant = ${tenant} and users.removed_at is null and ${sql.join(conditions, sql` and `)}`
  if (!begin) return { from: sql`users`, where, id: sql`users.id`, isNarrow: false }
  const { join, where: isTheirs } = userOf(db, tenant, sql`found."user"`)
  return {
    from: sql`(${begin.ids}) as found ${join}`,
    where: sql`${isTheirs} and ${where}`,
    id: sql`found."user"`,
    isNarrow: true,
  }
}

const userOf = (db: Database, tenant: string, id: RawBuilder<unknown>) =>
  lookedUp(dialectOf(db), 'users', sql`users.tenant = ${tenant} and users.id = ${id}`)

async function fewestOf(
  db: Database,
  founds: readonly Found[],
): Promise<{ readonly first?: Found; readonly isFew: boolean }> {
  const ordered = founds.find(({ isOrdered }) => isOrdered)
  if (founds.length === 1 && ordered) return { first: ordered, isFew: true }
  let fewest: { found: Found; count: number } | undefined
  for (const found of founds) {
    const { rows } = await sql<{ count: number }>`
      select count(*) as count from (select 1 from (${found.ids}) as found limit ${FEW + 1}) as counted`.execute(db)
    const count = Number(rows[0]?.count ?? 0)
    if (!fewest || count < fewest.count) fewest = { found, count }
  }
  if (fewest && fewest.count <= FEW) return { first: fewest.found, isFew: true }
  return { ...(ordered && { first: ordered }), isFew: false }
}

const columns = sql.join(userColumns.map(column => sql.ref(`users.${column}`)))

const read = async (db: Database, statement: RawBuilder<UsersTable>): Promise<UserRecord[]> =>
  (await statement.execute(db)).rows.map(toUser)

/** Columns of `users`; the rest are claims of the profile, and attributes. */
const COLUMNS: Partial<Record<PeopleOrder, string>> = {
  created_at: 'created_at',
  updated_at: 'updated_at',
  last_login: 'last_login_at',
  logins_count: 'logins_count',
}
const TEXT_COLUMNS: Partial<Record<PeopleOrder, string>> = { email: 'email', username: 'username' }

/** Of those who were found: each row is looked at. */
function orderWithin({ by, descending }: PeoplePage['order'], db: Database): RawBuilder<unknown> {
  const column = COLUMNS[by] ?? TEXT_COLUMNS[by]
  const value =
    column === undefined ? sql`nullif(${memberIn(db, sql`users.profile`, by)}, '')` : sql.ref(`users.${column}`)
  const key = COLUMNS[by] === undefined ? sql`lower(${value})` : value
  const direction = descending ? sql`desc` : sql`asc`
  return sql`case when ${value} is null then 1 else 0 end, ${key} ${direction}, users.id ${direction}`
}

/** Of all there are: those who have what is ordered by, in an index' order, and those who do not. */
function orderAmongAll({ by, descending }: PeoplePage['order'], db: Database, tenant: string) {
  const direction = descending ? sql`desc` : sql`asc`
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
    lacks: sql`not exists (select 1 from user_attributes as own where own.tenant = users.tenant and own."user" = users.id
      and own.path || '' = ${by})`,
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
    const { from, where, id, isNarrow } = await meantBy(db, tenant, page)
    const { offset, limit, order } = page
    const byId = sql`${id} ${order.descending ? sql`desc` : sql`asc`}`
    if (order.by === 'user_id' || isNarrow) {
      const by = order.by === 'user_id' ? byId : orderWithin(order, db)
      const users = await read(
        db,
        sql`select ${columns} from ${from} where ${where} order by ${by} limit ${limit} offset ${offset}`,
      )
      return withIdentities(db, tenant, users)
    }
    const { from: inOrder, has, lacks, order: by } = orderAmongAll(order, db, tenant)
    const users = await read(
      db,
      sql`select ${columns} from ${inOrder} where ${where} and ${has} order by ${by} limit ${limit} offset ${offset}`,
    )
    if (users.length < limit) {
      const isBehindAll = users.length === 0 && offset > 0
      const having = isBehindAll ? await countOf(db, inOrder, sql`${where} and ${has}`) : offset
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
    const { from, where, id } = await meantBy(db, tenant, search)
    const people: Person[] = []
    let last = after
    // Whoever has no connection any more is passed over: a page that is short is the last one.
    for (;;) {
      const behind = last === null ? sql`` : sql`and ${id} > ${last}`
      const wanted = limit - people.length
      const users = await read(
        db,
        sql`select ${columns} from ${from} where ${where} ${behind} order by ${id} limit ${wanted}`,
      )
      people.push(...(await withIdentities(db, tenant, users)))
      last = users.at(-1)?.id ?? last
      if (users.length < wanted || people.length === limit) return people
    }
  },

  async count(tenant, search) {
    const { from, where } = await meantBy(db, tenant, search)
    return countOf(db, from, where)
  },
})
