import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { drawnBy, leastBusy, nextInTurn, type Weighted } from './balance.ts'
import { Breaker } from './breaker.ts'
import { Health } from './health.ts'
import { isIdempotent, RetryBudget } from './retry.ts'
import { Sticky } from './sticky.ts'

const targets = (...weights: readonly number[]): Weighted[] =>
  weights.map((weight, at) => ({ name: `10.0.0.${at}:80`, weight, inFlight: 0, owed: 0 }))

describe('a round', () => {
  it('gives each target its weight, and spreads the heavy ones out', () => {
    const among = targets(4, 2, 1)
    const names = Array.from({ length: 7 }, () => nextInTurn(among)?.name.at(7))
    assert.deepEqual(names.join(''), '0102010')
  })

  it('goes on among those that are left', () => {
    const [a, b, c] = targets(1, 1, 1)
    assert.ok(a && b && c)
    nextInTurn([a, b, c])
    const rest = Array.from({ length: 100 }, () => nextInTurn([b, c])?.name)
    assert.equal(rest.filter(name => name === b.name).length, 50)
  })
})

describe('the least busy target', () => {
  it('is the one with the fewest requests for its weight', () => {
    const [a, b] = targets(1, 3)
    assert.ok(a && b)
    for (let time = 0; time < 8; time++) {
      const next: Weighted | undefined = leastBusy([a, b], 0)
      if (next) Object.assign(next, { inFlight: next.inFlight + 1 })
    }
    assert.deepEqual([a.inFlight, b.inFlight], [2, 6])
  })

  it('is another one each time where all are as busy', () => {
    const among = targets(1, 1, 1)
    assert.equal(new Set([0, 1, 2].map(turn => leastBusy(among, turn)?.name)).size, 3)
  })
})

describe('the target that a key draws', () => {
  const keys = Array.from({ length: 3000 }, (_, at) => `192.0.${at >> 8}.${at & 255}`)

  it('is its share of all keys', () => {
    const drawn = keys.map(key => drawnBy(targets(1, 2, 3), key)?.name)
    const shares = targets(1, 2, 3).map(({ name }) => drawn.filter(other => other === name).length)
    for (const [at, expected] of [500, 1000, 1500].entries())
      assert.ok(Math.abs((shares[at] ?? 0) - expected) < 120, `${shares} are far from 500, 1000, 1500`)
  })

  it('stays the same for whoever did not draw the one that is gone', () => {
    const [a, b, c, d] = targets(1, 1, 1, 1)
    assert.ok(a && b && c && d)
    for (const key of keys) {
      const before: Weighted | undefined = drawnBy([a, b, c, d], key)
      if (before !== c) assert.equal(drawnBy([a, b, d], key), before)
    }
  })
})

describe('a breaker', () => {
  const settings = { failures: 3, within: 1000, open: 500 }
  const create = () => {
    const moves: string[] = []
    return { moves, breaker: new Breaker(settings, state => moves.push(state)) }
  }

  it('opens for so many failures within the time, and not for as many over a longer one', () => {
    const { breaker } = create()
    for (const at of [0, 600, 1200, 1800]) breaker.failed(false, at)
    assert.equal(breaker.state, 'closed')
    breaker.failed(false, 1900)
    assert.equal(breaker.state, 'open')
    assert.deepEqual([breaker.allows(2399), breaker.allows(2400)], [false, true])
  })

  it('is decided over by its one trial alone', () => {
    const { breaker, moves } = create()
    for (const at of [0, 1, 2]) breaker.failed(false, at)
    const isTrial = breaker.begin()
    assert.equal(isTrial, true)
    assert.equal(breaker.allows(10_000), false)
    breaker.succeeded(false)
    breaker.failed(false, 600)
    assert.equal(breaker.state, 'half-open')
    breaker.failed(isTrial, 700)
    assert.deepEqual([breaker.state, breaker.allows(1199), breaker.allows(1200)], ['open', false, true])
    breaker.succeeded(breaker.begin())
    assert.deepEqual(moves, ['open', 'half-open', 'open', 'half-open', 'closed'])
    breaker.failed(false, 1300)
    assert.equal(breaker.state, 'closed')
  })

  it('lets another request try where the client of the first has left', () => {
    const { breaker } = create()
    for (const at of [0, 1, 2]) breaker.failed(false, at)
    breaker.abandoned(breaker.begin())
    assert.equal(breaker.allows(600), true)
  })
})

