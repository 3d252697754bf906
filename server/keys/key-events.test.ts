import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { createMemoryBus } from '../bus/memory.ts'
import { silentLog } from '../kernel/log.ts'
import { DAY, HOUR } from '../kernel/seconds.ts'
import { randomKey, randomSecret } from '../kernel/secrets.ts'
import type { EventRecord } from '../store/events.ts'
import { openSqlite } from '../store/sqlite.ts'
import type { Store } from '../store/store.ts'
import { createKeyring, type Keyring } from './keyring.ts'
import { createSchedule } from './schedule.ts'
import { createSealer } from './sealer.ts'
import { createTransitions } from './transitions.ts'
import { masterKeys } from './wrapping/master-keys.ts'

const START = Date.UTC(2026, 0, 1)
const ES256 = { purpose: 'token-signing', owner: '', algorithm: 'ES256' } as const

const folder = mkdtempSync(join(tmpdir(), 'latchkey-key-events-'))
const sealer = createSealer(masterKeys([{ id: 'm1', bytes: randomKey() }]))
const bus = createMemoryBus()
const wanted = async () => ['ES256'] as const

let now = START
const clock = () => now
let store: Store
let keyring: Keyring
let tenant: string
let tenants = 0

const tick = () => createSchedule({ store, sealer, clock, log: silentLog, wanted }).run()

/** In the order of time; those of one instant, which have no order, by name. */
const events = async (): Promise<EventRecord[]> =>
  (await store.events.list(tenant, { limit: 100 })).sort(
    (one, other) => one.at - other.at || (one.type < other.type ? -1 : 1),
  )

/** What happened to which key, by whom. */
const told = async () => (await events()).map(({ type, actor, target }) => [type, target?.id, actor.kind, actor.id])

describe('the audit log of a key', () => {
  before(async () => {
    store = await openSqlite(join(folder, 'test.db'), { sealer, bus, synchronous: 'normal' })
  })
  after(async () => {
    await store.close()
    rmSync(folder, { recursive: true })
  })
  beforeEach(() => {
    now = START
    tenant = `t${tenants++}`
    keyring = createKeyring({ store, sealer, clock, bus, wanted })
  })

  test('tells its whole life by schedule', async () => {
    const { kid } = await keyring.signer(tenant, 'ES256')
    for (const days of [89, 90, 91, 1000]) {
      now = START + days * DAY
      await tick()
    }
    const successor = (await events())[1]?.target?.id
    assert.deepEqual((await told()).slice(0, 5), [
      ['key.made', kid, 'system', 'keyring'],
      ['key.announced', successor, 'system', 'keyring'],
      ['key.signing', successor, 'system', 'keyring'],
      ['key.stood-down', kid, 'system', 'keyring'],
      ['key.retired', kid, 'system', 'keyring'],
    ])
    const [made, announced, , stoodDown] = await events()
    assert.deepEqual(made?.details, { purpose: 'token-signing', algorithm: 'ES256' })
    assert.equal(announced?.details['signsAt'], START + 90 * DAY)
    assert.equal(stoodDown?.details['takenUntil'], START + 90 * DAY + HOUR)
  })

  test('names the operator who rotated or revoked it, and what that led to', async () => {
    const { kid } = await keyring.signer(tenant, 'ES256')
    now += HOUR
    await keyring.rotate(tenant, ES256)
    const successor = (await events())[1]?.target?.id
    now += HOUR
    await keyring.revoke(tenant, kid)
    assert.deepEqual((await told()).slice(1), [
      ['key.announced', successor, 'operator', 'command'],
      ['key.rotated', kid, 'operator', 'command'],
      ['key.revoked', kid, 'operator', 'command'],
      ['key.signing', successor, 'operator', 'command'],
    ])
    assert.equal((await events())[2]?.details['takesOver'], START + HOUR + DAY)
    const requests = (await events()).map(({ requestId }) => requestId)
    assert.equal(new Set(requests).size, 3, 'what one change led to can be told to belong together')
  })

  test('tells whose secret an API’s is, and whether a file or a command changed it', async () => {
    await keyring.putApiSecret(tenant, 'api', randomSecret(), 'tenant-file')
    now += 1
    await keyring.putApiSecret(tenant, 'api', randomSecret())
    assert.deepEqual(
      (await told()).map(([type, , kind, id]) => [type, kind, id]),
      [
        ['key.made', 'operator', 'tenant-file'],
        ['key.rotated', 'operator', 'tenant-file'],
        ['key.made', 'operator', 'command'],
        ['key.rotated', 'operator', 'command'],
        ['key.stood-down', 'operator', 'command'],
      ],
    )
    for (const { details } of await events()) assert.equal(details['owner'], 'api')
  })

  test('says nothing of what a key is made of', async () => {
    const secret = 'the secret that the API and we share'
    await keyring.putApiSecret(tenant, 'api', secret)
    await keyring.signer(tenant, 'ES256')
    const text = JSON.stringify(await events())
    for (const key of await store.keys.list(tenant)) {
      assert.ok(key.sealedPrivate && !text.includes(key.sealedPrivate))
      if (key.publicKey) assert.ok(!text.includes(String(key.publicKey['x'])))
    }
    assert.ok(!text.includes(secret) && !text.includes(Buffer.from(secret).toString('base64url')))
  })

  test('tells a change once, however many nodes made it at the same time', async () => {
    await keyring.signer(tenant, 'ES256')
    now = START + 89 * DAY
    await Promise.all(Array.from({ length: 6 }, tick))
    await Promise.all(Array.from({ length: 6 }, tick))
    assert.deepEqual(
      (await told()).map(([type]) => type),
      ['key.made', 'key.announced'],
    )
  })

  test('tells nothing of a change that was not made', async () => {
    const failing: Store = {
      ...store,
      transaction: work =>
        store.transaction(async transaction => {
          await work(transaction)
          throw new Error('the commit failed')
        }),
    }
    const transitions = createTransitions({ store: failing, sealer, clock })
    await assert.rejects(transitions.carryOut({ ...ES256, tenant }, { want: 'ensure' }), /the commit failed/)
    assert.deepEqual([await events(), await store.keys.list(tenant)], [[], []])
  })
})
