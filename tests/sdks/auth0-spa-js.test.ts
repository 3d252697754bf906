/**
 * Auth0's library for single-page apps, unmodified, in Chromium, against the example as it is served. What a person
 * sees is asserted, and what the library sends; anything a page or the browser complains of fails the test.
 */
import assert from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { launchBrowser } from '../fixtures/browser.ts'
import { type Films, startFilms } from '../fixtures/films.ts'
import { onEachStore, type RunningServer, startServer } from '../fixtures/server.ts'

const ANN = { email: 'ann@example.com', password: 'a lighthouse in the fog', name: 'Ann Example' } as const
const BEN = { email: 'ben@example.com', password: 'a second lantern on the pier', name: 'Ben Example' } as const
const PATIENCE = 15_000

onEachStore('auth0-spa-js', store => {
  let server: RunningServer
  let example: Films
  let chromium: Browser
  /** Added to the server's clock, so that a second token is newer than the first without waiting for it. */
  let ahead = 0

  before(async () => {
    server = await startServer({ store, clock: () => Date.now() + ahead })
    example = await startFilms(server, {
      clock: () => Date.now() + ahead,
      users: url => [{ ...ANN, email_verified: true, picture: new URL('icon.svg', url).href }, BEN],
    })
    chromium = await launchBrowser()
  })
  after(async () => {
    await chromium?.close()
    await example?.close()
    await server?.close()
  })

  interface Visit {
    readonly page: Page
    readonly context: BrowserContext
    /** Of each request to the token endpoint, in order. */
    readonly grants: readonly string[]
    /** Takes out the complaints that are meant to be there, and fails when there are none of them. */
    forgive(pattern: RegExp): void
  }

  /** A browser that has never been here. Where it ends in a failure, the picture's path is in the message. */
  async function visit(run: (visit: Visit) => Promise<void>, locale = 'en-GB'): Promise<void> {
    const context = await chromium.newContext({ locale, reducedMotion: 'reduce' })
    context.setDefaultTimeout(PATIENCE)
    const page = await context.newPage()
    let complaints: string[] = []
    const grants: string[] = []
    page.on('console', message => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
    })
    page.on('pageerror', error => complaints.push(String(error)))
    context.on('request', request => {
      if (request.method() === 'POST' && request.url() === `${server.issuer}oauth/token`)
        grants.push(new URLSearchParams(request.postData() ?? '').get('grant_type') ?? 'unknown')
    })
    const forgive = (pattern: RegExp) => {
      assert.ok(
        complaints.some(one => pattern.test(one)),
        `nothing complained of ${pattern}`,
      )
      complaints = complaints.filter(one => !pattern.test(one))
    }
    try {
      await page.goto(example.url)
      await run({ page, context, grants, forgive })
      assert.deepEqual(complaints, [], 'the browser complained')
    } catch (error) {
      const picture = join(mkdtempSync(join(tmpdir(), 'latchkey-failure-')), 'page.png')
      await page.screenshot({ path: picture, fullPage: true }).catch(() => {})
      if (error instanceof Error) error.message += `\n${page.url()} looked like ${picture}; ${complaints.join('; ')}`
      throw error
    } finally {
      await context.close()
    }
  }

  async function signIn(page: Page, password: string = ANN.password, email: string = ANN.email): Promise<void> {
    await page.locator('#username').fill(email)
    await page.locator('#password').fill(password)
    await page.locator('button[type=submit]').click()
  }

  const isSignedIn = (page: Page): Promise<void> => page.locator('#sign-out').waitFor()

  /** What the server says of this browser's session, asked as the library asks it. */
  async function askSilently({ request }: BrowserContext): Promise<URLSearchParams> {
    const query = new URLSearchParams({
      client_id: '24-hour-video',
      response_type: 'code',
      redirect_uri: example.url,
      scope: 'openid',
      prompt: 'none',
      code_challenge: 'A'.repeat(43),
      code_challenge_method: 'S256',
    })
    const response = await request.get(`${server.issuer}authorize?${query}`, { maxRedirects: 0 })
    assert.equal(response.status(), 303)
    return new URL(response.headers()['location'] ?? '').searchParams
  }

  test('signs a new person up, who can use the API at once', async () => {
    await visit(async ({ page, grants }) => {
      await page.locator('#sign-up').click()
      await page.waitForURL('**/sign-up')
      await page.locator('#email').fill('mina@example.com')
      await page.locator('#password').fill('seven quiet magpies')
      await page.locator('button[type=submit]').click()
      await isSignedIn(page)
      assert.equal(page.url(), example.url, 'the code is gone from the address')

      await page.locator('#upload-title').fill('Rain on a tin roof')
      await page.locator('#upload').click()
      await page.getByRole('link', { name: 'Rain on a tin roof' }).waitFor()
      assert.equal(await page.locator('#upload-outcome').innerText(), 'Uploaded.')
      assert.deepEqual(grants, ['authorization_code'])
    })
  })

  test('signs in after a wrong password, and shows the person and what the API knows of them', async () => {
    await visit(async ({ page, forgive }) => {
      await page.locator('#sign-in').click()
      await signIn(page, 'not the password')
      await page.getByRole('alert').getByText('The e-mail address or the password is wrong.').waitFor()
      assert.equal(await page.locator('#username').inputValue(), ANN.email)
      assert.equal(await page.locator('#password').inputValue(), '')
      // Chromium says so of every document that is answered with an error.
      forgive(/^Failed to load resource: the server responded with a status of 400/)

      await signIn(page)
      await isSignedIn(page)
      await page.locator('#profile').click()
      await page.locator('#token-expires').waitFor()
      assert.equal(await page.locator('#profile-name').innerText(), ANN.name)
      assert.match(await page.locator('#profile-email').innerText(), /^ann@example\.com · confirmed$/)
      const portrait = page.locator('.person .portrait img')
      await portrait.waitFor()
      assert.ok(Number(await page.evaluate("document.querySelector('.person .portrait img').naturalWidth")) > 0)
      assert.match(await page.locator('#token-subject').innerText(), /^auth0\|/)
      const scopes = (await page.locator('#token-scopes').innerText()).split(' ')
      for (const scope of ['openid', 'profile', 'email', 'write:videos']) assert.ok(scopes.includes(scope), scope)
    })
  })

  test('brings the person back after a reload, by a hidden frame and without a page', async () => {
    await visit(async ({ page, grants }) => {
      await page.locator('#sign-in').click()
      await signIn(page)
      await isSignedIn(page)
      const framed: string[] = []
      page.on('framenavigated', frame => {
        if (frame !== page.mainFrame()) framed.push(frame.url())
      })
      for (let reload = 0; reload < 2; reload++) {
        await page.reload()
        await isSignedIn(page)
      }
      assert.equal(page.url(), example.url)
      const silent = framed.map(url => new URL(url)).filter(({ pathname }) => pathname === '/authorize')
      assert.equal(silent.length, 2)
      for (const { searchParams } of silent) {
        assert.equal(searchParams.get('response_mode'), 'web_message')
        assert.equal(searchParams.get('prompt'), 'none')
      }
      assert.deepEqual(grants, ['authorization_code', 'authorization_code', 'authorization_code'])
    })
  })

  test('refreshes by the refresh token, again and again, and has a newer token each time', async () => {
    await visit(async ({ page, grants }) => {
      await page.locator('#sign-in').click()
      await signIn(page)
      await isSignedIn(page)
      await page.locator('#profile').click()
      const expiry = () => page.locator('#token-expires').getAttribute('datetime')
      let last = await expiry()
      assert.ok(last)
      for (let refresh = 1; refresh <= 2; refresh++) {
        ahead += 2000
        await page.locator('#refresh').click()
        await page.locator(`#token-expires:not([datetime="${last}"])`).waitFor()
        await page.locator('#refresh:enabled').waitFor()
        assert.equal(await page.locator('#refresh-outcome').innerText(), 'A new token is here.')
        const next = await expiry()
        assert.ok(next && Date.parse(next) > Date.parse(last))
        last = next
      }
      assert.deepEqual(grants, ['authorization_code', 'refresh_token', 'refresh_token'])
    })
    ahead = 0
  })

  test('signs out at the server too, so that nothing brings the person back silently', async () => {
    await visit(async ({ page, context }) => {
      await page.locator('#sign-in').click()
      await signIn(page)
      await isSignedIn(page)
      assert.ok((await askSilently(context)).has('code'))

      await page.locator('#sign-out').click()
      await page.locator('#sign-in').waitFor()
      assert.equal(page.url(), example.url)
      assert.equal((await askSilently(context)).get('error'), 'login_required')
      await page.reload()
      await page.locator('#sign-in').waitFor()
      await page.locator('#sign-in').click()
      await page.locator('#password').waitFor()
    })
  })

  test('of two tabs that refresh at once neither is signed out', async () => {
    await visit(async ({ page, context }) => {
      await page.locator('#sign-in').click()
      await signIn(page)
      await isSignedIn(page)
      const other = await context.newPage()
      await other.goto(`${example.url}#/profile`)
      await page.locator('#profile').click()
      for (const tab of [page, other]) await tab.locator('#token-expires').waitFor()
      await Promise.all([page, other].map(tab => tab.locator('#refresh').click()))
      for (const tab of [page, other]) await tab.getByText('A new token is here.').waitFor()
    })
  })

  // What follows is between the browser, the library and the pages: the store has no part in it.
  if (store === 'postgres') return

  test('asks in Korean when the application does, whatever the browser speaks', async () => {
    await visit(async ({ page }) => {
      await page.locator('#lang-ko').click()
      await page.getByRole('button', { name: '로그인', exact: true }).click()
      await page.getByRole('heading', { name: '로그인' }).waitFor()
      assert.equal(await page.locator('html').getAttribute('lang'), 'ko')
      assert.match(page.url(), /\/login\//)
      await signIn(page)
      await page.getByRole('button', { name: '로그아웃' }).waitFor()
    })
  })

  test('signs in by a window, in the language of the page behind it, which stays where it is', async () => {
    await visit(async ({ page, grants }) => {
      await page.locator('#lang-ko').click()
      const popping = page.waitForEvent('popup')
      await page.locator('#sign-in-window').click()
      const popup = await popping
      await popup.getByRole('heading', { name: '로그인' }).waitFor()
      const closed = popup.waitForEvent('close')
      await signIn(popup)
      await closed
      await isSignedIn(page)
      await page.locator('#upload').waitFor()
      assert.equal(page.url(), example.url)
      assert.deepEqual(grants, ['authorization_code'])
      await page.reload()
      await isSignedIn(page)
    })
  })

  test('is told of a window that was closed, and the page goes on as it was', async () => {
    await visit(async ({ page }) => {
      const popping = page.waitForEvent('popup')
      await page.locator('#sign-in-window').click()
      const popup = await popping
      await popup.locator('#username').waitFor()
      await popup.close()
      await page.locator('#sign-in').click()
      await signIn(page)
      await isSignedIn(page)
    })
  })

  test('adds a second account beside the first, and goes back to the first without its password', async () => {
    await visit(async ({ page }) => {
      const isShown = (name: string) => page.locator('#profile-name').getByText(name).waitFor()
      await page.locator('#sign-in').click()
      await signIn(page)
      await isSignedIn(page)
      await page.locator('#profile').click()
      await isShown(ANN.name)

      await page.locator('#another-account').click()
      await page.getByRole('link', { name: 'Use another account' }).click()
      await signIn(page, BEN.password, BEN.email)
      await isShown(BEN.name)
      await page.reload()
      await isShown(BEN.name)

      await page.locator('#another-account').click()
      await page.getByRole('button', { name: ANN.name }).click()
      await isShown(ANN.name)
      await page.reload()
      await isShown(ANN.name)
    })
  })

  test('confirms by the password that the person is still the one who signed in', async () => {
    await visit(async ({ page, context }) => {
      await page.locator('#sign-in').click()
      await signIn(page)
      await isSignedIn(page)
      await page.locator('#profile').click()
      ahead += 2000
      await page.locator('#confirm').click()
      await page.waitForURL('**/login/*')
      await signIn(page)
      await page.locator('#token-expires').waitFor()
      assert.ok((await askSilently(context)).has('code'))
    })
    ahead = 0
  })
})
