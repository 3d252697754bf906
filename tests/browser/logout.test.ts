/**
 * Signing out in Chromium, as applications on another origin notice it: frames that end their part of the session, and the
 * frame that tells whether the session is still the one they know. The server is asked for no more than a browser asks.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { decodeJwt } from 'jose'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { insist } from '../conformance/insist.ts'
import { challengeOf } from '../conformance/relying-party.ts'
import { launchBrowser, withLenientBrowser } from '../fixtures/browser.ts'
import { freePort } from '../fixtures/free-port.ts'
import { type RunningServer, startServer } from '../fixtures/server.ts'
import { postToken } from '../flows/stage.ts'

const ANN = { email: 'ann@example.com', password: 'a lighthouse in the fog' } as const
const PATIENCE = 15_000
const VERIFIER = 'v'.repeat(43)

describe('An application in the same browser', () => {
  let site: Server
  let home = ''
  let server: RunningServer
  let chromium: Browser
  /** What was asked of the application, in order. */
  let asked: URL[] = []
  /** The paths of those that a frame asked for. */
  const framed = new Set<string>()

  const tenantFile = () => {
    const client = {
      app_type: 'spa',
      callbacks: [`${home}/callback`],
      allowed_logout_urls: [`${home}/signed-out`],
    }
    return {
      clients: [
        { ...client, client_id: 'app', name: 'Lantern', frontchannel_logout_uri: `${home}/out?of=lantern` },
        { ...client, client_id: 'slow', name: 'Snail', frontchannel_logout_uri: `${home}/never` },
        { ...client, client_id: 'plain', name: 'Plain' },
      ],
      users: [{ ...ANN, email_verified: true }],
    }
  }

  before(async () => {
    site = createServer((request, response) => {
      const url = new URL(request.url ?? '', home)
      asked.push(url)
      if (request.headers['sec-fetch-dest'] === 'iframe') framed.add(url.pathname)
      if (url.pathname === '/never') return
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' })
      response.end(
        `<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>${url.pathname}</title></html>`,
      )
    })
    site.listen(0, '127.0.0.1')
    await once(site, 'listening')
    home = `http://localhost:${(site.address() as AddressInfo).port}`
    server = await startServer({ store: 'sqlite', tenantFile: tenantFile() })
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
    framed.clear()
    try {
      await run(await context.newPage())
    } finally {
      await context.close()
    }
  }

  const urlOf = (issuer: string, path: string, parameters: Record<string, string>) =>
    new URL(`${path}?${new URLSearchParams(parameters)}`, issuer).href
  const authorize = (client_id: string, more: Record<string, string> = {}, issuer = server.issuer) =>
    urlOf(issuer, 'authorize', {
      client_id,
      response_type: 'code',
      redirect_uri: `${home}/callback`,
      scope: 'openid',
      code_challenge: challengeOf(VERIFIER),
      code_challenge_method: 'S256',
      ...more,
    })
  const logout = (state: string, issuer: string) =>
    urlOf(issuer, 'oidc/logout', { client_id: 'plain', post_logout_redirect_uri: `${home}/signed-out`, state })

  /** Answers with what the application was sent. */
  async function signIn(page: Page, client: string, issuer = server.issuer): Promise<URLSearchParams> {
    await page.goto(authorize(client, {}, issuer))
    if (!page.url().startsWith(home)) {
      await page.getByLabel('E-mail').fill(ANN.email)
      await page.getByLabel('Password', { exact: true }).fill(ANN.password)
      await page.locator('button[type=submit]').click()
    }
    await page.waitForURL(`${home}/callback?*`)
    return new URL(page.url()).searchParams
  }
  async function signOut(page: Page, state = 's', issuer = server.issuer): Promise<void> {
    await page.goto(logout(state, issuer))
    await page.locator('button[type=submit]').click()
    await page.waitForURL(`${home}/signed-out?*`)
    assert.equal(page.url(), `${home}/signed-out?state=${state}`)
  }
  const pathsAsked = () => asked.map(({ pathname }) => pathname).filter(path => path !== '/callback')

  test('oidcc-frontchannel-rp-initiated-logout: it ends its part of the session in a frame, before the browser goes on with the state', () =>
    withPage(async page => {
      const code = (await signIn(page, 'app')).get('code') ?? ''
      const redeemed = await postToken(server.issuer, {
        grant_type: 'authorization_code',
        client_id: 'app',
        code,
        redirect_uri: `${home}/callback`,
        code_verifier: VERIFIER,
      })
      const known = decodeJwt(String(redeemed.body['id_token']))['sid']
      await signOut(page, 'as-it-was')
      insist('oidcc-frontchannel-rp-initiated-logout#order', pathsAsked().join() === '/out,/signed-out', asked)
      const out = asked.find(({ pathname }) => pathname === '/out')
      const { of, iss, sid, ...others } = Object.fromEntries(out?.searchParams ?? [])
      insist('oidcc-frontchannel-rp-initiated-logout#frame', of === 'lantern' && framed.has('/out'), asked)
      insist('oidcc-frontchannel-rp-initiated-logout#iss', iss === server.issuer, asked)
      insist('oidcc-frontchannel-rp-initiated-logout#sid', sid !== undefined && sid === known, { asked, known })
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

  /** What the provider's frame answers on a page of the application. */
  async function check(page: Page, client: string, sessionState: string, issuer = server.issuer): Promise<string> {
    const discovery = await page.request.get(new URL('.well-known/openid-configuration', issuer).href)
    const { check_session_iframe } = (await discovery.json()) as { check_session_iframe: string }
    const provider = JSON.stringify(new URL(issuer).origin)
    await page.goto(`${home}/watch`)
    return page.evaluate(`new Promise(resolve => {
      const frame = document.createElement('iframe')
      addEventListener('message', ({ data, origin, source }) => {
        if (source === frame.contentWindow && origin === ${provider}) resolve(data)
      })
      frame.onload = () => frame.contentWindow.postMessage(
        ${JSON.stringify(`${client} ${sessionState}`)}, ${provider})
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

  test('oidcc-session-management-rp-initiated-logout: the frame tells as much on a page of another site, over https', async () => {
    const port = await freePort()
    const issuer = `https://localhost:${port}/`
    const environment = { LATCHKEY_PORT: `${port}`, LATCHKEY_ISSUER: issuer, LATCHKEY_TLS: 'auto' }
    const secure = await startServer({ store: 'sqlite', environment, tenantFile: tenantFile() })
    try {
      await withLenientBrowser({ locale: 'en-GB', ignoreHTTPSErrors: true }, async context => {
        const page = await context.newPage()
        const state = (await signIn(page, 'plain', issuer)).get('session_state') ?? ''
        const seen = [await check(page, 'plain', state, issuer)]
        await signOut(page, 's', issuer)
        seen.push(await check(page, 'plain', state, issuer))
        const isSeen = seen.join() === 'unchanged,changed'
        insist('oidcc-session-management-rp-initiated-logout#other-site', isSeen, seen)
      })
    } finally {
      await secure.close()
    }
  })
})
