import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createCache } from './cache.ts'

const never = (): Promise<never> => assert.fail('loaded although it was known')

describe('a cache', () => {
  test('loads a key once, also for those who ask while it is being loaded', async () => {
    const cache = createCache<number>(9)
    const { promise, resolve } = Promise.withResolvers<number>()
    const [one, other] = [cache.get('a', () => promise), cache.get('a', never)]
    resolve(1)
    assert.deepEqual(await Promise.all([one, other, cache.get('a', never)]), [1, 1, 1])
  })

  test('remembers that there is nothing', async () => {
    const cache = createCache<undefined>(9)
    await cache.get('a', async () => undefined)
    assert.equal(await cache.get('a', never), undefined)
  })

  test('does not remember a failure, which everybody who waited for it is told', async () => {
    const cache = createCache<number>(9)
    const fails = () => Promise.reject(new Error('away'))
    const waiting = [cache.get('a', fails), cache.get('a', never)]
    for (const one of waiting) await assert.rejects(one, /away/)
    assert.equal(await cache.get('a', async () => 2), 2)
  })

  test('loads again after a drop', async () => {
    const cache = createCache<number>(9)
    await cache.get('a', async () => 1)
    cache.drop('a')
    assert.equal(await cache.get('a', async () => 2), 2)
  })

  test('forgets a load that was under way at the drop: it may have read what was there before the change', async () => {
    const cache = createCache<number>(9)
    const old = Promise.withResolvers<number>()
    const waiting = cache.get('a', () => old.promise)
    cache.drop('a')
    assert.equal(await cache.get('a', async () => 2), 2)
    old.resolve(1)
    await waiting
    assert.equal(await cache.get('a', never), 2)
  })

  test('keeps the newer load when an older one, dropped meanwhile, fails late', async () => {
    const cache = createCache<number>(9)
    const old = Promise.withResolvers<number>()
    const waiting = cache.get('a', () => old.promise)
    cache.drop('a')
    await cache.get('a', async () => 2)
    old.reject(new Error('away'))
    await assert.rejects(waiting)
    assert.equal(await cache.get('a', never), 2)
  })

  test('holds no more than its limit, and lets go of what was not asked for longest', async () => {
    const cache = createCache<string>(2)
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
    const cache = createCache<string>(10)
    await cache.get('used', async () => 'kept')
    for (let key = 0; key < 1000; key++) {
      await cache.get(`stranger ${key}`, async () => '')
      assert.equal(await cache.get('used', never), 'kept')
    }
  })
})
