/**
 * The account chooser and a person's own page of the running server in Chromium: by keyboard, without JavaScript and
 * in a popup. What each looks like is `pages.test.ts`; what follows from it belongs to the flows.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { launchBrowser } from '../fixtures/browser.ts'
import { type LandingPage, startLandingPage } from '../fixtures/landing-page.ts'
import { type RunningServer, startServer } from '../fixtures/server.ts'

const ANN = { email: 'ann@example.com', password: 'a lighthouse in the fog', name: 'Ann Example' } as const
const BEN = { email: 'ben@example.com', password: 'blue bicycles uphill', name: 'Ben Example' } as const
const PATIENCE = 10_000

let server: RunningServer
let landing: LandingPage
let chromium: Browser

before(async () => {
  landing = await startLandingPage()
  const client = { app_type: 'spa', callbacks: [`${landing.origin}/callback`] }
  server = await startServer({
    store: 'sqlite',
    tenantFile: {
      clients: [
        { ...client, client_id: 'app', name: 'Lantern' },
        { ...client, client_id: 'partner', name: 'Partner', is_first_party: false },
      ],
      users: [ANN, BEN].map(person => ({ ...person, email_verified: true })),
    },
  })
  chromium = await launchBrowser()
})
after(async () => {
  await chromium?.close()
  await server?.close()
  await landing?.close()
})

const urlOf = (path: string): string => new URL(path, server.issuer).href

function request(changes: Readonly<Record<string, string>> = {}): string {
  const query = new URLSearchParams({
    client_id: 'app',
    response_type: 'code',
    redirect_uri: `${landing.origin}/callback`,
    scope: 'openid email',
    code_challenge: 'A'.repeat(43),
    code_challenge_method: 'S256',
    ...changes,
  })
  return urlOf(`/authorize?${query}`)
}

const landed = (page: Page): Promise<void> => page.waitForURL(`${landing.origin}/callback?*`)

async function signIn(page: Page, { email, password }: typeof ANN | typeof BEN): Promise<void> {
  await page.getByLabel('E-mail').fill(email)
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

/** A browser in which Ann is signed in, and then Ben, who is the current one. */
async function withBoth(run: (page: Page) => Promise<void>, options: BrowserContextOptions = {}): Promise<void> {
  const context = await chromium.newContext({ reducedMotion: 'reduce', locale: 'en-GB', ...options })
  context.setDefaultTimeout(PATIENCE)
  try {
    const page = await context.newPage()
    for (const person of [ANN, BEN]) {
      await page.goto(request({ prompt: 'login' }))
      // The address of whoever is there already stands in the field, and is replaced.
      await signIn(page, person)
      await landed(page)
    }
    await run(page)
  } finally {
    await context.close()
  }
}

test('an account is chosen with nothing but a keyboard, and by the name that is read aloud', async () => {
  await withBoth(async page => {
    await page.goto(request({ prompt: 'select_account' }))
    const accounts = page.getByRole('list').first().getByRole('button')
    assert.deepEqual(
      (await accounts.allInnerTexts()).map(text => text.match(/\S+@\S+/)?.[0]),
      [BEN.email, ANN.email],
    )
    await page.keyboard.press('Tab')
    await page.keyboard.press('Tab')
    assert.equal(await page.getByRole('button', { name: 'Ann Example ann@example.com' }).count(), 1)
    assert.equal(
      await page
        .locator(':focus')
        .innerText()
        .then(text => text.includes(ANN.email)),
      true,
    )
    await page.keyboard.press('Enter')
    await landed(page)
    await page.goto(urlOf('/account'))
    await page.getByText(ANN.email).waitFor()
  })
})

for (const javaScriptEnabled of [true, false])
  test(`an account is chosen, devices are signed out and access is removed ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, async () => {
    await withBoth(
      async page => {
        await page.goto(request({ prompt: 'select_account' }))
        await page.getByRole('button', { name: 'Ann Example' }).click()
        await landed(page)

        await page.goto(request({ client_id: 'partner' }))
        await page.getByRole('link', { name: 'Use another account' }).click()
        await page.getByRole('button', { name: 'Ben Example' }).click()
        await page.getByRole('button', { name: 'Allow' }).click()
        await landed(page)

        await page.goto(urlOf('/account'))
        await page.getByText('Chrome · Linux').first().waitFor()
        await page.getByRole('button', { name: 'Remove' }).click()
        await page.getByText('No application has access to your account.').waitFor()
        await page.getByRole('button', { name: 'Sign out everywhere' }).click()
        await page.getByRole('heading', { name: 'You are signed out everywhere' }).waitFor()

        await page.goto(urlOf('/account'))
        await page.getByText(ANN.email).waitFor()
        await page.getByRole('button', { name: 'Sign out', exact: true }).first().click()
        await page.waitForURL('**/signed-out')
      },
      { javaScriptEnabled },
    )
  })

test('a popup keeps the window that opened it through the chooser and the account page', async () => {
  await withBoth(async page => {
    for (const url of [request({ prompt: 'select_account' }), urlOf('/account')]) {
      const opening = page.waitForEvent('popup')
      await page.evaluate(`void open(${JSON.stringify(url)})`)
      const popup = await opening
      await popup.waitForLoadState()
      assert.equal(new URL(popup.url()).origin, new URL(server.issuer).origin)
      assert.equal(await popup.evaluate('opener !== null'), true, url)
      await popup.close()
    }
  })
})
