import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createMemoryBus } from '../bus/memory.ts'
import { createCache, LONGEST_AGE } from './cache.ts'

const options = { clock: () => 0, bus: createMemoryBus(), topic: 'thing', keyOf: ({ id }: { id: string }) => id }
const cacheOf = <T>(limit: number) => createCache<T>({ ...options, limit })
const never = (): Promise<never> => assert.fail('loaded although it was known')

describe('a cache', () => {
  test('loads a key once, also for those who ask while it is being loaded', async () => {
    const cache = cacheOf<number>(9)
    const { promise, resolve } = Promise.withResolvers<number>()
    const [one, other] = [cache.get('a', () => promise), cache.get('a', never)]
    resolve(1)
    assert.deepEqual(await Promise.all([one, other, cache.get('a', never)]), [1, 1, 1])
  })

  test('remembers that there is nothing', async () => {
    const cache = cacheOf<undefined>(9)
    await cache.get('a', async () => undefined)
    assert.equal(await cache.get('a', never), undefined)
  })

  test('does not remember a failure, which everybody who waited for it is told', async () => {
    const cache = cacheOf<number>(9)
    const fails = () => Promise.reject(new Error('away'))
    const waiting = [cache.get('a', fails), cache.get('a', never)]
    for (const one of waiting) await assert.rejects(one, /away/)
    assert.equal(await cache.get('a', async () => 2), 2)
  })

  test('loads again after a drop', async () => {
    const cache = cacheOf<number>(9)
    await cache.get('a', async () => 1)
    cache.drop('a')
    assert.equal(await cache.get('a', async () => 2), 2)
  })

  test('forgets a load that was under way at the drop: it may have read what was there before the change', async () => {
    const cache = cacheOf<number>(9)
    const old = Promise.withResolvers<number>()
    const waiting = cache.get('a', () => old.promise)
    cache.drop('a')
    assert.equal(await cache.get('a', async () => 2), 2)
    old.resolve(1)
    await waiting
    assert.equal(await cache.get('a', never), 2)
  })

  test('keeps the newer load when an older one, dropped meanwhile, fails late', async () => {
    const cache = cacheOf<number>(9)
    const old = Promise.withResolvers<number>()
    const waiting = cache.get('a', () => old.promise)
    cache.drop('a')
    await cache.get('a', async () => 2)
    old.reject(new Error('away'))
    await assert.rejects(waiting)
    assert.equal(await cache.get('a', never), 2)
  })

  test('holds no more than its limit, and lets go of what was not asked for longest', async () => {
    const cache = cacheOf<string>(2)
    const loads: string[] = []
    const get = (key: string) =>
      cache.get(key, async () => {
        loads.push(key)
        return key
      })
    await get('a')
    await get('b')
    await get('a')
    await get('c')
    assert.deepEqual(loads, ['a', 'b', 'c'])
    await get('a')
    assert.deepEqual(loads, ['a', 'b', 'c'])
    await get('b')
    assert.deepEqual(loads, ['a', 'b', 'c', 'b'])
  })

  test('is not emptied by a flood of other keys while one is in use', async () => {
    const cache = cacheOf<string>(10)
    await cache.get('used', async () => 'kept')
    for (let key = 0; key < 1000; key++) {
      await cache.get(`stranger ${key}`, async () => '')
      assert.equal(await cache.get('used', never), 'kept')
    }
  })

  test('forgets what the bus says has changed, and nothing else', async () => {
    const bus = createMemoryBus()
    const cache = createCache<number>({ ...options, bus, limit: 9 })
    for (const key of ['a', 'b']) await cache.get(key, async () => 1)
    bus.publish({ topic: 'thing', tenant: 't', id: 'a' })
    bus.publish({ topic: 'other', tenant: 't', id: 'b' })
    assert.equal(await cache.get('a', async () => 2), 2)
    assert.equal(await cache.get('b', never), 1)
  })

  test('forgets everything, and every load under way, when the bus may have missed a message', async () => {
    const bus = createMemoryBus()
    const cache = createCache<number>({ ...options, bus, limit: 9 })
    await cache.get('a', async () => 1)
    const old = Promise.withResolvers<number>()
    const waiting = cache.get('b', () => old.promise)
    bus.miss()
    for (const key of ['a', 'b']) assert.equal(await cache.get(key, async () => 2), 2)
    old.resolve(1)
    await waiting
    assert.equal(await cache.get('b', never), 2)
  })

  test('believes nothing for long, however often it is asked: a message may be lost without a trace', async () => {
    let now = 0
    const cache = createCache<number>({ ...options, clock: () => now, limit: 9 })
    await cache.get('a', async () => 1)
    for (; now < LONGEST_AGE; now += LONGEST_AGE / 10) assert.equal(await cache.get('a', never), 1)
    assert.equal(await cache.get('a', async () => 2), 2)
    now += LONGEST_AGE - 1
    assert.equal(await cache.get('a', never), 2)
  })

  test('counts the age from before the load, which may have read what was there when it began', async () => {
    let now = 0
    const cache = createCache<number>({ ...options, clock: () => now, limit: 9 })
    await cache.get('a', async () => {
      now = LONGEST_AGE
      return 1
    })
    assert.equal(await cache.get('a', async () => 2), 2)
  })

  test('is not made to last by a clock that is set back', async () => {
    let now = LONGEST_AGE
    const cache = createCache<number>({ ...options, clock: () => now, limit: 9 })
    await cache.get('a', async () => 1)
    now = 0
    assert.equal(await cache.get('a', async () => 2), 2)
  })
})
