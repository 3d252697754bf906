/**
 * Stealing what an application's own page is given for a password, or asking for it from somebody else's page: a login
 * ticket in another browser, twice, for another client or from another page; and guessing where no hosted page is seen.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { onEachStore } from '../fixtures/server.ts'
import { ELSEWHERE, FOREIGN, REALM, stageOfPages } from './embedded-stage.ts'
import { LOCK, ORIGIN } from './own-page.ts'
import { ANN, BEN, type CookieJarBrowser, codeOf, follow, signIn } from './stage.ts'

onEachStore('What a page of an application is given', store => {
  const stage = stageOfPages(store)
  const { browserOf, clock, credentials, post, ticketFor, withTicket } = stage

  async function signedIn(): Promise<CookieJarBrowser> {
    const browser = browserOf()
    await signIn(browser, BEN)
    return browser
  }

  const signUp = (changes: object, origin = ORIGIN) =>
    post(
      '/dbconnections/signup',
      { ...LOCK, email: 'free@example.com', password: 'seven quiet lanterns', connection: REALM, ...changes },
      { origin },
    )

  test('a login ticket is good once, however many come with it at a time', async () => {
    const browser = browserOf()
    const path = withTicket(await ticketFor(browser), { prompt: 'none' })
    const { 'latchkey.browser': secret } = Object.fromEntries(browser.cookies)
    const outcomes = await Promise.all(
      Array.from({ length: 64 }, async () => {
        const one = browserOf()
        one.cookies.set('latchkey.browser', secret ?? '')
        const { location } = await one.get(path)
        return location?.startsWith('/authorize/') ? 'answered' : new URL(location ?? '').searchParams.get('error')
      }),
    )
    assert.equal(outcomes.filter(one => one === 'answered').length, 1)
    assert.equal(outcomes.filter(one => one === 'login_required').length, 63)
  })

  test('a login ticket is good in its browser alone, and nobody else spends it', async () => {
    const browser = browserOf()
    const path = withTicket(await ticketFor(browser), { prompt: 'none' })
    for (const thief of [browserOf(), await signedIn()]) {
      const callback = await follow(thief, withTicket('x', { prompt: 'none' }))
      const stolen = await follow(thief, path)
      assert.equal(stolen.searchParams.get('error'), callback.searchParams.get('error'), 'as good as none')
    }
    codeOf(await follow(browser, path))
  })

  test('a login ticket is good for its client, for its page and for two minutes', async () => {
    const browser = browserOf()
    const ticket = await ticketFor(browser)
    const isRefused = async (path: string, headers: Record<string, string> = {}) =>
      assert.match((await browser.get(path, headers)).location ?? '', /error=login_required/)
    const elsewhere = { redirect_uri: 'https://elsewhere.example/callback', prompt: 'none' }
    await isRefused(withTicket(ticket, elsewhere, ELSEWHERE))
    await isRefused(withTicket(ticket, { prompt: 'none' }), { referer: `${FOREIGN}/` })
    clock.advance(2 * 60_000)
    await isRefused(withTicket(ticket, { prompt: 'none' }))
  })

  test('a login ticket dies with what the person had', async () => {
    const browser = browserOf()
    const path = withTicket(await ticketFor(browser), { prompt: 'none' })
    const { users } = stage.server.latchkey.store
    const [id = ''] = await users.findByAttribute('default', 'email', ANN.email, 1)
    await users.raiseEpoch('default', id)
    assert.equal((await follow(browser, path)).searchParams.get('error'), 'login_required')
  })

  for (const [path, more] of Object.entries({
    '/co/authenticate': {},
    '/usernamepassword/login': {},
    '/dbconnections/signup': { email: 'free@example.com', password: 'seven quiet lanterns' },
    '/dbconnections/change_password': { email: ANN.email },
    '/passwordless/start': { email: ANN.email },
    '/passwordless/verify': { email: ANN.email, verification_code: '123456' },
    '/otp/challenge': { email: ANN.email },
  }))
    test(`${path} is refused to a page of somebody else, whatever else is right with it`, async () => {
      for (const origin of [FOREIGN, 'null', `${ORIGIN}.evil.example`, 'http://app.example', `${ORIGIN}:8443`]) {
        const answer = await post(path, { ...credentials(), connection: REALM, ...more }, { origin })
        const { error, code } = answer.json()
        assert.deepEqual([answer.status, error ?? code], [403, 'access_denied'], origin)
        assert.equal(answer.headers['access-control-allow-origin'], undefined)
        assert.deepEqual(answer.cookies, [])
      }
    })

  test('a preflight is answered to pages of the tenant’s own applications, with cookies where they are wanted', async () => {
    const ask = async (path: string, origin: string) =>
      (await browserOf().ask('OPTIONS', path, undefined, { origin, 'access-control-request-method': 'POST' })).headers
    for (const [path, cookies] of [
      ['/co/authenticate', 'true'],
      ['/user/ssodata', 'true'],
      ['/dbconnections/signup', undefined],
    ] as const)
      for (const origin of [ORIGIN, 'https://elsewhere.example']) {
        const headers = await ask(path, origin)
        assert.equal(headers['access-control-allow-origin'], origin, path)
        assert.equal(headers['access-control-allow-credentials'], cookies, path)
        assert.match(String(headers['access-control-allow-headers']), /Auth0-Client/)
        assert.equal(headers['vary'], 'Origin')
      }
    for (const origin of [FOREIGN, 'null', 'https://stranger.example', `${ORIGIN}.evil.example`])
      assert.equal((await ask('/co/authenticate', origin))['access-control-allow-origin'], undefined, origin)
  })

  test('guesses are braked as on the hosted page, together with them', async () => {
    const person = { email: `guessed-${store}@example.com`, password: 'seven quiet lanterns' }
    assert.equal((await signUp(person)).status, 200)
    for (let guess = 0; guess < 10; guess++)
      assert.equal((await post('/co/authenticate', { ...credentials(person), password: `no ${guess}` })).status, 403)
    const held = await post('/co/authenticate', credentials(person))
    assert.deepEqual([held.status, held.json()['error']], [429, 'too_many_attempts'])
    assert.ok(Number(held.headers['retry-after']) > 0)
    await assert.rejects(signIn(browserOf(), person), /429/)
  })
})
