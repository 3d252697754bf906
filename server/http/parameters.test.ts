import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ProtocolError } from '../kernel/errors.ts'
import { noParameters, parametersOfForm, parametersOfJson } from './parameters.ts'

const isInvalidRequest = (error: unknown) => error instanceof ProtocolError && error.code === 'invalid_request'

describe('parameters of a form or a query', () => {
  test('are decoded', () => {
    const parameters = parametersOfForm('redirect_uri=https%3A%2F%2Fapp.example%2F%3Fa%3Db&scope=openid+profile')
    assert.equal(parameters.get('redirect_uri'), 'https://app.example/?a=b')
    assert.equal(parameters.get('scope'), 'openid profile')
    assert.deepEqual(parameters.names, ['redirect_uri', 'scope'])
  })

  test('without a value count as omitted, and are still seen to have been sent', () => {
    const parameters = parametersOfForm('state=&nonce')
    assert.equal(parameters.get('state'), undefined)
    assert.equal(parameters.get('nonce'), undefined)
    assert.deepEqual(parameters.all('state'), [])
    assert.ok(parameters.has('state') && parameters.has('nonce') && !parameters.has('scope'))
  })

  test('that are repeated are named, also when both say the same or one says nothing', () => {
    assert.deepEqual(parametersOfForm('a=1&b=2&a=1').repeated, ['a'])
    assert.deepEqual(parametersOfForm('a=&a=1').repeated, ['a'])
    assert.deepEqual(parametersOfForm('a=1&A=1').repeated, [])
  })

  test('keep every value of those that may repeat', () =>
    assert.deepEqual(parametersOfForm('resource=x&resource=&resource=y').all('resource'), ['x', 'y']))

  test('have names that mean nothing to JavaScript', () => {
    const parameters = parametersOfForm('__proto__=1&constructor=2')
    assert.equal(parameters.get('__proto__'), '1')
    assert.equal(parameters.get('toString'), undefined)
    assert.deepEqual(noParameters.all('constructor'), [])
  })

  test('are a hundred at the most, repeated ones counted', () => {
    assert.equal(parametersOfForm(Array(100).fill('a=1').join('&')).all('a').length, 100)
    assert.throws(() => parametersOfForm(Array(101).fill('a=1').join('&')), isInvalidRequest)
  })
})

const json = (body: unknown) => parametersOfJson(Buffer.from(JSON.stringify(body)))

describe('parameters of a JSON body', () => {
  test('are strings; null counts as omitted; an array is a repetition', () => {
    const parameters = json({ a: 'x', b: null, resource: ['y', 'z'], c: '' })
    assert.equal(parameters.get('a'), 'x')
    assert.ok(!parameters.has('b') && parameters.has('c'))
    assert.deepEqual(parameters.all('resource'), ['y', 'z'])
    assert.deepEqual(parameters.repeated, ['resource'])
  })

  for (const body of [[], 'a=1', 1, null, [{ a: 'x' }]])
    test(`cannot be read from ${JSON.stringify(body)}`, () => assert.throws(() => json(body), isInvalidRequest))

  for (const body of [
    '{"client_id":"web","client_id":"spa"}',
    '{"client_id":"web","client_id":"web"}',
    '{"client_id":null,"client_id":"spa"}',
    String.raw`{"client_id":"web","client\u005fid":"spa"}`,
  ])
    test(`cannot have a name twice, however it is written: ${body}`, () =>
      assert.throws(() => parametersOfJson(Buffer.from(body)), isInvalidRequest))

  test('are UTF-8, and what is not has no second reading', () =>
    assert.throws(() => parametersOfJson(Buffer.from([...Buffer.from('{"a":"'), 0xff, 0x22, 0x7d])), isInvalidRequest))

  for (const value of [1, true, {}, { a: 'x' }, ['x', 1], [null], [['x']]])
    test(`cannot have the value ${JSON.stringify(value)}`, () =>
      assert.throws(() => json({ client_secret: value }), isInvalidRequest))

  test('do not repeat what was sent in the error', () =>
    assert.throws(
      () => json({ client_secret: { 'hunter2-hunter2': 1 } }),
      (error: Error) => !error.message.includes('hunter2'),
    ))

  test('are a hundred at the most, items of arrays counted', () =>
    assert.throws(() => json({ resource: Array(101).fill('x') }), isInvalidRequest))
})
