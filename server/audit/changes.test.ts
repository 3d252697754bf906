import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { changesBetween } from './changes.ts'

describe('what changed', () => {
  test('is told member by member, before and after, and of what is the same nothing', () => {
    assert.deepEqual(changesBetween({ name: 'one', kept: [1], gone: true }, { name: 'two', kept: [1], come: null }), {
      name: { before: 'one', after: 'two' },
      gone: { before: true },
      come: { after: null },
    })
    assert.deepEqual(changesBetween(null, { name: 'one' }), { name: { after: 'one' } })
    assert.deepEqual(changesBetween({ name: 'one' }, null), { name: { before: 'one' } })
  })

  test('holds no secret, at the top or within', () => {
    const before = { client_secret: 'old secret', options: { client_secret: 'old', id: 1, deep: { key: 'old' } } }
    const after = { client_secret: 'new secret', options: { client_secret: 'new', id: 2, deep: { key: 'new', on: 1 } } }
    const told = changesBetween(before, after, ['client_secret', 'options.client_secret', 'options.deep.key'])
    assert.deepEqual(told, {
      client_secret: 'changed',
      options: { before: { id: 1, deep: {} }, after: { id: 2, deep: { on: 1 } } },
    })
  })

  test('is no longer than is worth keeping', () => {
    assert.deepEqual(changesBetween({ body: 'x' }, { body: 'y'.repeat(100_000) }), {
      body: { before: 'x', after: { length: 100_002 } },
    })
  })
})
