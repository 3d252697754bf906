/** Jobs. Claims look across tenants, so each test has an era of its own in which nothing else is due. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { DAY, HOUR, MINUTE } from '../../kernel/seconds.ts'
import type { ClaimedJob, JobRecord, NewJob } from '../jobs.ts'
import { inParallel, newTenant, type Stage } from './stage.ts'

let era = 500_000_000_000
const newEra = (): number => {
  era += 10 * DAY
  return era
}

const jobAt = (tenant: string, createdAt: number, more: Partial<NewJob> = {}): NewJob => ({
  tenant,
  id: 'job_1',
  type: 'users_import',
  status: 'pending',
  connection: 'con_passwords',
  asked: { upsert: true },
  askedBy: { client: 'm2m' },
  size: 100,
  failure: null,
  createdAt,
  keptUntil: createdAt + DAY,
  ...more,
})

const NOTHING_DONE = { progress: {}, done: 0, inserted: 0, updated: 0, failed: 0, failure: null, endedAt: null }

export function describeJobs(stage: Stage): void {
  describe('jobs', () => {
    let tenant = ''
    let now = 0
    beforeEach(() => {
      tenant = newTenant()
      now = newEra()
    })
    afterEach(async () => {
      while ((await stage.store.jobs.purge(now + 9 * DAY, 500)) > 0);
    })

    const claim = async (at = now): Promise<ClaimedJob> => {
      const claimed = await stage.store.jobs.claim(at, at + MINUTE)
      assert.ok(claimed)
      return claimed
    }

    test('one comes back as it was asked for, to its tenant alone', async () => {
      const { jobs } = stage.store
      const job = jobAt(tenant, now)
      await jobs.create(job)
      const expected: JobRecord = { ...job, ...NOTHING_DONE, startedAt: null }
      assert.deepEqual(await jobs.find(tenant, job.id), expected)
      assert.equal(await jobs.find(newTenant(), job.id), undefined)
    })

    test('of 8 that claim at once each gets another, the longest due first, and nobody what is not due', async () => {
      const { jobs } = stage.store
      for (const number of [1, 2, 3, 4]) await jobs.create(jobAt(tenant, now + number, { id: `job_${number}` }))
      assert.equal(await jobs.nextDue(), now + 1)
      assert.equal(await jobs.claim(now, now + MINUTE), undefined)
      assert.equal((await claim(now + 2)).id, 'job_1')
      const claimed = await inParallel(8, () => jobs.claim(now + 10, now + MINUTE))
      assert.deepEqual(claimed.flatMap(job => job?.id ?? []).sort(), ['job_2', 'job_3', 'job_4'])
    })

    test('progress is written by whoever holds it, and by nobody whose lease ran out and was taken over', async () => {
      const { jobs } = stage.store
      await jobs.create(jobAt(tenant, now))
      const first = await claim()
      const progress = { progress: { at: 10 }, size: 100, done: 10, inserted: 3, updated: 2, failed: 1 }
      assert.equal(await jobs.advance(first, progress, now + MINUTE), true)
      const second = await claim(now + MINUTE)
      assert.deepEqual(second.progress, { at: 10 })
      assert.equal(second.startedAt, now)
      assert.equal(await jobs.advance(first, { ...progress, inserted: 99 }, now + HOUR), false)
      assert.equal(await jobs.release(first, now), false)
      const end = { status: 'completed', failure: null, keptUntil: now + DAY } as const
      assert.equal(await jobs.finish(first, end, now), false)
      assert.equal(await jobs.finish(second, end, now + 2), true)
      const { inserted, status, endedAt } = (await jobs.find(tenant, 'job_1')) ?? assert.fail()
      assert.deepEqual({ inserted, status, endedAt }, { inserted: 3, status: 'completed', endedAt: now + 2 })
      assert.equal(await jobs.claim(now + DAY, now + 2 * DAY), undefined)
    })

    test('of 8 that are asked for at once no more are begun than may be open, and others when one is over', async () => {
      const { jobs } = stage.store
      const open = (id: string, more: Partial<NewJob> = {}) => jobs.createWithin(3, jobAt(tenant, now, { id, ...more }))
      assert.equal(await open('job_sent', { status: 'receiving' }), 'created')
      const answers = await inParallel(8, index => open(`job_${index}`))
      assert.deepEqual(answers.filter(answer => answer === 'created').length, 2)
      assert.equal(await jobs.createWithin(1, jobAt(newTenant(), now, { keptUntil: now })), 'created')
      await jobs.remove(tenant, 'job_sent')
      assert.equal(await open('job_over', { status: 'completed' }), 'created')
      assert.deepEqual([await open('job_next'), await open('job_more')], ['created', 'full'])
    })

    test('a released one is due when it was said, and all that is worked on is when its process is known to be gone', async () => {
      const { jobs } = stage.store
      await jobs.create(jobAt(tenant, now))
      assert.equal(await jobs.release(await claim(), now + HOUR), true)
      assert.equal(await jobs.claim(now + MINUTE, now + HOUR), undefined)
      await claim(now + HOUR)
      await jobs.abandonAll(now + HOUR + 1)
      assert.equal((await claim(now + HOUR + 1)).attempts, 3)
    })

    test('one whose input is still sent is due once that is whole, and once only', async () => {
      const { jobs } = stage.store
      await jobs.create(jobAt(tenant, now, { status: 'receiving', size: 0 }))
      assert.equal(await jobs.claim(now + MINUTE, now + HOUR), undefined)
      const whole = {
        tenant,
        id: 'job_1',
        connection: 'con_other',
        asked: { upsert: false },
        size: 9,
        keptUntil: now + DAY,
      }
      assert.equal(await jobs.submit(whole, now + 5), true)
      assert.equal(await jobs.submit(whole, now + 6), false)
      const claimed = await claim(now + 5)
      assert.deepEqual([claimed.connection, claimed.asked, claimed.size], ['con_other', { upsert: false }, 9])
    })

    test('parts come back byte for byte, by the place they hold', async () => {
      const { jobs } = stage.store
      const bytes = Buffer.from([0, 255, 128, 10, 13, 0])
      await jobs.addPart(tenant, 'job_1', 0, bytes)
      await jobs.addPart(tenant, 'job_1', 6, Buffer.from('rest'))
      await jobs.addPart(newTenant(), 'job_1', 3, Buffer.from('another’s'))
      const hex = (part: Uint8Array | undefined) => part && Buffer.from(part).toString('hex')
      assert.equal(hex(await jobs.partAt(tenant, 'job_1', 0)), bytes.toString('hex'))
      assert.equal(hex(await jobs.partAt(tenant, 'job_1', 6)), Buffer.from('rest').toString('hex'))
      assert.equal(await jobs.partAt(tenant, 'job_1', 5), undefined)
      const from = async (offset: number, most: number) => hex(await jobs.bytesAt(tenant, 'job_1', offset, most))
      assert.equal(await from(0, 100), bytes.toString('hex'))
      assert.equal(await from(1, 3), 'ff800a')
      assert.equal(await from(7, 2), Buffer.from('es').toString('hex'))
      assert.deepEqual([await from(10, 5), await from(-1, 5)], ['', ''])
    })

    test('errors come back in their order, a page at a time', async () => {
      const { jobs } = stage.store
      await jobs.addErrors(tenant, 'job_1', [])
      await jobs.addErrors(
        tenant,
        'job_1',
        [7, 3].map(place => ({ place, error: { line: place } })),
      )
      await jobs.addErrors(tenant, 'job_1', [{ place: 5, error: { line: 5 } }])
      const places = async (after: number, limit: number) =>
        (await jobs.errorsOf(tenant, 'job_1', after, limit)).map(({ place }) => place)
      assert.deepEqual(await places(0, 10), [3, 5, 7])
      assert.deepEqual(await places(3, 1), [5])
      assert.deepEqual((await jobs.errorsOf(tenant, 'job_1', 5, 9))[0]?.error, { line: 7 })
      assert.deepEqual(await jobs.errorsOf(newTenant(), 'job_1', 0, 10), [])
    })

    test('the purge takes what is over with all that belongs to it, and leaves the rest', async () => {
      const { jobs } = stage.store
      await jobs.create(jobAt(tenant, now, { id: 'old', keptUntil: now + 10 }))
      await jobs.create(jobAt(tenant, now, { id: 'ended' }))
      await jobs.create(jobAt(tenant, now, { id: 'open' }))
      for (const id of ['old', 'ended', 'open', 'removed']) {
        for (let place = 0; place < 40; place++) await jobs.addPart(tenant, id, place, Buffer.from('x'))
        await jobs.addErrors(tenant, id, [{ place: 1, error: {} }])
      }
      await jobs.remove(tenant, 'removed')
      for (;;) {
        const claimed = await claim()
        const keptUntil = now + DAY
        if (claimed.id === 'ended') await jobs.finish(claimed, { status: 'failed', failure: 'x', keptUntil }, now)
        if (claimed.id === 'open') break
      }
      while ((await jobs.purge(now + 10, 500)) > 0);
      const left = async (id: string) => [
        (await jobs.find(tenant, id)) !== undefined,
        (await jobs.partAt(tenant, id, 39)) !== undefined,
        (await jobs.errorsOf(tenant, id, 0, 10)).length,
      ]
      assert.deepEqual(await left('old'), [false, false, 0])
      assert.deepEqual(await left('ended'), [true, false, 1])
      assert.deepEqual(await left('open'), [true, true, 1])
      assert.deepEqual(await left('removed'), [false, false, 0])
    })
  })
}
