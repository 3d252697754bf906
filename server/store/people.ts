/**
 * Users as whoever administers them sees them: each with their identities and the names of the connections of those, one by
 * one, and found by what they are. What a search may say is `policy/search-query.ts`, how it is looked up
 * `people-search.ts`. Somebody whose connections have all been removed is gone, as a removed user is.
 */
import { sql } from 'kysely'
import type { SearchQuery } from '../policy/search-query.ts'
import { heldByMany, prefixed, qualified, unprefixing } from './columns.ts'
import { dialectOf, lookedUp, rowsOf } from './dialect.ts'
import { later } from './later.ts'
import { prepared } from './prepared.ts'
import type { Database, IdentitiesTable } from './schema.ts'
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
  /** @throws SearchProblem for what a field cannot be, SearchTooLong where it took longer than anybody should wait; so do the others. */
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

export async function withIdentities(db: Database, tenant: string, users: readonly UserRecord[]): Promise<Person[]> {
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

/** Loaded when somebody first lists people: a server that is asked for none has no use for it. */
const peopleListsIn = later(async () => (await import('./people-lists.ts')).peopleListsIn)

export const peopleIn = (db: Database): People => {
  const { page, after, count } = peopleListsIn(db)
  return {
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
    page,
    after,
    count,
  }
}
