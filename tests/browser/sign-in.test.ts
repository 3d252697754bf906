/**
 * The hosted pages of the running server in Chromium: what happens between them. Back, twice, by keyboard, without
 * JavaScript, in another language, and where something is wrong. What each page looks like is `pages.test.ts`.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { after, before, test } from 'node:test'
import type { Browser, BrowserContextOptions, Page, Request, Response } from 'playwright-core'
import { en } from '../../server/words/en.ts'
import { launchBrowser } from '../fixtures/browser.ts'
import { type LandingPage, startLandingPage } from '../fixtures/landing-page.ts'
import { type RunningServer, startServer } from '../fixtures/server.ts'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const ANN = { email: 'ann@example.com', password: 'a lighthouse in the fog' } as const
const PATIENCE = 10_000

let server: RunningServer
let landing: LandingPage
let chromium: Browser

before(async () => {
  landing = await startLandingPage()
  const client = {
    app_type: 'spa',
    callbacks: [`${landing.origin}/callback`, `${landing.origin}/hop`],
    allowed_logout_urls: [`${landing.origin}/`],
  }
  server = await startServer({
    store: 'sqlite',
    tenantFile: {
      clients: [
        { ...client, client_id: 'app', name: 'Lantern' },
        { ...client, client_id: 'partner', name: 'Partner', is_first_party: false },
      ],
      users: [{ ...ANN, email_verified: true }],
    },
  })
  chromium = await launchBrowser()
})
after(async () => {
  await chromium?.close()
  await server?.close()
  await landing?.close()
})

async function withPage(run: (page: Page) => Promise<void>, options: BrowserContextOptions = {}): Promise<void> {
  const context = await chromium.newContext({ reducedMotion: 'reduce', locale: 'en-GB', ...options })
  context.setDefaultTimeout(PATIENCE)
  try {
    await run(await context.newPage())
  } finally {
    await context.close()
  }
}

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

async function fill(page: Page, password: string = ANN.password): Promise<void> {
  await page.getByLabel('E-mail').fill(ANN.email)
  await page.getByLabel('Password', { exact: true }).fill(password)
}

const landed = (page: Page): Promise<void> => page.waitForURL(`${landing.origin}/callback?*`)

async function signIn(page: Page, changes: Readonly<Record<string, string>> = {}): Promise<void> {
  await page.goto(request(changes))
  await fill(page)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await landed(page)
}

const codeIn = (page: Page): string => {
  const code = new URL(page.url()).searchParams.get('code')
  assert.ok(code, `there is no code in ${page.url()}`)
  return code
}

test('a person signs in, signs up and signs out without JavaScript', async () => {
  await withPage(
    async page => {
      await signIn(page)
      codeIn(page)
      await page.goto(urlOf('/v2/logout'))
      await page.getByRole('button', { name: 'Sign out' }).click()
      await page.waitForURL('**/signed-out')

      await page.goto(request())
      await page.getByRole('link', { name: 'Create an account' }).click()
      await page.getByLabel('E-mail').fill('plain@example.com')
      await page.getByLabel('Password', { exact: true }).fill('seven quiet magpies')
      await page.getByRole('button', { name: 'Create account' }).click()
      await landed(page)
      codeIn(page)
    },
    { javaScriptEnabled: false },
  )
})

for (const response_mode of ['query', 'form_post'])
  for (const javaScriptEnabled of [true, false])
    test(`a callback may lead on to a host of its own: ${response_mode}, JavaScript ${javaScriptEnabled ? 'on' : 'off'}`, async () => {
      await withPage(
        async page => {
          await page.goto(request({ redirect_uri: `${landing.origin}/hop`, response_mode }))
          await fill(page)
          await page.getByRole('button', { name: 'Sign in' }).click()
          if (response_mode === 'form_post' && !javaScriptEnabled)
            await page.getByRole('button', { name: en.formPost.act }).click()
          await page.waitForURL('http://127.0.0.1:*/home')
        },
        { javaScriptEnabled },
      )
    })

