/**
 * Queries of the hot paths, built and compiled once for each dialect and run with other values each time: building one
 * costs as much as SQLite takes to answer it. What they ask is the nouns'.
 */
import type { Compilable, CompiledQuery } from 'kysely'
import { type Dialect, dialectOf } from './dialect.ts'
import type { Database } from './schema.ts'

/** Stands in a compiled query where a value will: the member's name, or its place in a list. */
class Place {
  readonly name: string | number

  constructor(name: string) {
    const place = Number(name)
    this.name = Number.isNaN(place) ? name : place
  }
}

/** What a query that was compiled here is called, where PostgreSQL is to remember it: by its text. */
export const nameOf = (sql: string): string | undefined => names.get(sql)
const names = new Map<string, string>()

/** What PostgreSQL remembers of a query it cannot answer any more once a newer version has added a column to the table. */
const ALL_COLUMNS = /(?:select|returning|\.|,) ?\*/

/**
 * Values are an object's members or a list's. `build` may do nothing with a value but hand it to the query: what it is
 * given when the query is built is a stand-in.
 * So a value that decides what the query is (null for `is null`) is no value of it.
 */
export function prepared<Values extends object, Row>(
  build: (db: Database, values: Values) => Compilable<Row>,
): (db: Database, values: Values) => Promise<Row[]> {
  const compiled = new Map<Dialect, CompiledQuery<Row>>()
  const compile = (dialect: Dialect, db: Database) => {
    const query = build(db, places).compile()
    if (ALL_COLUMNS.test(query.sql)) throw new TypeError(`A prepared query names its columns: ${query.sql}`)
    compiled.set(dialect, query)
    if (!names.has(query.sql)) names.set(query.sql, `latchkey_${names.size}`)
    return query
  }
  const places = new Proxy({}, { get: (_target, name) => new Place(String(name)) }) as Values

  return async (db, values) => {
    const dialect = dialectOf(db)
    const query = compiled.get(dialect) ?? compile(dialect, db)
    const parameters = query.parameters.map(value =>
      value instanceof Place ? values[value.name as keyof Values] : value,
    )
    const { rows } = await db.executeQuery<Row>({ ...query, parameters })
    return rows
  }
}
