import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { createMemoryBus } from '../bus/memory.ts'
import { type Log, silentLog } from '../kernel/log.ts'
import { DAY, HOUR, MINUTE } from '../kernel/seconds.ts'
import { randomKey } from '../kernel/secrets.ts'
import type { KeyRecord } from '../store/keys.ts'
import { openSqlite } from '../store/sqlite.ts'
import type { Store } from '../store/store.ts'
import type { PairAlgorithmName } from './algorithms.ts'
import { createKeyring, type Keyring } from './keyring.ts'
import { createSchedule } from './schedule.ts'
import { createSealer } from './sealer.ts'
import { masterKeys } from './wrapping/master-keys.ts'

const START = Date.UTC(2026, 0, 1)
const sealer = createSealer(masterKeys([{ id: 'm1', bytes: randomKey() }]))

let now = START
/** What a client or an API asks for, of every tenant alike. */
let asked: readonly PairAlgorithmName[]
const wanted = async () => asked
const clock = () => now
let folder: string
let store: Store
let keyring: Keyring

const scheduleOf = (over: Partial<Store['keys']> = {}, log: Log = silentLog) =>
  createSchedule({ store: { ...store, keys: { ...store.keys, ...over } }, sealer, clock, log, wanted })

const statesOf = async (tenant: string) => (await store.keys.list(tenant)).map(({ state }) => state)

describe('the schedule', () => {
  beforeEach(async () => {
    now = START
    asked = ['ES256']
    folder = mkdtempSync(join(tmpdir(), 'latchkey-schedule-'))
    const bus = createMemoryBus()
    store = await openSqlite(join(folder, 'test.db'), { sealer, bus, synchronous: 'normal' })
    keyring = createKeyring({ store, sealer, clock, bus, wanted })
  })
  afterEach(async () => {
    await store.close()
    rmSync(folder, { recursive: true })
  })

  test('says when it is wanted next, and that it never is without keys', async () => {
    const schedule = scheduleOf()
    assert.equal(await schedule.run(), undefined)
    await keyring.signer('t', 'ES256')
    assert.equal(await schedule.run(), START + 89 * DAY)
    assert.deepEqual(await statesOf('t'), ['signing'])

    now = START + 89 * DAY
    assert.equal(await schedule.run(), START + 90 * DAY)
    assert.deepEqual((await statesOf('t')).sort(), ['announced', 'signing'])

    now = START + 90 * DAY
    assert.equal(await schedule.run(), now + HOUR)
    assert.deepEqual((await statesOf('t')).sort(), ['signing', 'verifying'])
  })

  test('in two years a verifier whose copy of the key set is a day old never meets a stranger', async () => {
    asked = []
    const schedule = scheduleOf()
    const hours = [0, 7, 19]
    const keySets: unknown[][] = []
    const signers = new Set<string>()
    for (let day = 0; day < 730; day++) {
      for (const hour of hours) {
        now = START + day * DAY + hour * HOUR
        await schedule.run()
        keySets.push((await keyring.jwks('t')).keys.map(({ kid }) => kid))
        const aDayOld = keySets.at(-1 - hours.length) ?? keySets[0]
        const { kid } = await keyring.signer('t', 'RS256')
        assert.ok(aDayOld?.includes(kid), `day ${day}: ${kid} was not published a day before it signed`)
        signers.add(kid)
      }
      assert.equal((await statesOf('t')).filter(state => state === 'signing').length, 1)
    }
    assert.equal(signers.size, 9)
  })

  test('several nodes at once announce one successor, and hand over once', async () => {
    for (const tenant of ['a', 'b', 'c']) await keyring.signer(tenant, 'ES256')
    for (const [days, states] of [
      [89, ['announced', 'signing']],
      [90, ['signing', 'verifying']],
    ] as const) {
      now = START + days * DAY
      await Promise.all(Array.from({ length: 6 }, () => scheduleOf().run()))
      for (const tenant of ['a', 'b', 'c']) assert.deepEqual((await statesOf(tenant)).sort(), states)
    }
  })

  test('gives no successor to a key that nobody asks for any more, and retires it when its tokens are over', async () => {
    const schedule = scheduleOf()
    const { kid } = await keyring.signer('t', 'ES256')
    await keyring.noteUse('t', kid, START + 90 * DAY)
    asked = []
    now = START + 89 * DAY
    await schedule.run()
    assert.deepEqual(await statesOf('t'), ['verifying'])
    now = START + 91 * DAY
    await schedule.run()
    assert.deepEqual(await statesOf('t'), ['retired'])
    assert.notEqual((await keyring.signer('t', 'ES256')).kid, kid)
  })

  test('goes on with RS256 whether or not anybody asks for it', async () => {
    asked = []
    await keyring.signer('t', 'RS256')
    now = START + 89 * DAY
    await scheduleOf().run()
    assert.deepEqual((await statesOf('t')).sort(), ['announced', 'signing'])
  })

  test('asks for what is due by index, however many tenants there are', async () => {
    const record = (tenant: string): KeyRecord => ({
      tenant,
      id: 'key',
      purpose: 'token-signing',
      owner: '',
      algorithm: 'ES256',
      state: 'signing',
      publicKey: {},
      sealedPrivate: 'x',
      createdAt: START,
      stateSince: START,
      dueAt: START + 80 * DAY,
      latestExpiry: 0,
      certificate: null,
    })
    for (let tenant = 0; tenant < 200; tenant++)
      await store.keys.apply(`t${tenant}`, { add: [record(`t${tenant}`)], moves: [] }, now)
    let reads = 0
    const schedule = scheduleOf({
      list: tenant => {
        reads++
        return store.keys.list(tenant)
      },
    })
    await schedule.run()
    assert.equal(reads, 0)
    now = START + 80 * DAY
    await schedule.run()
    assert.equal(reads, 200)
  })

  test('keys that cannot be moved on are logged, tried again in a minute, and hold nobody up', async () => {
    await keyring.signer('well', 'ES256')
    const strange: KeyRecord = {
      tenant: 'strange',
      id: '',
      purpose: 'of-a-later-release',
      owner: '',
      algorithm: 'ES256',
      state: 'verifying',
      publicKey: null,
      sealedPrivate: null,
      createdAt: START,
      stateSince: START,
      dueAt: START,
      latestExpiry: 0,
      certificate: null,
    }
    const add = Array.from({ length: 120 }, (_, index) => ({ ...strange, id: `key_${index}`, owner: `${index}` }))
    await store.keys.apply('strange', { add, moves: [] }, now)

    const complaints: object[] = []
    const log: Log = { ...silentLog, error: fields => void complaints.push(fields) }
    now = START + 89 * DAY
    assert.equal(await scheduleOf({}, log).run(), now + MINUTE)
    assert.deepEqual((await statesOf('well')).sort(), ['announced', 'signing'])
    assert.equal(complaints.length, 120)
  })
})
