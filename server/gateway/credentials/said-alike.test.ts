import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { SignedToken } from '@latchkey/sdk/verify'
import { saidAlike, scopesIn } from './said-alike.ts'

const tokenOf = (claims: object, kid: string | undefined = 'k1'): SignedToken =>
  JSON.parse(JSON.stringify({ header: { alg: 'ES256', kid, typ: 'at+jwt' }, claims, key: {} }))

describe('what tokens say alike', () => {
  test('is the same as was said, of each of them', () => {
    for (const claims of [
      { iss: 'https://id.example/', aud: ['a', 'b'], scope: 'read write', sub: 'ann', jti: '1', exp: 1 },
      { iss: 'https://id.example/', aud: 'a', scope: '', sub: 'eve', jti: '2', exp: 2 },
      { iss: 'https://id.example/', aud: ['a,b'], scope: 'read', client_id: 7, acr: null },
      { aud: [['a']], org_id: { a: 1 }, scope: 'x'.repeat(10_000), azp: '__proto__' },
      JSON.parse('{"__proto__":{"sub":"eve"},"iss":"constructor"}'),
      {},
    ])
      for (const kid of ['k1', 'k2', undefined]) {
        assert.deepEqual(saidAlike(tokenOf(claims, kid)), tokenOf(claims, kid))
        assert.deepEqual(saidAlike(tokenOf(claims, kid)), tokenOf(claims, kid))
      }
  })

  test('is kept once', () => {
    const [one, other] = ['ann', 'eve'].map(sub => saidAlike(tokenOf({ sub, aud: ['a', 'b'], scope: 'read' })))
    assert.equal(one?.header, other?.header)
    assert.equal(one?.claims['aud'], other?.claims['aud'])
    assert.notEqual(one?.claims['sub'], other?.claims['sub'])
    assert.equal(scopesIn('read write'), scopesIn('read write'))
    assert.deepEqual(scopesIn('read write'), ['read', 'write'])
  })

  test('is not kept without end', () => {
    for (let at = 0; at < 5000; at += 1) {
      const claims = { iss: `${at}`, aud: [`${at}`], scope: `s${at}` }
      assert.deepEqual(saidAlike(tokenOf(claims, `${at}`)), tokenOf(claims, `${at}`))
      assert.deepEqual(scopesIn(`s${at}`), [`s${at}`])
    }
    assert.notEqual(scopesIn('the last of all'), scopesIn('the last of all'))
  })
})
