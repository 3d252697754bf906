import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { anIncoming } from '../../tests/fixtures/records.ts'
import { createTestClock } from '../../tests/fixtures/test-clock.ts'
import { SECOND } from '../kernel/seconds.ts'
import { healthRoutes } from './health.ts'

function stage() {
  const clock = createTestClock()
  const lines: string[] = []
  const state = { asked: 0, isClosing: false, answer: (): Promise<void> => Promise.resolve() }
  const write = (fields: object, message: string) => void lines.push(`${message} ${JSON.stringify(fields)}`)
  const routes = healthRoutes({
    ping: () => {
      state.asked++
      return state.answer()
    },
    isClosing: () => state.isClosing,
    clock: clock.now,
    log: { debug: write, info: write, warn: write, error: write },
  })
  const ask = async (path: string) => {
    const answer = await routes.find(route => route.path === path)?.answer(anIncoming())
    return { status: answer?.status, body: JSON.parse(String(answer?.body)) }
  }
  const isReady = async () => (await ask('/readyz')).status === 200
  return { clock, lines, state, ask, isReady }
}

describe('/readyz', () => {
  test('asks the database once for all who ask within two seconds, whatever it answers', async () => {
    const { clock, state, isReady } = stage()
    for (const away of [false, true]) {
      state.asked = 0
      state.answer = () => (away ? Promise.reject(new Error('the disk is full')) : Promise.resolve())
      assert.deepEqual(await Promise.all([isReady(), isReady(), isReady()]), [!away, !away, !away])
      clock.advance(1.9 * SECOND)
      await isReady()
      assert.equal(state.asked, 1)
      clock.advance(SECOND)
    }
  })

  test('tells nobody the reason but the log, and that once for each change', async () => {
    const { clock, lines, state, ask, isReady } = stage()
    const secret = 'connect ECONNREFUSED 10.0.0.7:5432'
    state.answer = () => Promise.reject(new Error(secret))
    for (let time = 0; time < 3; time++) {
      const { status, body } = await ask('/readyz')
      assert.deepEqual([status, JSON.stringify(body).includes('10.0.0.7')], [503, false])
      clock.advance(3 * SECOND)
    }
    state.answer = () => Promise.resolve()
    assert.equal(await isReady(), true)
    assert.deepEqual(
      lines.map(line => line.split(' {')[0]),
      ['not ready: the database cannot be worked with', 'ready again'],
    )
    assert.ok(lines[0]?.includes(secret))
  })

  test('does not wait for a database that says nothing, nor ask it a second question meanwhile', async t => {
    const { clock, state, isReady } = stage()
    const { promise, resolve: answer } = Promise.withResolvers<void>()
    state.answer = () => promise
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const waiting = isReady()
    await Promise.resolve()
    t.mock.timers.tick(2 * SECOND)
    assert.equal(await waiting, false)
    clock.advance(3 * SECOND)
    const again = isReady()
    await Promise.resolve()
    t.mock.timers.tick(2 * SECOND)
    assert.equal(await again, false)
    assert.equal(state.asked, 1)
    answer()
    clock.advance(3 * SECOND)
    await Promise.resolve()
    state.answer = () => Promise.resolve()
    assert.equal(await isReady(), true)
  })

  test('says no from the moment the server begins to close, and /healthz goes on saying yes', async () => {
    const { state, ask, isReady } = stage()
    assert.equal(await isReady(), true)
    state.isClosing = true
    assert.equal((await ask('/readyz')).status, 503)
    assert.equal((await ask('/healthz')).status, 200)
  })
})
