import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { parseObject } from './strict-json.ts'

const read = (text: string) => parseObject(Buffer.from(text))

describe('an object of JSON', () => {
  test('is read as what it says, whatever stands in its strings', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue(), { noNullPrototype: true }), value => {
        const text = JSON.stringify(value)
        assert.deepEqual(read(text), JSON.parse(text))
        assert.deepEqual(read(JSON.stringify(value, null, 2)), JSON.parse(text))
      }),
    )
    for (const text of [
      '{"a":"\\\\","b":":{}\\"\\"","c":{"a":1}}',
      '{"a":[{"a":1},{"a":2}],"":":"}',
      '{"\\"":1,"\\\\":2}',
    ])
      assert.deepEqual(read(text), JSON.parse(text), text)
  })

  test('that says a name twice is none, at any depth and in any spelling', () => {
    for (const text of [
      '{"a":1,"a":1}',
      '{"a":1,"\\u0061":2}',
      '{"b":{"a":1,"c":[],"a":2}}',
      '{"b":[{"a":1,"a":2}]}',
      '{"a":{"b":1},"c":"a","a":3}',
      '{"\\\\":1,"\\u005c":2}',
      '{"":1,"":2}',
      '{"a" \n:1,"b":"\\\\","a"\t:2}',
    ])
      assert.equal(read(text), undefined, text)
  })

  test('that says a made-up name twice is none', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.jsonValue(), fc.jsonValue(), (name, one, other) => {
        const member = (value: unknown) => `${JSON.stringify(name)}:${JSON.stringify(value)}`
        assert.equal(read(`{${member(one)},"between${name.length}":"${'\\\\'.repeat(3)}",${member(other)}}`), undefined)
      }),
    )
  })

  test('is nothing else: no list, no text, no number, no bytes that are not UTF-8', () => {
    for (const text of ['[]', '"a"', '1', 'null', '', '{', '{"a":1}x', '\ufeff{}'])
      assert.equal(read(text), undefined, text)
    assert.equal(parseObject(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])), undefined)
  })
})
