/**
 * A session, or a sign-in, planted in the browser of somebody else: so that they use the attacker's account, or the
 * attacker theirs. The session's name changes with every sign-in, and a sign-in ends in the browser in which it began.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import type { EdgeBrowser, Page } from '../fixtures/edge-browser.ts'
import { ANN, type EdgeStage, EVE, setEdgeStage } from '../fixtures/edge-stage.ts'

const SESSION = 'latchkey.edge'

describe('At the edge, a session', () => {
  let stage: EdgeStage
  before(async () => {
    stage = await setEdgeStage()
  })
  after(() => stage?.close())

  const at = (path: string) => `${stage.url}${path}`
  const signedIn = async (who: typeof ANN | typeof EVE): Promise<EdgeBrowser> => {
    const browser = stage.browser()
    assert.equal((await browser.signIn(at('/pages/home'), who)).status, 200)
    return browser
  }
  const whoIs = async (browser: EdgeBrowser): Promise<string | number> => {
    const page = await browser.fetch(at('/pages/who'))
    return page.status === 200
      ? String((page.json()['headers'] as Record<string, string>)['x-user-email'])
      : page.status
  }

  /** As far as the answer that the identity server sends back by way of the browser, which does not go there. */
  async function answerOf(browser: EdgeBrowser, who: typeof ANN | typeof EVE): Promise<string> {
    const step = browser.step.bind(browser)
    let callback = ''
    browser.step = async (url, options) => {
      if (!String(url).startsWith(at('/edge/callback'))) return step(url, options)
      callback = String(url)
      return step(at('/public/stopped'))
    }
    await browser.signIn(at('/pages/home'), who)
    browser.step = step
    assert.notEqual(callback, '')
    return callback
  }

  const isRefused = ({ status, cookies }: Page): void => {
    assert.equal(status, 400)
    assert.ok(!cookies.some(cookie => cookie.startsWith(`${SESSION}=`)))
  }

  test('that was planted before the sign-in opens nothing afterwards', async () => {
    const victim = stage.browser()
    const planted = 'A'.repeat(43)
    victim.cookies.set(SESSION, planted)
    await victim.signIn(at('/pages/home'), ANN)
    assert.equal(await whoIs(victim), ANN.email)
    const attacker = stage.browser()
    attacker.cookies.set(SESSION, planted)
    assert.equal(await whoIs(attacker), 401)
  })

  test('of the attacker, planted, is ended by the victim’s sign-in and does not become theirs', async () => {
    const attacker = await signedIn(EVE)
    const victim = stage.browser()
    victim.cookies.set(SESSION, attacker.cookies.get(SESSION) as string)
    await victim.signIn(at('/edge/sign-in?return_to=/pages/home'), ANN)
    assert.equal(await whoIs(victim), ANN.email)
    assert.equal(await whoIs(attacker), 401)
  })

  test('does not come of the attacker’s answer in the victim’s browser', async () => {
    const attacker = stage.browser()
    const answer = await answerOf(attacker, EVE)
    const victim = stage.browser()
    isRefused(await victim.visit(answer))
    // Nor while the victim has a sign-in of their own under way.
    await victim.visit(at('/pages/home'))
    isRefused(await victim.visit(answer))
    assert.equal(await whoIs(victim), 401)
    // The code was not spent by that.
    assert.equal((await attacker.visit(answer)).status, 200)
  })

  test('does not come of the attacker’s code under the victim’s own state, nor of the other half', async () => {
    const attacker = stage.browser()
    const stolen = new URL(await answerOf(attacker, EVE))
    const victim = stage.browser()
    const own = new URL(await answerOf(victim, ANN))
    const mixed = new URL(own)
    mixed.searchParams.set('code', stolen.searchParams.get('code') as string)
    isRefused(await victim.visit(mixed))
    assert.equal(await whoIs(victim), 401)
  })

  test('does not come of an answer without a state, without a code, twice, of another issuer, or of none', async () => {
    for (const change of [
      (url: URL) => url.searchParams.delete('state'),
      (url: URL) => url.searchParams.set('state', 'B'.repeat(43)),
      (url: URL) => url.searchParams.delete('code'),
      (url: URL) => url.searchParams.append('state', url.searchParams.get('state') as string),
      (url: URL) => url.searchParams.append('code', 'another'),
      (url: URL) => url.searchParams.set('iss', 'https://other.example/'),
      (url: URL) => url.searchParams.delete('iss'),
      (url: URL) => url.searchParams.set('error', 'access_denied'),
    ]) {
      const browser = stage.browser()
      const answer = new URL(await answerOf(browser, ANN))
      change(answer)
      isRefused(await browser.visit(answer))
      assert.equal(await whoIs(browser), 401, String(change))
    }
  })

  test('comes of an answer once', async () => {
    const browser = stage.browser()
    const answer = await answerOf(browser, ANN)
    const cookies = new Map(browser.cookies)
    assert.equal((await browser.visit(answer)).status, 200)
    isRefused(await browser.visit(answer))
    assert.equal(await whoIs(browser), ANN.email, 'and it stays')
    // Whoever has the browser's cookies from before has a code that was spent.
    const copy = stage.browser()
    for (const [name, value] of cookies) copy.cookies.set(name, value)
    isRefused(await copy.visit(answer))
  })

  test('is named by no cookie that somebody made up or changed', async () => {
    const browser = await signedIn(ANN)
    const own = browser.cookies.get(SESSION) as string
    for (const value of ['', own.slice(1), `${own}A`, own.toUpperCase(), `"${own}"`, `${own}%00`, '../session']) {
      const other = stage.browser()
      other.cookies.set(SESSION, value)
      assert.equal(await whoIs(other), 401, value)
    }
  })

  test('comes of nothing that anybody made up, and nothing that anybody made up is a fault of ours', async () => {
    const value = fc.oneof(
      fc.constantFrom('', 'x', 'A'.repeat(43), '%00', '..', '{}', 'a.b.c', '//evil.example', '"'),
      fc.string({ maxLength: 60 }).map(encodeURIComponent),
    )
    const name = fc.constantFrom('state', 'code', 'iss', 'error', 'return_to', 'max_age', 'acr_values', 'x')
    const cookie = fc.constantFrom(SESSION, 'latchkey.edge-sign-in.', 'latchkey.edge-sign-in.x', `__Host-${SESSION}`)
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('/edge/sign-in', '/edge/callback', '/edge/sign-out', '/pages/x', '/open/x'),
        fc.constantFrom('GET', 'POST', 'HEAD', 'PUT'),
        fc.array(fc.tuple(name, value), { maxLength: 4 }),
        fc.array(fc.tuple(cookie, value), { maxLength: 4 }),
        async (path, method, query, cookies) => {
          const asked = query.map(pair => pair.join('=')).join('&')
          const sent = cookies.map(pair => pair.join('=')).join('; ')
          const headers = { accept: 'text/html', ...(sent !== '' && { cookie: sent }) }
          const page = await stage.browser().step(`${at(path)}?${asked}`, { method, headers })
          assert.ok(page.status < 500, `${page.status} for ${method} ${path}?${asked} with ${sent}`)
          assert.ok(!page.cookies.some(set => set.startsWith(`${SESSION}=`) && !set.startsWith(`${SESSION}=;`)))
          assert.ok(path === '/open/x' || page.status !== 200 || path === '/edge/sign-out')
        },
      ),
      { numRuns: 200 },
    )
  })
})
