import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { processorTime } from '../../tests/fixtures/processor-time.ts'
import { SECOND } from '../kernel/seconds.ts'
import { readSearchQuery } from '../policy/search-query.ts'
import { isWanted, membersIn, planOf, readLogSearch } from './log-query.ts'

const plan = (text: string) => planOf(readSearchQuery(text))
const at = (text: string) => Date.parse(text)

describe('a search of the log', () => {
  test('is answered by an index as far as it names a type, a person, a client and a time', () => {
    assert.deepEqual(plan('*'), { query: {}, isWhole: true })
    assert.deepEqual(plan('type:slo'), {
      query: { types: ['session.ended', 'user.signed-out-everywhere'] },
      isWhole: true,
    })
    assert.deepEqual(plan('user_id:"auth0|ann" AND client_id:app'), {
      query: { user: 'auth0|ann', client: 'app' },
      isWhole: true,
    })
    // One event goes by several codes: which it is, is to be looked at.
    assert.deepEqual(plan('type:fp'), { query: { types: ['sign-in.failed'] }, isWhole: false })
    assert.deepEqual(plan('client_id:app AND ip:192.0.2.1'), { query: { client: 'app' }, isWhole: false })
    assert.deepEqual(plan('type:nothing'), { query: { types: [] }, isWhole: true })
    // What may as well not hold narrows nothing.
    for (const text of ['user_id:a OR ip:b', 'NOT user_id:a', 'user_id:a*', 'user_id:a OR user_id:b', 'type:sapi'])
      assert.deepEqual(plan(text), { query: {}, isWhole: false }, text)
    assert.deepEqual(plan('user_id:a AND user_id:b'), { query: { user: 'a' }, isWhole: false })
  })

  test('takes a year, a month and a day for the whole of it, and a time for itself', () => {
    const span = (text: string) => plan(text).query
    assert.deepEqual(span('date:2026-01-02'), { from: at('2026-01-02'), to: at('2026-01-03') })
    assert.deepEqual(span('date:[2026-01-02 TO 2026-01-03]'), { from: at('2026-01-02'), to: at('2026-01-04') })
    assert.deepEqual(span('date:{2026-01-02 TO 2026-01-05}'), { from: at('2026-01-03'), to: at('2026-01-05') })
    assert.deepEqual(span('date:["2026-01-02T10:00:00Z" TO *]'), { from: at('2026-01-02T10:00:00Z') })
    assert.deepEqual(span('date:<"2026-01-02T10:00"'), { to: at('2026-01-02T10:00:00Z') })
    assert.deepEqual(span('date:[2026-11 TO *]'), { from: at('2026-11-01') })
    assert.deepEqual(span('date:2026-02'), { from: at('2026-02-01'), to: at('2026-03-01') })
    assert.deepEqual(span('date:[2025 TO 2025]'), { from: at('2025-01-01'), to: at('2026-01-01') })
  })

  test('is refused for a date that is none, wherever it stands, and not answered as if nothing had happened', () => {
    for (const text of ['date:yesterday', 'date:[now-1d TO now]', 'type:s AND NOT (ip:a OR date:[2026-13 TO *])'])
      assert.throws(() => readLogSearch(text), /date is a date: 2026-01-31/, text)
    assert.deepEqual(readLogSearch('date:2026-11*'), readSearchQuery('date:2026-11*'))
  })

  test('says which members it looks at', () => {
    const search = readLogSearch('type:s AND (client_name:a* OR NOT _exists_:user_name) AND logins:[1 TO 2] AND word')
    assert.deepEqual([...membersIn(search)], ['type', 'client_name', 'user_name', 'logins', null])
  })

  const LOG = {
    date: '2026-01-02T10:00:00.000Z',
    type: 'fp',
    ip: '192.0.2.1',
    user_name: 'Ann@Example.com',
    isMobile: false,
    details: { reason: 'unusable-hash', scopes: ['read', 'write'], tries: 12 },
  }
  const wanted = (text: string) => isWanted(readSearchQuery(text), LOG)

  test('finds a log by its members, whatever their case, and by none that it does not have', () => {
    for (const text of [
      '*',
      'type:fp',
      'TYPE:fp OR type:FP',
      'user_name:ann@example.com',
      'user_name:ann*',
      'user_name:*example*',
      'user_name:ann?example.com',
      'ann',
      '"192.0.2"',
      'details.reason:unusable-hash',
      'details.scopes:write',
      'details.tries:[9 TO 100]',
      'details.tries:>=12',
      'isMobile:false',
      '_exists_:ip',
      'NOT _exists_:connection',
      'date:2026-01-02',
      'date:[2026-01-01 TO 2026-01-02]',
      'type:fp AND NOT type:fu',
    ])
      assert.ok(wanted(text), text)
    for (const text of [
      'type:f',
      'user_name:ann',
      'user_name:*nobody*',
      'nobody',
      'details.reason:wrong',
      'details.tries:>12',
      'details:12',
      'connection:*',
      'constructor:*',
      '__proto__.toString:*',
      'date:2026-01-03',
      'date:{* TO 2026-01-02}',
      'type:fp AND type:fu',
      'NOT type:fp',
    ])
      assert.ok(!wanted(text), text)
  })

  test('of many wildcards and a long text takes no time', () => {
    const long = { ...LOG, user_agent: 'a'.repeat(512) }
    const took = processorTime(() => {
      assert.ok(!isWanted(readSearchQuery(`user_agent:abc${'*a'.repeat(4)}*b`), long))
      assert.ok(!isWanted(readSearchQuery(`user_agent:${'a*'.repeat(5)}b`), long))
    })
    assert.ok(took < SECOND, `${took} ms`)
  })
})
