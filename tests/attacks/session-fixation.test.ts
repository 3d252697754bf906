/**
 * A session whose name the attacker knows: planted before the sign-in, or kept from an earlier one. The name changes
 * at every sign-in and the old one opens nothing; cookies are set so that neither scripts nor other hosts get at them.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { onEachStore, type RunningServer, startServer } from '../fixtures/server.ts'
import {
  ANN,
  authorizePath,
  BEN,
  beginAt,
  CookieJarBrowser,
  EVE,
  follow,
  queryOf,
  SPA,
  signIn,
  tenantFile,
} from './stage.ts'

const SESSION = 'latchkey.session'
const BROWSER = 'latchkey.browser'
const HTTPS_ISSUER = 'https://id.example/'

onEachStore('A session cookie', store => {
  let server: RunningServer

  before(async () => {
    server = await startServer({ store, tenantFile })
    const put = await server.latchkey.store.tenants.putHost({
      host: 'id.example',
      tenant: 'default',
      issuer: HTTPS_ISSUER,
    })
    assert.equal(put, 'put')
  })
  after(() => server?.close())

  const browserWith = (session: string | undefined): CookieJarBrowser => {
    const browser = new CookieJarBrowser(server)
    if (session !== undefined) browser.cookies.set(SESSION, session)
    return browser
  }

  /** Who is signed in there, as an application would learn it. */
  async function isSignedIn(browser: CookieJarBrowser): Promise<boolean> {
    const { searchParams } = await follow(browser, authorizePath(SPA, { prompt: 'none' }))
    if (searchParams.has('code')) return true
    assert.equal(searchParams.get('error'), 'login_required')
    return false
  }

  test('planted before the sign-in opens nothing afterwards', async () => {
    const planted = 'A'.repeat(43)
    const victim = browserWith(planted)
    await signIn(victim, ANN)
    assert.notEqual(victim.cookies.get(SESSION), planted)
    assert.ok(await isSignedIn(victim))
    assert.equal(await isSignedIn(browserWith(planted)), false)
  })

  test('of the attacker’s own live session, planted in the victim’s browser, does not become the victim’s session', async () => {
    const attacker = new CookieJarBrowser(server)
    await signIn(attacker, EVE)
    const planted = attacker.cookies.get(SESSION)
    const victim = browserWith(planted)
    await signIn(victim, ANN, authorizePath(SPA, { prompt: 'login' }))
    assert.notEqual(victim.cookies.get(SESSION), planted)
    assert.equal(await isSignedIn(browserWith(planted)), false)
  })

  test('has another value after every sign-in, of the same person or another', async () => {
    const browser = new CookieJarBrowser(server)
    const seen = new Set<string | undefined>()
    const people = [ANN, ANN, BEN, ANN]
    for (const person of people) {
      await signIn(browser, person, authorizePath(SPA, { prompt: 'login' }))
      seen.add(browser.cookies.get(SESSION))
    }
    assert.equal(seen.size, people.length)
    const [last, ...older] = [...seen].reverse()
    for (const value of older) assert.equal(await isSignedIn(browserWith(value)), false)
    assert.ok(await isSignedIn(browserWith(last)))
  })

  test('has another value after a sign-up too', async () => {
    const planted = 'B'.repeat(43)
    const victim = browserWith(planted)
    const login = await beginAt(victim)
    const posted = await victim.post(`${login}/sign-up`, { email: 'new@example.com', password: 'sixteen candles lit' })
    assert.equal(posted.status, 303)
    assert.notEqual(victim.cookies.get(SESSION), planted)
    assert.ok(await isSignedIn(victim))
    assert.equal(await isSignedIn(browserWith(planted)), false)
  })

  test('is dropped at sign-out, and a copy of it opens nothing', async () => {
    const browser = new CookieJarBrowser(server)
    await signIn(browser, ANN)
    const copy = browser.cookies.get(SESSION)
    const query = queryOf({ client_id: SPA.client_id, returnTo: 'https://app.example/' })
    assert.equal((await browser.get(`/v2/logout?${query}`)).status, 303)
    assert.equal(browser.cookies.has(SESSION), false)
    assert.equal(await isSignedIn(browserWith(copy)), false)
  })

  /** Each cookie of a whole sign-in as it was set: name → attributes. */
  async function cookiesOf(issuer: string): Promise<Map<string, string[]>> {
    const browser = new CookieJarBrowser(server, { issuer })
    const begun = await browser.get(authorizePath())
    const login = begun.location ?? ''
    const shown = await browser.get(`${login}?language=ko`)
    const posted = await browser.post(login, { username: ANN.email, password: ANN.password })
    return new Map(
      [begun, shown, posted].flatMap(({ cookies }) =>
        cookies.map((cookie): [string, string[]] => {
          const [pair = '', ...attributes] = cookie.split('; ')
          return [pair.split('=')[0] ?? '', attributes]
        }),
      ),
    )
  }

  test('is out of reach of scripts and of other sites over http', async () => {
    const cookies = await cookiesOf(server.issuer)
    assert.deepEqual([...cookies.keys()].sort(), [BROWSER, 'latchkey.language', SESSION])
    for (const [name, attributes] of cookies) {
      assert.ok(attributes.includes('HttpOnly'), name)
      assert.ok(attributes.includes('SameSite=Lax'), name)
      assert.ok(attributes.includes('Path=/'), name)
      assert.ok(!attributes.includes('Secure'), name)
      assert.ok(!attributes.some(attribute => /^domain/i.test(attribute)), name)
    }
  })

  test('cannot be planted by another host or over plain http where the issuer is https', async () => {
    const cookies = await cookiesOf(HTTPS_ISSUER)
    assert.deepEqual(
      [...cookies.keys()].sort(),
      [BROWSER, 'latchkey.language', SESSION].map(name => `__Host-${name}`),
    )
    for (const [name, attributes] of cookies) {
      assert.ok(attributes.includes('Secure'), name)
      assert.ok(attributes.includes('HttpOnly'), name)
      assert.ok(attributes.includes('Path=/'), name)
      assert.ok(!attributes.some(attribute => /^domain/i.test(attribute)), name)
    }
  })

  test('without the prefix is not read where the issuer is https', async () => {
    const honest = new CookieJarBrowser(server, { issuer: HTTPS_ISSUER })
    await signIn(honest, ANN)
    const planted = new CookieJarBrowser(server, { issuer: HTTPS_ISSUER })
    for (const name of [SESSION, BROWSER]) {
      const value = honest.cookies.get(`__Host-${name}`)
      assert.ok(value)
      planted.cookies.set(name, value)
    }
    assert.ok(await isSignedIn(honest))
    assert.equal(await isSignedIn(planted), false)
  })
})
