/**
 * Lists of people, and how many are meant. A page that an index has is read at once. Where more is looked at than is found,
 * PostgreSQL is asked by one statement that begins with the fewest, and an embedded database window by window
 * (`people-windows.ts`); those of one tenant wait for one another.
 */
import { type RawBuilder, sql } from 'kysely'
import { createTurns } from '../kernel/turns.ts'
import { SearchTooLong } from '../policy/search-query.ts'
import { dialectOf } from './dialect.ts'
import {
  type People,
  type PeopleOrder,
  type PeoplePage,
  type PeopleSearch,
  type Person,
  withIdentities,
} from './people.ts'
import { directionOf, indexedColumn, orderAmongAll, orderWithin, userOf } from './people-order.ts'
import { type Found, planSearch, type SearchPlan, withConnection } from './people-search.ts'
import { BY_ID, countInWindows, LONGEST_SEARCH, usersInWindows, type Wanted } from './people-windows.ts'
import type { Database, UsersTable } from './schema.ts'
import { toUser, type UserRecord, userColumns } from './users.ts'

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

function planOf(db: Database, tenant: string, { query, connection }: PeopleSearch): SearchPlan {
  const { founds, ...rest } = planSearch(query ?? { kind: 'everything' }, tenant, dialectOf(db))
  return { ...rest, founds: connection === null ? founds : [...founds, withConnection(tenant, connection)] }
}

/** Whether an index has them in this order, so that a page is all that is looked at. */
function isShort({ founds, conditions }: SearchPlan, by: PeopleOrder): boolean {
  const [only] = founds
  if (conditions.length > 0 || founds.length > 1) return false
  return only ? only.isOrdered && by === 'user_id' : by === 'user_id' || indexedColumn(by) !== undefined
}

/**
 * A statement begins with the fewest: planned by a database that has not yet counted what it holds, the same statement is
 * thousands of times slower. So where several things are asked, each is counted as far as it matters.
 */
async function meantBy(db: Database, tenant: string, { founds, conditions }: SearchPlan): Promise<Meant> {
  const { first, isFew } = await fewestOf(db, founds)
  const begin = first && (isFew || first.isOrdered) ? first : undefined
  const others = founds.filter(found => found !== begin).map(found => (isFew ? found.holds : found.isAmong))
  const where = sql`users.tenant = ${tenant} and ${sql.join([sql`users.removed_at is null`, ...conditions, ...others], sql` and `)}`
  if (!begin) return { from: sql`users`, where, id: sql`users.id`, isNarrow: false }
  const { join, where: isTheirs } = userOf(db, tenant, sql`found."user"`)
  return {
    from: sql`(${begin.ids}) as found ${join}`,
    where: sql`${isTheirs} and ${where}`,
    id: sql`found."user"`,
    isNarrow: true,
  }
}

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

const countOf = async (db: Database, from: RawBuilder<unknown>, where: RawBuilder<unknown>): Promise<number> => {
  const { rows } = await sql<{ count: number }>`select count(*) as count from ${from} where ${where}`.execute(db)
  return Number(rows[0]?.count ?? 0)
}

async function pageOf(db: Database, tenant: string, plan: SearchPlan, page: PeoplePage): Promise<UserRecord[]> {
  const { from, where, id, isNarrow } = await meantBy(db, tenant, plan)
  const { offset, limit, order } = page
  if (order.by === 'user_id' || isNarrow) {
    const by = order.by === 'user_id' ? sql`${id} ${directionOf(order)}` : orderWithin(order, db)
    return read(db, sql`select ${columns} from ${from} where ${where} order by ${by} limit ${limit} offset ${offset}`)
  }
  const { from: inOrder, has, lacks, order: by } = orderAmongAll(order, db, tenant)
  const users = await read(
    db,
    sql`select ${columns} from ${inOrder} where ${where} and ${has} order by ${by} limit ${limit} offset ${offset}`,
  )
  if (users.length === limit) return users
  const isBehindAll = users.length === 0 && offset > 0
  const having = isBehindAll ? await countOf(db, inOrder, sql`${where} and ${has}`) : offset
  const lacking = await read(
    db,
    sql`select ${columns} from ${from} where ${where} and ${lacks} order by ${id}
        limit ${limit - users.length} offset ${offset - having}`,
  )
  return [...users, ...lacking]
}

async function pageBehind(
  db: Database,
  tenant: string,
  plan: SearchPlan,
  { after, limit }: Wanted,
): Promise<UserRecord[]> {
  const { from, where, id } = await meantBy(db, tenant, plan)
  const behind = after === null ? sql`` : sql`and ${id} > ${after}`
  return read(db, sql`select ${columns} from ${from} where ${where} ${behind} order by ${id} limit ${limit}`)
}

/** query_canceled: of a statement that lasted longer than one may (its manual, appendix A). */
const CANCELED = '57014'

/** So many of one tenant at once: each may take a connection, or a moment of every turn of the event loop, for seconds. */
const AT_ONCE = 2

/** Searches that look at more than they find wait for one another. @throws SearchTooLong */
function createSearches() {
  const tenants = new Map<string, { readonly turn: ReturnType<typeof createTurns>; count: number }>()
  return async <T>(tenant: string, search: () => Promise<T>): Promise<T> => {
    const own = tenants.get(tenant) ?? { turn: createTurns(AT_ONCE), count: 0 }
    tenants.set(tenant, own)
    own.count++
    const latest = performance.now() + LONGEST_SEARCH
    try {
      return await own.turn(async () => {
        if (performance.now() > latest) throw new SearchTooLong()
        return search()
      })
    } catch (error) {
      throw error instanceof Error && 'code' in error && error.code === CANCELED ? new SearchTooLong() : error
    } finally {
      own.count--
      if (own.count === 0) tenants.delete(tenant)
    }
  }
}
/** Of this process, whatever store it is. */
const amongSearches = createSearches()

export function peopleListsIn(db: Database): Pick<People, 'page' | 'after' | 'count'> {
  const isEmbedded = dialectOf(db) === 'sqlite'

  function usersOf(tenant: string, plan: SearchPlan, wanted: Wanted, byStatement: () => Promise<UserRecord[]>) {
    if (isShort(plan, wanted.order.by)) return byStatement()
    return amongSearches(tenant, () => (isEmbedded ? usersInWindows(db, tenant, plan, wanted) : byStatement()))
  }

  return {
    async page(tenant, page) {
      const plan = planOf(db, tenant, page)
      const wanted = { ...page, after: null }
      return withIdentities(db, tenant, await usersOf(tenant, plan, wanted, () => pageOf(db, tenant, plan, page)))
    },

    async after(tenant, search, after, limit) {
      const plan = planOf(db, tenant, search)
      const people: Person[] = []
      let last = after
      // Whoever has no connection any more is passed over: a page that is short is the last one.
      for (;;) {
        const wanted = { order: BY_ID, after: last, offset: 0, limit: limit - people.length }
        const users = await usersOf(tenant, plan, wanted, () => pageBehind(db, tenant, plan, wanted))
        people.push(...(await withIdentities(db, tenant, users)))
        last = users.at(-1)?.id ?? last
        if (users.length < wanted.limit || people.length === limit) return people
      }
    },

    async count(tenant, search) {
      const plan = planOf(db, tenant, search)
      return amongSearches(tenant, async () => {
        if (isEmbedded) return countInWindows(db, tenant, plan)
        const { from, where } = await meantBy(db, tenant, plan)
        return countOf(db, from, where)
      })
    },
  }
}
