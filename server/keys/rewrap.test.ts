import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { createMemoryBus } from '../bus/memory.ts'
import { type Log, silentLog } from '../kernel/log.ts'
import { MINUTE } from '../kernel/seconds.ts'
import { randomKey, randomSecret } from '../kernel/secrets.ts'
import { type ClientRecord, sealContextOfClientSecret } from '../store/clients.ts'
import { openSqlite } from '../store/sqlite.ts'
import type { Store } from '../store/store.ts'
import { createKeyring } from './keyring.ts'
import { type RewrapOptions, rewrap } from './rewrap.ts'
import { createSealer } from './sealer.ts'
import { type MasterKeys, masterKeys } from './wrapping/master-keys.ts'

const NOW = Date.UTC(2026, 0, 1)
const clock = () => NOW
const A = { id: 'a', bytes: randomKey() }
const B = { id: 'b', bytes: randomKey() }

let folder: string
let stores: Store[]

/** A process with this master key file; all of them over one database. */
async function open(...list: readonly { id: string; bytes: Uint8Array }[]): Promise<RewrapOptions> {
  const keys: MasterKeys = masterKeys(list)
  const sealer = createSealer(keys)
  const bus = createMemoryBus()
  const store = await openSqlite(join(folder, 'test.db'), { sealer, bus, synchronous: 'normal' })
  stores.push(store)
  return { store, sealer, masterKeys: keys, clock, log: silentLog }
}

const clientOf = (tenant: string, id: string, sealedSecret: string): ClientRecord => ({
  tenant,
  id,
  epoch: 0,
  metadata: {},
  sealedSecret,
  credentials: [],
  createdAt: NOW,
  updatedAt: NOW,
})

const secretOf = (tenant: string, id: string) => `the secret of ${id} of ${tenant}`

/** Client secrets and tickets of two tenants, sealed by whoever is asked. */
async function fill({ store, sealer }: RewrapOptions, count = 230): Promise<void> {
  for (const tenant of ['one', 'two'])
    for (let index = 0; index < count; index++) {
      const id = `client-${index}`
      const sealed = sealer.seal(sealContextOfClientSecret({ tenant, id }), secretOf(tenant, id))
      await store.clients.create(clientOf(tenant, id, sealed))
    }
  for (const kind of ['code', 'request'])
    await store.tickets.issue({
      tenant: 'one',
      kind,
      id: 'ticket',
      data: { kind },
      createdAt: NOW,
      expiresAt: NOW + MINUTE,
    })
  await store.tickets.consume('one', 'code', 'ticket', NOW)
}

async function assertOpens({ store, sealer }: RewrapOptions, count = 230): Promise<void> {
  for (const tenant of ['one', 'two'])
    for (let index = 0; index < count; index++) {
      const id = `client-${index}`
      const record = await store.clients.find(tenant, id)
      const opened = sealer.open(sealContextOfClientSecret({ tenant, id }), record?.sealedSecret ?? '')
      assert.equal(opened.toString(), secretOf(tenant, id))
    }
  for (const kind of ['code', 'request'])
    assert.deepEqual((await store.tickets.peek('one', kind, 'ticket', NOW))?.data, { kind })
}