test('a person signs in with nothing but a keyboard', async () => {
  await withPage(async page => {
    await page.goto(request())
    await page.keyboard.type(ANN.email)
    await page.keyboard.press('Tab')
    await page.keyboard.type('wrong at first')
    await page.keyboard.press('Enter')
    await page.getByRole('alert').waitFor()
    // The address stands there still, and the focus is where the mistake is.
    await page.keyboard.type(ANN.password)
    // By the button that shows the password, and the way out for whoever forgot it.
    for (let stop = 0; stop < 3; stop += 1) await page.keyboard.press('Tab')
    await page.keyboard.press('Space')
    await landed(page)
    codeIn(page)
  })
})

test('going back after the sign-in shows a page that says what to do, and breaks nothing', async () => {
  await withPage(async page => {
    await signIn(page)
    await page.goBack()
    // Either the page of before, out of memory, or the server's word that this request is over.
    if ((await page.locator('form').count()) > 0) {
      await fill(page)
      await page.getByRole('button', { name: 'Sign in' }).click()
    }
    await page.getByRole('heading', { name: en.error.causes.start_again.what }).waitFor()

    await page.goto(request())
    await landed(page)
    codeIn(page)
  })
})

test('a form whose first answer was lost is sent again, and signs in all the same', async () => {
  await withPage(async page => {
    await page.goto(request())
    await fill(page)
    // What a second press does where no script holds it back: both posts arrive, and only the last answer is followed.
    await page.evaluate(`Promise.all([1, 2].map(() => fetch(location.href, {
      method: 'POST', redirect: 'manual', body: new URLSearchParams(new FormData(document.forms[0])),
    })))`)
    const cookies = await page.context().cookies(server.issuer)
    assert.ok(cookies.some(({ name }) => name === 'latchkey.session'))
    await page.getByRole('button', { name: 'Sign in' }).click()
    await landed(page)
    codeIn(page)
  })
})

test('a language picked on a page is kept on the next one, for the next visit and over the browser’s own', async () => {
  await withPage(async page => {
    const language = () => page.locator('html').getAttribute('lang')
    await page.goto(request())
    assert.equal(await language(), 'en')
    await page.getByRole('link', { name: '한국어' }).click()
    await page.getByRole('heading', { name: '로그인' }).waitFor()
    await page.getByRole('link', { name: '계정 만들기' }).click()
    await page.getByRole('heading', { name: '계정 만들기' }).waitFor()
    await page.goto(request())
    assert.equal(await language(), 'ko')
    await page.goto(urlOf('/signed-out'))
    assert.equal(await language(), 'ko')
    await page.getByRole('link', { name: 'English' }).click()
    assert.equal(await language(), 'en')
    await page.goto(request())
    assert.equal(await language(), 'en')
  })
})

test('sign-up refuses an address that is taken and a password that is short, and keeps what was typed but the password', async () => {
  await withPage(async page => {
    await page.goto(request({ screen_hint: 'signup' }))
    await page.getByRole('heading', { name: 'Create an account' }).waitFor()
    const [email, password] = [page.getByLabel('E-mail'), page.getByLabel('Password', { exact: true })]
    const create = async (address: string, secret: string, problem: RegExp) => {
      await email.fill(address)
      await password.fill(secret)
      await page.getByRole('button', { name: 'Create account' }).click()
      await page.getByRole('alert').filter({ hasText: problem }).waitFor()
      assert.equal(await email.inputValue(), address)
      assert.equal(await password.inputValue(), '')
      assert.ok(secret === '' || !(await page.content()).includes(secret))
    }
    await create('no address', 'seven quiet magpies', /not an e-mail address/)
    await create('zoe@example.com', 'short12', /too short/)
    await create(ANN.email, 'seven quiet magpies', /already has an account/)
    await create('ANN@EXAMPLE.COM', 'seven quiet magpies', /already has an account/)
    await email.fill('zoe@example.com')
    await password.fill('seven quiet magpies')
    await page.getByRole('button', { name: 'Create account' }).click()
    await landed(page)
    codeIn(page)
  })
})

