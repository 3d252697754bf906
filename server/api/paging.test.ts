import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ManagementFault } from './fault.ts'
import { fieldsOf } from './fields.ts'
import { cursorOf, listReply, pagingOf, sliceReply } from './paging.ts'

const NAMES = ['ann', 'ben', 'cem', 'dan', 'eve']
const slice = (query: Parameters<typeof pagingOf>[0]) =>
  sliceReply(
    'users',
    pagingOf(query),
    NAMES,
    name => name,
    name => ({ name }),
  ).body as { next?: string; users: { name: string }[] }
const named = (...names: string[]) => names.map(name => ({ name }))

describe('a list of the Management API', () => {
  test('is bare unless an envelope is asked for, and empty past its end', () => {
    assert.deepEqual(slice({}), named(...NAMES))
    assert.deepEqual(slice({ page: 1, per_page: 2 }), named('cem', 'dan'))
    assert.deepEqual(slice({ page: 9, per_page: 2 }), [])
    assert.deepEqual(slice({ page: 2, per_page: 2, include_totals: true }), {
      ...{ start: 4, limit: 2, length: 1, total: 5 },
      users: named('eve'),
    })
  })

  test('goes on from a checkpoint, which counts before totals, and names none at its end', () => {
    const first = slice({ take: 2, include_totals: true })
    assert.deepEqual(first, { users: named('ann', 'ben'), next: cursorOf('ben') })
    const second = slice({ from: first.next, take: 2 })
    assert.deepEqual(second.users, named('cem', 'dan'))
    assert.deepEqual(slice({ from: second.next, take: 2 }), { users: named('eve') })
    assert.deepEqual(slice({ take: 5 }), { users: named(...NAMES) })
  })

  test('refuses a checkpoint that no answer held', () => {
    for (const from of ['', '!', 'a', `${cursorOf('ben')}=`, Buffer.from('b\0n').toString('base64url')])
      assert.throws(
        () => pagingOf({ from }),
        (error: unknown) => error instanceof ManagementFault && error.errorCode === 'invalid_query_string',
      )
  })

  test('tells the total that was counted', () => {
    const { body } = listReply('logs', pagingOf({ include_totals: true }), { items: [1, 2], total: 77 })
    assert.deepEqual(body, { start: 0, limit: 50, length: 2, total: 77, logs: [1, 2] })
  })
})

describe('the fields of what is answered', () => {
  const user = { user_id: 'auth0|ann', email: 'ann@example.com', name: 'Ann' }
  test('are those that are named, all but those, or all', () => {
    assert.deepEqual(fieldsOf({})(user), user)
    assert.deepEqual(fieldsOf({ fields: 'email, name,nonsense' })(user), { email: 'ann@example.com', name: 'Ann' })
    assert.deepEqual(fieldsOf({ fields: 'email,name', include_fields: false })(user), { user_id: 'auth0|ann' })
    assert.deepEqual(fieldsOf({ fields: 'constructor,__proto__' })(user), {})
  })
})
