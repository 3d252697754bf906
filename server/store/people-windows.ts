/**
 * People looked through a few rows at a time, for the database that answers in the server's own thread: as long as one
 * of its statements lasts, nobody else is answered. So none of these looks at more than a window of rows, and between
 * windows whatever is due has its turn. All of a search sees one moment of the database, as a single statement would.
 * PostgreSQL answers beside this process, and is asked at once (`people.ts`).
 */
import { type RawBuilder, sql } from 'kysely'
import { SECOND } from '../kernel/seconds.ts'
import { aTurnAlone } from '../kernel/slices.ts'
import { SearchTooLong } from '../policy/search-query.ts'
import { inSnapshot } from './dialect.ts'
import type { PeoplePage } from './people.ts'
import { orderWithin } from './people-order.ts'
import type { Condition, Found, FoundPart, SearchPlan, Stretch } from './people-search.ts'
import { byFound, byId, LAST_ID, type Last, type Source, sourcesInOrder, windowed } from './people-sources.ts'
import type { Database } from './schema.ts'
import { toUser, type UserRecord, userColumns } from './users.ts'

export interface Wanted {
  readonly order: PeoplePage['order']
  /** In the order of ids: those behind this one. */
  readonly after: string | null
  readonly offset: number
  readonly limit: number
}

/** What is looked at between two turns of the event loop, in rows that cost next to nothing: some two milliseconds. */
const LOOKS_A_TURN = 1000
const SMALLEST_WINDOW = 10
/** In milliseconds: as long as PostgreSQL is given for a statement. */
export const LONGEST_SEARCH = 10 * SECOND
/** How many are asked one by one, in whatever order they are wanted. */
const FEW = 1000

export const BY_ID = { by: 'user_id', descending: false } as const

/** @throws SearchTooLong */
export const usersInWindows = (db: Database, tenant: string, plan: SearchPlan, wanted: Wanted): Promise<UserRecord[]> =>
  inSnapshot(db, async snapshot => withIds(snapshot, tenant, await new Windows(snapshot, tenant, plan).ids(wanted)))

/** @throws SearchTooLong */
export const countInWindows = (db: Database, tenant: string, plan: SearchPlan): Promise<number> =>
  inSnapshot(db, snapshot => new Windows(snapshot, tenant, plan).count())

interface Row extends Last {
  readonly is_meant: number | null
}

interface AttributeRow {
  readonly path: string
  readonly value: string
  readonly user: string
  readonly is_meant: number
}

class Windows {
  readonly #db: Database
  readonly #tenant: string
  readonly #plan: SearchPlan
  readonly #began = performance.now()
  #looked = 0

  constructor(db: Database, tenant: string, plan: SearchPlan) {
    this.#db = db
    this.#tenant = tenant
    this.#plan = plan
  }

