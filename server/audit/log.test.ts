import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, mock, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { NOW, TENANT } from '../../tests/fixtures/records.ts'
import { silentLog } from '../kernel/log.ts'
import type { EventRecord, Events } from '../store/events.ts'
import { machineTokenIssued } from './events.ts'
import { createAuditBuffer } from './log.ts'

const OCCASION = { tenant: TENANT, at: NOW, requestId: 'request-1', address: '192.0.2.1', userAgent: 'curl' }
const anEvent = (client: string): EventRecord =>
  machineTokenIssued(OCCASION, client, 'https://api.example.com/', ['read'])

function stage() {
  const batches: string[][] = []
  const faults: Record<string, unknown>[] = []
  const state = { away: false }
  const events = {
    record: async (batch: readonly EventRecord[]) => {
      if (state.away) throw new Error('the database is away')
      batches.push(
        batch.map(({ actor, details }) => actor.id + (details['leftOut'] ? ` (${details['leftOut']} left out)` : '')),
      )
    },
  } as unknown as Events
  const buffer = createAuditBuffer(events, { ...silentLog, error: fields => void faults.push({ ...fields }) })
  return { buffer, batches, faults, state, written: () => batches.flat() }
}

describe('events that may follow', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }))
  afterEach(() => mock.timers.reset())
  const pass = async (milliseconds: number) => {
    mock.timers.tick(milliseconds)
    await turn()
  }

  test('follow within 50 ms, together', async () => {
    const { buffer, batches } = stage()
    for (const id of ['a', 'b', 'c']) buffer.add(anEvent(id))
    await pass(49)
    assert.deepEqual(batches, [])
    await pass(1)
    assert.deepEqual(batches, [['a', 'b', 'c']])
  })

  test('that a stranger can cause at will are one row in ten seconds, and the next tells how many were left out', async () => {
    const { buffer, written } = stage()
    const at = (instant: number) => ({ ...anEvent('a'), at: instant })
    for (let time = 0; time < 50; time++) buffer.addSparsely('a', at(NOW + time))
    buffer.addSparsely('b', anEvent('b'))
    buffer.addSparsely('a', at(NOW + 10_000))
    await pass(50)
    assert.deepEqual(written(), ['a', 'b', 'a (49 left out)'])
  })

  test('are written once, in their order, in batches that hold up nobody', async () => {
    const { buffer, batches, written } = stage()
    const ids = Array.from({ length: 1201 }, (_, place) => `${place}`)
    for (const id of ids) buffer.add(anEvent(id))
    await pass(50)
    await pass(50)
    assert.deepEqual(
      batches.map(batch => batch.length),
      [500, 500, 201],
    )
    assert.deepEqual(written(), ids)
  })

  test('wait while the database is away, said once, and are written within a second when it is back', async () => {
    const { buffer, faults, state, written } = stage()
    state.away = true
    buffer.add(anEvent('a'))
    await pass(50)
    buffer.add(anEvent('b'))
    for (let second = 0; second < 5; second++) await pass(1000)
    assert.equal(faults.length, 1)
    state.away = false
    await pass(1000)
    assert.deepEqual(written(), ['a', 'b'])

    state.away = true
    buffer.add(anEvent('c'))
    await pass(50)
    assert.equal(faults.length, 2, 'the next outage is told again')
  })

  test('are dropped beyond ten thousand, and it is said how many were', async () => {
    const { buffer, faults, state, written } = stage()
    state.away = true
    for (let place = 0; place < 10_003; place++) buffer.add(anEvent('a'))
    await pass(50)
    state.away = false
    await buffer.flush()
    assert.equal(written().length, 10_000)
    assert.deepEqual(faults.at(-1), { dropped: 3 })
  })

  test('are all written at the end, those that came while it wrote too', async () => {
    const { buffer, written } = stage()
    buffer.add(anEvent('a'))
    await pass(50)
    buffer.add(anEvent('b'))
    await buffer.flush()
    assert.deepEqual(written(), ['a', 'b'])
  })
})
