import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { JsonObject, JsonValue } from '../kernel/json.ts'
import type { Caller } from './exchange.ts'
import { createIdentityHeaders, headerText, valueAt } from './identity-headers.ts'
import type { RoutePlan } from './plan.ts'

describe('a claim as a header', () => {
  const told: readonly (readonly [claim: JsonValue, header: string])[] = [
    ['auth0|5f7c', 'auth0|5f7c'],
    ['ann@example.com', 'ann@example.com'],
    ['Ann Lee', 'Ann%20Lee'],
    ['Zoë', 'Zo%C3%AB'],
    ['김민지', '%EA%B9%80%EB%AF%BC%EC%A7%80'],
    ['a\r\nx-admin: true', 'a%0D%0Ax-admin:%20true'],
    ['100%', '100%25'],
    ['\ud800', '%EF%BF%BD'],
    ['one, two', 'one,%20two'],
    ['', ''],
    [true, 'true'],
    [0, '0'],
    [1.5e21, '1.5e+21'],
    [['admin', 'editor'], 'admin,editor'],
    [['a,b', 'c'], 'a%2Cb,c'],
    [[], ''],
    [[1, true, null], '1,true,null'],
    [[['a', 'b'], { c: 'd' }], '["a"%2C"b"],{"c":"d"}'],
    [{ country: 'Österreich' }, '{"country":"%C3%96sterreich"}'],
  ]
  for (const [claim, header] of told) test(JSON.stringify(claim), () => assert.equal(headerText(claim), header))

  const json = fc.jsonValue() as fc.Arbitrary<JsonValue>

  test('is visible ASCII, whatever the claim holds', () => {
    fc.assert(fc.property(fc.oneof(json, fc.string({ unit: 'binary' })), claim => /^[!-~]*$/.test(headerText(claim))))
  })

  test('is decoded to what it was, text and lists of text', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }),
        text => decodeURIComponent(headerText(text)) === text.toWellFormed(),
      ),
    )
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1 }), items => {
        assert.deepEqual(
          headerText(items).split(',').map(decodeURIComponent),
          items.map(item => item.toWellFormed()),
        )
      }),
    )
  })
})

describe('a path into the claims', () => {
  const claims: JsonObject = {
    sub: 'ann',
    address: { country: 'AT' },
    'https://example.com/roles': ['admin', 'editor'],
    nothing: null,
  }
  const found: readonly (readonly [steps: readonly string[], value: JsonValue | undefined])[] = [
    [['sub'], 'ann'],
    [['address', 'country'], 'AT'],
    [['https://example.com/roles', '1'], 'editor'],
    [['https://example.com/roles', '2'], undefined],
    [['https://example.com/roles', 'length'], undefined],
    [['https://example.com/roles', '-1'], undefined],
    [['https://example.com/roles', '00'], undefined],
    [['sub', '0'], undefined],
    [['constructor'], undefined],
    [['address', 'toString'], undefined],
    [['__proto__'], undefined],
    [['address', 'country', 'name'], undefined],
  ]
  for (const [steps, value] of found)
    test(`${steps.join(' → ')} is ${JSON.stringify(value)}`, () => assert.deepEqual(valueAt(claims, steps), value))

  test('that leads nowhere, or to null, is no header', () => {
    const identity = [
      { header: 'x-user', claim: ['sub'] },
      { header: 'x-nothing', claim: ['nothing'] },
      { header: 'x-absent', claim: ['absent'] },
    ]
    const headersOf = createIdentityHeaders()
    const [route, caller] = [{ identity } as unknown as RoutePlan, { claims } as Caller]
    assert.deepEqual(headersOf(route, caller), ['x-user', 'ann'])
    assert.equal(headersOf(route, caller), headersOf(route, caller), 'made once')
  })
})
