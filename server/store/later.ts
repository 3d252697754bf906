import type { Database } from './schema.ts'

/**
 * A noun that most servers never speak of, loaded with its first verb. Every verb of a noun answers a promise, so nobody
 * notices but who measures. It is asked for once, for every transaction: Node takes longer to find a module that is there
 * than SQLite a user.
 */
export function later<Noun extends object>(load: () => Promise<(db: Database) => Noun>): (db: Database) => Noun {
  let nounIn: ((db: Database) => Noun) | undefined
  return db => {
    let noun: Noun | undefined
    return new Proxy({} as Noun, {
      get:
        (_none, verb) =>
        async (...given: readonly unknown[]) => {
          nounIn ??= await load()
          noun ??= nounIn(db)
          return (Reflect.get(noun, verb) as (...given: readonly unknown[]) => unknown)(...given)
        },
    })
  }
}
