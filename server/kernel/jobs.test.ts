import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, mock, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { Instant } from './clock.ts'
import { startJobs } from './jobs.ts'
import { silentLog } from './log.ts'
import { HOUR, MINUTE, SECOND } from './seconds.ts'

const FIRST = 5 * SECOND

describe('jobs', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout', 'Date'] }))
  afterEach(() => mock.timers.reset())

  const clock = () => Date.now()
  /** Time goes by, and what it woke has its turn. */
  const pass = async (milliseconds: number) => {
    mock.timers.tick(milliseconds)
    await turn()
  }
  const counting = (next: () => Promise<Instant | undefined> | Instant | undefined) => {
    const job = {
      name: 'counting',
      rounds: 0,
      run: async () => {
        job.rounds++
        return next()
      },
    }
    return job
  }

  test('let requests come first', async () => {
    const job = counting(() => undefined)
    startJobs([job], clock, silentLog)
    await pass(FIRST - 1)
    assert.equal(job.rounds, 0)
    await pass(1)
    assert.equal(job.rounds, 1)
  })

  test('begin one after the other, and stay apart when they come back', async () => {
    const jobs = [0, 1, 2].map(() => counting(() => clock() + 10 * MINUTE))
    const rounds = () => jobs.map(job => job.rounds)
    startJobs(jobs, clock, silentLog)
    const seen: (readonly number[])[] = []
    for (const pause of [FIRST, SECOND - 1, 1, SECOND, 10 * MINUTE - 2 * SECOND, SECOND - 1, 1]) {
      await pass(pause)
      seen.push(rounds())
    }
    assert.deepEqual(seen, [
      [1, 0, 0],
      [1, 0, 0],
      [1, 1, 0],
      [1, 1, 1],
      [2, 1, 1],
      [2, 1, 1],
      [2, 2, 1],
    ])
  })

  test('come back when they said, and in an hour when they did not', async () => {
    const soon = counting(() => clock() + 3 * MINUTE)
    const whenever = counting(() => undefined)
    for (const job of [soon, whenever]) startJobs([job], clock, silentLog)
    await pass(FIRST)
    await pass(3 * MINUTE - 1)
    assert.deepEqual([soon.rounds, whenever.rounds], [1, 1])
    await pass(1)
    assert.deepEqual([soon.rounds, whenever.rounds], [2, 1])
    await pass(HOUR - 3 * MINUTE)
    assert.equal(whenever.rounds, 2)
  })

  test('that are due at once let requests in between two rounds', async () => {
    const job = counting(() => clock() - 1000)
    startJobs([job], clock, silentLog)
    await pass(FIRST)
    await pass(19)
    assert.equal(job.rounds, 1)
    await pass(1)
    assert.equal(job.rounds, 2)
  })

  test('never wait longer than an hour, whatever they said', async () => {
    const job = counting(() => Number.MAX_SAFE_INTEGER)
    startJobs([job], clock, silentLog)
    await pass(FIRST)
    await pass(HOUR)
    assert.equal(job.rounds, 2)
  })

  test('never run twice at once, however long a round takes', async () => {
    const round = Promise.withResolvers<undefined>()
    const job = counting(() => round.promise)
    startJobs([job], clock, silentLog)
    await pass(FIRST)
    await pass(10 * HOUR)
    assert.equal(job.rounds, 1)
    round.resolve(undefined)
    await turn()
    await pass(HOUR)
    assert.equal(job.rounds, 2)
  })

  test('that fail are logged with their cause and tried again in a minute, and hold up no other', async () => {
    const logged: object[] = []
    const cause = new Error('the database is away')
    const failing = counting(() => Promise.reject(cause))
    const other = counting(() => undefined)
    startJobs([failing, other], clock, { ...silentLog, error: fields => void logged.push(fields) })
    await pass(FIRST)
    assert.deepEqual(logged, [{ job: 'counting', error: cause }])
    await pass(SECOND)
    assert.equal(other.rounds, 1)
    await pass(MINUTE - SECOND)
    assert.equal(failing.rounds, 2)
  })

  test('that are woken run at once, and not a second time when they would have', async () => {
    const job = counting(() => undefined)
    const jobs = startJobs([job], clock, silentLog)
    jobs.wake(job)
    jobs.wake(job)
    await pass(1)
    assert.equal(job.rounds, 1)
    await pass(FIRST)
    assert.equal(job.rounds, 1)
    await pass(HOUR)
    assert.equal(job.rounds, 2)
  })

  test('that are woken while they run do so once more: the round may have looked before there was anything', async () => {
    const round = Promise.withResolvers<undefined>()
    const job = counting(() => round.promise)
    const jobs = startJobs([job], clock, silentLog)
    await pass(FIRST)
    jobs.wake(job)
    jobs.wake(job)
    await pass(MINUTE)
    assert.equal(job.rounds, 1)
    round.resolve(undefined)
    await turn()
    await pass(20)
    assert.equal(job.rounds, 2)
    await turn()
    await pass(HOUR - 1)
    assert.equal(job.rounds, 2)
  })

  test('that are woken after they were stopped stay asleep', async () => {
    const job = counting(() => undefined)
    const jobs = startJobs([job], clock, silentLog)
    await jobs.stop()
    jobs.wake(job)
    await pass(HOUR)
    assert.equal(job.rounds, 0)
  })

  test('that are stopped finish what is under way and begin nothing more', async () => {
    const round = Promise.withResolvers<Instant>()
    const slow = counting(() => round.promise)
    const jobs = startJobs([slow], clock, silentLog)
    await pass(FIRST)
    let stopped = false
    const stopping = jobs.stop().then(() => {
      stopped = true
    })
    await turn()
    assert.equal(stopped, false)
    round.resolve(clock())
    await stopping
    await pass(2 * HOUR)
    assert.equal(slow.rounds, 1)
  })

  test('that are stopped before their first round never have one', async () => {
    const job = counting(() => undefined)
    await startJobs([job], clock, silentLog).stop()
    await pass(HOUR)
    assert.equal(job.rounds, 0)
  })
})
