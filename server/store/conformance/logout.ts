/** Who is to be told that a session ended. Claims look across tenants, so each test has an era of its own in which nothing else is due. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { newSortableId } from '../../kernel/ids.ts'
import { DAY, HOUR, MINUTE } from '../../kernel/seconds.ts'
import type { NewLogoutDelivery, Waiting } from '../logout-deliveries.ts'
import type { SessionClient } from '../session-clients.ts'
import { identityOf, inParallel, NOW, newTenant, type Stage, sessionOf, userOf } from './stage.ts'

/** Long before any other test's instants, each later than the one before: what is over stays out of sight. */
let era = 500_000_000_000
const newEra = (): number => {
  era += 10 * DAY
  return era
}

export function describeLogout(stage: Stage): void {
  let tenant = ''
  let now = 0
  beforeEach(() => {
    tenant = newTenant()
    now = newEra()
  })

  describe('session clients', () => {
    const participant = (more: Partial<SessionClient> = {}): SessionClient => ({
      tenant,
      session: 'one',
      channel: 'back',
      client: 'app',
      user: 'auth0|ada',
      issuer: 'https://login.example/',
      expiresAt: NOW + DAY,
      ...more,
    })
    const clients = (records: readonly SessionClient[]) =>
      records.map(({ session, client }) => `${session} ${client}`).sort()

    test('are taken with their session, each once, and only over the channel asked for', async () => {
      const { sessionClients } = stage.store
      const noted = [participant(), participant({ client: 'other' })]
      for (const one of [...noted, participant({ channel: 'front' }), participant({ session: 'two' })])
        await sessionClients.note(one)
      await sessionClients.note(participant())
      await sessionClients.note(participant({ tenant: newTenant() }))
      const taken = (await inParallel(8, () => sessionClients.takeOfSessions(tenant, ['one', 'none'], 'back'))).flat()
      assert.deepEqual(
        taken.sort((one, other) => one.client.localeCompare(other.client)),
        noted,
      )
      assert.deepEqual(clients(await sessionClients.takeOfSessions(tenant, ['one', 'two'], 'front')), ['one app'])
      assert.deepEqual(clients(await sessionClients.takeOfSessions(tenant, ['two'], 'back')), ['two app'])
      assert.deepEqual(await sessionClients.takeOfSessions(tenant, [], 'back'), [])
    })

    test('of a person are those whose session does not count any more: ended, of a lower epoch or gone', async () => {
      const { sessionClients, sessions, users } = stage.store
      const user = userOf(tenant)
      await users.create(user, identityOf(user))
      for (const id of ['live', 'ended']) {
        await sessions.begin(sessionOf(tenant, { id }), { from: null, secretHash: `${tenant} ${id}` })
        await sessionClients.note(participant({ session: id }))
      }
      await sessionClients.note(participant({ session: 'gone' }))
      await sessionClients.note(participant({ session: 'of somebody else', user: 'auth0|bob' }))
      await sessions.end(tenant, 'ended', NOW)
      const taken = () => sessionClients.takeOfUser(tenant, user.id, 'back')
      assert.deepEqual(clients(await taken()), ['ended app', 'gone app'])
      assert.deepEqual(clients(await taken()), [])
      await users.raiseEpoch(tenant, user.id)
      assert.deepEqual(clients(await taken()), ['live app'])
    })

    test('of a person who was removed are all of them', async () => {
      const { sessionClients, sessions, users } = stage.store
      const user = userOf(tenant)
      await users.create(user, identityOf(user))
      await sessions.begin(sessionOf(tenant, { id: 'live' }), { from: null, secretHash: `${tenant} live` })
      await sessionClients.note(participant({ session: 'live' }))
      await users.remove(tenant, user.id, NOW)
      assert.deepEqual(clients(await sessionClients.takeOfUser(tenant, user.id, 'back')), ['live app'])
    })

    test('leave when their session is over, and not while it lives on, however late it was renewed', async () => {
      const { sessionClients, sessions } = stage.store
      await sessions.begin(sessionOf(tenant, { id: 'renewed' }), { from: null, secretHash: `${tenant} renewed` })
      const expiresAt = now
      for (const session of ['renewed', 'over']) await sessionClients.note(participant({ session, expiresAt }))
      await sessionClients.note(participant({ session: 'later', expiresAt }))
      await sessionClients.note(participant({ session: 'later', expiresAt: now + HOUR }))
      await sessionClients.note(participant({ session: 'later', expiresAt }))
      assert.equal(await sessionClients.purge(now - 1, 10), 0)
      assert.equal(await sessionClients.purge(now, 10), 1)
      const left = await sessionClients.takeOfSessions(tenant, ['renewed', 'over', 'later'], 'back')
      assert.deepEqual(clients(left), ['later app', 'renewed app'])
    })
  })

  describe('logout deliveries', () => {
    const delivery = (more: Partial<NewLogoutDelivery> = {}): NewLogoutDelivery => ({
      tenant,
      id: newSortableId(),
      client: 'app',
      initiator: 'rp-logout',
      session: 'one',
      user: 'auth0|ada',
      issuer: 'https://login.example/',
      createdAt: now,
      giveUpAt: now + DAY,
      ...more,
    })
    const NOBODY: Waiting = { clients: [], strangers: false }
    const claim = (at: number, limit = 100, waiting = NOBODY) =>
      stage.store.logoutDeliveries.claim(at, at + MINUTE, limit, waiting)
    afterEach(async () => {
      for (const left of await claim(now + 9 * DAY, 1000))
        await stage.store.logoutDeliveries.remove(left.tenant, left.id)
    })

    test('a promised one is due at once, comes as it was written, and again when its lease is over', async () => {
      const { logoutDeliveries } = stage.store
      const promised = delivery()
      await logoutDeliveries.promise([promised])
      assert.equal(await logoutDeliveries.nextDue(NOBODY), now)
      assert.deepEqual(await claim(now - 1), [])
      assert.deepEqual(await claim(now), [{ ...promised, attempts: 1, isToStranger: false }])
      assert.deepEqual(await claim(now + MINUTE - 1), [])
      assert.deepEqual(await claim(now + MINUTE), [{ ...promised, attempts: 2, isToStranger: false }])
    })

    test('of 16 that claim at once each gets others, and all together every one', async () => {
      const promised = Array.from({ length: 30 }, (_, index) => delivery({ client: `app ${index % 3}` }))
      await stage.store.logoutDeliveries.promise(promised)
      const claimed = (await inParallel(16, () => claim(now, 2))).flat()
      assert.deepEqual(claimed.map(({ id }) => id).sort(), promised.map(({ id }) => id).sort())
    })

    test('clients that are named are left out, unless it is time to give up', async () => {
      const { logoutDeliveries } = stage.store
      const busy = { tenant, client: 'busy' }
      await logoutDeliveries.promise([
        delivery({ id: 'a', client: 'busy' }),
        delivery({ id: 'b', client: 'busy', giveUpAt: now }),
        delivery({ id: 'c', client: 'idle', createdAt: now + 1 }),
      ])
      assert.equal(await logoutDeliveries.nextDue({ ...NOBODY, clients: [busy] }), now + 1)
      assert.deepEqual((await claim(now + 1, 10, { ...NOBODY, clients: [busy] })).map(({ id }) => id).sort(), [
        'b',
        'c',
      ])
      assert.deepEqual(
        (await claim(now + 1, 10, { ...NOBODY, clients: [{ tenant: 'other', client: 'busy' }] })).map(({ id }) => id),
        ['a'],
      )
    })

    test('those of clients that registered themselves are told apart, and left out where they wait, by tenant', async () => {
      const { clients, logoutDeliveries, registrations } = stage.store
      const other = newTenant()
      for (const [whose, id] of [
        [tenant, 'stranger'],
        [other, 'app'],
      ] as const) {
        const times = { createdAt: now, updatedAt: now }
        await clients.create({
          tenant: whose,
          id,
          epoch: 0,
          metadata: {},
          sealedSecret: null,
          credentials: [],
          ...times,
        })
        await registrations.create({ tenant: whose, client: id, tokenHash: 'hash' })
      }
      await logoutDeliveries.promise([
        delivery({ id: 'a', client: 'stranger' }),
        delivery({ id: 'b', client: 'stranger', giveUpAt: now + 1 }),
        delivery({ id: 'c', createdAt: now + 1 }),
        delivery({ id: 'd', tenant: other }),
      ])
      const strangersWait = { ...NOBODY, strangers: true }
      assert.equal(await logoutDeliveries.nextDue(strangersWait), now + 1)
      const claimed = (at: number, waiting: Waiting) =>
        claim(at, 10, waiting).then(found => found.map(one => `${one.id} ${one.isToStranger}`).sort())
      assert.deepEqual(await claimed(now, strangersWait), [])
      assert.deepEqual(await claimed(now + 1, strangersWait), ['b true', 'c false'])
      assert.deepEqual(await claimed(now + 1, NOBODY), ['a true', 'd true'])
      await logoutDeliveries.remove(other, 'd')
    })

    test('whoever was overtaken decides nothing', async () => {
      const { logoutDeliveries } = stage.store
      await logoutDeliveries.promise([delivery()])
      const [first] = await claim(now)
      const [second] = await claim(now + MINUTE)
      assert.ok(first && second)
      assert.equal(await logoutDeliveries.postpone(first, now + HOUR), false)
      assert.equal(await logoutDeliveries.postpone(second, now + HOUR), true)
      assert.equal(await logoutDeliveries.nextDue(NOBODY), now + HOUR)
      assert.equal(await logoutDeliveries.remove(tenant, second.id), true)
      assert.equal(await logoutDeliveries.remove(tenant, second.id), false)
      assert.equal(await logoutDeliveries.nextDue(NOBODY), undefined)
    })
  })
}
