import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Credential } from '../credentials.ts'
import { type Arrival, type Caller, Refused } from '../exchange.ts'
import type { RoutePlan } from '../plan.ts'
import { apiKeyCredential } from './api-key.ts'
import { bearerCredential } from './bearer.ts'
import { opaqueCredential } from './opaque.ts'

const KEY = 'lk_0123'
const asked: string[] = []
const introspector = {
  read(token: string): Caller {
    asked.push(token)
    return {} as Caller
  },
}
const key = apiKeyCredential(introspector)
const kinds: readonly Credential[] = [
  key,
  opaqueCredential(introspector),
  bearerCredential([], { get: () => assert.fail('nothing is read'), size: 0 }),
]

const sent = (headers: Arrival['headers']): Arrival => ({ headers, isUpgrade: false, query: '' }) as Arrival
const kindsOf = (headers: Arrival['headers']) =>
  kinds.filter(({ find }) => find(sent(headers)) !== undefined).map(({ kind }) => kind)

describe('what is sent as a bearer token', () => {
  test('is of one kind, by its form', () => {
    for (const [text, kind] of [
      [KEY, 'api-key'],
      ['opaque', 'opaque'],
      ['lk', 'opaque'],
      ['LK_0123', 'opaque'],
      ['with.one-dot', 'opaque'],
      ['a.b.c', 'bearer'],
      ['a.b.c.d.e', 'bearer'],
    ] as const)
      assert.deepEqual(kindsOf({ authorization: `Bearer ${text}` }), [kind], text)
    for (const headers of [{}, { authorization: 'Basic b3BhcXVl' }, { 'x-api-keys': KEY }])
      assert.deepEqual(kindsOf(headers), [])
  })
})

describe('an API key', () => {
  test('may stand in a header of its own, and in one header only', () => {
    assert.equal(key.find(sent({ 'x-api-key': KEY })), KEY)
    assert.throws(
      () => key.find(sent({ 'x-api-key': KEY, authorization: `Bearer ${KEY}` })),
      (error: unknown) => error instanceof Refused && error.refusal.code === 'several_credentials',
    )
  })

  test('is asked about at the issuer, and what is somebody else’s is not shown to it', () => {
    key.read(KEY, sent({}), {} as RoutePlan)
    assert.throws(() => key.read('sk_live_of_another_service', sent({}), {} as RoutePlan), Refused)
    assert.throws(() => key.read(`a, ${KEY}`, sent({}), {} as RoutePlan), Refused)
    assert.deepEqual(asked, [KEY])
  })
})
