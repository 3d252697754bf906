/** What the Management API asks of what happened and what is live: pages and filters, notes, and tokens ended by name. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { firstSortableIdAt } from '../../kernel/ids.ts'
import { DAY, HOUR, MINUTE } from '../../kernel/seconds.ts'
import type { Events } from '../events.ts'
import {
  apiKeyOf,
  authorizationOf,
  clientOf,
  eventOf,
  familyOf,
  identityOf,
  keyOf,
  NOW,
  newTenant,
  type Stage,
  sessionOf,
  userOf,
} from './stage.ts'

export function describeWhatIsLive(stage: Stage): void {
  describe('events that are searched', () => {
    const MACHINE = { kind: 'client', id: 'svc', client: 'svc', onBehalfOf: null } as const
    const at = (place: number) => `${firstSortableIdAt(NOW + place * MINUTE)}-7000-8000-00000000000${place}`

    async function eight(): Promise<string> {
      const tenant = newTenant()
      const person = (id: string, client: string | null = null) =>
        ({ kind: 'user', id, client, onBehalfOf: null }) as const
      await stage.store.events.record([
        eventOf(tenant, { id: at(0), user: null }),
        eventOf(tenant, {
          id: at(1),
          user: null,
          type: 'token.refreshed',
          actor: { ...MACHINE, onBehalfOf: 'auth0|ada' },
        }),
        eventOf(tenant, { id: at(2), user: null, actor: MACHINE, target: { kind: 'user', id: 'auth0|ada' } }),
        eventOf(tenant, { id: at(3), user: 'auth0|ada', type: 'session.ended', actor: MACHINE }),
        eventOf(tenant, { id: at(4), user: null, actor: MACHINE, type: 'token.issued', target: null }),
        eventOf(tenant, { id: at(5), user: null, actor: person('auth0|bob'), target: { kind: 'client', id: 'app' } }),
        eventOf(tenant, {
          id: at(6),
          user: null,
          actor: person('auth0|bob'),
          target: { kind: 'user', id: 'auth0|ada' },
        }),
        eventOf(tenant, { id: at(7), user: null, actor: person('auth0|bob', 'app'), type: 'session.ended' }),
      ])
      return tenant
    }
    const places = (found: readonly { id: string }[]) => found.map(({ id }) => Number(id.at(-1)))
    const search = async (...given: Parameters<Events['search']>) => places(await stage.store.events.search(...given))

    test('are those about a person, whoever acted, those of a client, and those of a type, the newest first or last', async () => {
      const tenant = await eight()
      const newest = { order: 'newest-first', limit: 10 } as const
      const oldest = { order: 'oldest-first', limit: 10 } as const
      assert.deepEqual(await search(tenant, {}, newest), [7, 6, 5, 4, 3, 2, 1, 0])
      assert.deepEqual(await search(tenant, { user: 'auth0|ada' }, oldest), [0, 1, 2, 3, 6])
      assert.deepEqual(await search(tenant, { user: 'auth0|bob' }, newest), [7, 5])
      assert.deepEqual(await search(tenant, { client: 'app' }, newest), [7, 5, 0])
      assert.deepEqual(await search(tenant, { client: 'svc', user: 'auth0|ada' }, newest), [3, 2, 1])
      assert.deepEqual(await search(tenant, { types: ['session.ended'] }, newest), [7, 3])
      assert.deepEqual(
        await search(tenant, { types: ['session.ended', 'token.issued', 'session.ended'] }, oldest),
        [3, 4, 7],
      )
      assert.deepEqual(await search(tenant, { types: [] }, newest), [])
      assert.deepEqual(await search(newTenant(), {}, newest), [])
      const [about] = await stage.store.events.search(tenant, { user: 'auth0|ada' }, newest)
      assert.equal(about?.user, 'auth0|ada')
    })

    test('come in pages, by how many are skipped or behind which one, of several types too', async () => {
      const tenant = await eight()
      const types = ['session.started', 'session.ended']
      assert.deepEqual(await search(tenant, {}, { order: 'newest-first', skip: 2, limit: 3 }), [5, 4, 3])
      assert.deepEqual(await search(tenant, {}, { order: 'oldest-first', after: at(5), limit: 3 }), [6, 7])
      assert.deepEqual(await search(tenant, {}, { order: 'newest-first', after: at(2), limit: 3 }), [1, 0])
      assert.deepEqual(await search(tenant, { types }, { order: 'newest-first', skip: 2, limit: 3 }), [5, 3, 2])
      assert.deepEqual(await search(tenant, { types }, { order: 'oldest-first', after: at(3), limit: 2 }), [5, 6])
    })

    test('were made from an instant on, and before another', async () => {
      const tenant = await eight()
      const between = { from: NOW + 2 * MINUTE, to: NOW + 4 * MINUTE }
      assert.deepEqual(await search(tenant, between, { order: 'oldest-first', limit: 10 }), [2, 3])
      assert.equal(await stage.store.events.count(tenant, between, 10), 2)
      assert.equal(await stage.store.events.count(tenant, { from: Number.MAX_SAFE_INTEGER }, 10), 0)
      assert.equal(await stage.store.events.count(tenant, { from: -1 }, 10), 8)
    })

    test('are counted as far as is asked', async () => {
      const tenant = await eight()
      const { count } = stage.store.events
      assert.equal(await count(tenant, {}, 100), 8)
      assert.equal(await count(tenant, {}, 5), 5)
      assert.equal(await count(tenant, { types: ['session.started', 'session.ended'] }, 100), 6)
      assert.equal(await count(tenant, { types: ['session.started', 'session.ended'] }, 3), 3)
    })

    test('are found by their id, in their tenant', async () => {
      const tenant = await eight()
      const { find } = stage.store.events
      assert.deepEqual(places([await find(tenant, at(3))].filter(found => found !== undefined)), [3])
      assert.equal(await find(newTenant(), at(3)), undefined)
      assert.equal(await find(tenant, 'nobody\0'), undefined)
    })
  })

  describe('what is live', () => {
    const live = async (tenant: string) => {
      const ada = userOf(tenant)
      await stage.store.users.create(ada, identityOf(ada))
      await stage.store.clients.create(clientOf(tenant))
      await stage.store.clients.create(clientOf(tenant, { id: 'tv' }))
    }

    test('people are counted who have signed in since an instant', async () => {
      const tenant = newTenant()
      const { users } = stage.store
      for (const [id, at] of [
        ['auth0|a', NOW - DAY],
        ['auth0|b', NOW],
        ['auth0|c', null],
      ] as const) {
        const user = userOf(tenant, { id, email: `${id}@example.com` })
        await users.create(user, identityOf(user))
        if (at !== null) await users.noteSignIn(tenant, id, at, null)
      }
      assert.equal(await users.countSignedInSince(tenant, NOW - DAY), 2)
      assert.equal(await users.countSignedInSince(tenant, NOW), 1)
      await users.remove(tenant, 'auth0|b', NOW)
      assert.equal(await users.countSignedInSince(tenant, NOW), 0)
    })

    test('sessions of a person come in pages, without those that are over', async () => {
      const tenant = newTenant()
      await live(tenant)
      const { sessions } = stage.store
      for (const id of ['c', 'a', 'b', 'over'])
        await sessions.begin(sessionOf(tenant, { id }), { from: null, secretHash: `${tenant}${id}` })
      await sessions.end(tenant, 'over', NOW)
      await sessions.begin(sessionOf(tenant, { id: 'd', userEpoch: 7 }), { from: null, secretHash: `${tenant}d` })
      const page = async (after: string | undefined, limit: number, now = NOW) =>
        (await sessions.liveAfter(tenant, 'auth0|ada', now, { after, limit })).map(({ id }) => id)
      assert.deepEqual(await page(undefined, 2), ['a', 'b'])
      assert.deepEqual(await page('b', 2), ['c'])
      assert.deepEqual(await page('c', 2), [])
      assert.deepEqual(await page(undefined, 9, NOW + DAY), [])
    })

    test('a session keeps what is noted about it, through being used and renewed, until that is taken away', async () => {
      const tenant = newTenant()
      const { sessions } = stage.store
      await sessions.begin(sessionOf(tenant, { id: 'one' }), { from: null, secretHash: tenant })
      const noted = async () => (await sessions.find(tenant, 'one'))?.metadata
      assert.equal(await noted(), null)
      assert.equal(await sessions.note(tenant, 'one', { seat: '12A' }), true)
      await sessions.touch(tenant, 'one', NOW + HOUR / 2, NOW + 2 * HOUR)
      await sessions.begin(sessionOf(tenant, { id: 'two' }), { from: tenant, secretHash: `${tenant}2` })
      assert.deepEqual(await noted(), { seat: '12A' })
      assert.equal(await sessions.note(tenant, 'one', null), true)
      assert.equal(await noted(), null)
      assert.equal(await sessions.note(newTenant(), 'one', {}), false)
    })

    test('families of a person come in pages, of one client where it is named, and by their authorization', async () => {
      const tenant = newTenant()
      await live(tenant)
      const { families, authorizations } = stage.store
      for (const [id, client] of [
        ['c', 'app'],
        ['a', 'tv'],
        ['b', 'app'],
        ['dead', 'app'],
      ] as const) {
        await authorizations.create(authorizationOf(tenant, { id, client }))
        await families.create(familyOf(tenant, { hash: `hash of ${id}`, authorization: id, client }))
      }
      await authorizations.kill(tenant, 'dead')
      const page = async (client: string | undefined, after: string | undefined, limit: number) =>
        (await families.liveAfter(tenant, 'auth0|ada', NOW, { client, after, limit })).map(one => one.authorization)
      assert.deepEqual(await page(undefined, undefined, 2), ['a', 'b'])
      assert.deepEqual(await page(undefined, 'b', 2), ['c'])
      assert.deepEqual(await page('app', undefined, 9), ['b', 'c'])
      assert.equal((await families.liveIn(tenant, 'a', NOW))?.hash, 'hash of a')
      for (const [of, id, now] of [
        [tenant, 'dead', NOW],
        [tenant, 'a', NOW + DAY],
        [newTenant(), 'a', NOW],
      ] as const)
        assert.equal(await families.liveIn(of, id, now), undefined)
    })

    test('a family keeps what is noted about it, through being redeemed', async () => {
      const tenant = newTenant()
      await live(tenant)
      const { families, authorizations } = stage.store
      await authorizations.create(authorizationOf(tenant))
      await families.create(familyOf(tenant))
      assert.equal(await families.note(tenant, 'family', { device: 'tablet' }), true)
      const redeemed = await families.redeem({
        tenant,
        hash: 'family',
        client: 'app',
        generation: 1,
        now: NOW,
        idleExpiresAt: NOW + HOUR,
        advance: true,
      })
      assert.deepEqual(redeemed?.metadata, { device: 'tablet' })
      assert.equal(await families.note(tenant, 'family', null), true)
      assert.equal((await families.find(tenant, 'family'))?.metadata, null)
      assert.equal(await families.note(tenant, 'other', {}), false)
    })

    test('authorizations are found several at once, those of a person and client, and the clients of a session', async () => {
      const tenant = newTenant()
      const { authorizations } = stage.store
      for (const [id, client, session] of [
        ['a', 'tv', 's'],
        ['b', 'app', 's'],
        ['c', 'app', 's'],
        ['d', 'app', null],
      ] as const)
        await authorizations.create(authorizationOf(tenant, { id, client, session }))
      const ids = (found: readonly { id: string }[]) => found.map(({ id }) => id).sort()
      assert.deepEqual(ids(await authorizations.findAll(tenant, ['a', 'c', 'x'])), ['a', 'c'])
      assert.deepEqual(await authorizations.findAll(tenant, []), [])
      await authorizations.kill(tenant, 'c')
      assert.deepEqual(ids(await authorizations.liveOf(tenant, 'auth0|ada', 'app')), ['b', 'd'])
      assert.deepEqual(await authorizations.clientsIn(tenant, 's', 9), ['app', 'tv'])
      assert.deepEqual(await authorizations.clientsIn(tenant, 's', 1), ['app'])
    })

    test('consents come in pages, of a person, a client or an API, and one is taken back alone', async () => {
      const tenant = newTenant()
      const { consents } = stage.store
      const given = (user: string, client: string, audience: string, organization: string | null = null) => ({
        tenant,
        user,
        client,
        audience,
        organization,
        scopes: ['read', 'write'],
        givenAt: NOW,
      })
      const all = [
        given('ada', 'app', 'a'),
        given('ada', 'app', 'b'),
        given('ada', 'app', 'b', 'org_1'),
        given('ada', 'tv', 'a'),
        given('bob', 'app', 'a'),
      ]
      for (const one of all.toReversed()) await consents.give(one)
      const page = (of: Parameters<typeof consents.page>[1], skip = 0, limit = 9) =>
        consents.page(tenant, of, { skip, limit })
      assert.deepEqual(await page({}), all)
      assert.deepEqual(await page({}, 1, 2), all.slice(1, 3))
      assert.deepEqual(await page({ user: 'ada', client: 'app' }), all.slice(0, 3))
      assert.deepEqual(await page({ client: 'app', audience: 'a' }), [all[0], all[4]])
      assert.deepEqual(await page({ audience: 'nothing' }), [])
      assert.equal(await consents.count(tenant, {}), 5)
      assert.equal(await consents.count(tenant, { audience: 'a' }), 3)

      const [, , inOrganization] = all
      assert.ok(inOrganization)
      assert.equal(await consents.withdrawOne(inOrganization), true)
      assert.equal(await consents.withdrawOne(inOrganization), false)
      assert.deepEqual(await page({ user: 'ada' }), [all[0], all[1], all[3]])
    })

    test('API keys of a person and client are revoked for one API alone', async () => {
      const tenant = newTenant()
      const { apiKeys } = stage.store
      await apiKeys.create(apiKeyOf(tenant, { id: 'lk_1' }))
      await apiKeys.create(apiKeyOf(tenant, { id: 'lk_2', secretHash: 'another', audience: 'https://other.example' }))
      assert.deepEqual(await apiKeys.revokeOf(tenant, 'auth0|ada', 'app', NOW, 'https://other.example'), ['lk_2'])
      assert.deepEqual(await apiKeys.revokeOf(tenant, 'auth0|ada', 'app', NOW), ['lk_1'])
    })

    test('a key gets one certificate, however many are offered', async () => {
      const tenant = newTenant()
      const { keys } = stage.store
      await keys.apply(
        tenant,
        { add: [keyOf(tenant), keyOf(tenant, { id: 'made', state: 'retired', certificate: 'own' })], moves: [] },
        NOW,
      )
      assert.equal(await keys.certify(tenant, 'kid', 'first'), 'first')
      assert.equal(await keys.certify(tenant, 'kid', 'second'), 'first')
      assert.equal(await keys.certify(tenant, 'made', 'second'), 'own')
      assert.equal(await keys.certify(tenant, 'none', 'first'), undefined)
      assert.deepEqual((await keys.list(tenant)).map(({ certificate }) => certificate).sort(), ['first', 'own'])
    })

    test('credentials of every kind are listed', async () => {
      const tenant = newTenant()
      await live(tenant)
      const { credentials } = stage.store
      for (const [kind, createdAt] of [
        ['totp', NOW + 1],
        ['password', NOW],
      ] as const)
        await credentials.put({
          tenant,
          user: 'auth0|ada',
          kind,
          id: '1',
          publicPart: '',
          secret: 's',
          counter: 0,
          createdAt,
          costClass: 0,
        })
      assert.deepEqual(
        (await credentials.ofUser(tenant, 'auth0|ada')).map(({ kind }) => kind),
        ['password', 'totp'],
      )
      assert.deepEqual(await credentials.ofUser(tenant, 'auth0|bob'), [])
    })

    test('marks are listed that begin alike, as long as they last', async () => {
      const tenant = newTenant()
      const { tickets } = stage.store
      for (const [kind, id] of [
        ['hold', 'a.1'],
        ['hold', 'a.2'],
        ['hold', 'a'],
        ['hold', 'b.1'],
        ['other', 'a.3'],
      ] as const)
        await tickets.mark(tenant, kind, id, NOW, NOW + HOUR)
      assert.deepEqual(await tickets.marksUnder(tenant, 'hold', 'a.', NOW, 9), ['a.1', 'a.2'])
      assert.deepEqual(await tickets.marksUnder(tenant, 'hold', 'a.', NOW, 1), ['a.1'])
      assert.deepEqual(await tickets.marksUnder(tenant, 'hold', 'a.', NOW + HOUR, 9), [])
    })

    test('a token that was ended by name is listed once, under its audience, until it could not be valid any more', async () => {
      const tenant = newTenant()
      const { endedTokens } = stage.store
      const ended = (jti: string, audience = '', expiresAt = NOW + DAY) => ({
        tenant,
        jti,
        audience,
        endedAt: NOW,
        expiresAt,
      })
      assert.equal(await endedTokens.add(ended('b')), 'added')
      assert.equal(await endedTokens.add(ended('a')), 'added')
      assert.equal(await endedTokens.add(ended('a', 'app')), 'already')
      assert.equal(await endedTokens.add(ended('c', 'app', NOW + 1)), 'added')
      assert.deepEqual(await endedTokens.list(tenant, '', NOW, 9), [ended('a'), ended('b')])
      assert.deepEqual(await endedTokens.list(tenant, '', NOW, 1), [ended('a')])
      assert.deepEqual(await endedTokens.list(tenant, 'app', NOW, 9), [ended('c', 'app', NOW + 1)])
      assert.deepEqual(await endedTokens.list(tenant, 'app', NOW + 1, 9), [])
      assert.ok((await endedTokens.purge(NOW + 1, 500)) >= 1)
      assert.equal(await endedTokens.add(ended('c', 'app')), 'added')
      assert.equal(await endedTokens.purge(NOW + 1, 500), 0)
    })
  })
}