  async ids({ order, after, offset, limit }: Wanted): Promise<string[]> {
    const fewest = await this.#fewest()
    if (fewest) {
      const meant = await this.#meantOfFew(fewest.ids, this.#askedBeside(fewest.found), after)
      const { rows } = await sql<{ id: string }>`
        select users.id as id from users where users.tenant = ${this.#tenant} and users.id in (${listed(JSON.stringify(meant))})
         order by ${orderWithin(order, this.#db)} limit ${limit} offset ${offset}`.execute(this.#db)
      return rows.map(({ id }) => id)
    }
    const exact = order.by === 'user_id' ? this.#exact() : undefined
    const sources = exact
      ? [byFound(this.#db, this.#tenant, exact, order)]
      : sourcesInOrder(this.#db, this.#tenant, order)
    // Somebody may have several values of what is ordered by, and comes with the first.
    const ids = new Set<string>()
    for (const source of sources)
      for await (const meant of this.#through(source, this.#askedBeside(exact), after)) {
        for (const id of meant) if (ids.size < offset + limit) ids.add(id)
        if (ids.size === offset + limit) return [...ids].slice(offset)
      }
    return [...ids].slice(offset)
  }

  async count(): Promise<number> {
    const fewest = await this.#fewest()
    if (fewest) return (await this.#meantOfFew(fewest.ids, this.#askedBeside(fewest.found), null)).length
    const exact = this.#exact()
    const source = exact ? byFound(this.#db, this.#tenant, exact, BY_ID) : byId(this.#tenant, BY_ID)
    const conditions = this.#askedBeside(exact)
    const size = this.#windowFor(conditions)
    const ask = windowed<Last & { readonly looked_at: number; readonly meant: number }>(
      this.#db,
      last => sql`
        select count(*) as looked_at, count(case when ${all(conditions)} then 1 end) as meant, max(users.id) as id
          from (${source.rows(last)}) as users`,
    )
    let total = 0
    for (let last: Last | undefined; ; ) {
      await this.#look(LOOKS_A_TURN)
      const [window] = await ask(last, size)
      total += window?.meant ?? 0
      if (!window || window.looked_at < size) return total
      last = window
    }
  }

  /** Those of a part of the search who are few, if there is such a part: they are asked the rest one by one. */
  async #fewest(): Promise<{ readonly found: Found; readonly ids: readonly string[] } | undefined> {
    // Who is found at once comes before who is gone through.
    for (const found of this.#plan.founds.toSorted((one, other) => stretchesOf(one) - stretchesOf(other))) {
      const ids = await this.#fewOf(found)
      if (ids) return { found, ids }
    }
    return undefined
  }

  #exact = (): Found | undefined => this.#plan.founds.find(({ isOrdered }) => isOrdered)

  #askedBeside(begun: Found | undefined): readonly Condition[] {
    const { founds, conditions } = this.#plan
    return [...conditions, ...founds.filter(found => found !== begun).map(({ holds }) => holds)]
  }

  /** Undefined where they are many. */
  async #fewOf({ parts }: Found): Promise<readonly string[] | undefined> {
    const ids = new Set<string>()
    for (const part of parts)
      for await (const some of this.#idsOf(part)) {
        for (const id of some) ids.add(id)
        if (ids.size > FEW) return undefined
      }
    return [...ids]
  }

  async *#idsOf(part: FoundPart): AsyncIterable<readonly string[]> {
    if (!('ids' in part)) return yield* this.#idsAlong(part)
    const { rows } = await sql<{ user: string }>`
      select "user" from (${part.ids}) as found limit ${FEW + 1}`.execute(this.#db)
    await this.#look(rows.length + 1)
    yield rows.map(({ user }) => user)
  }

  async *#idsAlong({ path, isPrefix, value, condition }: Stretch): AsyncIterable<readonly string[]> {
    for (let last = { path, value, user: '' }; ; ) {
      await this.#look(LOOKS_A_TURN)
      const { rows } = await sql<AttributeRow>`
        select path, value, "user", ${condition} as is_meant
          from (select path, value, "user" from user_attributes
                 where tenant = ${this.#tenant} and (path, value, "user") > (${last.path}, ${last.value}, ${last.user})
                 order by path, value, "user" limit ${LOOKS_A_TURN})`.execute(this.#db)
      const within = rows.filter(
        row => (isPrefix ? row.path.startsWith(path) : row.path === path) && row.value.startsWith(value),
      )
      yield within.filter(({ is_meant }) => is_meant === 1).map(({ user }) => user)
      const end = rows.at(-1)
      if (!end || within.length < LOOKS_A_TURN) return
      last = end
    }
  }

  async #meantOfFew(
    ids: readonly string[],
    conditions: readonly Condition[],
    after: string | null,
  ): Promise<readonly string[]> {
    const behind = after === null ? [] : [sql<boolean>`users.id > ${after}`]
    const ask = windowed<{ readonly id: string }>(
      this.#db,
      () => sql`
        select users.id as id from users
         where users.tenant = ${this.#tenant} and users.id in (${listed(LAST_ID)}) and ${all([...conditions, ...behind])}`,
    )
    const size = this.#windowFor(conditions)
    const meant: string[] = []
    for (let from = 0; from < ids.length; from += size) {
      const some = ids.slice(from, from + size)
      await this.#look(some.length * this.#effortOf(conditions))
      meant.push(...(await ask({ id: JSON.stringify(some), at: null }, size)).map(({ id }) => id))
    }
    return meant
  }

  /** Those who are meant among the rows of a source, window by window. */
  async *#through(
    { rows: rowsBehind, condition }: Source,
    asked: readonly Condition[],
    after: string | null,
  ): AsyncIterable<readonly string[]> {
    const conditions = condition ? [...asked, condition] : asked
    const ask = windowed<Row>(
      this.#db,
      last => sql`
        select users.id as id, users.at as at, ${all(conditions)} as is_meant from (${rowsBehind(last)}) as users`,
    )
    const size = this.#windowFor(conditions)
    for (let last: Last | undefined = after === null ? undefined : { id: after, at: null }; ; ) {
      await this.#look(LOOKS_A_TURN)
      const rows = await ask(last, size)
      yield rows.filter(({ is_meant }) => is_meant === 1).map(({ id }) => id)
      if (rows.length < size) return
      last = rows.at(-1)
    }
  }

  #windowFor(conditions: readonly Condition[]): number {
    return Math.max(SMALLEST_WINDOW, Math.floor(LOOKS_A_TURN / this.#effortOf(conditions)))
  }

  /** Of a row. */
  #effortOf({ length }: readonly Condition[]): number {
    return length === 0 ? 1 : 1 + this.#plan.effort
  }

  /** Before a statement that looks at so much. */
  async #look(looks: number): Promise<void> {
    this.#looked += looks
    if (this.#looked <= LOOKS_A_TURN) return
    this.#looked = looks
    await aTurnAlone()
    if (performance.now() - this.#began > LONGEST_SEARCH) throw new SearchTooLong()
  }
}

/** In the order of the ids. */
async function withIds(db: Database, tenant: string, ids: readonly string[]): Promise<UserRecord[]> {
  if (ids.length === 0) return []
  const rows = await db
    .selectFrom('users')
    .select(userColumns)
    .where('tenant', '=', tenant)
    .where('id', 'in', ids)
    .execute()
  const users = new Map(rows.map(row => [row.id, toUser(row)]))
  return ids.flatMap(id => users.get(id) ?? [])
}

const all = (conditions: readonly Condition[]): Condition =>
  sql`(${sql.join([sql`users.removed_at is null`, ...conditions], sql` and `)})`

const listed = (ids: unknown): RawBuilder<unknown> => sql`select value from json_each(${ids})`

const stretchesOf = ({ parts }: Found): number => parts.filter(part => !('ids' in part)).length
