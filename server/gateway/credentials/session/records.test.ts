import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { startRedis, type TestRedis } from '../../../../tests/fixtures/redis.ts'
import { silentLog } from '../../../kernel/log.ts'
import { HOUR, MINUTE } from '../../../kernel/seconds.ts'
import { Refused } from '../../exchange.ts'
import { createSharedRedis, type SharedRedis } from '../../shared-redis.ts'
import { LEASE_LIFE, type Lease, type SessionRecords, sessionsHere, sessionsInRedis } from './records.ts'

/** Short enough to wait for where a clock is Redis's own. */
const SHORT = 40

describe('where sessions are kept', () => {
  let server: TestRedis
  let redis: SharedRedis
  before(async () => {
    server = await startRedis()
    redis = createSharedRedis(server.url, silentLog)
  })
  after(async () => {
    redis.close()
    await server.stop()
  })

  const places: Readonly<Record<string, () => { records: SessionRecords; leaseIsOver(): Promise<void> }>> = {
    memory() {
      let now = 0
      const records = sessionsHere({ clock: () => now })
      return {
        records,
        async leaseIsOver() {
          now += LEASE_LIFE
        },
      }
    },
    redis: () => ({
      records: sessionsInRedis(redis, { leaseLife: SHORT }),
      leaseIsOver: () => pause(SHORT * 2),
    }),
  }

  for (const [place, open] of Object.entries(places))
    describe(place, () => {
      test('a session is found until it ends', async () => {
        const { records } = open()
        assert.equal(await records.find('a', HOUR), undefined)
        assert.equal(await records.begin('a', { sealed: 'sealed', subject: 'ann' }, HOUR), 'begun')
        assert.equal(await records.find('a', HOUR), 'sealed')
        await records.end('a')
        assert.equal(await records.find('a', HOUR), undefined)
        await records.end('a')
      })

      test('of many who want the lease of a session one has it, until it is given back or over', async () => {
        const { records, leaseIsOver } = open()
        await records.begin('b', { sealed: 'sealed', subject: 'ann' }, HOUR)
        const leases = await Promise.all(Array.from({ length: 16 }, () => records.lease('b')))
        const [held] = leases.filter(lease => lease !== undefined)
        assert.equal(leases.filter(lease => lease !== undefined).length, 1)
        await records.release(held as Lease)
        assert.ok(await records.lease('b'))
        assert.equal(await records.lease('b'), undefined)
        await leaseIsOver()
        assert.ok(await records.lease('b'))
      })

      test('another session is put in its place by the holder of its lease alone', async () => {
        const { records, leaseIsOver } = open()
        await records.begin('c', { sealed: 'first', subject: 'ann' }, HOUR)
        const late = (await records.lease('c')) as Lease
        await leaseIsOver()
        const held = (await records.lease('c')) as Lease
        assert.equal(await records.replace(late, 'late', HOUR), false)
        await records.release(late)
        assert.equal(await records.replace(held, 'second', HOUR), true)
        assert.equal(await records.find('c', HOUR), 'second')
      })

      test('a session that ended does not come back with what was fetched for it', async () => {
        const { records } = open()
        await records.begin('d', { sealed: 'first', subject: 'ann' }, HOUR)
        const held = (await records.lease('d')) as Lease
        await records.end('d')
        assert.equal(await records.replace(held, 'second', HOUR), false)
        assert.equal(await records.find('d', HOUR), undefined)
      })
    })

  test('a session that is not used is over, and one that is used is not', async () => {
    let now = 0
    const records = sessionsHere({ clock: () => now })
    await records.begin('a', { sealed: 'sealed', subject: 'ann' }, HOUR)
    now += HOUR - 1
    assert.equal(await records.find('a', HOUR), 'sealed')
    now += HOUR - 1
    assert.equal(await records.find('a', HOUR), 'sealed')
    now += HOUR
    assert.equal(await records.find('a', HOUR), undefined)
    const shared = sessionsInRedis(redis)
    await shared.begin('used', { sealed: 'sealed', subject: 'ann' }, HOUR)
    await redis.ask(client => client.pexpire('latchkey:edge:{used}:session', MINUTE))
    await shared.find('used', HOUR)
    assert.ok((await redis.ask(client => client.pttl('latchkey:edge:{used}:session'))) > MINUTE)
  })

  test('nobody is signed out for somebody else, and one person does not fill the memory', async () => {
    let now = 0
    const records = sessionsHere({ clock: () => now, most: 4, mostOfOne: 2 })
    for (const name of ['1', '2', '3']) await records.begin(name, { sealed: name, subject: 'eve' }, HOUR)
    assert.deepEqual(await Promise.all(['1', '2', '3'].map(name => records.find(name, HOUR))), [undefined, '2', '3'])
    await records.begin('a', { sealed: 'a', subject: 'ann' }, HOUR)
    await records.begin('b', { sealed: 'b', subject: 'ben' }, HOUR)
    assert.equal(await records.begin('c', { sealed: 'c', subject: 'cas' }, HOUR), 'full')
    assert.equal(await records.find('a', HOUR), 'a')
    // Her own makes room for her.
    assert.equal(await records.begin('4', { sealed: '4', subject: 'eve' }, HOUR), 'begun')
    now += HOUR
    assert.equal(
      await records.begin('c', { sealed: 'c', subject: 'cas' }, HOUR),
      'begun',
      'those that are over make room',
    )
  })

  test('that cannot be reached is said, and is no session that is over', async () => {
    const nowhere = createSharedRedis('redis://127.0.0.1:1', silentLog)
    const records = sessionsInRedis(nowhere)
    for (const ask of [
      records.find('a', HOUR),
      records.begin('a', { sealed: 's', subject: 'ann' }, HOUR),
      records.end('a'),
      records.lease('a'),
    ])
      await assert.rejects(
        ask,
        (error: unknown) => error instanceof Refused && error.refusal.code === 'shared_state_unavailable',
      )
    nowhere.close()
  })
})
