/** Browsers and sessions. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DAY, HOUR, MINUTE } from '../../kernel/seconds.ts'
import { authorizationOf, identityOf, inParallel, NOW, newTenant, type Stage, sessionOf, userOf } from './stage.ts'

export function describeSessions(stage: Stage): void {
  /** Of each live session that the cookie opens, the browser it is in. */
  const browsersOf = async (tenant: string, secretHash: string) =>
    (await stage.store.sessions.inBrowser(tenant, secretHash, NOW)).map(({ session }) => session.browser)

  describe('sessions', () => {
    test('a cookie opens the sessions of its browser with their users, the last begun first', async () => {
      const { sessions, users } = stage.store
      const ada = userOf(newTenant())
      await users.create(ada, identityOf(ada))
      const first = sessionOf(ada.tenant)
      const second = sessionOf(ada.tenant, { user: 'auth0|removed', organization: 'org_1' })
      assert.deepEqual(await sessions.begin(first, { from: null, secretHash: 'one' }), { id: first.id, renewed: false })
      assert.deepEqual(await sessions.begin(second, { from: 'one', secretHash: 'two' }), {
        id: second.id,
        renewed: false,
      })
      const { browser = '' } = (await sessions.find(ada.tenant, first.id)) ?? {}
      assert.deepEqual(await sessions.inBrowser(ada.tenant, 'two', NOW), [
        { session: { ...second, browser }, user: undefined, current: true },
        { session: { ...first, browser }, user: ada, current: false },
      ])
      assert.deepEqual(await sessions.find(ada.tenant, first.id), { ...first, browser })
      assert.deepEqual(await sessions.inBrowser(newTenant(), 'two', NOW), [])
    })

    test('a cookie from before the sign-in opens nothing after it, and the browser stays the same', async () => {
      const { sessions } = stage.store
      const tenant = newTenant()
      await sessions.begin(sessionOf(tenant), { from: null, secretHash: 'planted' })
      const before = await browsersOf(tenant, 'planted')
      await sessions.begin(sessionOf(tenant, { user: 'auth0|bob' }), { from: 'planted', secretHash: 'fresh' })
      assert.deepEqual(await sessions.inBrowser(tenant, 'planted', NOW), [])
      assert.deepEqual(await browsersOf(tenant, 'fresh'), [...before, ...before])
    })

    test('an unknown cookie begins a browser of its own', async () => {
      const { sessions } = stage.store
      const tenant = newTenant()
      await sessions.begin(sessionOf(tenant), { from: 'made-up', secretHash: 'fresh' })
      assert.equal((await sessions.inBrowser(tenant, 'fresh', NOW)).length, 1)
      assert.deepEqual(await sessions.inBrowser(tenant, 'made-up', NOW), [])
    })

    test('signing in again renews the live session of the same user in that browser, and no other', async () => {
      const { sessions } = stage.store
      const tenant = newTenant()
      const [old, other, elsewhere] = [sessionOf(tenant), sessionOf(tenant, { user: 'auth0|bob' }), sessionOf(tenant)]
      await sessions.begin(old, { from: null, secretHash: 'a' })
      await sessions.begin(other, { from: 'a', secretHash: 'b' })
      await sessions.begin(elsewhere, { from: null, secretHash: 'x' })
      const proofs = [{ factor: 'password', amr: ['pwd'], at: NOW + 5 }]
      const times = { createdAt: NOW + 5, usedAt: NOW + 5, expiresAt: NOW + 2 * DAY }
      const again = sessionOf(tenant, { ...times, proofs, userAgent: 'Firefox, a version later' })
      assert.deepEqual(await sessions.begin(again, { from: 'b', secretHash: 'c' }), { id: old.id, renewed: true })
      assert.equal(await sessions.find(tenant, again.id), undefined)
      const renewed = await sessions.find(tenant, old.id)
      assert.equal(renewed?.expiresAt, NOW + 2 * DAY)
      assert.deepEqual(renewed?.proofs, proofs)
      assert.equal(renewed?.userAgent, again.userAgent)
      assert.deepEqual((await sessions.find(tenant, elsewhere.id))?.usedAt, elsewhere.usedAt)
      assert.deepEqual(
        (await sessions.inBrowser(tenant, 'c', NOW + 5)).map(({ session }) => session.id),
        [old.id, other.id],
      )
    })

    test('a session of an older epoch is not renewed', async () => {
      const { sessions } = stage.store
      const tenant = newTenant()
      const [old, again] = [sessionOf(tenant), sessionOf(tenant, { userEpoch: 1 })]
      await sessions.begin(old, { from: null, secretHash: 'a' })
      assert.deepEqual(await sessions.begin(again, { from: 'a', secretHash: 'b' }), { id: again.id, renewed: false })
    })

    test('64 sign-ins from one copied cookie: one keeps the browser, none is lost, the cookie is worth nothing', async () => {
      const { sessions } = stage.store
      const tenant = newTenant()
      await sessions.begin(sessionOf(tenant), { from: null, secretHash: 'copied' })
      const [kept] = await browsersOf(tenant, 'copied')
      const answers = await inParallel(64, index =>
        sessions.begin(sessionOf(tenant), { from: 'copied', secretHash: `fresh-${index}` }),
      )
      const browsers = (await inParallel(64, index => browsersOf(tenant, `fresh-${index}`))).flat()
      assert.equal(answers.filter(answer => answer.renewed).length, 1)
      assert.equal(browsers.length, 64)
      assert.equal(browsers.filter(browser => browser === kept).length, 1)
      assert.equal(new Set(browsers).size, 64)
      assert.deepEqual(await browsersOf(tenant, 'copied'), [])
    })

    test('a session is chosen by the cookie of its browser, and by no other', async () => {
      const { sessions } = stage.store
      const tenant = newTenant()
      const [first, second, elsewhere] = ['ada', 'bob', 'ada'].map(name => sessionOf(tenant, { user: `auth0|${name}` }))
      assert.ok(first && second && elsewhere)
      await sessions.begin(first, { from: null, secretHash: 'a' })
      await sessions.begin(second, { from: 'a', secretHash: 'b' })
      await sessions.begin(elsewhere, { from: null, secretHash: 'x' })
      const order = async () => (await sessions.inBrowser(tenant, 'b', NOW)).map(({ session }) => session.id)
      assert.deepEqual(await order(), [second.id, first.id])

      for (const [secretHash, id, now] of [
        ['b', elsewhere.id, NOW],
        ['x', first.id, NOW],
        ['a', first.id, NOW],
        ['b', 'unknown', NOW],
        ['b', first.id, NOW + HOUR],
      ] as const)
        assert.equal(await sessions.choose(tenant, secretHash, id, now), false)
      assert.equal(await sessions.choose(newTenant(), 'b', first.id, NOW), false)
      assert.deepEqual(await order(), [second.id, first.id])

      assert.equal(await sessions.choose(tenant, 'b', first.id, NOW), true)
      assert.deepEqual(await order(), [first.id, second.id])
      await sessions.end(tenant, second.id, NOW)
      assert.equal(await sessions.choose(tenant, 'b', second.id, NOW), false)
    })

    test('use does not change which session is the current one', async () => {
      const { sessions } = stage.store
      const tenant = newTenant()
      const [first, second] = [sessionOf(tenant, { user: 'auth0|bob' }), sessionOf(tenant)]
      await sessions.begin(first, { from: null, secretHash: 'a' })
      await sessions.begin(second, { from: 'a', secretHash: 'b' })
      await sessions.touch(tenant, first.id, NOW + 2 * MINUTE, NOW + HOUR + 2 * MINUTE)
      const [current] = await sessions.inBrowser(tenant, 'b', NOW)
      assert.equal(current?.session.id, second.id)
    })

    test('a user’s live sessions are found in all browsers, the last used first, and nobody else’s', async () => {
      const { sessions, users } = stage.store
      const ada = userOf(newTenant())
      const { tenant } = ada
      await users.create(ada, identityOf(ada))
      const [older, newer, ended, expired, others] = [
        sessionOf(tenant, { userAgent: 'Firefox' }),
        sessionOf(tenant, { usedAt: NOW + 1 }),
        sessionOf(tenant),
        sessionOf(tenant, { idleExpiresAt: NOW }),
        sessionOf(tenant, { user: 'auth0|bob' }),
      ]
      for (const [index, session] of [older, newer, ended, expired, others].entries())
        await sessions.begin(session, { from: null, secretHash: `${index}` })
      await sessions.end(tenant, ended.id, NOW)
      const found = await sessions.liveOf(tenant, ada.id, NOW)
      assert.deepEqual(
        found.map(({ browser: _, ...session }) => session),
        [newer, older],
      )
      assert.deepEqual(await sessions.liveOf(newTenant(), ada.id, NOW), [])

      await users.raiseEpoch(tenant, ada.id)
      assert.deepEqual(await sessions.liveOf(tenant, ada.id, NOW), [], 'signed out everywhere')
      await sessions.begin(sessionOf(tenant, { userEpoch: 1 }), { from: null, secretHash: 'again' })
      assert.equal((await sessions.liveOf(tenant, ada.id, NOW)).length, 1)
      await users.remove(tenant, ada.id, NOW)
      assert.deepEqual(await sessions.liveOf(tenant, ada.id, NOW), [])
    })

    test('a session lives until the earlier of its two limits', async () => {
      const { sessions } = stage.store
      const tenant = newTenant()
      const session = sessionOf(tenant, { idleExpiresAt: NOW + HOUR, expiresAt: NOW + 2 * HOUR })
      await sessions.begin(session, { from: null, secretHash: 'a' })
      const isLive = async (at: number) => (await sessions.inBrowser(tenant, 'a', at)).length === 1
      assert.equal(await isLive(NOW + HOUR - 1), true)
      assert.equal(await isLive(NOW + HOUR), false)
      await sessions.touch(tenant, session.id, NOW + MINUTE, NOW + 3 * HOUR)
      assert.equal(await isLive(NOW + 2 * HOUR - 1), true)
      assert.equal(await isLive(NOW + 2 * HOUR), false)
    })

    test('use moves the idle limit at most once a minute, and never wakes a session that is over', async () => {
      const { sessions } = stage.store
      const tenant = newTenant()
      const session = sessionOf(tenant)
      await sessions.begin(session, { from: null, secretHash: 'a' })
      const idle = async () => (await sessions.find(tenant, session.id))?.idleExpiresAt
      await sessions.touch(tenant, session.id, NOW + MINUTE - 1, NOW + HOUR + 1)
      assert.equal(await idle(), NOW + HOUR)
      await sessions.touch(tenant, session.id, NOW + MINUTE, NOW + HOUR + MINUTE)
      assert.equal(await idle(), NOW + HOUR + MINUTE)
      await sessions.touch(tenant, session.id, NOW + HOUR + MINUTE, NOW + 3 * HOUR)
      assert.equal(await idle(), NOW + HOUR + MINUTE)
      await sessions.end(tenant, session.id, NOW)
      await sessions.touch(tenant, session.id, NOW + 2 * MINUTE, NOW + 3 * HOUR)
      assert.equal(await idle(), NOW + HOUR + MINUTE)
    })

    test('a session ends once', async () => {
      const { sessions } = stage.store
      const tenant = newTenant()
      const session = sessionOf(tenant)
      await sessions.begin(session, { from: null, secretHash: 'a' })
      const answers = await inParallel(16, () => sessions.end(tenant, session.id, NOW + 1))
      assert.equal(answers.filter(answer => answer === 'ended').length, 1)
      assert.equal(answers.filter(answer => answer === 'already').length, 15)
      assert.equal(await sessions.end(tenant, 'unknown', NOW), 'gone')
      assert.equal(await sessions.end(newTenant(), session.id, NOW), 'gone')
      // A node whose clock is behind must not see it live.
      assert.deepEqual(await sessions.inBrowser(tenant, 'a', NOW), [])
    })

    test('the purge takes no more than it may, and browsers with nothing left', async () => {
      const { sessions } = stage.store
      const tenant = newTenant()
      const at = NOW - 100 * DAY
      const old = { createdAt: at, usedAt: at, idleExpiresAt: at + HOUR }
      const [ended, expired, live] = [sessionOf(tenant), sessionOf(tenant, old), sessionOf(tenant)]
      for (const [index, session] of [ended, expired, live].entries()) {
        await sessions.begin(session, { from: null, secretHash: `${index}` })
      }
      const left = [...(await browsersOf(tenant, '0')), (await sessions.find(tenant, expired.id))?.browser]
      await sessions.end(tenant, ended.id, at)
      assert.equal(await sessions.purge(at + HOUR, 1), 1)
      assert.equal(await sessions.purge(at + HOUR, 10), 1)
      assert.equal(await sessions.purge(at + HOUR, 10), 0)
      assert.equal(await sessions.find(tenant, ended.id), undefined)
      assert.equal(await sessions.find(tenant, expired.id), undefined)
      // Had their browsers stayed, whoever comes back with such a cookie would be in them again.
      for (const [index, browser] of left.entries()) {
        await sessions.begin(sessionOf(tenant), { from: `${index}`, secretHash: `back-${index}` })
        assert.equal((await browsersOf(tenant, `back-${index}`)).length, 1)
        assert.notDeepEqual(await browsersOf(tenant, `back-${index}`), [browser])
      }
      assert.equal((await sessions.inBrowser(tenant, '2', NOW)).length, 1)
    })

    test('a session that merely expired stays while an authorization names it', async () => {
      const { sessions, authorizations } = stage.store
      const tenant = newTenant()
      const session = sessionOf(tenant, { idleExpiresAt: NOW - 50 * DAY })
      await sessions.begin(session, { from: null, secretHash: 'a' })
      await authorizations.create(authorizationOf(tenant, { session: session.id, expiresAt: NOW - 40 * DAY }))
      assert.equal(await sessions.purge(NOW - 45 * DAY, 10), 0)
      assert.equal(await sessions.purge(NOW - 40 * DAY, 10), 1)
    })
  })
}
