/**
 * One person in two browsers, before the example and its gateway: what one of them ends is ended in the other, whose token
 * would be good for an hour yet.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser, Page, WebSocket } from 'playwright-core'
import { SECOND } from '../../server/kernel/seconds.ts'
import { launchBrowser } from '../fixtures/browser.ts'
import { type Films, startFilms } from '../fixtures/films.ts'
import { type RunningServer, startServer } from '../fixtures/server.ts'

const ANN = { email: 'ann@example.com', password: 'a lighthouse in the fog' } as const
const FILM = '#/watch/sea-ferry'
const PATIENCE = 15 * SECOND

describe('Signed out everywhere', () => {
  let server: RunningServer
  let films: Films
  let chromium: Browser

  before(async () => {
    server = await startServer({ store: 'sqlite' })
    films = await startFilms(server, { users: () => [{ ...ANN, email_verified: true }] })
    chromium = await launchBrowser()
  })
  after(async () => {
    await chromium?.close()
    await films?.close()
    await server?.close()
  })

  interface Visitor {
    readonly page: Page
    /** Of the last call that said who is calling. */
    token(): string
    /** Resolves when the gateway has ended the connection of the page. */
    readonly live: Promise<WebSocket>
  }

  async function arrive(locale: string): Promise<Visitor> {
    const context = await chromium.newContext({ locale, reducedMotion: 'reduce' })
    context.setDefaultTimeout(PATIENCE)
    const page = await context.newPage()
    let token = ''
    page.on('request', request => {
      const [, sent] = /^Bearer (.+)$/.exec(request.headers()['authorization'] ?? '') ?? []
      if (sent && request.url().startsWith(films.gateway)) token = sent
    })
    const live = page.waitForEvent('websocket', { predicate: socket => socket.url().includes('/socket.io/') })
    await page.goto(`${films.url}${FILM}`)
    await page.locator('#sign-in').click()
    await page.locator('#username').fill(ANN.email)
    await page.locator('#password').fill(ANN.password)
    await page.locator('button[type=submit]').click()
    await page.locator('#sign-out').waitFor()
    return { page, token: () => token, live }
  }
  const viewers = (page: Page, text: string) => page.locator('#viewers', { hasText: text }).waitFor()
  const askAs = async (token: string) => {
    const response = await fetch(`${films.gateway}/api/me`, { headers: { authorization: `Bearer ${token}` } })
    await response.arrayBuffer()
    return response
  }

  test('in one browser, a person is refused in the other at once, where the page says so and stops counting', async () => {
    const here = await arrive('en-GB')
    await viewers(here.page, '1 watching')
    const there = await arrive('ko-KR')
    await Promise.all([viewers(here.page, '2 watching'), viewers(there.page, '2명 시청 중')])
    const token = there.token()
    assert.equal((await askAs(token)).status, 200)

    await here.page.goto(`${films.url}#/profile`)
    const button = here.page.locator('#sign-out-everywhere')
    await button.waitFor()
    const closed = (await there.live).waitForEvent('close')
    const answered = here.page.waitForResponse(response => response.url().endsWith('/api/sign-out-everywhere'))
    await button.click()
    assert.equal((await answered).status(), 200)
    const began = performance.now()

    const refused = await askAs(token)
    assert.equal(refused.status, 401)
    assert.match(refused.headers.get('www-authenticate') ?? '', /error="invalid_token"/)
    await closed
    const ended = performance.now() - began
    assert.ok(ended < PATIENCE, `the connection went on for ${ended} ms`)

    await there.page.getByRole('alert').getByText('모든 기기에서 로그아웃되어').waitFor()
    assert.equal(await there.page.locator('#viewers').innerText(), '')
    await there.page.locator('#sign-in').waitFor()
    await here.page.locator('#sign-in').waitFor()
    // Neither browser is let in again without the password.
    await there.page.locator('#sign-in-again').click()
    await there.page.locator('#password').waitFor()
  })

  test('the person comes back by signing in, and is counted again', async () => {
    const { page } = await arrive('en-GB')
    await viewers(page, '1 watching')
    await page.close()
    const again = await arrive('en-GB')
    await viewers(again.page, '1 watching')
  })
})
