/** What a removed client, API or role has yet to leave behind. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Store } from '../store.ts'
import { apiKeyOf, clientOf, grantOf, identityOf, NOW, newTenant, type Stage, userOf } from './stage.ts'

const API = 'https://api.example'

/** A client, an API and a role, with what hangs on them, a person's consents and permissions among it. */
async function furnished(store: Store) {
  const tenant = newTenant()
  const user = userOf(tenant)
  await store.users.create(user, identityOf(user))
  for (const id of ['app', 'other']) await store.clients.create(clientOf(tenant, { id }))
  const api = { tenant, id: 'api_1', identifier: API, settings: {}, createdAt: NOW, updatedAt: NOW }
  await store.resourceServers.create(api)
  await store.roles.create({ tenant, id: 'rol_1', name: 'Editor', description: '' })
  const permission = { audience: API, name: 'read' }
  await store.permissions.giveRole(tenant, 'rol_1', [permission])
  await store.permissions.giveUser(tenant, user.id, [permission])
  await store.roles.give(tenant, user.id, null, ['rol_1'])
  await store.roles.give(tenant, user.id, 'org_1', ['rol_1'])
  for (const client of ['app', 'other']) {
    await store.clients.putGrant(grantOf(tenant, { id: `cgr_${client}`, client, audience: API }))
    await store.apiKeys.create(apiKeyOf(tenant, { id: `lk_${client}`, client, audience: API }))
    const consent = { tenant, user: user.id, client, organization: null, givenAt: NOW }
    await store.consents.give({ ...consent, audience: API, scopes: ['read', 'write'] })
  }
  const consented = async (client: string) =>
    (await store.consents.of(tenant, user.id, client)).flatMap(({ scopes }) => scopes).length
  return { tenant, user, api, consented }
}

/** Until nothing is left of any removal, the other tests' included; in steps that are told. */
async function purged({ removals }: Store, limit: number): Promise<number> {
  for (let rounds = 0; rounds < 1000; rounds++) {
    const removed = await removals.purge(NOW, limit)
    assert.ok(removed <= limit)
    if (removed < limit) return rounds
  }
  return assert.fail('there is no end to it')
}

export function describeRemovals(stage: Stage): void {
  describe('what was removed', () => {
    test('leaves nothing of a client behind, a few rows at a time, and what is others’ stays', async () => {
      const { store } = stage
      await purged(store, 500)
      const { tenant, consented } = await furnished(store)
      await store.clients.remove(tenant, 'app', NOW)
      const standing = await store.apiKeys.standing(tenant, 'lk_app')
      assert.deepEqual([standing?.clientEpoch, standing?.granted], [undefined, undefined])
      assert.ok((await purged(store, 1)) > 2)
      assert.equal(await consented('app'), 0)
      assert.equal(await store.apiKeys.standing(tenant, 'lk_app'), undefined)
      assert.equal(await consented('other'), 2)
      assert.ok(await store.apiKeys.standing(tenant, 'lk_other'))
      assert.deepEqual(await store.clients.list(tenant, { limit: 10 }), [await store.clients.find(tenant, 'other')])
    })

    test('is an API whose identifier another has once nothing is left that could be taken for the other’s', async () => {
      const { store } = stage
      const { tenant, user, api, consented } = await furnished(store)
      assert.equal(await store.resourceServers.remove(tenant, 'api_1', NOW), 1)
      assert.equal(await store.resourceServers.remove(tenant, 'api_1', NOW), 'gone')
      assert.equal(await store.resourceServers.find(tenant, 'api_1'), undefined)
      assert.equal(await store.resourceServers.findByIdentifier(tenant, API), undefined)
      assert.deepEqual(await store.resourceServers.list(tenant), [])
      assert.equal(await store.resourceServers.change(tenant, 'api_1', {}, NOW), 'gone')
      assert.deepEqual(await store.clients.grantsOf(tenant, 'other'), [])
      const again = { ...api, id: 'api_2', settings: { name: 'Another' } }
      assert.equal(await store.resourceServers.create(again), 'leaving')
      await store.removals.finishApi(tenant, API, 1)
      assert.equal(await store.resourceServers.create(again), 'created')
      assert.equal(await store.resourceServers.create({ ...again, id: 'api_3' }), 'taken')
      const expected = { ...again, epoch: 1 }
      assert.deepEqual(await store.resourceServers.findByIdentifier(tenant, API), expected)
      assert.deepEqual(await store.resourceServers.find(tenant, 'api_2'), expected)
      assert.deepEqual(await store.resourceServers.among(tenant, [API, 'https://x.example']), [expected])
      assert.deepEqual(await store.resourceServers.list(tenant, { offset: 0, limit: 1 }), [expected])
      assert.equal(await store.resourceServers.count(tenant), 1)

      assert.equal(await consented('app'), 0)
      assert.equal(await store.apiKeys.standing(tenant, 'lk_app'), undefined)
      assert.deepEqual(await store.permissions.held(tenant, user.id, null, API), [])
      assert.equal(await store.resourceServers.remove(tenant, 'api_2', NOW), 2)
    })

    test('is a role with all that it gave', async () => {
      const { store } = stage
      const { tenant, user } = await furnished(store)
      await store.roles.remove(tenant, 'rol_1', NOW)
      await purged(store, 2)
      assert.equal(await store.permissions.countOfRole(tenant, 'rol_1'), 0)
      assert.equal(await store.roles.countOf(tenant, user.id, 'org_1'), 0)
      assert.deepEqual(await store.permissions.held(tenant, user.id, null, API), ['read'])
      // Nothing of it is left, so its id could even be given again.
      assert.equal(await store.roles.create({ tenant, id: 'rol_1', name: 'Other', description: '' }), 'created')
    })
  })
}
