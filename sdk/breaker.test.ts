import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { createBreaker, type Pass } from './breaker.ts'

describe('a breaker', () => {
  let now: number
  const clock = () => now
  const fresh = (options: object = {}) => createBreaker({ failures: 3, within: 1000, open: 500, clock, ...options })
  const opened = () => {
    const breaker = fresh()
    for (let count = 0; count < 3; count++) breaker.pass()?.failed()
    return breaker
  }
  beforeEach(() => {
    now = 10_000
  })

  test('opens at so many failures within its time, and not at as many that are further apart', () => {
    assert.equal(opened().state, 'open')
    const breaker = fresh()
    for (const pause of [0, 500, 501, 500, 501]) {
      now += pause
      breaker.pass()?.failed()
    }
    assert.equal(breaker.state, 'closed')
    breaker.pass()?.failed()
    assert.equal(breaker.state, 'open')
    assert.equal(breaker.wait, 500)
  })

  test('lets nobody through while it is open, then one alone, whose outcome decides', () => {
    for (const [outcome, state] of [
      ['succeeded', 'closed'],
      ['failed', 'open'],
      ['abandoned', 'half-open'],
    ] as const) {
      const breaker = opened()
      now += 499
      assert.equal(breaker.pass(), undefined)
      now += 1
      const trial = breaker.pass() as Pass
      assert.equal(breaker.pass(), undefined)
      trial[outcome]()
      assert.equal(breaker.state, state)
      if (state === 'open') now += 500
      assert.ok(breaker.pass())
    }
  })

  test('after a trial that went well counts anew', () => {
    const breaker = opened()
    now += 500
    breaker.pass()?.succeeded()
    for (let count = 0; count < 2; count++) breaker.pass()?.failed()
    assert.equal(breaker.state, 'closed')
  })

  test('hears nothing from those who set out before it opened', () => {
    const breaker = fresh()
    const before = [breaker.pass(), breaker.pass()] as [Pass, Pass]
    for (let count = 0; count < 3; count++) breaker.pass()?.failed()
    before[0].succeeded()
    assert.equal(breaker.state, 'open')
    now += 499
    before[1].failed()
    assert.equal(breaker.wait, 1)
  })

  test('counts each pass once', () => {
    const breaker = fresh()
    const pass = breaker.pass() as Pass
    for (let count = 0; count < 5; count++) pass.failed()
    pass.succeeded()
    assert.equal(breaker.state, 'closed')
    for (let count = 0; count < 2; count++) breaker.pass()?.failed()
    assert.equal(breaker.state, 'open')
  })

  test('that could never open, or never close, is the caller’s mistake', () => {
    for (const wrong of [{ failures: 0 }, { failures: 1.5 }, { within: 0 }, { open: 0 }])
      assert.throws(() => fresh(wrong), TypeError)
  })
})
