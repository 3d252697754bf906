import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { startRedis, type TestRedis } from '../../tests/fixtures/redis.ts'
import type { BusMessage } from '../kernel/bus.ts'
import type { Counter } from '../kernel/counter.ts'
import type { Log } from '../kernel/log.ts'
import { MINUTE } from '../kernel/seconds.ts'
import { describeCounter } from '../store/conformance/counter.ts'
import { NOW, newTenant } from '../store/conformance/stage.ts'
import { openRedis, type RedisLink } from './redis.ts'
import { redisCounter } from './redis-counter.ts'

/** For whoever must not be asked. */
const NOBODY: Counter = {
  count: () => assert.fail('the fallback was asked'),
  giveBack: () => assert.fail('the fallback was asked'),
  waits: () => assert.fail('the fallback was asked'),
  forget: () => assert.fail('the fallback was asked'),
}

async function until(isTrue: () => boolean) {
  for (let waited = 0; !isTrue(); waited += 5) {
    assert.ok(waited < 10_000, 'it did not happen within ten seconds')
    await pause(5)
  }
}

const RULE = { free: 1, pauses: [MINUTE], forgets: MINUTE }

const message = (id: string): BusMessage => ({ topic: 'client', tenant: 't', id })

describe('Redis', () => {
  let redis: TestRedis
  let links: RedisLink[] = []
  const logged: string[] = []
  const note = (facts: object, sentence: string) => void logged.push(`${sentence} ${JSON.stringify(facts)}`)
  const log: Log = { debug: note, info: note, warn: note, error: note }
  before(async () => {
    redis = await startRedis()
  })
  afterEach(async () => {
    await Promise.all(links.map(({ bus }) => bus.close()))
    links = []
    logged.length = 0
  })
  after(() => redis?.stop())

  async function open(url = redis.url) {
    const link = await openRedis(url, log)
    links.push(link)
    const node = { ...link, heard: [] as BusMessage[], missed: 0 }
    link.bus.subscribe('client', { heard: message => node.heard.push(message), missed: () => node.missed++ })
    return node
  }

  describe('as a counter', () => {
    let link: RedisLink
    before(async () => {
      // How quick it is on a busy machine is no question of this suite.
      link = await openRedis(redis.url, log, { answerTimeout: MINUTE })
    })
    after(() => link?.bus.close())
    describeCounter(() => link.counterOr(NOBODY))

    test('keeps parts of a millisecond: thousands a second are counted one by one', async () => {
      const pause = MINUTE + 0.25
      const rule = { free: 1, pauses: [pause], forgets: pause }
      const counting = await link.counterOr(NOBODY).count(newTenant(), [{ key: 'k', rule }], NOW)
      assert.ok(counting.state === 'counted')
      assert.equal(counting.counts[0]?.freeAt, NOW + pause)
    })
  })

  test('carries to the own node at once and to the other soon, each message once and only by topic', async () => {
    const [here, there] = [await open(), await open()]
    here.bus.publish({ topic: 'host', tenant: 't', id: 'unheard' })
    here.bus.publish(message('a'))
    assert.deepEqual(here.heard, [message('a')])
    await until(() => there.heard.length > 0)
    there.bus.publish(message('b'))
    await until(() => here.heard.length > 1)
    assert.deepEqual(here.heard, [message('a'), message('b')])
    assert.deepEqual(there.heard, [message('a'), message('b')])
    assert.deepEqual(logged, [])
  })

  test('passes over what others publish', async () => {
    const node = await open()
    const { Redis } = await import('ioredis')
    const other = new Redis(redis.url)
    for (const payload of ['', 'not json', '{}', '["x","client","t"]', '["x","client","t",1]', 'null'])
      await other.publish('latchkey', payload)
    await other.publish('latchkey', '["x","client","t","real"]')
    await until(() => node.heard.length > 0)
    assert.deepEqual([node.heard, node.missed], [[message('real')], 0])
    other.disconnect()
  })

  test('that fails and comes back is told of once each way, and everybody that they may have missed something', async () => {
    const [here, there] = [await open(), await open()]
    await redis.stop()
    await until(() => logged.length >= 2)
    here.bus.publish(message('lost on the way'))
    assert.deepEqual(here.heard, [message('lost on the way')])
    await redis.start()
    await until(() => here.missed > 0 && there.missed > 0)
    await until(() => logged.filter(line => line.startsWith('Redis is back')).length === 2)
    assert.equal(logged.filter(line => line.startsWith('Redis is away')).length, 2, logged.join('\n'))
    there.bus.publish(message('again'))
    await until(() => here.heard.length > 1)
  })

  test('that is away from the start keeps nobody from starting; tries are counted elsewhere until it is there', async () => {
    await redis.stop()
    const { counterOr } = await open()
    let asked = 0
    const counter = counterOr({
      count: async () => {
        asked++
        return { state: 'counted', counts: [] }
      },
      giveBack: async () => {},
      waits: async () => new Map(),
      forget: async () => {},
    })
    const count = () => counter.count('t', [{ key: 'a', rule: RULE }], NOW)
    await count()
    assert.equal(asked, 1)
    await redis.start()
    await until(() => logged.some(line => line.startsWith('Redis is back')))
    await count()
    assert.equal((await count()).state, 'refused')
    assert.equal(asked, 1)
  })

  test('with another password is taken for away, and the log tells neither', async () => {
    const wrong = new URL(redis.url)
    wrong.password = 'not-the-password'
    const node = await open(wrong.href)
    const counting = await node
      .counterOr({
        count: async () => ({ state: 'counted', counts: [] }),
        giveBack: async () => {},
        waits: async () => new Map(),
        forget: async () => {},
      })
      .count(newTenant(), [{ key: 'a', rule: RULE }], NOW)
    assert.deepEqual(counting, { state: 'counted', counts: [] })
    await until(() => logged.length > 0)
    assert.doesNotMatch(logged.join('\n'), /not-the-password|of-the-test|redis:/)
    assert.match(logged[0] ?? '', /Redis is away/)
  })

  test('that answered while this process was busy with something else is not taken for away', async () => {
    const counter = (await open()).counterOr(NOBODY)
    const counting = counter.count(newTenant(), [{ key: 'a', rule: RULE }], NOW)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 700)
    assert.equal((await counting).state, 'counted')
    assert.deepEqual(logged, [])
  })

  test('that is silent for a while is told of, and told of again once it answers on the same connection', async context => {
    const { Redis } = await import('ioredis')
    const operator = new Redis(redis.url)
    context.after(() => operator.disconnect())
    let asked = 0
    const counter = (await open()).counterOr({
      ...NOBODY,
      count: async () => {
        asked++
        return { state: 'counted', counts: [] }
      },
    })
    const count = () => counter.count(newTenant(), [{ key: 'a', rule: RULE }], NOW)
    await operator.call('CLIENT', 'PAUSE', '1500', 'ALL')
    await count()
    assert.equal(asked, 1)
    assert.match(logged.join(), /^Redis is away: .+TIMEOUT/)
    await pause(1500)
    await count()
    assert.equal(asked, 1)
    assert.match(logged.slice(1).join(), /^Redis is back/)
  })

  test('that answers too late counts nothing after all, and what was counted instead is given back and forgotten there', async context => {
    const { Redis } = await import('ioredis')
    const client = new Redis(redis.url)
    context.after(() => client.disconnect())
    let isLate = true
    const asked: string[] = []
    const counter = redisCounter(
      client,
      {
        count: async (_tenant, counts) => ({
          state: 'counted',
          counts: counts.map(count => ({ ...count, tries: 1, freeAt: NOW + MINUTE })),
        }),
        giveBack: async (_tenant, counts) => void asked.push(`giveBack ${counts.map(({ key }) => key)}`),
        waits: async (_tenant, keys) => new Map(keys.map(key => [key, NOW + 2 * MINUTE])),
        forget: async (_tenant, keys) => void asked.push(`forget ${keys}`),
      },
      {
        inTime: async answer => {
          const answered = await answer
          if (isLate) throw new Error('TIMEOUT')
          return answered
        },
        noteAbsence: () => {},
        noteReturn: () => {},
      },
    )
    const tenant = newTenant()
    const count = async (...keys: string[]) => {
      const counting = await counter.count(
        tenant,
        keys.map(key => ({ key, rule: RULE })),
        NOW,
      )
      return counting.state === 'counted' ? counting.counts : []
    }
    const isThere = async (key: string) => (await client.exists(`latchkey:{${tenant}}:${key}`)) === 1

    const late = await count('a', 'b')
    assert.equal(late.length, 2)
    for (let waited = 0; (await isThere('a')) || (await isThere('b')); waited += 5) {
      assert.ok(waited < 10_000, 'it stays counted in both places')
      await pause(5)
    }
    isLate = false
    assert.deepEqual(
      (await count('a')).map(({ tries }) => tries),
      [1],
      'a try that counts in Redis is the first there',
    )
    assert.deepEqual(
      [...(await counter.waits(tenant, ['a', 'b', 'e'], NOW))].sort(),
      [
        ['a', NOW + 2 * MINUTE],
        ['b', NOW + 2 * MINUTE],
      ],
      'whoever has to wait in either place waits',
    )
    await counter.giveBack(tenant, late, NOW)
    assert.deepEqual(asked.splice(0), ['giveBack a,b'])
    assert.ok(await isThere('a'), 'and what was counted there since stays')
    await counter.forget(tenant, ['a', 'c'])
    assert.ok(!(await isThere('a')))
    await counter.forget(tenant, ['a'])
    assert.deepEqual(asked.splice(0), ['forget a'], 'once')

    const there = await count('d')
    isLate = true
    await counter.giveBack(tenant, there, NOW)
    assert.deepEqual([asked, await isThere('d')], [[], false])
  })

  test('is left alone once the bus is closed', async () => {
    const node = await open()
    await node.bus.close()
    node.bus.publish(message('after the end'))
    assert.deepEqual([node.heard, logged], [[], []])
  })
})
