/** What strangers may send, from nearly sound to noise: the closer to sound, the further it gets before it is refused. */
import fc from 'fast-check'

/** Text of every kind that a decoder, an index or a template has ever minded. */
export const text = (): fc.Arbitrary<string> =>
  fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.string({ unit: 'binary-ascii', maxLength: 200 }),
    fc.json({ maxDepth: 3 }),
    fc.webUrl({ withFragments: true, withQueryParameters: true }),
    fc.integer().map(String),
    fc.constantFrom('', ' ', '\0', '\ud800', '__proto__', 'constructor', '{{7*7}}', '%', '%00', '-0', '1e999', 'null'),
    fc.nat({ max: 12_000 }).map(length => 'x'.repeat(length)),
  )

/** One of those that mean something, now and then anything. */
export const mostly = (...sound: readonly string[]): fc.Arbitrary<string> =>
  fc.oneof({ arbitrary: fc.constantFrom(...sound), weight: 4 }, { arbitrary: text(), weight: 1 })

/** Some of the parameters, some twice, and some that nobody knows, in any order. */
export const parameters = (known: Readonly<Record<string, fc.Arbitrary<string>>>): fc.Arbitrary<[string, string][]> => {
  const each = Object.entries(known).map(([name, value]) => value.map((said): [string, string] => [name, said]))
  const whole = fc
    .tuple(...each)
    .chain(pairs => fc.shuffledSubarray(pairs, { minLength: Math.max(0, pairs.length - 3) }))
  const extra = fc.array(fc.oneof(fc.tuple(text(), text()), ...each), { maxLength: 2 })
  return fc.tuple(whole, extra).map(([some, more]) => [...some, ...more])
}

/** As a form or a query, sometimes with escapes that decode to nothing. */
export const encoded = (pairs: fc.Arbitrary<[string, string][]>): fc.Arbitrary<string> =>
  fc.tuple(pairs, fc.constantFrom('', '', '', '', '&%ff=%fe', '&=&&=', '&a=%', '%')).map(([some, broken]) => {
    const wellFormed = some.map(([name, value]): [string, string] => [name.toWellFormed(), value.toWellFormed()])
    return `${new URLSearchParams(wellFormed)}${broken}`
  })

/** The JSON of a token's header or claims: the usual members with values of any kind, and others. */
export const jsonObject = (known: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<object> =>
  fc
    .tuple(
      fc.record(
        Object.fromEntries(
          Object.entries(known).map(([name, value]) => [
            name,
            fc.oneof({ arbitrary: value, weight: 4 }, { arbitrary: fc.jsonValue({ maxDepth: 2 }), weight: 1 }),
          ]),
        ),
        { requiredKeys: [] },
      ),
      fc.dictionary(fc.string({ maxLength: 12 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 2 }),
    )
    .map(([usual, more]) => ({ ...more, ...usual }))
