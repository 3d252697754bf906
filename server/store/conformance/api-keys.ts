/** API keys. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DAY, MINUTE } from '../../kernel/seconds.ts'
import type { Store } from '../store.ts'
import {
  apiKeyOf,
  clientOf,
  grantOf,
  identityOf,
  inParallel,
  NOW,
  newTenant,
  type Stage,
  tally,
  userOf,
} from './stage.ts'

/** A client with a grant, a person, and a key of each. */
async function keysIn(store: Store) {
  const tenant = newTenant()
  const user = userOf(tenant)
  await store.users.create(user, identityOf(user))
  await store.clients.create(clientOf(tenant))
  await store.clients.putGrant(grantOf(tenant, { scopes: ['read:videos'] }))
  const ofPerson = apiKeyOf(tenant)
  const ofMachine = apiKeyOf(tenant, { id: 'lk_2', person: null, expiresAt: NOW + DAY, keptUntil: NOW + 2 * DAY })
  for (const key of [ofPerson, ofMachine]) await store.apiKeys.create(key)
  return { tenant, user, ofPerson, ofMachine }
}

export function describeApiKeys(stage: Stage): void {
  describe('API keys', () => {
    test('a key comes back as it was given, with all that decides whether it counts', async () => {
      const { store } = stage
      const { tenant, user, ofPerson, ofMachine } = await keysIn(store)
      const now = { clientEpoch: 0, granted: { scopes: ['read:videos'], holdsAll: false } }
      assert.deepEqual(await store.apiKeys.standing(tenant, 'lk_1'), { key: ofPerson, user, ...now })
      assert.deepEqual(await store.apiKeys.standing(tenant, 'lk_2'), { key: ofMachine, user: undefined, ...now })
      assert.equal(await store.apiKeys.standing(tenant, 'lk_3'), undefined)
      assert.equal(await store.apiKeys.standing(newTenant(), 'lk_1'), undefined)
    })

    test('what was changed since it was given is seen with the key', async () => {
      const { store } = stage
      const { tenant } = await keysIn(store)
      await store.clients.raiseEpoch(tenant, 'app')
      await store.users.raiseEpoch(tenant, 'auth0|ada')
      await store.clients.putGrant(grantOf(tenant, { settings: { allow_all_scopes: true } }))
      const standing = await store.apiKeys.standing(tenant, 'lk_1')
      assert.deepEqual(
        [standing?.clientEpoch, standing?.user?.epoch, standing?.granted],
        [1, 1, { scopes: [], holdsAll: true }],
      )
      await store.apiKeys.create(apiKeyOf(tenant, { id: 'lk_elsewhere', audience: 'https://other.example' }))
      assert.equal((await store.apiKeys.standing(tenant, 'lk_elsewhere'))?.granted, undefined)
    })

    test('keys go with their person and with their client, and those of others stay', async () => {
      const { store } = stage
      const { tenant } = await keysIn(store)
      await store.apiKeys.create(apiKeyOf(tenant, { id: 'lk_other', client: 'other' }))
      const ids = async () => (await store.apiKeys.list(tenant, { limit: 10 })).map(({ key }) => key.id)
      await store.users.remove(tenant, 'auth0|ada', NOW)
      assert.deepEqual(await ids(), ['lk_2'])
      await store.apiKeys.create(apiKeyOf(tenant, { id: 'lk_of_client', client: 'other', person: null }))
      await store.clients.remove(tenant, 'app', NOW)
      while ((await store.removals.purge(NOW, 500)) === 500);
      assert.deepEqual(await ids(), ['lk_of_client'])
      assert.equal(await store.apiKeys.standing(tenant, 'lk_other'), undefined)
      const { clientEpoch } = (await store.apiKeys.standing(tenant, 'lk_of_client')) ?? assert.fail()
      assert.equal(clientEpoch, undefined, 'of a client that is not there')
    })

    test('are listed in order of id, a page at a time, of a client or a person alone when one is named', async () => {
      const { apiKeys } = stage.store
      const { tenant } = await keysIn(stage.store)
      await apiKeys.create(apiKeyOf(tenant, { id: 'lk_3', client: 'other' }))
      const ids = async (page: { client?: string; user?: string; after?: string; limit?: number }) =>
        (await apiKeys.list(tenant, { limit: 10, ...page })).map(({ key }) => key.id)
      assert.deepEqual(await ids({}), ['lk_1', 'lk_2', 'lk_3'])
      assert.deepEqual(await ids({ limit: 2 }), ['lk_1', 'lk_2'])
      assert.deepEqual(await ids({ after: 'lk_1' }), ['lk_2', 'lk_3'])
      assert.deepEqual(await ids({ client: 'app' }), ['lk_1', 'lk_2'])
      assert.deepEqual(await ids({ user: 'auth0|ada' }), ['lk_1', 'lk_3'])
      assert.deepEqual(await ids({ client: 'app', user: 'auth0|ada' }), ['lk_1'])
      assert.deepEqual(await apiKeys.list(newTenant(), { limit: 10 }), [])
    })

    test('of 64 revocations one is the one that did it', async () => {
      const { apiKeys } = stage.store
      const { tenant, ofPerson } = await keysIn(stage.store)
      const answers = await inParallel(64, () => apiKeys.revoke(tenant, 'lk_1', NOW + DAY))
      assert.deepEqual(tally(answers), { revoked: 1, already: 63 })
      assert.deepEqual((await apiKeys.standing(tenant, 'lk_1'))?.key, {
        ...ofPerson,
        state: 'revoked',
        keptUntil: NOW + DAY,
      })
      assert.equal(await apiKeys.revoke(tenant, 'lk_3', NOW), 'gone')
      assert.equal(await apiKeys.revoke(newTenant(), 'lk_2', NOW), 'gone')
      assert.equal((await apiKeys.standing(tenant, 'lk_2'))?.key.state, 'live')
    })

    test('all of a person with a client are revoked at once, and each is answered to one call', async () => {
      const { apiKeys } = stage.store
      const { tenant } = await keysIn(stage.store)
      await apiKeys.create(apiKeyOf(tenant, { id: 'lk_3' }))
      await apiKeys.create(apiKeyOf(tenant, { id: 'lk_4', client: 'other' }))
      await apiKeys.create(
        apiKeyOf(tenant, { id: 'lk_5', person: { id: 'auth0|bob', connection: 'con_passwords', epoch: 0 } }),
      )
      const answers = await inParallel(8, () => apiKeys.revokeOf(tenant, 'auth0|ada', 'app', NOW + DAY))
      assert.deepEqual(answers.flat().sort(), ['lk_1', 'lk_3'])
      const states = (await apiKeys.list(tenant, { limit: 10 })).map(({ key }) => key.state)
      assert.deepEqual(states, ['revoked', 'live', 'revoked', 'live', 'live'])
      assert.deepEqual(await apiKeys.revokeOf(newTenant(), 'auth0|bob', 'app', NOW), [])
    })

    test('a use is noted, and not again before its time', async () => {
      const { apiKeys } = stage.store
      const { tenant } = await keysIn(stage.store)
      const usedAt = async () => (await apiKeys.standing(tenant, 'lk_1'))?.key.usedAt
      for (const [after, noted] of [
        [0, 0],
        [MINUTE - 1, 0],
        [MINUTE, MINUTE],
      ] as const) {
        await apiKeys.use(tenant, 'lk_1', NOW + after, NOW + after - MINUTE)
        assert.equal(await usedAt(), NOW + noted)
      }
      await apiKeys.use(newTenant(), 'lk_1', NOW + DAY, NOW + DAY)
      assert.equal(await usedAt(), NOW + MINUTE)
      assert.equal((await apiKeys.standing(tenant, 'lk_2'))?.key.usedAt, null)
    })

    test('the purge takes at most what it may, and nothing that is still to be seen', async () => {
      const { apiKeys } = stage.store
      const tenant = newTenant()
      const over = NOW - 300 * DAY
      for (const id of ['lk_a', 'lk_b']) await apiKeys.create(apiKeyOf(tenant, { id, keptUntil: over }))
      await apiKeys.create(apiKeyOf(tenant, { id: 'lk_c', keptUntil: over + 1 }))
      await apiKeys.create(apiKeyOf(tenant, { id: 'lk_d' }))
      assert.equal(await apiKeys.purge(over - 1, 10), 0)
      assert.equal(await apiKeys.purge(over, 1), 1)
      assert.equal(await apiKeys.purge(over, 10), 1)
      const left = (await apiKeys.list(tenant, { limit: 10 })).map(({ key }) => key.id)
      assert.deepEqual(left, ['lk_c', 'lk_d'])
    })
  })
}