describe('rewrap', () => {
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'latchkey-rewrap-'))
    stores = []
  })
  afterEach(async () => {
    for (const store of stores) await store.close()
    rmSync(folder, { recursive: true })
  })

  test('moves all there is, so that the former master key can go', async () => {
    await fill(await open(A))
    const done = await rewrap(await open(B, A))
    assert.deepEqual(done, { masterKey: 'b', moved: { clients: 460, tickets: 2 }, left: [], idle: ['a'] })
    await assertOpens(await open(B))
  })

  test('done again moves nothing, and still says which key seals nothing', async () => {
    await fill(await open(A), 3)
    const both = await open(B, A)
    await rewrap(both)
    assert.deepEqual(await rewrap(both), { masterKey: 'b', moved: {}, left: [], idle: ['a'] })
  })

  test('with one master key has nothing to do', async () => {
    const only = await open(A)
    await fill(only, 3)
    assert.deepEqual(await rewrap(only), { masterKey: 'a', moved: {}, left: [], idle: [] })
  })

  test('cut off half way has left everything open, and the next run does the rest', async () => {
    await fill(await open(A))
    const both = await open(B, A)
    let batches = 0
    const dying: Store = {
      ...both.store,
      transaction: work => {
        if (++batches > 2) throw new Error('killed')
        return both.store.transaction(work)
      },
    }
    await assert.rejects(rewrap({ ...both, store: dying }), /killed/)
    const half = await both.store.sealedValues.countByMasterKey()
    assert.deepEqual([half.get('a'), half.get('b')], [262, 200])
    await assertOpens(both)

    assert.deepEqual((await rewrap(both)).moved, { clients: 260, tickets: 2 })
    await assertOpens(await open(B))
  })

  test('twice at once moves each value once', async () => {
    await fill(await open(A))
    const both = await open(B, A)
    const done = await Promise.all([rewrap(both), rewrap(both)])
    assert.equal(
      done.reduce((sum, { moved }) => sum + (moved.clients ?? 0), 0),
      460,
    )
    for (const { left, idle } of done) assert.deepEqual([left, idle], [[], ['a']])
    await assertOpens(await open(B))
  })

  test('leaves what somebody writes meanwhile as they wrote it, and counts it under the key it has', async () => {
    const former = await open(A)
    await fill(former, 3)
    const both = await open(B, A)
    const context = sealContextOfClientSecret({ tenant: 'one', id: 'client-1' })
    let isOver = false
    // Between the reading and the replacement, on a server that has not been given the new file yet.
    const raced: Store = {
      ...both.store,
      async transaction(work) {
        if (isOver) return both.store.transaction(work)
        isOver = true
        const sealedSecret = former.sealer.seal(context, 'changed meanwhile')
        await former.store.clients.change('one', 'client-1', { sealedSecret }, NOW)
        return both.store.transaction(work)
      },
    }
    const done = await rewrap({ ...both, store: raced })
    assert.deepEqual(done.left, [{ masterKey: 'a', values: 1, isListed: true }])
    assert.deepEqual(done.idle, [])
    const record = await both.store.clients.find('one', 'client-1')
    assert.equal(both.sealer.open(context, record?.sealedSecret ?? '').toString(), 'changed meanwhile')
    assert.deepEqual((await rewrap(both)).idle, ['a'])
  })

  test('names a master key whose line is missing, leaves its values alone and moves the others', async () => {
    await fill(await open(A), 3)
    const stranger = await open({ id: 'lost', bytes: randomKey() })
    const sealed = stranger.sealer.seal(sealContextOfClientSecret({ tenant: 'one', id: 'odd' }), 'odd')
    await stranger.store.clients.create(clientOf('one', 'odd', sealed))
    const complaints: object[] = []
    const log: Log = { ...silentLog, error: fields => void complaints.push(fields) }
    const done = await rewrap({ ...(await open(B, A)), log })
    assert.deepEqual(done.left, [{ masterKey: 'lost', values: 1, isListed: false }])
    assert.deepEqual([done.moved, done.idle], [{ clients: 6, tickets: 2 }, ['a']])
    assert.equal(complaints.length, 1)
    assert.equal((await stranger.store.clients.find('one', 'odd'))?.sealedSecret, sealed)
  })

  test('moves what is kept of a revoked secret of an API, which is refused after it as before', async () => {
    const secret = randomSecret()
    const keyringOf = ({ store, sealer }: RewrapOptions) =>
      createKeyring({ store, sealer, clock, bus: createMemoryBus(), wanted: async () => [] })
    const former = keyringOf(await open(A))
    await former.putApiSecret('one', 'api', secret)
    await former.revoke('one', (await former.apiSecrets('one', 'api'))[0]?.id ?? '')
    assert.deepEqual((await rewrap(await open(B, A))).moved, { keys: 1 })
    assert.equal(await keyringOf(await open(B)).isRevokedApiSecret('one', secret), true)
  })

  test('is told to each tenant with what was moved of its own, and no secret', async () => {
    await fill(await open(A), 3)
    const both = await open(B, A)
    await rewrap(both)
    for (const [tenant, moved] of [
      ['one', [{ clients: 3 }, { tickets: 2 }]],
      ['two', [{ clients: 3 }]],
    ] as const) {
      const events = (await both.store.events.list(tenant, { limit: 10 })).sort((one, other) =>
        JSON.stringify(one.details) < JSON.stringify(other.details) ? -1 : 1,
      )
      assert.deepEqual(
        events.map(({ type, target, details }) => [type, target?.id, details]),
        moved.map(those => ['master-key.rewrapped', 'b', { moved: those }]),
      )
      assert.ok(!JSON.stringify(events).includes('the secret of'))
    }
  })
})
