import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { anApi } from '../../tests/fixtures/records.ts'

describe('an API', () => {
  test('that says nothing is named by its audience and speaks RFC 9068', () => {
    const api = anApi()
    assert.equal(api.name, 'https://api.example.com/')
    assert.equal(api.algorithm, 'RS256')
    assert.equal(api.dialect, 'rfc9068_profile')
    assert.deepEqual(api.scopes, [])
    assert.equal(api.allowsOfflineAccess, false)
  })

  test('has tokens of an hour for people and of a day for machines, or of one lifetime for both', () => {
    assert.deepEqual([anApi().lifetimeSeconds, anApi().machineLifetimeSeconds], [3600, 86_400])
    const api = anApi({ token_lifetime: 60 })
    assert.deepEqual([api.lifetimeSeconds, api.machineLifetimeSeconds], [60, 60])
  })

  test('has no token that outlives what revocations are remembered for, whatever was imported', () => {
    const api = anApi({ token_lifetime: 10 ** 9 })
    assert.deepEqual([api.lifetimeSeconds, api.machineLifetimeSeconds], [2_592_000, 2_592_000])
  })

  test('lists its scopes in their order, and describes those that have words', () => {
    const api = anApi({
      scopes: [{ value: 'write', description: 'Change things' }, { value: 'read' }, { value: 'x', description: '' }],
    })
    assert.deepEqual(api.scopes, ['write', 'read', 'x'])
    assert.deepEqual(api.descriptions, { write: 'Change things' })
  })

  test('is not renamed by a setting called identifier', () =>
    assert.equal(anApi({ identifier: 'https://other.example/' }).identifier, 'https://api.example.com/'))
})
