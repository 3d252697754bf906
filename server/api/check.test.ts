import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import Type from 'typebox'
import { parametersOfForm } from '../http/parameters.ts'
import type { JsonValue } from '../kernel/json.ts'
import { checkBody, checkQuery } from './check.ts'
import { ManagementFault } from './fault.ts'

const LOGO = Type.Object(
  {
    url: Type.Union([Type.String(), Type.Null()]),
    fit: Type.Optional(Type.Union([Type.Enum(['cover', 'contain']), Type.Null()])),
  },
  { additionalProperties: false },
)
const BODY = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 5 }),
    kind: Type.Optional(Type.Enum(['spa', 'native'])),
    expiry: Type.Optional(Type.Union([Type.Literal('never'), Type.Literal('soon')])),
    value: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    life: Type.Optional(Type.Union([Type.Integer({ minimum: 0 }), Type.Null()])),
    logo: Type.Optional(Type.Union([LOGO, Type.Null()])),
    rows: Type.Optional(Type.Array(Type.Union([Type.Object({ a: Type.Integer() }), Type.Null()]))),
    either: Type.Optional(Type.Union([Type.Object({ a: Type.Integer() }), Type.Object({ b: Type.Integer() })])),
    options: Type.Optional(Type.Object({ leeway: Type.Integer({ minimum: 0 }) }, { additionalProperties: false })),
    scopes: Type.Optional(Type.Array(Type.Object({ value: Type.String() }), { maxItems: 2 })),
  },
  { additionalProperties: false },
)

/** What is said of it, without the words that every such sentence begins with. */
function faultOf(check: () => unknown): string | undefined {
  try {
    check()
    return undefined
  } catch (error) {
    assert.ok(error instanceof ManagementFault)
    assert.equal(error.status, 400)
    return error.message.replace(/^(?:Payload|Query) validation error: /, '')
  }
}
const ofBody = (given: JsonValue | undefined) => faultOf(() => checkBody(BODY, given))

describe('a body', () => {
  test('passes as it is when it is of the form', () => {
    const given = { name: 'ann', options: { leeway: 0 }, scopes: [{ value: 'x', more: 1 }], value: null }
    assert.equal(checkBody(BODY, given), given)
  })

  test('is refused by the member that is wrong and the rule it breaks', () => {
    assert.equal(ofBody(undefined), 'a JSON body is missing.')
    assert.equal(ofBody({}), 'name is missing.')
    assert.equal(ofBody([]), 'the body must be object.')
    assert.equal(ofBody({ name: 'ann', nmae: 'x' }), 'there is no member nmae.')
    assert.equal(ofBody({ name: 'ann', options: { leeway: 0, leway: 1 } }), 'there is no member options.leway.')
    assert.equal(ofBody({ name: 'ann', options: {} }), 'options.leeway is missing.')
    assert.equal(ofBody({ name: 'ann', options: { leeway: 1.5 } }), 'options.leeway must be integer.')
    assert.equal(ofBody({ name: 'ann', options: { leeway: -1 } }), 'options.leeway must be >= 0.')
    assert.equal(ofBody({ name: 'toolong' }), 'name must not have more than 5 characters.')
    assert.equal(ofBody({ name: 'ann', kind: 'web' }), 'kind must be one of spa, native.')
    assert.equal(ofBody({ name: 'ann', expiry: 'later' }), 'expiry must be one of never, soon.')
    assert.equal(ofBody({ name: 'ann', value: 5 }), 'value must be string or null.')
    assert.equal(ofBody({ name: 'ann', life: 'x' }), 'life must be integer or null.')
    assert.equal(ofBody({ name: 'ann', life: -1 }), 'life must be >= 0.')
    assert.equal(ofBody({ name: 'ann', logo: 5 }), 'logo must be object or null.')
    assert.equal(ofBody({ name: 'ann', logo: {} }), 'logo.url is missing.')
    assert.equal(ofBody({ name: 'ann', logo: { url: 1 } }), 'logo.url must be string or null.')
    assert.equal(ofBody({ name: 'ann', logo: { url: 'u', fit: 'tight' } }), 'logo.fit must be one of cover, contain.')
    assert.equal(ofBody({ name: 'ann', logo: { url: 'u', uri: 'u' } }), 'there is no member logo.uri.')
    assert.equal(ofBody({ name: 'ann', rows: [{ a: 1 }, null, { a: 'x' }, 3] }), 'rows.2.a must be integer.')
    assert.equal(ofBody({ name: 'ann', either: { a: 'x' } }), 'either is of none of the forms that it may have.')
    assert.equal(ofBody({ name: 'ann', scopes: [{ value: 1 }] }), 'scopes.0.value must be string.')
  })

  test('is not mistaken by names that every object has', () => {
    assert.equal(ofBody({ name: 'ann', constructor: 'x' }), 'there is no member constructor.')
    assert.equal(ofBody({ name: 'ann', toString: 'x' }), 'there is no member toString.')
  })
})

const QUERY = Type.Object({
  page: Type.Optional(Type.Integer({ minimum: 0 })),
  include_totals: Type.Optional(Type.Boolean()),
  strategy: Type.Optional(Type.Array(Type.String())),
  q: Type.Optional(Type.String({ maxLength: 10 })),
})
const read = (query: string) => checkQuery(QUERY, parametersOfForm(query))
const ofQuery = (query: string) => faultOf(() => read(query))

describe('a query', () => {
  test('is read as its types have it', () => {
    assert.deepEqual(read('page=3&include_totals=true&strategy=a&strategy=b&q=3'), {
      ...{ page: 3, include_totals: true },
      ...{ strategy: ['a', 'b'], q: '3' },
    })
    assert.deepEqual(read('include_totals=false&page='), { include_totals: false })
    assert.deepEqual(checkQuery(null, parametersOfForm('')), {})
  })

  test('is refused where a parameter is unknown, repeated or of another type', () => {
    assert.equal(ofQuery('pgae=1'), 'there is no parameter pgae.')
    assert.equal(ofQuery('constructor=1'), 'there is no parameter constructor.')
    assert.equal(ofQuery('q=a&q=b'), 'q is given more than once.')
    assert.equal(ofQuery('page=x'), 'page must be integer.')
    assert.equal(ofQuery('page=1e3'), 'page must be integer.')
    assert.equal(ofQuery('page=99999999999999999999'), 'page must be integer.')
    assert.equal(ofQuery('page=-1'), 'page must be >= 0.')
    assert.equal(ofQuery('include_totals=yes'), 'include_totals must be boolean.')
    assert.equal(ofQuery('q=12345678901'), 'q must not have more than 10 characters.')
  })
})
