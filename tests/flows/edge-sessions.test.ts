/** A browser without an SDK: it signs in through the gateway, stays signed in, and signs out. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { Log } from '../../server/kernel/log.ts'
import { HOUR, MINUTE, SECOND } from '../../server/kernel/seconds.ts'
import type { EdgeBrowser, Page } from '../fixtures/edge-browser.ts'
import { ANN, type EdgeStage, setEdgeStage } from '../fixtures/edge-stage.ts'
import { startRedis, type TestRedis } from '../fixtures/redis.ts'
import { createTestClock, type TestClock } from '../fixtures/test-clock.ts'

const SESSION = 'latchkey.edge'
const TOKEN_LIFE = HOUR

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (const began = Date.now(); !(await isSo()); await pause(20))
    assert.ok(Date.now() - began < 20 * SECOND, 'it did not happen')
}

/** What the service behind the gateway was sent, as it tells. */
const sentTo = (page: Page) => page.json() as { url: string; headers: Record<string, string> }
const isSignInPage = ({ body }: Page) => body.includes('type="password"')

describe('A browser session', () => {
  let stage: EdgeStage
  let clock: TestClock
  const logged: string[] = []
  before(async () => {
    clock = createTestClock()
    const note = (fields: object, message: string) => void logged.push(`${message} ${JSON.stringify(fields)}`)
    const log: Log = { debug: note, info: note, warn: note, error: note }
    stage = await setEdgeStage({ clock: clock.now, tokenLifetime: TOKEN_LIFE / SECOND, options: { log } })
  })
  after(() => stage?.close())

  const at = (path: string) => `${stage.url}${path}`
  const signedIn = async (): Promise<EdgeBrowser> => {
    const browser = stage.browser()
    assert.equal((await browser.signIn(at('/pages/home'), ANN)).status, 200)
    return browser
  }

  test('is begun at the hosted pages, and leads back to the page that was asked for', async () => {
    const browser = stage.browser()
    const page = await browser.signIn(at('/pages/films?page=2&sort=a%20b'), ANN)
    const { url, headers } = sentTo(page)
    assert.equal(url, '/pages/films?page=2&sort=a%20b')
    assert.match(headers['x-user-id'] ?? '', /^auth0\|/)
    assert.equal(headers['x-user-email'], ANN.email)
    assert.equal(headers['authorization'], undefined)
    assert.equal(headers['cookie'], undefined)
    assert.match(browser.cookies.get(SESSION) ?? '', /^[\w-]{43}$/)
    assert.equal([...browser.cookies.keys()].filter(name => name.includes('sign-in')).length, 0)
  })

  test('is an opaque cookie that no script and no other site’s form gets at', async () => {
    const browser = stage.browser()
    const login = await browser.visit(at('/pages/home'))
    let set = ''
    const step = browser.step.bind(browser)
    browser.step = async (...asked) => {
      const page = await step(...asked)
      set = page.cookies.find(cookie => cookie.startsWith(`${SESSION}=`)) ?? set
      return page
    }
    await browser.submit(login, { username: ANN.email, password: ANN.password })
    assert.match(set, /^latchkey\.edge=[\w-]{43}; Path=\/; SameSite=Lax; HttpOnly$/)
  })

  test('sends other cookies on, and none of ours or of the identity server', async () => {
    const browser = await signedIn()
    browser.cookies.set('theme', 'dark')
    assert.ok(browser.cookies.has('latchkey.session'), 'both are on one host here')
    assert.equal(sentTo(await browser.fetch(at('/pages/x'))).headers['cookie'], 'theme=dark')
  })

  test('is for the scripts and forms of its own pages too', async () => {
    const browser = await signedIn()
    for (const method of ['GET', 'POST', 'DELETE'])
      assert.equal((await browser.fetch(at('/pages/x'), { method })).status, 200, method)
  })

  test('is missed by a script with 401, and by a page with the way to sign in', async () => {
    const browser = stage.browser()
    const script = await browser.fetch(at('/pages/x'))
    assert.equal(script.status, 401)
    assert.equal(script.headers.location, undefined)
    assert.match(String(script.headers['www-authenticate']), /^Bearer /)
    assert.ok(isSignInPage(await browser.visit(at('/pages/x'))))
    // A kind that was sent is judged, and nobody is led anywhere for another.
    const wrong = await browser.step(at('/either/x'), {
      headers: { authorization: 'Bearer a.b.c', accept: 'text/html', 'sec-fetch-mode': 'navigate' },
    })
    assert.equal(wrong.status, 401)
  })

  test('can be begun in several tabs at once', async () => {
    const browser = stage.browser()
    const tabs = []
    for (const name of ['one', 'two', 'three']) tabs.push(await browser.visit(at(`/pages/${name}`)))
    const ends = []
    for (const tab of tabs) ends.push(await browser.submit(tab, { username: ANN.email, password: ANN.password }))
    assert.deepEqual(
      ends.map(page => sentTo(page).url),
      ['/pages/one', '/pages/two', '/pages/three'],
    )
  })

  test('leaves no more than a handful of sign-ins under way behind', async () => {
    const browser = stage.browser()
    for (let tab = 0; tab < 12; tab++) await browser.visit(at(`/pages/${tab}`))
    assert.ok([...browser.cookies.keys()].filter(name => name.startsWith('latchkey.edge-sign-in.')).length <= 5)
    const last = await browser.visit(at('/pages/last'))
    assert.equal(sentTo(await browser.submit(last, { username: ANN.email, password: ANN.password })).url, '/pages/last')
  })

  test('lasts longer than its access token, without the person noticing', async () => {
    const browser = await signedIn()
    const cookie = browser.cookies.get(SESSION)
    for (let hours = 0; hours < 3; hours++) {
      clock.advance(TOKEN_LIFE + MINUTE)
      const pages = await Promise.all(Array.from({ length: 6 }, (_, index) => browser.fetch(at(`/pages/${index}`))))
      assert.deepEqual(new Set(pages.map(({ status }) => status)), new Set([200]))
    }
    assert.equal(browser.cookies.get(SESSION), cookie)
  })

  test('is over when nobody used it for as long as the file says', async () => {
    const browser = await signedIn()
    clock.advance(8 * HOUR)
    assert.equal((await browser.fetch(at('/pages/x'))).status, 401)
  })

  test('has another name after every sign-in, and the former opens nothing', async () => {
    const browser = await signedIn()
    const former = browser.cookies.get(SESSION) as string
    await browser.visit(at('/edge/sign-in?return_to=/pages/again'))
    assert.notEqual(browser.cookies.get(SESSION), former)
    const other = stage.browser()
    other.cookies.set(SESSION, former)
    assert.equal((await other.fetch(at('/pages/x'))).status, 401)
  })

  test('leads to a newer sign-in where a route asks for one, and there is no way around it', async () => {
    const browser = await signedIn()
    clock.advance(MINUTE)
    const script = await browser.fetch(at('/fresh/x'))
    assert.equal(script.status, 401)
    assert.match(String(script.headers['www-authenticate']), /insufficient_user_authentication.*max_age="1"/)
    const login = await browser.visit(at('/fresh/x'))
    assert.ok(isSignInPage(login), 'the session at the identity server is not enough')
    const page = await browser.submit(login, { username: ANN.email, password: ANN.password })
    assert.equal(sentTo(page).url, '/fresh/x')

    clock.advance(MINUTE)
    const asked = new URL(String((await browser.step(at('/edge/sign-in?max_age=1'))).headers.location))
    asked.searchParams.delete('max_age')
    const refused = await browser.visit(asked)
    assert.equal(refused.status, 403, 'what was asked for is looked for in the answer')
    assert.match(refused.body, /more than you signed in with/)
  })

  test('does not send a browser in circles for what signing in does not mend', async () => {
    const browser = await signedIn()
    const page = await browser.visit(at('/others/x'))
    assert.equal(page.status, 401)
    assert.equal(page.json()['reason'], 'wrong_audience')
    // Nothing asks the identity server for a method, so it would send the browser back as it was.
    const weak = await browser.visit(at('/strong/x'))
    assert.deepEqual([weak.status, weak.json()['reason']], [401, 'step_up'])
  })

  test('is let go of where nobody has to be signed in', async () => {
    const browser = await signedIn()
    browser.cookies.set(SESSION, 'A'.repeat(43))
    assert.equal((await browser.fetch(at('/open/x'))).status, 401, 'what is sent has to be good')
    const page = await browser.visit(at('/open/x?y=1'))
    assert.equal(page.status, 200)
    assert.equal(sentTo(page).url, '/open/x?y=1')
    assert.equal(sentTo(page).headers['x-user-id'], undefined)
    assert.ok(!browser.cookies.has(SESSION))
  })

  test('ends here and at the identity server when the person signs out', async () => {
    const browser = await signedIn()
    const cookie = browser.cookies.get(SESSION) as string
    const question = await browser.visit(at('/edge/sign-out'))
    assert.equal(question.status, 200)
    assert.ok(browser.cookies.has(SESSION), 'asking ends nothing')
    const next = await browser.submit(question)
    assert.equal(next.url.href, at('/'), 'it comes back here by way of the identity server')
    assert.ok(!browser.cookies.has(SESSION))
    assert.ok(isSignInPage(await browser.visit(at('/pages/x'))), 'it is signed out there too')
    browser.cookies.set(SESSION, cookie)
    assert.equal((await browser.fetch(at('/pages/x'))).status, 401, 'whoever kept the cookie has nothing')
  })

  test('ends when it ends at the identity server, also with a token that does not name it any more', async () => {
    const [fresh, refreshed, other] = [await signedIn(), await signedIn(), await signedIn()]
    clock.advance(TOKEN_LIFE)
    assert.equal((await refreshed.fetch(at('/pages/x'))).status, 200)
    for (const browser of [fresh, refreshed]) {
      const cookie = browser.cookies.get(SESSION) as string
      await browser.submit(await browser.visit(`${stage.issuer}oidc/logout`))
      await until(async () => (await browser.fetch(at('/pages/x'))).status === 401)
      browser.cookies.set(SESSION, cookie)
      assert.equal((await browser.fetch(at('/pages/x'))).status, 401, 'and it stays so')
      assert.ok(isSignInPage(await browser.visit(at('/pages/x'))))
    }
    assert.equal((await other.fetch(at('/pages/x'))).status, 200)
  })

  test('survives another route file, and is read by a key that seals no more', async () => {
    const browser = await signedIn()
    await stage.reload({ session: { keys: [Buffer.alloc(32, 7).toString('base64'), ...stage.keys] } })
    assert.equal((await browser.fetch(at('/pages/x'))).status, 200)
    await stage.reload({ session: { keys: [Buffer.alloc(32, 7).toString('base64')] } })
    assert.equal((await browser.fetch(at('/pages/x'))).status, 401)
    await stage.reload()
  })

  test('has cookies that no other host and no plain page can plant, where it is reached over https', async () => {
    const behind = await stage.another({ trusted_proxies: ['127.0.0.1', '::1'] })
    const headers = { host: 'app.example:8443', 'x-forwarded-proto': 'https' }
    const page = await stage.browser().step(`${behind.url}/edge/sign-in`, { headers })
    const [set = ''] = page.cookies
    assert.match(
      set,
      /^__Host-latchkey\.edge-sign-in\.[\w-]{16}=.*; Path=\/; SameSite=Lax; Max-Age=3600; HttpOnly; Secure$/,
    )
    const asked = new URL(String(page.headers.location))
    assert.equal(asked.searchParams.get('redirect_uri'), 'https://app.example:8443/edge/callback')
    // What plain http may have planted is not looked at.
    const planted = `latchkey.edge=${(await signedIn()).cookies.get(SESSION)}`
    const script = await stage.browser().step(`${behind.url}/pages/x`, { headers: { ...headers, cookie: planted } })
    assert.equal(script.status, 401)
  })

  test('is in no line of the log, nor is anything that opens one', async () => {
    await (await signedIn()).visit(at('/edge/callback?code=a-code-that-nobody-gave&state=x'))
    const lines = logged.join('\n')
    assert.ok(logged.length > 20 && lines.includes('pages'), 'there is a log')
    assert.doesNotMatch(lines, /eyJ[\w-]{10}/)
    assert.doesNotMatch(lines, /[\w-]{40}|a-code-that-nobody-gave|the secret of/)
  })

  test('is asked for in the language of the browser', async () => {
    const browser = stage.browser()
    const page = await browser.visit(at('/edge/sign-out'), { 'accept-language': 'ko' })
    assert.match(page.body, /<html lang="ko">/)
    assert.match(page.body, /로그아웃할까요/)
  })
})

