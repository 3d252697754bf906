/** What a removed person, client, API or role has yet to leave behind. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DAY } from '../../kernel/seconds.ts'
import { TRACES_STAY } from '../../policy/lifetimes.ts'
import type { Store } from '../store.ts'
import {
  apiKeyOf,
  authorizationOf,
  clientOf,
  eventOf,
  familyOf,
  grantOf,
  identityOf,
  invitationOf,
  NOW,
  newTenant,
  organizationOf,
  type Stage,
  sessionOf,
  userOf,
} from './stage.ts'

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
async function purged({ removals }: Store, limit: number, now = NOW): Promise<number> {
  for (let rounds = 0; rounds < 1000; rounds++) {
    const removed = await removals.purge(now, limit)
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
      await store.organizations.create(organizationOf(tenant))
      for (const client of ['app', 'other'])
        await store.invitations.create(invitationOf(tenant, { id: client, client, ticket: client }))
      await store.clients.remove(tenant, 'app', NOW)
      const page = { offset: 0, limit: 10 }
      const invited = (await store.invitations.list(tenant, 'org_1', NOW, page)).map(({ id }) => id)
      assert.deepEqual([invited, await store.invitations.count(tenant, 'org_1', NOW)], [['other'], 1])
      assert.equal(await store.invitations.find(tenant, 'org_1', 'app', NOW), undefined)
      assert.equal(await store.invitations.findByTicket(tenant, 'app', NOW), undefined)
      assert.equal(await store.invitations.take(tenant, 'app', NOW), 'gone')
      assert.deepEqual(await store.consents.page(tenant, { client: 'app' }, { skip: 0, limit: 10 }), [])
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

    /** Somebody who has one of everything, and of whom three events tell. */
    async function person(store: Store) {
      const { tenant, user } = await furnished(store)
      await store.organizations.create(organizationOf(tenant))
      await store.memberships.add({ tenant, organization: 'org_1', user: user.id, since: NOW })
      await store.pairwiseSubjects.note(tenant, 'pairwise', user.id)
      await store.devices.remember({ tenant, user: user.id, browserHash: 'browser' }, NOW, NOW + DAY, 10)
      await store.sessions.begin(sessionOf(tenant, { id: 'ses_1' }), { from: null, secretHash: 'one' })
      await store.authorizations.create(authorizationOf(tenant))
      await store.families.create(familyOf(tenant))
      const machine = { kind: 'client', id: 'svc', client: 'svc', onBehalfOf: null } as const
      const target = { kind: 'user', id: user.id }
      const personal = { address: '192.0.2.1', userAgent: 'Browser', email: 'ada@example.com' }
      await store.events.record([
        eventOf(tenant, { personal, user: null }),
        eventOf(tenant, { personal, user: null, actor: { ...machine, onBehalfOf: user.id }, target: null }),
        eventOf(tenant, { personal, user: null, actor: machine, target }),
        eventOf(tenant, { personal, user: null, actor: { ...machine, kind: 'anonymous', id: '' }, target }),
        eventOf(tenant, { personal, user: null, actor: { ...machine, kind: 'user', id: 'auth0|bob' }, target: null }),
      ])
      const told = async () => {
        const events = await store.events.list(tenant, { limit: 10 })
        return events
          .map(
            ({ actor, personal: kept }) =>
              [actor.onBehalfOf ?? `${actor.kind} ${actor.id}`, Object.keys(kept)] as const,
          )
          .sort(([one], [other]) => (one < other ? -1 : 1))
      }
      return { tenant, user, told }
    }

    test('is a person, of whom nothing is listed from then on, and whose address is free', async () => {
      const { store } = stage
      const { tenant, user } = await person(store)
      assert.equal(await store.users.remove(tenant, user.id, NOW), 'removed')
      const page = { offset: 0, limit: 10 }
      assert.deepEqual(await store.roles.usersOf(tenant, 'rol_1', page), [])
      assert.equal(await store.roles.countUsersOf(tenant, 'rol_1'), 0)
      assert.deepEqual(await store.memberships.members(tenant, 'org_1', page), [])
      assert.equal(await store.memberships.countMembers(tenant, 'org_1'), 0)
      assert.deepEqual(await store.memberships.among(tenant, 'org_1', [user.id]), [])
      for (const named of [{ user: user.id }, { client: 'app' }, { audience: API }, {}]) {
        assert.deepEqual(await store.consents.page(tenant, named, { skip: 0, limit: 10 }), [])
        assert.equal(await store.consents.count(tenant, named), 0)
      }
      const query = { kind: 'is', field: 'organization_id', value: 'org_1', place: 1 } as const
      for (const search of [
        { query, connection: null },
        { query: null, connection: null },
      ]) {
        assert.deepEqual(await store.people.after(tenant, search, null, 10), [])
        assert.equal(await store.people.count(tenant, search), 0)
      }
      assert.deepEqual(await store.apiKeys.list(tenant, { limit: 10 }), [])
      assert.equal((await store.apiKeys.standing(tenant, 'lk_app'))?.user, undefined)
      const again = userOf(tenant, { id: 'auth0|again' })
      assert.equal(await store.users.create(again, identityOf(again)), 'created')
      assert.equal(await store.users.create(user, identityOf(user)), 'taken')
    })

    test('is a person, whose rows go a few at a time, and what events say of them an hour later', async () => {
      const { store } = stage
      await purged(store, 500)
      const { tenant, user, told } = await person(store)
      await store.users.remove(tenant, user.id, NOW)
      const before = await told()
      // Whoever is killed in between has done whole steps, and the next goes on.
      assert.ok((await purged(store, 1)) > 8)
      assert.deepEqual(await store.consents.ofUser(tenant, user.id), [])
      assert.deepEqual(await store.pairwiseSubjects.ofUser(tenant, user.id), [])
      assert.equal(await store.apiKeys.standing(tenant, 'lk_app'), undefined)
      assert.equal(await store.memberships.hold(tenant, 'org_1', user.id), false)
      assert.deepEqual(await store.permissions.held(tenant, user.id, 'org_1', API), [])
      assert.ok(await store.authorizations.find(tenant, 'authorization'))
      assert.deepEqual(await told(), before)

      assert.ok((await purged(store, 2, NOW + TRACES_STAY)) > 2)
      for (const { purge } of [store.authorizations, store.sessions]) while ((await purge(NOW + TRACES_STAY, 500)) > 0);
      assert.equal(await store.authorizations.find(tenant, 'authorization'), undefined)
      assert.deepEqual(
        await told(),
        [
          ['anonymous ', []],
          [user.id, []],
          ['client svc', ['address', 'userAgent']],
          ['user auth0|ada', []],
          ['user auth0|bob', ['address', 'userAgent', 'email']],
        ].sort(),
      )
      assert.equal(await purged(store, 500, NOW + DAY), 0)
    })

    test('is a person with those who were linked to them', async () => {
      const { store } = stage
      const { tenant, user, told } = await person(store)
      const bob = userOf(tenant, { id: 'auth0|bob', email: 'bob@example.com' })
      await store.users.create(bob, identityOf(bob))
      assert.notEqual(await store.users.link(tenant, user.id, bob.id, NOW), 'gone')
      await purged(store, 500, NOW + TRACES_STAY)
      assert.ok((await told()).every(([, kept]) => kept.length === 3))
      await store.users.remove(tenant, user.id, NOW)
      await purged(store, 500, NOW + TRACES_STAY)
      assert.ok((await told()).every(([actor, kept]) => kept.length === (actor === 'client svc' ? 2 : 0)))
    })

    test('is not somebody who is a user of their own again, before it was purged', async () => {
      const { store } = stage
      await purged(store, 500)
      const { tenant, user } = await person(store)
      const bob = userOf(tenant, { id: 'auth0|bob', email: 'bob@example.com' })
      await store.users.create(bob, identityOf(bob))
      await store.users.link(tenant, bob.id, user.id, NOW)
      const identity = { connection: 'con_passwords', subject: 'ada' }
      assert.equal(await store.users.unlink(tenant, bob.id, identity, NOW), 'unlinked')
      assert.deepEqual(await store.roles.of(tenant, user.id, null), [])
      assert.deepEqual(await store.memberships.ofUser(tenant, user.id, { offset: 0, limit: 10 }), [])
      await store.roles.give(tenant, user.id, null, ['rol_1'])
      await purged(store, 500, NOW + DAY)
      assert.equal(await store.roles.countOf(tenant, user.id, null), 1)
      assert.ok(await store.authorizations.find(tenant, 'authorization'))
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
