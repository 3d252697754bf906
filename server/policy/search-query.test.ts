import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { LONGEST_QUERY, MOST_TERMS, readSearchQuery, SearchProblem, type SearchQuery } from './search-query.ts'

const TOO_BROAD = 'more words without a field, wildcards, ranges and existences than are looked through at once'

/** The tree in words: what a table of cases is readable in. */
function told(query: SearchQuery): string {
  switch (query.kind) {
    case 'everything':
      return 'everything'
    case 'all':
    case 'any':
      return `${query.kind}(${query.of.map(told).join(', ')})`
    case 'not':
      return `not(${told(query.of)})`
    case 'is':
      return `${query.field ?? '·'} = ${query.value}`
    case 'like':
      return `${query.field ?? '·'} ~ ${query.pattern.map(part => ('literal' in part ? part.literal : part.wildcard === 'any' ? '…' : '·')).join('')}`
    case 'within': {
      const from = query.from ? `${query.from.value} ${query.from.isIncluded ? '<=' : '<'} ` : ''
      const to = query.to ? ` ${query.to.isIncluded ? '<=' : '<'} ${query.to.value}` : ''
      return `${from}${query.field}${to}`
    }
    case 'exists':
      return `${query.field} is there`
  }
}

describe('a search', () => {
  for (const [text, meaning] of [
    ['jane', '· = jane'],
    ['email:jane@example.com', 'email = jane@example.com'],
    ['email:jane+tag@example.com', 'email = jane+tag@example.com'],
    ['name:"jane smith"', 'name = jane smith'],
    ['name: "jane smith"', 'name = jane smith'],
    ['user_id:auth0|5f7c', 'user_id = auth0|5f7c'],
    ['last_login:2020-01-01T10:00:00.000Z', 'last_login = 2020-01-01T10:00:00.000Z'],
    ['app_metadata.subscription.plan:"gold"', 'app_metadata.subscription.plan = gold'],
    ['identities.connection:"x"', 'identities.connection = x'],
    ['a:1 AND b:2', 'all(a = 1, b = 2)'],
    ['a:1 && b:2 && c:3', 'all(a = 1, b = 2, c = 3)'],
    ['a:1 OR b:2', 'any(a = 1, b = 2)'],
    ['a:1 || b:2', 'any(a = 1, b = 2)'],
    ['a:1 b:2', 'any(a = 1, b = 2)'],
    ['a:1 OR b:2 AND c:3', 'any(a = 1, all(b = 2, c = 3))'],
    ['(a:1 OR b:2) AND c:3', 'all(any(a = 1, b = 2), c = 3)'],
    ['NOT a:1', 'not(a = 1)'],
    ['!a:1', 'not(a = 1)'],
    ['-a:1', 'not(a = 1)'],
    ['NOT (a:1 OR b:2)', 'not(any(a = 1, b = 2))'],
    ['a:1 AND NOT b:2', 'all(a = 1, not(b = 2))'],
    ['a:1 NOT b:2', 'all(a = 1, not(b = 2))'],
    ['a:1 -b:2', 'all(a = 1, not(b = 2))'],
    ['a:1 OR NOT b:2', 'any(a = 1, not(b = 2))'],
    ['+a:1 b:2', 'a = 1'],
    ['+a:1 +b:2 -c:3', 'all(a = 1, b = 2, not(c = 3))'],
    ['and:1 and not', 'any(and = 1, · = and, · = not)'],
    ['email:(a@x.com OR b@x.com)', 'any(email = a@x.com, email = b@x.com)'],
    ['email:(a b "c d")', 'any(email = a, email = b, email = c d)'],
    ['email:(a:b)', 'email = a:b'],
    ['name:jane*', 'name ~ jane…'],
    ['name:j*', 'name ~ j…'],
    ['name:j?ne', 'name ~ j·ne'],
    ['name:*smith', 'name ~ …smith'],
    ['name:*ane s*', 'any(name ~ …ane, · ~ s…)'],
    ['name:j**e', 'name ~ j…e'],
    ['name:jane\\*', 'name = jane*'],
    ['name:jane\\ smith', 'name = jane smith'],
    ['user_metadata.favorite\\ color:blue', 'user_metadata.favorite color = blue'],
    ['name:"jane* \\"the\\\\ smith\\""', 'name = jane* "the\\ smith"'],
    ['name:*', 'name is there'],
    ['_exists_:last_login', 'last_login is there'],
    ['NOT _exists_:app_metadata.plan', 'not(app_metadata.plan is there)'],
    ['*', 'everything'],
    ['*:*', 'everything'],
    ['logins_count:[1 TO 5]', '1 <= logins_count <= 5'],
    ['logins_count:{1 TO 5]', '1 < logins_count <= 5'],
    ['logins_count:[1 TO 5}', '1 <= logins_count < 5'],
    ['last_login:{2020-01-01 TO *]', '2020-01-01 < last_login'],
    ['last_login:[* TO "2020-01-01T00:00:00.000Z"]', 'last_login <= 2020-01-01T00:00:00.000Z'],
    ['logins_count:>5', '5 < logins_count'],
    ['logins_count:>=5', '5 <= logins_count'],
    ['logins_count:<5', 'logins_count < 5'],
    ['logins_count:<=5 AND a:1', 'all(logins_count <= 5, a = 1)'],
    ["name:x'; drop table users", "any(name = x';, · = drop, · = table, · = users)"],
  ] as const)
    test(`${text} → ${meaning}`, () => assert.equal(told(readSearchQuery(text)), meaning))
})