test('a link of an unknown application, or to an unknown address, ends on a page that leads nowhere', async () => {
  await withPage(async page => {
    for (const changes of [{ client_id: 'nobody' }, { redirect_uri: 'https://evil.example/' }]) {
      const response = await page.goto(request(changes))
      assert.equal(response?.status(), 400)
      assert.equal(await page.locator('form').count(), 0)
      assert.equal(await page.locator('main a').count(), 0)
      await page.locator('summary').click()
      assert.ok(await page.locator('dd').first().isVisible())
    }
  })
})

test('a sign-out that anybody could have linked to asks first, and one that was refused changes nothing', async () => {
  await withPage(async page => {
    await signIn(page)
    const query = new URLSearchParams({ client_id: 'app', post_logout_redirect_uri: `${landing.origin}/` })
    await page.goto(urlOf(`/oidc/logout?${query}`))
    await page.getByRole('link', { name: 'Stay signed in' }).click()
    await page.waitForURL(`${landing.origin}/`)
    await page.goto(request({ prompt: 'none' }))
    codeIn(page)

    await page.goto(urlOf(`/oidc/logout?${query}`))
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.waitForURL(`${landing.origin}/`)
    await page.goto(request({ prompt: 'none' }))
    assert.equal(new URL(page.url()).searchParams.get('error'), 'login_required')
  })
})

/** As the drawings are held to it: nothing serious, nothing critical. */
async function seriousViolations(page: Page): Promise<string[]> {
  await page.evaluate(axe)
  const violations: { id: string; impact: string }[] = await page.evaluate(
    "axe.run({ resultTypes: ['violations'] }).then(result => result.violations.map(({ id, impact }) => ({ id, impact })))",
  )
  return violations.filter(({ impact }) => ['serious', 'critical'].includes(impact)).map(({ id }) => id)
}

for (const locale of ['en-GB', 'ko-KR'])
  test(`every page that is served in ${locale} is accessible, keeps its policy and may open from a popup`, async () => {
    await withPage(
      async page => {
        const complaints: string[] = []
        page.on('console', message => complaints.push(message.text()))
        page.on('pageerror', error => complaints.push(String(error)))
        const seen: string[] = []

        const inspect = async (name: string, response: Response | null, status = 200) => {
          assert.equal(response?.status(), status, name)
          // It would cut a sign-in popup from the window that opened it.
          for (let one: Request | null = response?.request() ?? null; one; one = one.redirectedFrom()) {
            const headers: Readonly<Record<string, string>> | undefined = await (await one.response())?.allHeaders()
            assert.equal(headers?.['cross-origin-opener-policy'], undefined, `${name}: ${one.url()}`)
          }
          assert.deepEqual(await seriousViolations(page), [], name)
          seen.push(await page.title())
        }

        await inspect('sign-in', await page.goto(request()))
        await inspect('sign-up', await page.goto(`${page.url()}/sign-up`))
        await page.goto(request())
        // Chromium complains of a page whose own focus comes behind somebody's.
        await page.locator(':focus').waitFor()
        await page.locator('#username').fill(ANN.email)
        await page.locator('#password').fill('wrong')
        const [refused] = await Promise.all([
          page.waitForResponse(one => one.request().method() === 'POST'),
          page.locator('main button[type=submit]').click(),
        ])
        await page.getByRole('alert').waitFor()
        await inspect('a wrong password', refused, 400)
        await page.locator('#password').fill(ANN.password)
        await page.locator('main button[type=submit]').click()
        await landed(page)
        await inspect('consent', await page.goto(request({ client_id: 'partner' })))
        await inspect('sign-out', await page.goto(urlOf('/v2/logout')))
        await page.locator('main button[type=submit]').click()
        await page.waitForURL('**/signed-out')
        await inspect('signed-out', await page.reload())
        await inspect('an error', await page.goto(request({ client_id: 'nobody' })), 400)

        assert.ok(new Set(seen).size >= 5, 'different pages were seen')
        const unexpected = complaints.filter(one => !/^Failed to load resource: .* status of 400/.test(one))
        assert.deepEqual(unexpected, [])
      },
      { locale },
    )
  })
