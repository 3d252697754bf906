/**
 * Queries whose text is made once. For a join of many columns the builder takes ten times as long to write it out as
 * the database takes to answer it, which matters on the paths that every token passes.
 */
import type { Compilable, CompiledQuery } from 'kysely'
import { type Dialect, dialectOf } from './dialect.ts'
import type { Database } from './schema.ts'

/** What stands in the place of a value while the text is made: nothing that is stored begins like this. */
const marker = (name: string): string => `\u0001${name}`

/**
 * `build` is given a text for each name and uses it as a value. It runs once for each dialect; what comes back asks a
 * database, or a transaction in it, with the values of those names.
 */
export function prepared<const Name extends string, Row>(
  names: readonly Name[],
  build: (db: Database, values: Readonly<Record<Name, string>>) => Compilable<Row>,
): (db: Database, values: Readonly<Record<Name, string>>) => Promise<readonly Row[]> {
  const markers = Object.fromEntries(names.map(name => [name, marker(name)])) as Record<Name, string>
  const byMarker = new Map<unknown, Name>(names.map(name => [marker(name), name]))
  const compiled = new Map<Dialect, CompiledQuery<Row>>()

  return async (db, values) => {
    const dialect = dialectOf(db)
    const query = compiled.get(dialect) ?? build(db, markers).compile()
    compiled.set(dialect, query)
    const parameters = query.parameters.map(parameter => {
      const name = byMarker.get(parameter)
      return name === undefined ? parameter : values[name]
    })
    const { rows } = await db.executeQuery<Row>({ ...query, parameters })
    return rows
  }
}