describe('A browser session of several gateways', () => {
  let redis: TestRedis
  let stage: EdgeStage
  let clock: TestClock
  before(async () => {
    redis = await startRedis()
    clock = createTestClock()
    stage = await setEdgeStage({ clock: clock.now, redis: redis.url, tokenLifetime: TOKEN_LIFE / SECOND })
  })
  after(async () => {
    await stage?.close()
    await redis?.stop()
  })

  test('is one session, whose tokens one of them fetches', async () => {
    const other = await stage.another()
    const browser = stage.browser()
    await browser.signIn(`${stage.url}/pages/home`, ANN)
    const refreshes = async () => {
      const events = await stage.server.latchkey.store.events.list('default', { limit: 1000 })
      return events.filter(({ type }) => type.startsWith('token.refresh')).map(({ type }) => type)
    }
    for (let hours = 0; hours < 3; hours++) {
      clock.advance(TOKEN_LIFE + MINUTE)
      const asked = [stage.url, other.url].flatMap(url =>
        Array.from({ length: 8 }, () => browser.fetch(`${url}/pages/x`)),
      )
      const pages = await Promise.all(asked)
      assert.deepEqual(new Set(pages.map(({ status }) => status)), new Set([200]))
      assert.deepEqual(await refreshes(), Array(hours + 1).fill('token.refreshed'))
    }
    const question = await browser.visit(`${other.url}/edge/sign-out`)
    const cookie = browser.cookies.get(SESSION) as string
    await browser.submit(question)
    browser.cookies.set(SESSION, cookie)
    for (const url of [stage.url, other.url]) assert.equal((await browser.fetch(`${url}/pages/x`)).status, 401)
  })

  test('is refused with 503 while Redis is away, and goes on afterwards', async () => {
    const browser = stage.browser()
    await browser.signIn(`${stage.url}/pages/home`, ANN)
    await redis.stop()
    assert.equal((await browser.fetch(`${stage.url}/pages/x`)).status, 503)
    assert.equal((await browser.visit(`${stage.url}/edge/sign-in`)).status, 503, 'it would be kept nowhere')
    await redis.start()
    await until(async () => (await browser.fetch(`${stage.url}/pages/x`)).status !== 503)
    assert.equal(sentTo(await browser.visit(`${stage.url}/pages/x`)).url, '/pages/x')
  })
})
