import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { createEventReader } from '../../sdk/event-stream.ts'
import { HOUR } from '../kernel/seconds.ts'
import { createTurns } from '../kernel/turns.ts'
import type { NumberedRevocation } from '../store/revocations.ts'
import type { Store } from '../store/store.ts'
import { createRevocationStream, type RevocationStream, type StreamEnd } from './revocation-stream.ts'

const NOW = 1_800_000_000_000

const entry = (number: number, id = `ses_${number}`): NumberedRevocation => ({
  number,
  tenant: 'main',
  kind: 'session',
  id,
  epoch: null,
  at: NOW,
  expiresAt: NOW + HOUR,
})

describe('a stream of revocations', () => {
  /** The log of the tenant, and how often a part of it was asked for. */
  let log: NumberedRevocation[]
  let asked: number[]
  let gate: Promise<void>
  let now: number
  let why: StreamEnd | undefined
  let sent: number
  let stream: RevocationStream

  beforeEach(() => {
    log = []
    asked = []
    gate = Promise.resolve()
    now = NOW
    why = undefined
    sent = 0
  })
  afterEach(() => void stream.body.destroy())

  const open = (from = 0): RevocationStream => {
    const revocations = {
      async ofTenant(_tenant: string, number: number, limit: number) {
        asked.push(number)
        await gate
        return log.filter(one => one.number > number).slice(0, limit)
      },
    } as unknown as Store['revocations']
    stream = createRevocationStream({
      store: { revocations } as unknown as Store,
      clock: () => now,
      tenant: 'main',
      from,
      openedAt: 1000,
      expiresAt: NOW + HOUR,
      isEndedBy: ({ id }) => id === 'own',
      turn: createTurns(1),
      onEnd: reason => {
        why ??= reason
      },
      onSent: entries => {
        sent += entries
      },
    })
    return stream
  }
  /** What went out so far, each event by its name, its number and what it tells. */
  const read = (): [string, string | undefined, unknown][] => {
    const reader = createEventReader()
    const pieces: Buffer[] = []
    for (let piece = stream.body.read(); piece !== null; piece = stream.body.read()) pieces.push(piece)
    return [...reader.read(Buffer.concat(pieces))].map(({ name, id, data }) => {
      const told: unknown = JSON.parse(data)
      return [name, id, Array.isArray(told) ? told.map(([, one]) => one) : told]
    })
  }
  const settle = async () => {
    for (let turn = 0; turn < 5; turn++) await nextTurn()
  }

  test('tells of no reading before the log was told, and of how long ago one was by the time of its own', async () => {
    log = [entry(3), entry(5)]
    let isRead = () => {}
    gate = new Promise(resolve => {
      isRead = resolve
    })
    open().begin({ number: 5, at: 400 }, true)
    stream.read({ number: 7, at: 1500.7 })
    stream.revoked([entry(8)], 8)
    assert.deepEqual(read(), [['entries', undefined, ['ses_8']]])
    isRead()
    await settle()
    assert.deepEqual(read(), [
      ['entries', '5', ['ses_3', 'ses_5']],
      ['reading', '7', { at: 500 }],
    ])
    stream.revoked([entry(9)], 9)
    stream.revoked([entry(11)], null)
    stream.read({ number: 11, at: 2500 })
    assert.deepEqual(read(), [
      ['entries', '9', ['ses_9']],
      ['entries', undefined, ['ses_11']],
      ['reading', '11', { at: 1500 }],
    ])
    assert.equal(sent, 5)
  })

  test('goes through a long log in parts, and no faster than it is read', async () => {
    log = Array.from({ length: 5000 }, (_, index) => entry(index + 1, `ses_${'x'.repeat(80)}${index + 1}`))
    open(500).begin({ number: 5000, at: 1000 }, true)
    await settle()
    const before = asked.length
    assert.ok(before < 4, `${before} parts wait for nobody`)
    assert.ok(stream.body.readableLength < 200 * 1024)
    const events: ReturnType<typeof read> = []
    for (let rounds = 0; rounds < 200 && events.at(-1)?.[0] !== 'reading'; rounds++) {
      events.push(...read())
      await settle()
    }
    const told = events.flatMap(([name, , ids]) => (name === 'entries' ? (ids as string[]) : []))
    assert.equal(told.length, 4500)
    assert.equal(new Set(told).size, 4500)
    assert.deepEqual(
      events.filter(([name]) => name === 'entries').map(([, id]) => Number(id)),
      Array.from({ length: 9 }, (_, index) => 1000 + index * 500),
    )
  })

  test('is cut off from a reader behind whom too much waits', async () => {
    open().begin({ number: 0, at: 1000 }, true)
    await settle()
    for (let number = 1; number < 20 && !why; number++)
      stream.revoked(
        Array.from({ length: 500 }, (_, index) => entry(number * 500 + index)),
        number * 500 + 499,
      )
    assert.equal(why, 'slow')
    assert.equal(stream.body.destroyed, true)
    stream.read({ number: 1, at: 1000 })
  })

  test('starts over when the log is another one, and what was being read of the former is not told', async () => {
    log = [entry(1)]
    let isRead = () => {}
    gate = new Promise(resolve => {
      isRead = resolve
    })
    open().begin({ number: 1, at: 1000 }, true)
    await settle()
    log = [entry(1, 'another')]
    stream.replaced()
    isRead()
    await settle()
    stream.read({ number: 1, at: 2000 })
    assert.deepEqual(read(), [
      ['reset', undefined, {}],
      ['entries', '1', ['another']],
      ['reading', '1', { at: 1000 }],
    ])
  })

  test('says why it ends, tells the revocation that ends it before, and nothing after', async () => {
    open().begin({ number: 0, at: 1000 }, true)
    await settle()
    read()
    stream.revoked([entry(4, 'own'), entry(5)], 5)
    stream.revoked([entry(6)], 6)
    stream.end('closing')
    assert.deepEqual(read(), [
      ['entries', '5', ['own', 'ses_5']],
      ['end', undefined, { reason: 'revoked' }],
    ])
    assert.equal(why, 'revoked')
    open().begin({ number: 0, at: 1000 }, true)
    await settle()
    now = NOW + HOUR
    stream.read({ number: 0, at: 2000 })
    assert.deepEqual(read().at(-1), ['end', undefined, { reason: 'expired' }])
  })

  test('ends when the log cannot be read, and with whoever reads it', async () => {
    gate = Promise.reject(new Error('away'))
    gate.catch(() => {})
    open().begin({ number: 0, at: 1000 }, true)
    await settle()
    assert.equal(why, 'unavailable')
    why = undefined
    gate = Promise.resolve()
    open().begin({ number: 0, at: 1000 }, true)
    stream.body.destroy()
    await settle()
    assert.equal(why, 'left')
  })
})
