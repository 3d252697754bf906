/**
 * Auth0's Lock, unmodified, in Chromium, on the example's page for it: version 14, and the 11 that many applications still
 * have. The page is of another site than the server, http beside https, so its browser is one that keeps the cookies of
 * other sites; in one that does not, the hosted page asks. The internet is not there.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { BrowserContext, Page } from 'playwright-core'
import { bundleLock } from '../../examples/24-hour-video/lock-bundle.ts'
import { launchBrowser, withLenientBrowser } from '../fixtures/browser.ts'
import { type Films, startFilms } from '../fixtures/films.ts'
import { linkIn, type Mailbox, openMailbox } from '../fixtures/mailbox.ts'
import { type RunningServer, startServer } from '../fixtures/server.ts'

const ANN = { email: 'ann@example.com', password: 'a lighthouse in the fog' } as const
const PATIENCE = 15_000
const VERSIONS = ['auth0-lock', 'auth0-lock-11'] as const

describe('auth0-lock', () => {
  let server: RunningServer
  let example: Films
  let mailbox: Mailbox
  const scripts = new Map<string, Buffer>()

  before(async () => {
    server = await startServer({ store: 'sqlite', environment: { LATCHKEY_TLS: 'auto' } })
    example = await startFilms(server, { users: () => [{ ...ANN, email_verified: true }] })
    mailbox = openMailbox(server.latchkey)
    for (const version of VERSIONS) scripts.set(version, await bundleLock(version))
  })
  after(async () => {
    await example?.close()
    await server?.close()
  })

  /** The page as somebody finds it who has never been here. */
  async function open(context: BrowserContext, version: string): Promise<Page> {
    context.setDefaultTimeout(PATIENCE)
    await context.clearCookies()
    await context.unrouteAll()
    await context.route(
      ({ hostname }) => hostname !== 'localhost',
      route => route.abort(),
    )
    // The page's own is 14.
    await context.route('**/vendor/auth0-lock.js', route =>
      route.fulfill({ contentType: 'text/javascript', body: scripts.get(version) ?? assert.fail() }),
    )
    const page = await context.newPage()
    await page.goto(`${example.url}lock.html`)
    return page
  }

  async function fill(page: Page, { email, password }: { email: string; password: string }): Promise<void> {
    await page.locator('.auth0-lock input[name=email]').fill(email)
    await page.locator('.auth0-lock input[name=password]').fill(password)
    await page.locator('.auth0-lock-submit').click()
  }

  const isTold = (page: Page, text: string | RegExp): Promise<void> =>
    page.locator('.auth0-global-message').getByText(text).first().waitFor()
  const isSignedIn = (page: Page, email: string): Promise<void> =>
    page.locator('#status').getByText(`Signed in as ${email}.`).waitFor()

  test('signs people up, weak and then strong, and in; says what is wrong, and has a password mailed', async () => {
    await withLenientBrowser({ ignoreHTTPSErrors: true, locale: 'en-GB' }, async context => {
      for (const version of VERSIONS) {
        const person = { email: `${version}@example.com`, password: 'seven quiet lanterns' }
        const first = await open(context, version)
        await first.locator('.auth0-lock-tabs').getByText('Sign Up').click()
        await fill(first, { ...person, password: 'password123' })
        await isTold(first, /password/i)
        await fill(first, person)
        await isSignedIn(first, person.email)
        assert.equal(first.url(), `${example.url}lock.html`, 'the tokens are gone from the address')
        await first.close()

        const page = await open(context, version)
        await fill(page, { ...person, password: 'not the password' })
        await isTold(page, /wrong email or password/i)
        await page.locator('.auth0-lock-alternative-link').first().click()
        await page.locator('.auth0-lock-submit').getByText('Send email').waitFor()
        // The pane that leaves has one too, until it has left.
        await page.locator('.auth0-lock input[name=email]').last().fill(person.email)
        await page.locator('.auth0-lock-submit').click()
        await isTold(page, /just sent you an email/i)
        const mails = await mailbox.all(person.email)
        const reset = mails.find(({ subject }) => /Choose a new password/.test(subject))
        await page.goto(linkIn(reset ?? assert.fail('no mail came')))
        await page.locator('#password').fill('a newer row of lanterns')
        await page.locator('button[type=submit]').click()
        await page.getByText('Your password is changed').first().waitFor()
        await page.goto(`${example.url}lock.html`)
        await fill(page, { ...person, password: 'a newer row of lanterns' })
        await isSignedIn(page, person.email)
        await page.close()
      }
    })
  })

  test('in a browser that keeps no cookies of other sites, the hosted page asks for the password once more', async () => {
    const chromium = await launchBrowser(['--test-third-party-cookie-phaseout'])
    try {
      const context = await chromium.newContext({ ignoreHTTPSErrors: true, locale: 'en-GB' })
      const page = await open(context, 'auth0-lock')
      await fill(page, ANN)
      await page.waitForURL('**/login/*')
      await page.locator('#username').fill(ANN.email)
      await page.locator('#password').fill(ANN.password)
      await page.locator('button[type=submit]').click()
      await isSignedIn(page, ANN.email)
    } finally {
      await chromium.close()
    }
  })
})
