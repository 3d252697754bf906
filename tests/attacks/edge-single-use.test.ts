/**
 * A token that may be used once, used by many at once, in one gateway and in several, and again after one of them began
 * anew. A request that is refused spends nothing; while nobody can tell whether it was spent, nothing passes.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { MINUTE } from '../../server/kernel/seconds.ts'
import { type Page, send } from '../fixtures/edge-browser.ts'
import { type EdgeStage, setEdgeStage } from '../fixtures/edge-stage.ts'
import { startRedis, type TestRedis } from '../fixtures/redis.ts'
import { createTestClock, type TestClock } from '../fixtures/test-clock.ts'

const AT_ONCE = 64

const use = (url: string, token: string, path = '/once/x'): Promise<Page> =>
  send(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } })
const outcomes = (pages: readonly Page[]) => pages.map(page => (page.status === 200 ? 'passed' : page.json()['reason']))

function passedOnce(pages: readonly Page[]): void {
  const all = outcomes(pages)
  assert.equal(all.filter(outcome => outcome === 'passed').length, 1)
  assert.equal(all.filter(outcome => outcome === 'token_spent').length, all.length - 1, all.join())
}

describe('A token that may be used once', () => {
  let stage: EdgeStage
  let clock: TestClock
  before(async () => {
    clock = createTestClock()
    stage = await setEdgeStage({ clock: clock.now })
    clock.advance(MINUTE)
  })
  after(() => stage?.close())

  test('passes once, however many come with it at once', async () => {
    const token = await stage.machineToken()
    passedOnce(await Promise.all(Array.from({ length: AT_ONCE }, () => use(stage.url, token))))
    assert.deepEqual(outcomes([await use(stage.url, token)]), ['token_spent'])
  })

  test('is not spent by a request that is refused for something else', async () => {
    const token = await stage.machineToken()
    assert.equal((await use(stage.url, token, '/once/a%2fb')).status, 400)
    assert.equal((await use(stage.url, token, '/narrow/x')).status, 403)
    assert.deepEqual(outcomes([await use(stage.url, token)]), ['passed'])
  })

  test('is spent whatever spelling it comes in', async () => {
    const token = await stage.machineToken()
    assert.deepEqual(outcomes([await use(stage.url, token)]), ['passed'])
    for (const authorization of [`bearer ${token}`, `BEARER  ${token}`, `Bearer ${token} `]) {
      const page = await send(`${stage.url}/once/x`, { headers: { authorization } })
      assert.deepEqual(outcomes([page]), ['token_spent'], authorization.slice(0, 8))
    }
  })

  test('stays spent under another route file', async () => {
    const token = await stage.machineToken()
    await use(stage.url, token)
    await stage.reload()
    assert.deepEqual(outcomes([await use(stage.url, token)]), ['token_spent'])
  })

  test('from before a gateway began is not taken by it', async () => {
    const token = await stage.machineToken()
    const anew = await stage.another()
    assert.deepEqual(outcomes([await use(anew.url, token)]), ['token_spent'])
    clock.advance(MINUTE)
    assert.deepEqual(outcomes([await use(anew.url, await stage.machineToken())]), ['passed'])
  })
})

describe('A token that may be used once, at several gateways with a Redis', () => {
  let redis: TestRedis
  let stage: EdgeStage
  before(async () => {
    redis = await startRedis()
    stage = await setEdgeStage({ redis: redis.url })
  })
  after(async () => {
    await stage?.close()
    await redis?.stop()
  })

  test('passes once in all of them', async () => {
    const urls = [stage.url, (await stage.another()).url]
    const token = await stage.machineToken()
    passedOnce(await Promise.all(Array.from({ length: AT_ONCE }, (_, index) => use(urls[index % 2] as string, token))))
    const anew = await stage.another()
    assert.deepEqual(outcomes([await use(anew.url, token)]), ['token_spent'], 'a gateway that began later knows it too')
  })

  test('does not pass while Redis is away', async () => {
    const token = await stage.machineToken()
    await redis.stop()
    const page = await use(stage.url, token)
    assert.equal(page.status, 503)
    assert.deepEqual(outcomes([page]), ['shared_state_unavailable'])
    assert.equal((await use(stage.url, token, '/tokens/x')).status, 200, 'what shares nothing goes on')
    await redis.start()
  })

  test('does not pass again where a route file names another place to remember it', async () => {
    const token = await stage.machineToken()
    let first = await use(stage.url, token)
    while (first.status === 503) first = await use(stage.url, token)
    assert.deepEqual(outcomes([first]), ['passed'])
    await stage.reload({ redis: `${redis.url}/7` })
    assert.deepEqual(outcomes([await use(stage.url, token)]), ['token_spent'])
    await stage.reload()
    assert.deepEqual(outcomes([await use(stage.url, token)]), ['token_spent'])
  })
})