describe('a search that cannot be read is refused with the place', () => {
  for (const [text, sentence] of [
    ['', 'something to look for is missing, at character 1'],
    ['   ', 'something to look for is missing, at character 4'],
    ['a:1 AND', 'something to look for is missing, at character 8'],
    ['a:', 'what a is to be is missing, at character 3'],
    ['(a:1', 'a parenthesis that is not closed, at character 1'],
    ['a:1)', 'an unexpected ), at character 4'],
    ['()', 'something to look for is missing, at character 2'],
    ['a:"x', 'a quotation mark that is not closed, at character 3'],
    ['a:x\\', 'a backslash with nothing behind it, at character 4'],
    ['[1 TO 2]', 'a range of no field, at character 1'],
    ['a:[1 TO 2', 'a range that is not closed, at character 3'],
    ['a:[1 2]', 'a range without TO between its ends, at character 6'],
    ['a:[1 TO 2*]', 'an end of the range with a wildcard, at character 9'],
    ['a:[ TO 2]', 'a range without TO between its ends, at character 8'],
    ['a:>', 'a value to compare with is missing, at character 4'],
    ['a:jane~2', '~, which is not known here unless it is escaped, at character 7'],
    ['"jane smith"^4', '^, which is not known here unless it is escaped, at character 13'],
    ['a:/jo.*/', 'a regular expression, which is not known here, at character 3'],
    ['a:*ne', 'fewer than 3 letters beside a wildcard that comes first, at character 3'],
    ['a:a*a*a*a*a*a*a', 'more than 5 wildcards in a word, at character 3'],
    ['*:jane', 'a value of any field, which is not known here, at character 1'],
    ['_exists_:na*', 'a field with a wildcard, at character 10'],
    ['a:x]', 'an unexpected ], at character 4'],
    [
      'x'.repeat(LONGEST_QUERY + 1),
      `a search of more than ${LONGEST_QUERY} characters, at character ${LONGEST_QUERY + 1}`,
    ],
    ['a:a '.repeat(MOST_TERMS + 1), `more than ${MOST_TERMS} things to look for, at character ${4 * MOST_TERMS + 4}`],
    ['a '.repeat(11), `${TOO_BROAD}, at character 22`],
    ['*abc* OR *bcd* OR *cde*', `${TOO_BROAD}, at character 24`],
    ['a:*abc* '.repeat(11), `${TOO_BROAD}, at character 88`],
    ['a:[1 TO 2] '.repeat(11), `${TOO_BROAD}, at character 121`],
    ['_exists_:a '.repeat(11), `${TOO_BROAD}, at character 121`],
    ['('.repeat(5000), 'more than 20 levels, at character 22'],
    ['-'.repeat(5000), 'more than 20 levels, at character 22'],
    [
      `a:a${' AND a:a'.repeat(MOST_TERMS)}`,
      `more than ${MOST_TERMS} things to look for, at character ${8 * MOST_TERMS + 4}`,
    ],
  ] as const)
    test(`${text.slice(0, 40) || 'nothing'}: ${sentence}`, () =>
      assert.throws(
        () => readSearchQuery(text),
        (error: unknown) => error instanceof SearchProblem && error.message === sentence,
      ))
})

describe('of any text', () => {
  const pieces = fc.constantFrom(
    ...['(', ')', '[', ']', '{', '}', '"', '\\', '*', '?', ':', '~', '^', '+', '-', '!', '/', '>', '<', '=', ' ', '\0'],
    ...['AND', 'OR', 'NOT', ' TO ', '_exists_:', 'name:', '&&', '||', "'", ';', '--', '\ud800', '가', 'a'],
  )

  test('a tree comes or a place is named, and nothing else happens', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.array(pieces).map(list => list.join('')),
        ),
        text => {
          try {
            told(readSearchQuery(text))
          } catch (error) {
            assert.ok(error instanceof SearchProblem)
            assert.ok(error.place >= 1 && error.place <= Math.max(text.length, LONGEST_QUERY) + 1)
          }
        },
      ),
      { numRuns: 2000 },
    )
  })

  test('what is escaped, or quoted, is looked for as it stands', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: 'binary' }), value => {
        const wanted = { kind: 'is', field: 'name', value, place: 1 }
        const quoted = value.replace(/["\\]/g, '\\$&')
        assert.deepEqual(readSearchQuery(`name:"${quoted}"`), wanted)
        const escaped = [...value].map(letter => `\\${letter}`).join('')
        assert.deepEqual(readSearchQuery(`name:${escaped}`), wanted)
      }),
    )
  })
})
