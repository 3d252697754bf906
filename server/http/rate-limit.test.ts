import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { anIncoming, NOW } from '../../tests/fixtures/records.ts'
import type { Rule } from '../kernel/counter.ts'
import { PageError } from '../kernel/errors.ts'
import { MINUTE } from '../kernel/seconds.ts'
import { createRateLimit, refuseFlood } from './rate-limit.ts'

const RULE: Rule = { free: 2, pauses: [MINUTE], forgets: MINUTE }

describe('tries counted in one process', () => {
  test('are free, then one at a time, by key', () => {
    const limit = createRateLimit(RULE)
    assert.equal(limit.isEmpty(), true)
    assert.deepEqual(
      [limit.take('a', NOW), limit.take('a', NOW), limit.take('a', NOW)],
      [undefined, undefined, NOW + MINUTE],
    )
    assert.equal(limit.freeAt('a', NOW), NOW + MINUTE)
    assert.equal(limit.freeAt('b', NOW), undefined)
    assert.equal(limit.take('a', NOW + MINUTE), undefined)
  })

  test('have to wait for as long as somebody else says, and for no less than they would', () => {
    const limit = createRateLimit(RULE)
    limit.holdUntil('a', NOW + 10 * MINUTE)
    limit.holdUntil('a', NOW + MINUTE)
    assert.equal(limit.take('a', NOW + 10 * MINUTE - 1), NOW + 10 * MINUTE)
  })

  test('of more keys than are kept: the least recently counted are forgotten', () => {
    const limit = createRateLimit(RULE, 2)
    for (const key of ['a', 'a', 'b', 'b', 'c', 'c']) limit.take(key, NOW)
    assert.deepEqual(
      ['a', 'b', 'c'].map(key => limit.freeAt(key, NOW)),
      [undefined, NOW + MINUTE, NOW + MINUTE],
    )
  })

  test('beyond the limit are a page that says when to come back, for all addresses of the network and for no other', () => {
    const limit = createRateLimit(RULE)
    const from = (address: string) => refuseFlood(limit, anIncoming({ address }), NOW)
    from('2001:db8::1')
    from('2001:db8::2')
    assert.throws(
      () => from('2001:db8::3'),
      (error: unknown) => error instanceof PageError && error.status === 429 && error.headers['retry-after'] === '60',
    )
    from('2001:db8:0:1::1')
  })
})
