/** Authorizations and refresh families. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DAY, HOUR } from '../../kernel/seconds.ts'
import type { Store } from '../store.ts'
import {
  authorizationOf,
  clientOf,
  familyOf,
  identityOf,
  inParallel,
  NOW,
  newTenant,
  type Stage,
  sessionOf,
  tally,
  ticketOf,
  userOf,
} from './stage.ts'

/** A user, a client, a session, an authorization in it and its family. */
async function grantIn(store: Store) {
  const tenant = newTenant()
  const user = userOf(tenant)
  const session = sessionOf(tenant)
  await store.users.create(user, identityOf(user))
  await store.clients.create(clientOf(tenant))
  await store.sessions.begin(session, { from: null, secretHash: 'browser' })
  await store.authorizations.create(authorizationOf(tenant, { session: session.id }))
  await store.families.create(familyOf(tenant))
  const presented = {
    tenant,
    hash: 'family',
    client: 'app',
    generation: 1,
    now: NOW + 1,
    idleExpiresAt: NOW + 2 * HOUR,
    advance: true,
  }
  return { tenant, user: user.id, session: session.id, presented }
}

export function describeGrants(stage: Stage): void {
  describe('authorizations', () => {
    test('an authorization comes back as it was given, and its standing with everything it hangs on', async () => {
      const { store } = stage
      const { tenant, session } = await grantIn(store)
      const authorization = authorizationOf(tenant, { session })
      assert.deepEqual(await store.authorizations.find(tenant, 'authorization'), authorization)
      const found = await store.sessions.find(tenant, session)
      assert.ok(found)
      const { id, user, userEpoch, idleExpiresAt, expiresAt, endedAt } = found
      assert.deepEqual(await store.authorizations.standing(tenant, 'authorization'), {
        authorization,
        user: userOf(tenant),
        session: { id, user, userEpoch, idleExpiresAt, expiresAt, endedAt },
      })
      assert.equal(await store.authorizations.standing(newTenant(), 'authorization'), undefined)
    })

    test('who holds an authorization comes with it, and nobody when they were deleted', async () => {
      const { store } = stage
      const { tenant, user, session } = await grantIn(store)
      const authorization = authorizationOf(tenant, { session })
      const { holder } = store.authorizations
      assert.deepEqual(await holder(tenant, 'authorization'), { authorization, user: userOf(tenant) })
      assert.equal(await holder(newTenant(), 'authorization'), undefined)
      await store.users.remove(tenant, user, NOW)
      assert.deepEqual(await holder(tenant, 'authorization'), { authorization, user: undefined })
    })

    test('the standing names another session when asked, and none of what was deleted', async () => {
      const { store } = stage
      const { tenant, user, session } = await grantIn(store)
      await store.authorizations.create(authorizationOf(tenant, { id: 'offline', organization: 'org_1' }))
      const standing = await store.authorizations.standing(tenant, 'offline', session)
      assert.equal(standing?.session?.id, session)
      assert.equal(standing?.authorization.organization, 'org_1')
      assert.equal((await store.authorizations.standing(tenant, 'offline'))?.session, undefined)
      await store.users.remove(tenant, user, NOW)
      const after = await store.authorizations.standing(tenant, 'offline', 'unknown')
      assert.deepEqual([after?.user, after?.session], [undefined, undefined])
      assert.equal(after?.authorization.id, 'offline')
    })

    test('of 64 kills one is the one that did it', async () => {
      const { authorizations } = stage.store
      const tenant = newTenant()
      await authorizations.create(authorizationOf(tenant))
      const answers = await inParallel(64, () => authorizations.kill(tenant, 'authorization'))
      assert.deepEqual(tally(answers), { killed: 1, already: 63 })
      assert.equal((await authorizations.find(tenant, 'authorization'))?.state, 'killed')
      assert.equal(await authorizations.kill(tenant, 'unknown'), 'gone')
      assert.equal(await authorizations.kill(newTenant(), 'authorization'), 'gone')
    })

    test('all that a user gave a client is killed at once, and each is answered to one call', async () => {
      const { authorizations } = stage.store
      const tenant = newTenant()
      const mine = Array.from({ length: 20 }, (_, index) => authorizationOf(tenant, { id: `mine-${index}` }))
      const spared = [
        authorizationOf(tenant, { id: 'of-another-client', client: 'other' }),
        authorizationOf(tenant, { id: 'of-another-user', subject: 'auth0|bob' }),
      ]
      for (const one of [...mine, ...spared]) await authorizations.create(one)
      await authorizations.kill(tenant, 'mine-0')
      const answers = (await inParallel(8, () => authorizations.killOf(tenant, 'auth0|ada', 'app'))).flat()
      assert.deepEqual(
        answers.sort((one, other) => (one.id < other.id ? -1 : 1)),
        mine
          .slice(1)
          .map(({ id, expiresAt }) => ({ id, expiresAt }))
          .sort((one, other) => (one.id < other.id ? -1 : 1)),
      )
      for (const { id } of mine) assert.equal((await authorizations.find(tenant, id))?.state, 'killed')
      for (const { id } of spared) assert.equal((await authorizations.find(tenant, id))?.state, 'live')
      assert.deepEqual(await authorizations.killOf(newTenant(), 'auth0|bob', 'app'), [])
    })

    test('the end moves later and never earlier', async () => {
      const { authorizations } = stage.store
      const tenant = newTenant()
      await authorizations.create(authorizationOf(tenant))
      await authorizations.extend(tenant, 'authorization', NOW + 2 * DAY)
      await authorizations.extend(tenant, 'authorization', NOW + HOUR)
      assert.equal((await authorizations.find(tenant, 'authorization'))?.expiresAt, NOW + 2 * DAY)
    })

    test('the purge takes at most what it may, each with its tickets and families', async () => {
      const { authorizations, families, tickets } = stage.store
      const tenant = newTenant()
      const ended = NOW - 300 * DAY
      for (const id of ['a', 'b', 'c']) {
        await authorizations.create(authorizationOf(tenant, { id, expiresAt: id === 'c' ? NOW + DAY : ended }))
        await families.create(familyOf(tenant, { hash: id, authorization: id }))
        await tickets.issue(ticketOf(tenant, { id, authorization: id, expiresAt: NOW }))
        await tickets.consume(tenant, 'code', id, ended)
      }
      const left = async () => {
        const there = []
        for (const id of ['a', 'b', 'c']) {
          const found = [
            await authorizations.find(tenant, id),
            await families.find(tenant, id),
            await tickets.peek(tenant, 'code', id, NOW),
          ]
          there.push(found.filter(record => record !== undefined).length)
        }
        return there.sort()
      }
      assert.equal(await authorizations.purge(ended - 1, 10), 0)
      assert.equal(await authorizations.purge(ended, 1), 1)
      assert.deepEqual(await left(), [0, 3, 3])
      assert.equal(await authorizations.purge(ended, 10), 1)
      assert.deepEqual(await left(), [0, 0, 3])
    })
  })

  describe('refresh families', () => {
    test('of 64 redemptions of one generation one advances it', async () => {
      const { store } = stage
      const { tenant, presented } = await grantIn(store)
      const answers = await inParallel(64, () => store.families.redeem(presented))
      const won = answers.filter(answer => answer !== undefined)
      const successor = familyOf(tenant, { generation: 2, rotatedAt: NOW + 1, idleExpiresAt: NOW + 2 * HOUR })
      assert.deepEqual(won, [successor])
      assert.deepEqual(await store.families.find(tenant, 'family'), successor)
    })

    test('without rotation all 64 succeed and only the idle limit moves', async () => {
      const { store } = stage
      const { tenant, presented } = await grantIn(store)
      const answers = await inParallel(64, () => store.families.redeem({ ...presented, advance: false }))
      const moved = familyOf(tenant, { idleExpiresAt: NOW + 2 * HOUR })
      assert.deepEqual(answers, Array(64).fill(moved))
    })

    test('a generation that is not the current one, another client’s or another tenant’s family is refused', async () => {
      const { store } = stage
      const { presented } = await grantIn(store)
      const { families } = store
      assert.equal(await families.redeem({ ...presented, generation: 0 }), undefined)
      assert.equal(await families.redeem({ ...presented, generation: 2 }), undefined)
      assert.equal(await families.redeem({ ...presented, client: 'other' }), undefined)
      assert.equal(await families.redeem({ ...presented, tenant: newTenant() }), undefined)
      assert.equal(await families.redeem({ ...presented, generation: 0, advance: false }), undefined)
      assert.notEqual(await families.redeem(presented), undefined)
    })

    test('a family past either limit is refused, from that very millisecond', async () => {
      const { store } = stage
      const { tenant, presented } = await grantIn(store)
      await store.families.create(familyOf(tenant, { hash: 'short', expiresAt: NOW + 1, idleExpiresAt: NOW + DAY }))
      assert.equal(await store.families.redeem({ ...presented, now: NOW + HOUR }), undefined)
      assert.equal(await store.families.redeem({ ...presented, hash: 'short', now: NOW + 1 }), undefined)
      assert.notEqual(await store.families.redeem({ ...presented, hash: 'short', now: NOW }), undefined)
      assert.notEqual(await store.families.redeem({ ...presented, now: NOW + HOUR - 1 }), undefined)
    })

    const ends: Record<string, (store: Store, grant: { tenant: string; user: string; session: string }) => unknown> = {
      'it was killed': (store, { tenant }) => store.families.kill(tenant, 'family'),
      'its authorization was killed': (store, { tenant }) => store.authorizations.kill(tenant, 'authorization'),
      'its session ended': (store, { tenant, session }) => store.sessions.end(tenant, session, NOW),
      'its user was blocked': (store, { tenant, user }) => store.users.change(tenant, user, { blocked: true }, NOW),
      'its user’s epoch was raised': (store, { tenant, user }) => store.users.raiseEpoch(tenant, user),
      'its user was deleted': (store, { tenant, user }) => store.users.remove(tenant, user, NOW),
      'its client’s epoch was raised': (store, { tenant }) => store.clients.raiseEpoch(tenant, 'app'),
      'its client was deleted': (store, { tenant }) => store.clients.remove(tenant, 'app', NOW),
    }
    for (const [reason, end] of Object.entries(ends)) {
      test(`a family is refused once ${reason}, rotating or not`, async () => {
        const { store } = stage
        const grant = await grantIn(store)
        await end(store, grant)
        assert.equal(await store.families.redeem(grant.presented), undefined)
        assert.equal(await store.families.redeem({ ...grant.presented, advance: false }), undefined)
        assert.deepEqual(await store.families.liveOf(grant.tenant, grant.user, NOW), [], 'nor is it listed')
      })
    }

    test('the family of an ended session stays dead after the session’s row has gone', async () => {
      const { store } = stage
      const { tenant, session, presented } = await grantIn(store)
      await store.sessions.end(tenant, session, NOW - 20 * DAY)
      await store.sessions.purge(NOW - 20 * DAY, 10)
      assert.equal(await store.sessions.find(tenant, session), undefined)
      assert.equal(await store.families.redeem(presented), undefined)
    })

    test('a user’s families that can be redeemed are listed, the last used first', async () => {
      const { store } = stage
      const { tenant, user } = await grantIn(store)
      const used = familyOf(tenant, { hash: 'used', rotatedAt: NOW + 1 })
      await store.families.create(used)
      await store.families.create(familyOf(tenant, { hash: 'idle', idleExpiresAt: NOW + 2 }))
      await store.families.create(familyOf(tenant, { hash: 'over', expiresAt: NOW + 2 }))
      await store.families.create(familyOf(tenant, { hash: 'other', user: 'auth0|bob' }))
      assert.deepEqual(await store.families.liveOf(tenant, user, NOW + 2), [used, familyOf(tenant)])
      assert.deepEqual(await store.families.liveOf(newTenant(), user, NOW + 2), [])
    })

    test('an offline family outlives every session', async () => {
      const { store } = stage
      const { tenant, session, presented } = await grantIn(store)
      await store.authorizations.create(authorizationOf(tenant, { id: 'offline' }))
      await store.families.create(familyOf(tenant, { hash: 'offline', authorization: 'offline' }))
      await store.sessions.end(tenant, session, NOW)
      assert.notEqual(await store.families.redeem({ ...presented, hash: 'offline' }), undefined)
    })

    test('a family is killed once', async () => {
      const { families } = stage.store
      const tenant = newTenant()
      await families.create(familyOf(tenant))
      const answers = await inParallel(16, () => families.kill(tenant, 'family'))
      assert.deepEqual(tally(answers), { killed: 1, already: 15 })
      assert.equal((await families.find(tenant, 'family'))?.state, 'killed')
      assert.equal(await families.kill(tenant, 'unknown'), 'gone')
    })
  })
}
