import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import { createMemoryBus } from '../bus/memory.ts'
import { HOUR } from '../kernel/seconds.ts'
import { createTestSealer, newTenant, revocationOf } from '../store/conformance/stage.ts'
import { openSqlite } from '../store/sqlite.ts'
import type { Store } from '../store/store.ts'
import { createRevocationFeed, type Follower, type Reading, type RevocationFeed } from './feed.ts'

const folder = mkdtempSync(join(tmpdir(), 'latchkey-feed-'))
/** Long enough that no reading comes by itself, and short enough that one does. */
const [NEVER, SOON] = [HOUR, 5]

interface Following extends Follower {
  readonly heard: [string, number | null][]
  readonly readings: Reading[]
  times: number
}

describe('the feed of revocations', () => {
  let store: Store
  /** As another node's store would be: tells nobody here what it commits. Neither's messages come to `bus`. */
  let elsewhere: Store
  let bus = createMemoryBus()
  let tenant = ''
  let lines: string[] = []
  let asked: string[] = []
  let head: (() => Promise<number>) | undefined
  let left: (() => void)[] = []

  before(async () => {
    const file = join(folder, 'test.db')
    const options = { sealer: createTestSealer(), synchronous: 'normal' } as const
    store = await openSqlite(file, { ...options, bus: createMemoryBus() })
    elsewhere = await openSqlite(file, { ...options, bus: createMemoryBus() })
  })
  after(async () => {
    await elsewhere.close()
    await store.close()
    rmSync(folder, { recursive: true })
  })
  beforeEach(() => {
    bus = createMemoryBus()
    tenant = newTenant()
    lines = []
    asked = []
    head = undefined
    left = []
  })
  afterEach(async () => {
    for (const leave of left) leave()
    await nextTurn()
  })

  const watched = (): Store => ({
    ...store,
    revocations: {
      ...store.revocations,
      head: () => {
        asked.push('head')
        return (head ?? store.revocations.head)()
      },
      after: (number, limit) => {
        asked.push('after')
        return store.revocations.after(number, limit)
      },
    },
  })
  const say = (_fields: object, message: string) => void lines.push(message)
  const open = (readEvery = NEVER): RevocationFeed =>
    createRevocationFeed({
      store: watched(),
      bus,
      readEvery,
      log: { debug: say, info: say, warn: say, error: say },
    })
  const follow = async (feed: RevocationFeed, of = tenant): Promise<Following & { first: Reading }> => {
    const heard: [string, number | null][] = []
    const readings: Reading[] = []
    const follower: Following = {
      tenant: of,
      heard,
      readings,
      times: 0,
      revoked: (entries, upTo) => heard.push(...entries.map(({ id }): [string, number | null] => [id, upTo])),
      read: reading => readings.push(reading),
      replaced: () => {
        follower.times++
      },
    }
    left.push(() => feed.leave(follower))
    return Object.assign(follower, { first: await feed.join(follower) })
  }
  const revoke = async (on: Store, ...ids: readonly string[]): Promise<number> => {
    await on.transaction(async transaction => {
      for (const id of ids)
        transaction.revocations.append(revocationOf(tenant, { kind: 'session', id, expiresAt: Date.now() + HOUR }))
    })
    // One process has two stores here: the other's writer would wait for this one's, which ends when the loop turns.
    await nextTurn()
    return store.revocations.head()
  }
  const until = async (isTrue: () => boolean) => {
    for (let tries = 0; !isTrue(); tries++) {
      assert.ok(tries < 2000, isTrue.toString())
      await pause(2)
    }
  }

  test('tells what is revoked here before the one who revoked is answered, and what was told before to nobody', async () => {
    await revoke(store, 'before')
    const one = await follow(open())
    assert.equal(one.first.number, await store.revocations.head())
    let heardBefore: unknown
    await store
      .transaction(async transaction => {
        transaction.revocations.append(revocationOf(tenant, { id: 'a' }))
        transaction.revocations.append(revocationOf(tenant, { id: 'b' }))
      })
      .then(() => {
        heardBefore = [...one.heard]
      })
    assert.deepEqual(heardBefore, [
      ['a', one.first.number + 2],
      ['b', one.first.number + 2],
    ])
  })

  test('tells what another node revoked when the bus wakes it, and without any word within a reading', async () => {
    const woken = await follow(open())
    const number = await revoke(elsewhere, 'a')
    await nextTurn()
    assert.deepEqual(woken.heard, [])
    bus.publish({ topic: 'revocation', tenant, id: 'a' })
    await until(() => woken.heard.length > 0)
    assert.deepEqual(woken.heard, [['a', number]])

    const alone = await follow(open(SOON))
    const next = await revoke(elsewhere, 'b')
    await until(() => alone.heard.length > 0)
    assert.deepEqual(alone.heard, [['b', next]])
  })

  test('leaves no gap where another node’s entry was not read yet: what comes before its turn is told again', async () => {
    const one = await follow(open())
    const first = await revoke(elsewhere, 'theirs')
    await revoke(store, 'ours')
    assert.deepEqual(one.heard, [['ours', null]])
    bus.publish({ topic: 'revocation', tenant, id: 'ours' })
    await until(() => one.heard.length > 1)
    assert.deepEqual(one.heard.slice(1), [
      ['theirs', first + 1],
      ['ours', first + 1],
    ])
    await revoke(store, 'next')
    assert.deepEqual(one.heard.at(-1), ['next', first + 2])
  })

  test('tells each tenant of its own, and everybody how far the log was read', async () => {
    const feed = open(SOON)
    const [one, other] = [await follow(feed), await follow(feed, newTenant())]
    const number = await revoke(store, 'a')
    await until(() => [one, other].every(({ readings }) => readings.at(-1)?.number === number))
    assert.deepEqual([one.heard.length, other.heard.length], [1, 0])
  })

  test('reads once for all who follow, and not at all once nobody does', async () => {
    const feed = open(SOON)
    const all = [await follow(feed), await follow(feed), await follow(feed, newTenant())]
    asked = []
    const before = all.map(({ readings }) => readings.length)
    await until(() => all.every(({ readings }, index) => readings.length >= (before[index] ?? 0) + 4))
    assert.ok(asked.length <= 8, `${asked.length}`)
    assert.ok(asked.every(one => one === 'head'))
    for (const one of all) feed.leave(one)
    await nextTurn()
    asked = []
    await revoke(store, 'a')
    bus.publish({ topic: 'revocation', tenant, id: 'a' })
    await pause(10 * SOON)
    assert.deepEqual(asked, [])
    const back = await follow(feed)
    assert.equal(back.first.number, await store.revocations.head())
  })

  test('tells of no reading that was not made, and of the next one when the store answers again', async () => {
    const feed = open(SOON)
    const one = await follow(feed)
    await until(() => one.readings.length > 0)
    head = async () => {
      throw new Error('away')
    }
    await until(() => lines.length > 0)
    const number = one.readings.length
    await pause(10 * SOON)
    assert.equal(one.readings.length, number)
    await assert.rejects(follow(feed), /away/)
    head = undefined
    await until(() => one.readings.length > number)
    assert.deepEqual(lines, ['the log of revocations cannot be read', 'the log of revocations can be read again'])
  })

  test('says how old a reading is that was long on its way', async () => {
    const feed = open(SOON)
    const one = await follow(feed)
    const began = performance.now()
    head = async () => {
      await pause(60)
      return store.revocations.head()
    }
    const before = one.readings.length
    await until(() => one.readings.length > before + 1)
    const told = performance.now()
    const last = one.readings.at(-1) as Reading
    assert.ok(last.at >= began && told - last.at >= 55, `${told - last.at}`)
  })

  test('says that the log is another one when its numbers went back', async () => {
    const feed = open(SOON)
    await revoke(store, 'a', 'b')
    const one = await follow(feed)
    head = async () => 1
    await until(() => one.times > 0)
    await until(() => one.readings.at(-1)?.number === 1)
    assert.equal(one.times, 1)
  })
})
