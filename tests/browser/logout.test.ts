/**
 * Signing out in Chromium, as applications on another origin notice it: frames that end their part of the session, and the
 * frame that tells whether the session is still the one they know. The server is asked for no more than a browser asks.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { insist } from '../conformance/insist.ts'
import { launchBrowser } from '../fixtures/browser.ts'
import { type RunningServer, startServer } from '../fixtures/server.ts'

const ANN = { email: 'ann@example.com', password: 'a lighthouse in the fog' } as const
const PATIENCE = 15_000

describe('An application in the same browser', () => {
  let site: Server
  let home = ''
  let server: RunningServer
  let chromium: Browser
  /** What was asked of the application, in order. */
  let asked: URL[] = []

  before(async () => {
    site = createServer((request, response) => {
      const url = new URL(request.url ?? '', home)
      asked.push(url)
      if (url.pathname === '/never') return
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' })
      response.end(
        `<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>${url.pathname}</title></html>`,
      )
    })
    site.listen(0, '127.0.0.1')
    await once(site, 'listening')
    home = `http://localhost:${(site.address() as AddressInfo).port}`
    const client = {
      app_type: 'spa',
      callbacks: [`${home}/callback`],
      allowed_logout_urls: [`${home}/signed-out`],
    }
    server = await startServer({
      store: 'sqlite',
      tenantFile: {
        clients: [
          { ...client, client_id: 'app', name: 'Lantern', frontchannel_logout_uri: `${home}/out?of=lantern` },
          { ...client, client_id: 'slow', name: 'Snail', frontchannel_logout_uri: `${home}/never` },
          { ...client, client_id: 'plain', name: 'Plain' },
        ],
        users: [{ ...ANN, email_verified: true }],
      },
    })
    chromium = await launchBrowser()
  })
  after(async () => {
    await chromium?.close()
    await server?.close()
    site?.closeAllConnections()
    site?.close()
  })

  async function withPage(run: (page: Page) => Promise<void>, options: BrowserContextOptions = {}): Promise<void> {
    const context = await chromium.newContext({ locale: 'en-GB', ...options })
    context.setDefaultTimeout(PATIENCE)
    asked = []
    try {
      await run(await context.newPage())
    } finally {
      await context.close()
    }
  }

  const urlOf = (path: string, parameters: Record<string, string>) =>
    new URL(`${path}?${new URLSearchParams(parameters)}`, server.issuer).href
  const authorize = (client_id: string, more: Record<string, string> = {}) =>
    urlOf('authorize', {
      client_id,
      response_type: 'code',
      redirect_uri: `${home}/callback`,
      scope: 'openid',
      code_challenge: 'A'.repeat(43),
      code_challenge_method: 'S256',
      ...more,
    })
  const logout = (state: string) =>
    urlOf('oidc/logout', { client_id: 'plain', post_logout_redirect_uri: `${home}/signed-out`, state })

  /** Answers with what the application was sent. */
  async function signIn(page: Page, client: string): Promise<URLSearchParams> {
    await page.goto(authorize(client))
    if (!page.url().startsWith(home)) {
      await page.getByLabel('E-mail').fill(ANN.email)
      await page.getByLabel('Password', { exact: true }).fill(ANN.password)
      await page.locator('button[type=submit]').click()
    }
    await page.waitForURL(`${home}/callback?*`)
    return new URL(page.url()).searchParams
  }
  async function signOut(page: Page, state = 's'): Promise<void> {
    await page.goto(logout(state))
    await page.locator('button[type=submit]').click()
    await page.waitForURL(`${home}/signed-out?*`)
    assert.equal(page.url(), `${home}/signed-out?state=${state}`)
  }
  const pathsAsked = () => asked.map(({ pathname }) => pathname).filter(path => path !== '/callback')

  test('oidcc-frontchannel-rp-initiated-logout: it ends its part of the session in a frame, before the browser goes on with the state', () =>
    withPage(async page => {
      await signIn(page, 'app')
      const sessions = await server.latchkey.store.sessions.liveOf('default', await annsId(), Date.now())
      await signOut(page, 'as-it-was')
      insist('oidcc-frontchannel-rp-initiated-logout#order', pathsAsked().join() === '/out,/signed-out', asked)
      const out = asked.find(({ pathname }) => pathname === '/out')
      const { of, iss, sid, ...others } = Object.fromEntries(out?.searchParams ?? [])
      insist('oidcc-frontchannel-rp-initiated-logout#frame', of === 'lantern', asked)
      insist('oidcc-frontchannel-rp-initiated-logout#iss', iss === server.issuer, asked)
      insist('oidcc-frontchannel-rp-initiated-logout#sid', sid !== undefined && sid === sessions[0]?.id, asked)
      insist('oidcc-frontchannel-rp-initiated-logout#nothing-else', Object.keys(others).length === 0, asked)
      await page.goto(authorize('app', { prompt: 'none' }))
      const error = new URL(page.url()).searchParams.get('error')
      insist('oidcc-frontchannel-rp-initiated-logout#signed-out', error === 'login_required', page.url())
    }))

  test('that does not answer keeps the browser for a few seconds and no longer', () =>
    withPage(async page => {
      await signIn(page, 'slow')
      await signIn(page, 'app')
      await signOut(page)
      assert.deepEqual(pathsAsked().sort(), ['/never', '/out', '/signed-out'])
    }))

  test('is given its time without JavaScript too', () =>
    withPage(
      async page => {
        await signIn(page, 'app')
        await signOut(page, 'without')
        assert.deepEqual(pathsAsked(), ['/out', '/signed-out'])
      },
      { javaScriptEnabled: false },
    ))

  const annsId = async () =>
    (await server.latchkey.store.users.findByAttribute('default', 'email', ANN.email, 1))[0] ?? ''

  /** What the provider's frame answers on a page of the application. */
  async function check(page: Page, client: string, sessionState: string): Promise<string> {
    const discovery = await fetch(new URL('.well-known/openid-configuration', server.issuer))
    const { check_session_iframe } = (await discovery.json()) as { check_session_iframe: string }
    await page.goto(`${home}/watch`)
    return page.evaluate(`new Promise(resolve => {
      const frame = document.createElement('iframe')
      addEventListener('message', ({ data, origin, source }) => {
        if (source === frame.contentWindow && origin === ${JSON.stringify(new URL(server.issuer).origin)}) resolve(data)
      })
      frame.onload = () => frame.contentWindow.postMessage(
        ${JSON.stringify(`${client} ${sessionState}`)}, ${JSON.stringify(new URL(server.issuer).origin)})
      frame.src = ${JSON.stringify(check_session_iframe)}
      document.body.append(frame)
      setTimeout(() => resolve('nothing'), ${PATIENCE})
    })`)
  }

  test('oidcc-session-management-rp-initiated-logout: a frame of the provider tells whether somebody signed in or out since its answer', () =>
    withPage(async page => {
      const first = (await signIn(page, 'plain')).get('session_state') ?? ''
      const other = (await signIn(page, 'app')).get('session_state') ?? ''
      insist('oidcc-session-management-rp-initiated-logout#session-state', first !== '' && first !== other, first)
      const before = await check(page, 'plain', first)
      insist('oidcc-session-management-rp-initiated-logout#unchanged', before === 'unchanged', before)
      assert.equal(await check(page, 'app', other), 'unchanged')
      assert.equal(await check(page, 'app', first), 'changed')
      assert.equal(await check(page, 'plain', 'nonsense'), 'error')

      await page.goto(authorize('plain', { prompt: 'none' }))
      assert.equal(await check(page, 'plain', first), 'unchanged', 'a silent answer is no sign-in')

      await signOut(page)
      const after = await check(page, 'plain', first)
      insist('oidcc-session-management-rp-initiated-logout#changed', after === 'changed', after)
      const again = (await signIn(page, 'plain')).get('session_state') ?? ''
      assert.equal(await check(page, 'plain', first), 'changed')
      assert.equal(await check(page, 'plain', again), 'unchanged')

      const cookies = await page.context().cookies(server.issuer)
      const state = cookies.find(({ name }) => name === 'latchkey.state')
      assert.equal(state?.httpOnly, false)
      assert.ok(!cookies.some(({ name, value }) => name !== 'latchkey.state' && value === state?.value))
    }))
})
