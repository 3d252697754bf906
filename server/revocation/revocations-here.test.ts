import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { createMemoryBus } from '../bus/memory.ts'
import { HOUR, MINUTE, SECOND } from '../kernel/seconds.ts'
import { createTestSealer, newTenant, revocationOf } from '../store/conformance/stage.ts'
import type { Revocation } from '../store/revocations.ts'
import { openSqlite } from '../store/sqlite.ts'
import type { Store } from '../store/store.ts'
import { createRevocationsHere, type RevocationsHere, type TokenFacts } from './revocations-here.ts'

const START = Date.UTC(2026, 0, 1)
const folder = mkdtempSync(join(tmpdir(), 'latchkey-revocations-'))

let bus = createMemoryBus()
let now = START
let store: Store
let tenant: string
/** Which way a token was judged: by asking the store, or by reading on. */
let asked: string[] = []
/** As another node's store would be: tells nobody here what it commits. Neither's messages come to `bus`. */
let elsewhere: Store

/** The store, with a note of what is asked of its log. */
const watched = (): Store => ({
  ...store,
  revocations: {
    ...store.revocations,
    after: (number, limit) => {
      asked.push('after')
      return store.revocations.after(number, limit)
    },
    among: (of, names) => {
      asked.push('among')
      return store.revocations.among(of, names)
    },
  },
})

const here = (): RevocationsHere => createRevocationsHere({ store: watched(), bus, clock: () => now })

/** Past the first question, which is answered by the store while the log is read. */
async function loaded(): Promise<RevocationsHere> {
  const revocations = here()
  await revocations.isRevoked(tokenOf())
  while (!(await isInMemory(revocations))) await nextTurn()
  asked = []
  return revocations
}

async function isInMemory(revocations: RevocationsHere): Promise<boolean> {
  asked = []
  await revocations.isRevoked(tokenOf())
  return !asked.includes('among')
}

const tokenOf = (more: Partial<TokenFacts> = {}): TokenFacts => ({
  tenant,
  jti: 'aut_1.random',
  authorization: 'aut_1',
  session: 'ses_1',
  subject: { id: 'auth0|ada', epoch: 2 },
  client: { id: 'app', epoch: 4 },
  organization: 'org_1',
  audiences: ['https://api.example', 'https://id.example/userinfo'],
  apiEpoch: 1,
  ...more,
})

const revoke = (on: Store, more: Partial<Revocation>): Promise<void> =>
  on.transaction(async transaction => {
    transaction.revocations.append(revocationOf(tenant, { at: now, expiresAt: now + HOUR, epoch: null, ...more }))
  })

const COVERING: readonly Partial<Revocation>[] = [
  { kind: 'token', id: 'aut_1.random' },
  { kind: 'authorization', id: 'aut_1' },
  { kind: 'session', id: 'ses_1' },
  { kind: 'subject', id: 'auth0|ada', epoch: 3 },
  { kind: 'subject', id: 'auth0|ada' },
  { kind: 'subject-client', id: 'auth0|ada app' },
  { kind: 'subject-organization', id: 'auth0|ada org_1' },
  { kind: 'organization', id: 'org_1' },
  { kind: 'client', id: 'app', epoch: 5 },
  { kind: 'client', id: 'app' },
  { kind: 'audience', id: 'https://api.example', epoch: 2 },
]
const NOT_COVERING: readonly Partial<Revocation>[] = [
  { kind: 'token', id: 'aut_1.other' },
  { kind: 'token', id: 'aut_1' },
  { kind: 'authorization', id: 'aut_2' },
  { kind: 'session', id: 'aut_1' },
  { kind: 'subject', id: 'auth0|ada', epoch: 2 },
  { kind: 'subject', id: 'app' },
  { kind: 'subject-client', id: 'auth0|ada other' },
  { kind: 'subject-organization', id: 'auth0|ada org_2' },
  { kind: 'organization', id: 'org_2' },
  { kind: 'client', id: 'app', epoch: 4 },
  { kind: 'key', id: 'aut_1' },
  { kind: 'audience', id: 'https://api.example', epoch: 1 },
  { kind: 'audience', id: 'https://other.example', epoch: 2 },
]
const named = ({ kind, id, epoch }: Partial<Revocation>) =>
  `${kind} ${id}${epoch === undefined ? '' : ` below ${epoch}`}`