describe('the health of a target', () => {
  it('changes after so many checks in a row', () => {
    const health = new Health({ healthy: 2, unhealthy: 3 }, () => {})
    const seen = [false, false, true, false, false, false, true, false, true, true].map(isGood => {
      health.checked(isGood)
      return health.isWell(0)
    })
    assert.deepEqual(seen, [true, true, true, true, true, false, false, false, false, true])
  })

  it('is known from requests too, and with checks it is a check that finds it well again', () => {
    const health = new Health({ healthy: 1, unhealthy: 2 }, () => {})
    health.carried(false, 0)
    health.carried(false, 0)
    assert.deepEqual([health.isWell(1e9), health.isCheckedIll], [false, false])
    health.carried(true, 0)
    assert.equal(health.isWell(1e9), false)
    health.checked(true)
    assert.equal(health.isWell(1e9), true)
  })

  it('is not made better by an answer between two checks that fail', () => {
    const health = new Health({ healthy: 1, unhealthy: 2 }, () => {})
    health.checked(false)
    health.checked(false)
    health.carried(true, 0)
    assert.deepEqual([health.isWell(0), health.isCheckedIll], [false, true])
  })

  it('without checks is tried after a rest, and one failure ends that', () => {
    const moves: boolean[] = []
    const health = new Health(null, isWell => moves.push(isWell))
    for (let time = 0; time < 3; time++) health.carried(false, 100)
    assert.deepEqual([health.isWell(10_099), health.isWell(10_100)], [false, true])
    health.carried(false, 10_200)
    assert.deepEqual([health.isWell(20_199), health.isWell(20_200)], [false, true])
    health.carried(true, 20_300)
    health.carried(false, 20_400)
    assert.equal(health.isWell(20_400), true)
    assert.deepEqual(moves, [false, true, false, true])
  })
})

describe('retries', () => {
  it('are for methods that are idempotent', () => {
    const methods = ['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE', 'POST', 'PATCH', 'CONNECT', 'get', 'QUERY']
    assert.deepEqual(methods.filter(isIdempotent), ['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])
  })

  it('are a part of the requests of ten seconds', () => {
    const budget = new RetryBudget(0.2)
    for (let at = 0; at < 100; at++) budget.requested(5000 + at)
    const granted = Array.from({ length: 100 }, () => budget.grants(6000)).filter(Boolean)
    assert.equal(granted.length, 20)
    assert.equal(budget.grants(14_999), false)
    // What came before the last ten seconds counts no more, neither way.
    assert.equal(Array.from({ length: 100 }, () => budget.grants(16_000)).filter(Boolean).length, 3)
  })

  it('are a few where there are few requests, and none where none are wanted', () => {
    const few = new RetryBudget(0.2)
    few.requested(0)
    assert.deepEqual(
      Array.from({ length: 4 }, () => few.grants(0)),
      [true, true, true, false],
    )
    assert.equal(new RetryBudget(0).grants(0), false)
  })
})

describe('a session that sticks', () => {
  const opening = (sid: string) => Buffer.from(`0{"sid":"${sid}","upgrades":["websocket"],"pingInterval":25000}`)

  it('is learned from the answer that begins it', () => {
    const sticky = new Sticky<string>('sid')
    sticky.learn(opening('lv_VI97HAXpY6yYWAAAC'), 'a', 0)
    assert.equal(sticky.find('lv_VI97HAXpY6yYWAAAC', 1000), 'a')
    assert.equal(sticky.find('lv_VI97HAXpY6yYWAAAD', 1000), undefined)
  })

  it('is found in the query by its parameter', () => {
    const sticky = new Sticky<string>('sid')
    assert.deepEqual(
      ['?EIO=4&transport=polling', '?EIO=4&sid=a%2Db&t=1', '?ssid=1', '', '?sid='].map(query => sticky.idIn(query)),
      [undefined, 'a-b', undefined, undefined, undefined],
    )
  })

  it('is forgotten when nobody uses it, and lives on while somebody does', () => {
    const sticky = new Sticky<string>('sid')
    sticky.learn(opening('used'), 'a', 0)
    sticky.learn(opening('left'), 'a', 0)
    assert.equal(sticky.find('used', 100_000), 'a')
    assert.deepEqual([sticky.find('used', 200_000), sticky.find('left', 200_000)], ['a', undefined])
    sticky.learn(opening('next'), 'b', 400_000)
    assert.equal(sticky.size, 1)
  })

  it('is not looked for in what is no opening', () => {
    const sticky = new Sticky<string>('sid')
    sticky.learn(Buffer.concat([opening('a'), Buffer.alloc(2000)]), 'a', 0)
    sticky.learn(Buffer.from(`{"sid":"${'x'.repeat(500)}"}`), 'a', 0)
    sticky.learn(Buffer.from('{"ssid":"a"}'), 'a', 0)
    assert.equal(sticky.size, 0)
  })

  it('takes a bounded number of others with it', () => {
    const sticky = new Sticky<string>('sid')
    for (let at = 0; at < 100_050; at++) sticky.learn(opening(`s${at}`), 'a', 0)
    assert.equal(sticky.size, 100_000)
    assert.equal(sticky.find('s49', 0), undefined)
    assert.equal(sticky.find('s50', 0), 'a')
  })
})
