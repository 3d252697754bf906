/**
 * A noun that most servers never speak of, loaded with its first verb. Every verb of a noun answers a promise, so nobody
 * notices but who measures.
 */
export const later = <Noun extends object>(load: () => Promise<Noun>): Noun =>
  new Proxy({} as Noun, {
    get:
      (_none, verb) =>
      async (...given: readonly unknown[]) => {
        const noun = await load()
        return (Reflect.get(noun, verb) as (...given: readonly unknown[]) => unknown)(...given)
      },
  })
