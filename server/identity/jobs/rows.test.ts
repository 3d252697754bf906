import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { BEFORE_ALL, createRowReader, LONGEST_ROW, type Row, RowsFault, type RowsState } from './rows.ts'

/** Read in pieces of that size, from there on. */
function rowsOf(text: string | Buffer, size = 1_000_000, from: RowsState = BEFORE_ALL): Row[] {
  const bytes = Buffer.from(text).subarray(from.offset)
  const reader = createRowReader(from)
  const rows: Row[] = []
  for (let at = 0; at < bytes.length; at += size) rows.push(...reader.read(bytes.subarray(at, at + size)))
  rows.push(...reader.end())
  return rows
}
const told = (rows: readonly Row[]) => rows.map(({ line, bytes }) => [line, bytes && Buffer.from(bytes).toString()])
const SIZES = [1, 2, 3, 7, 1_000_000]

describe('rows of an import', () => {
  for (const [what, text, expected] of [
    [
      'an array',
      '[\n {"a": 1},\n\n {"b": "x]},{\\"\\\\"} ]\n',
      [
        [2, '{"a": 1}'],
        [4, '{"b": "x]},{\\"\\\\"}'],
      ],
    ],
    [
      'a user over several lines',
      '[{\n"a":\n1},{"b":2}]',
      [
        [1, '{\n"a":\n1}'],
        [3, '{"b":2}'],
      ],
    ],
    ['an empty array', ' [ ] ', []],
    [
      'lines',
      '{"a":1}\n\n  {"b":2}\r\n{"c":3}',
      [
        [1, '{"a":1}'],
        [3, '{"b":2}\r'],
        [4, '{"c":3}'],
      ],
    ],
    [
      'a line that is broken',
      '{"a":1}\n{"b"\n{"c":3}\n',
      [
        [1, '{"a":1}'],
        [2, '{"b"'],
        [3, '{"c":3}'],
      ],
    ],
    [
      'what is no object',
      '[1, "a,]" ,null,[{}],{}]',
      [
        [1, '1'],
        [1, '"a,]"'],
        [1, 'null'],
        [1, '[{}]'],
        [1, '{}'],
      ],
    ],
    [
      'texts full of brackets',
      `{"a":"${'['.repeat(99)}"}\n[]`,
      [
        [1, `{"a":"${'['.repeat(99)}"}`],
        [2, '[]'],
      ],
    ],
    ['a mark of UTF-8', '\ufeff[{"é":"한"}]', [[1, '{"é":"한"}']]],
  ] as const)
    test(`of ${what} are found, in whatever pieces they come`, () => {
      for (const size of SIZES.filter(size => what !== 'a mark of UTF-8' || size >= 3))
        assert.deepEqual(told(rowsOf(text, size)), expected)
    })

  for (const [what, text, message] of [
    ['nothing', '', /empty/],
    ['blanks', ' \n ', /empty/],
    ['a word', 'users', /neither .* on line 1/],
    ['a zip', 'PK\u0003\u0004', /neither/],
    ['a gzip', Buffer.from([0x1f, 0x8b, 8, 0]), /neither/],
    ['a missing comma', '[{}\n{}]', /comma is missing on line 2/],
    ['two commas', '[{},,{}]', /comma without a user/],
    ['a comma at the beginning', '[,{}]', /comma without a user/],
    ['something behind the end', '[{}]\n{}', /behind the end of the array on line 2/],
    ['no end', '[{},{}', /does not end/],
    ['half a user', '[{"a":1', /middle of a user/],
    ['a text without an end', '[{"a":"x}]', /middle of a user/],
  ] as const)
    test(`of ${what} end with the reason`, () => {
      for (const size of SIZES)
        assert.throws(
          () => rowsOf(text, size),
          error => error instanceof RowsFault && message.test(error.message),
        )
    })

  test('that are larger or deeper than a person is are passed over, and hold nothing', () => {
    const large = `{"a":"${'x'.repeat(LONGEST_ROW)}"}`
    const deep = `{"a":${'['.repeat(40)}${']'.repeat(40)}}`
    for (const size of [7, 4096, 1_000_000]) {
      assert.deepEqual(told(rowsOf(`[${large},{"b":1},${deep}]`, size)), [
        [1, null],
        [1, '{"b":1}'],
        [1, null],
      ])
      assert.deepEqual(told(rowsOf(`{"b":1}\n${large}\n${deep}\n`, size)), [
        [1, '{"b":1}'],
        [2, null],
        [3, null],
      ])
    }
  })

  test('go on behind any of them as if nothing had been', () => {
    for (const text of ['[{"a":1},\n{"b":2},\n\n{"c":3}]', '{"a":1}\n{"b":2}\n\n{"c":3}\n']) {
      const all = rowsOf(text)
      for (const [index, { next }] of all.entries()) {
        const rest = rowsOf(text, 3, next)
        assert.deepEqual(told(rest), told(all.slice(index + 1)))
        assert.deepEqual(
          rest.map(({ place }) => place),
          all.slice(index + 1).map(({ place }) => place),
        )
      }
    }
  })

  test('are what JSON.parse makes of the whole, whatever is in it', () => {
    const users = fc.array(
      fc.dictionary(
        fc.string({ unit: 'grapheme' }),
        fc.json().map(text => JSON.parse(text)),
      ),
      { maxLength: 6 },
    )
    fc.assert(
      fc.property(users, fc.integer({ min: 1, max: 50 }), fc.constantFrom(0, 2), (given, size, indent) => {
        const shallow = given.filter(user => JSON.stringify(user).replace(/[^[\]{}]/g, '').length < 30)
        const rows = rowsOf(JSON.stringify(shallow, null, indent), size)
        assert.deepEqual(
          rows.map(({ bytes }) => JSON.parse(Buffer.from(bytes ?? '').toString())),
          JSON.parse(JSON.stringify(shallow)),
        )
      }),
    )
  })
})