describe('revocations here', () => {
  before(async () => {
    const file = join(folder, 'test.db')
    store = await openSqlite(file, { sealer: createTestSealer(), bus: createMemoryBus(), synchronous: 'normal' })
    elsewhere = await openSqlite(file, { sealer: createTestSealer(), bus: createMemoryBus(), synchronous: 'normal' })
  })
  after(async () => {
    await elsewhere.close()
    await store.close()
    rmSync(folder, { recursive: true })
  })
  beforeEach(async () => {
    // One process has two stores here: the other's writer would wait for this one's, which ends when the loop turns.
    await nextTurn()
    bus = createMemoryBus()
    now = START
    tenant = newTenant()
    asked = []
  })

  for (const entry of COVERING)
    test(`an entry for ${named(entry)} ends the token, by the store and in memory alike`, async () => {
      await revoke(store, entry)
      const revocations = here()
      assert.equal(await revocations.isRevoked(tokenOf()), true)
      assert.equal(asked.includes('among'), true)
      assert.equal(await (await loaded()).isRevoked(tokenOf()), true)
      assert.deepEqual(asked, [])
      assert.equal(await (await loaded()).isRevoked(tokenOf({ tenant: newTenant() })), false)
    })

  for (const entry of NOT_COVERING)
    test(`an entry for ${named(entry)} leaves the token alone, by the store and in memory alike`, async () => {
      await revoke(store, entry)
      assert.equal(await here().isRevoked(tokenOf()), false)
      assert.equal(await (await loaded()).isRevoked(tokenOf()), false)
    })

  test('of a machine only its client, its token and what it came of can be ended', async () => {
    const revocations = await loaded()
    const machine = tokenOf({ subject: null, session: null, organization: null })
    await revoke(store, { kind: 'subject', id: 'auth0|ada' })
    assert.equal(await revocations.isRevoked(machine), false)
    await revoke(store, { kind: 'client', id: 'app', epoch: 5 })
    assert.equal(await revocations.isRevoked(machine), true)
  })

  test('what this node revokes counts from the commit on, without asking anybody', async () => {
    const revocations = await loaded()
    await store.transaction(async transaction => {
      transaction.revocations.append(revocationOf(tenant, { kind: 'session', id: 'ses_1', expiresAt: now + HOUR }))
    })
    assert.equal(await revocations.isRevoked(tokenOf()), true)
    assert.ok(!asked.includes('among'))
  })

  test('what a rolled back transaction would have revoked does not count', async () => {
    const revocations = await loaded()
    await assert.rejects(
      store.transaction(async transaction => {
        transaction.revocations.append(revocationOf(tenant, { kind: 'session', id: 'ses_1', expiresAt: now + HOUR }))
        throw new Error('no')
      }),
    )
    assert.equal(await revocations.isRevoked(tokenOf()), false)
  })

  test('what another node revokes counts when word of it comes', async () => {
    const revocations = await loaded()
    await revoke(elsewhere, { kind: 'session', id: 'ses_1' })
    assert.equal(await revocations.isRevoked(tokenOf()), false)
    bus.publish({ topic: 'revocation', tenant, id: 'ses_1' })
    assert.deepEqual(asked, ['after'])
    while (!(await revocations.isRevoked(tokenOf()))) await nextTurn()
    assert.ok(!asked.includes('among'))
  })

  test('and when no word comes, after a second at the latest', async () => {
    const revocations = await loaded()
    await revoke(elsewhere, { kind: 'session', id: 'ses_1' })
    now += SECOND - 1
    assert.equal(await revocations.isRevoked(tokenOf()), false)
    now += 1
    assert.equal(await revocations.isRevoked(tokenOf()), true)
    assert.deepEqual(asked, ['after'])
  })

  test('a clock that was set back does not make a reading last', async () => {
    const revocations = await loaded()
    await revoke(elsewhere, { kind: 'session', id: 'ses_1' })
    now -= HOUR
    assert.equal(await revocations.isRevoked(tokenOf()), true)
  })

  test('nobody is answered from an old reading while the store is away, and all goes on when it is back', async () => {
    let isAway = false
    const watchedStore = watched()
    const revocations = createRevocationsHere({
      store: {
        ...watchedStore,
        revocations: {
          ...watchedStore.revocations,
          after: (...range) => {
            if (isAway) throw new Error('away')
            return store.revocations.after(...range)
          },
        },
      },
      bus,
      clock: () => now,
    })
    await revocations.isRevoked(tokenOf())
    while (!(await isInMemory(revocations))) await nextTurn()
    isAway = true
    now += 2 * SECOND
    await assert.rejects(revocations.isRevoked(tokenOf()), /away/)
    bus.publish({ topic: 'revocation', tenant, id: 'x' })
    await assert.rejects(revocations.isRevoked(tokenOf()), /away/)
    isAway = false
    assert.equal(await revocations.isRevoked(tokenOf()), false)
  })

  test('an entry is forgotten when nothing it covers can be valid', async () => {
    const revocations = await loaded()
    await revoke(store, { kind: 'session', id: 'ses_1', expiresAt: now + MINUTE })
    assert.equal(await revocations.isRevoked(tokenOf()), true)
    now += HOUR
    await revocations.isRevoked(tokenOf())
    assert.equal(await revocations.isRevoked(tokenOf()), false)
  })

  test('a log that does not fit is asked about each token, and its memory let go of', async () => {
    for (let id = 0; id < 20; id++) await revoke(store, { kind: 'session', id: `ses_${id}` })
    const revocations = createRevocationsHere({ store: watched(), bus, clock: () => now }, 16)
    await revocations.isRevoked(tokenOf())
    for (let turn = 0; turn < 10; turn++) await nextTurn()
    asked = []
    assert.equal(await revocations.isRevoked(tokenOf()), true)
    assert.equal(await revocations.isRevoked(tokenOf({ session: 'ses_19' })), true)
    assert.equal(await revocations.isRevoked(tokenOf({ session: 'ses_20' })), false)
    assert.deepEqual(asked, ['among', 'among', 'among'])
  })

  test('a log of many batches is read whole', async () => {
    await store.transaction(async transaction => {
      for (let id = 0; id < 2500; id++)
        transaction.revocations.append(
          revocationOf(tenant, { kind: 'session', id: `ses_${id}`, expiresAt: now + HOUR }),
        )
    })
    const revocations = await loaded()
    for (const session of ['ses_0', 'ses_999', 'ses_1000', 'ses_2499'])
      assert.equal(await revocations.isRevoked(tokenOf({ session })), true)
    assert.equal(await revocations.isRevoked(tokenOf({ session: 'ses_2500' })), false)
    assert.deepEqual(asked, [])
  })
})
