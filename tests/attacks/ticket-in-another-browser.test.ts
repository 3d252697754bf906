/**
 * A ticket's URL in the wrong browser: an attacker's link followed by a victim, who would finish the attacker's sign-in
 * or lend it their session; or a victim's link in the attacker's hands. Neither goes anywhere, by any method, and the
 * browser that began it can still finish.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser, BrowserContext } from 'playwright-core'
import { launchBrowser } from '../fixtures/browser.ts'
import { readForms } from '../fixtures/html-form.ts'
import { type LandingPage, startLandingPage } from '../fixtures/landing-page.ts'
import { applyTo, onEachStore, type RunningServer, startServer } from '../fixtures/server.ts'
import {
  ANN,
  authorizePath,
  beginAt,
  CookieJarBrowser,
  EVE,
  follow,
  PARTNER,
  type Person,
  queryOf,
  SPA,
  signIn,
  tenantFile,
} from './stage.ts'

type Attempt = readonly [method: 'GET' | 'POST', path: string, form?: Readonly<Record<string, string>>]

/** A request that is under way in somebody's browser, every URL of it, and the way on for the one who began it. */
interface Ticket {
  readonly owner: CookieJarBrowser
  readonly attempts: readonly Attempt[]
  /** Whether the owner gets where they were going, after all that was tried. */
  finish(): Promise<boolean>
}

onEachStore('A ticket in another browser', store => {
  let server: RunningServer
  before(async () => {
    server = await startServer({ store, tenantFile })
  })
  after(() => server?.close())

  const signedIn = async (person: Person): Promise<CookieJarBrowser> => {
    const browser = new CookieJarBrowser(server)
    await signIn(browser, person)
    return browser
  }

  const urlsOf = (login: string, person: Person): readonly Attempt[] => {
    const id = login.split('/').at(-1)
    return [
      ['GET', `/login/${id}`],
      ['GET', `/login/${id}?sign-in`],
      ['GET', `/login/${id}/sign-up`],
      ['GET', `/authorize/${id}`],
      ['POST', `/login/${id}`, { username: person.email, password: person.password }],
      ['POST', `/login/${id}/sign-up`, { email: `${id}@example.com`, password: 'long enough to do' }],
      ['POST', `/login/${id}/consent`, { decision: 'allow' }],
      ['POST', `/login/${id}/consent`, { decision: 'refuse' }],
    ]
  }

  /** One of each kind, begun by `owner`, who is `person`; `other` is who comes upon it. */
  const TICKETS: Readonly<Record<string, (person: Person, other: Person) => Promise<Ticket>>> = {
    'of somebody who is about to sign in': async (person, other) => {
      const owner = new CookieJarBrowser(server)
      const login = await beginAt(owner)
      const finish = async () => {
        const { location } = await owner.post(login, { username: person.email, password: person.password })
        return (await follow(owner, location)).searchParams.has('code')
      }
      return { owner, attempts: urlsOf(login, other), finish }
    },
    'of somebody who has just signed in': async (person, other) => {
      const owner = new CookieJarBrowser(server)
      const login = await beginAt(owner)
      const { location } = await owner.post(login, { username: person.email, password: person.password })
      assert.match(location ?? '', /^\/authorize\//)
      const finish = async () => (await follow(owner, location)).searchParams.has('code')
      return { owner, attempts: urlsOf(login, other), finish }
    },
    'of somebody who is asked for consent': async (person, other) => {
      const owner = await signedIn(person)
      const login = await beginAt(owner, authorizePath(PARTNER, { prompt: 'consent' }))
      const page = await owner.get(login)
      assert.match(page.body, /name="decision"/)
      const finish = async () => {
        const allowed = { ...readForms(page.body)[0]?.fields, decision: 'allow' }
        const { location } = await owner.post(`${login}/consent`, allowed)
        return (await follow(owner, location)).searchParams.has('code')
      }
      return { owner, attempts: urlsOf(login, other), finish }
    },
    'of somebody who is asked whether to sign out': async person => {
      const owner = await signedIn(person)
      const { location = '' } = await owner.get(`/v2/logout?${queryOf({ client_id: SPA.client_id })}`)
      assert.match(location, /^\/sign-out\//)
      const attempts: readonly Attempt[] = [
        ['GET', location],
        ['POST', location, {}],
      ]
      return { owner, attempts, finish: async () => (await owner.post(location, {})).location === '/signed-out' }
    },
  }

  const STRANGERS: Readonly<Record<string, (person: Person) => Promise<CookieJarBrowser>>> = {
    'a browser that was never here': async () => new CookieJarBrowser(server),
    'a browser with a request of its own': async () => {
      const browser = new CookieJarBrowser(server)
      await beginAt(browser)
      return browser
    },
    'a browser that is signed in': signedIn,
  }

  for (const [whose, begin] of Object.entries(TICKETS))
    for (const [where, open] of Object.entries(STRANGERS))
      test(`${whose} goes nowhere in ${where}, and on in its own`, async () => {
        for (const [person, other] of [
          [ANN, EVE],
          [EVE, ANN],
        ] as const) {
          const ticket = await begin(person, other)
          const stranger = await open(other)
          const session = stranger.cookies.get('latchkey.session')
          for (const [method, path, form = {}] of ticket.attempts) {
            const reply = await (method === 'GET' ? stranger.get(path) : stranger.post(path, form))
            assert.deepEqual([reply.status, reply.location, reply.cookies], [400, undefined, []], `${method} ${path}`)
            assert.doesNotMatch(reply.body, /<form/, `${method} ${path}`)
          }
          assert.equal(stranger.cookies.get('latchkey.session'), session)
          if (session !== undefined) {
            const silent = await follow(stranger, authorizePath(SPA, { prompt: 'none' }))
            assert.ok(silent.searchParams.has('code'), 'the stranger’s own session is untouched')
          }
          assert.ok(await ticket.finish())
        }
      })

  test('is over once it was answered, in its own browser too', async () => {
    const owner = new CookieJarBrowser(server)
    const login = await beginAt(owner)
    const { location } = await owner.post(login, { username: ANN.email, password: ANN.password })
    await follow(owner, location)
    for (const [method, path, form = {}] of urlsOf(login, ANN)) {
      const reply = await (method === 'GET' ? owner.get(path) : owner.post(path, form))
      assert.deepEqual([reply.status, reply.location], [400, undefined], `${method} ${path}`)
    }
  })
})

describe('A ticket’s link, in Chromium', () => {
  let server: RunningServer
  let landing: LandingPage
  let chromium: Browser

  before(async () => {
    server = await startServer({ store: 'sqlite', tenantFile })
    landing = await startLandingPage()
    const callbacks = [`${landing.origin}/callback`]
    await applyTo(server.latchkey, { clients: [{ client_id: 'landing', name: 'Landing', app_type: 'spa', callbacks }] })
    chromium = await launchBrowser()
  })
  after(async () => {
    await chromium?.close()
    await landing?.close()
    await server?.close()
  })

  async function withTwoBrowsers(run: (attacker: BrowserContext, victim: BrowserContext) => Promise<void>) {
    const [attacker, victim] = await Promise.all([chromium.newContext(), chromium.newContext()])
    try {
      await run(attacker, victim)
    } finally {
      await Promise.all([attacker.close(), victim.close()])
    }
  }

  const requestUrl = (changes: Record<string, string> = {}): string =>
    new URL(
      authorizePath({ client_id: 'landing' }, { redirect_uri: `${landing.origin}/callback`, ...changes }),
      server.issuer,
    ).href

  async function openSignIn(context: BrowserContext) {
    const page = await context.newPage()
    await page.goto(requestUrl({ prompt: 'login' }))
    assert.match(page.url(), /\/login\//)
    return page
  }

  async function signInOn(page: Awaited<ReturnType<typeof openSignIn>>, { email, password }: Person): Promise<void> {
    await page.locator('#username').fill(email)
    await page.locator('#password').fill(password)
    await page.locator('button[type=submit]').click()
    await page.waitForURL(`${landing.origin}/**`)
  }

  async function assertGoesNowhere(context: BrowserContext, url: string): Promise<void> {
    const page = await context.newPage()
    const response = await page.goto(url)
    assert.equal(response?.status(), 400, url)
    assert.equal(page.url(), url, 'nothing was redirected')
    assert.equal(await page.locator('form').count(), 0)
    await page.close()
  }

  const linksOf = (login: string): string[] => {
    const id = login.split('/').at(-1)
    return [login, `${login}/sign-up`, new URL(`/authorize/${id}`, server.issuer).href]
  }

  test('sent by an attacker signs no victim in as anybody, signed in before or not', async () => {
    await withTwoBrowsers(async (attacker, victim) => {
      const trap = await openSignIn(attacker)
      for (const link of linksOf(trap.url())) await assertGoesNowhere(victim, link)
      await signInOn(await openSignIn(victim), ANN)
      for (const link of linksOf(trap.url())) await assertGoesNowhere(victim, link)
      await signInOn(trap, EVE)
    })
  })

  test('taken from a victim signs no attacker in as the victim, before or after the victim’s password', async () => {
    await withTwoBrowsers(async (attacker, victim) => {
      const page = await openSignIn(victim)
      const login = page.url()
      for (const link of linksOf(login)) await assertGoesNowhere(attacker, link)

      // The password is given, and the last redirect held back: all but the answer is there for the taking.
      let held: string | undefined
      await page.route('**/login/**', async route => {
        if (route.request().method() !== 'POST') return route.continue()
        const response = await route.fetch({ maxRedirects: 0 })
        held = response.headers()['location']
        await route.fulfill({ status: 200, contentType: 'text/html', body: '<title>held</title>' })
      })
      await page.locator('#username').fill(ANN.email)
      await page.locator('#password').fill(ANN.password)
      await page.locator('button[type=submit]').click()
      await page.waitForFunction("document.title === 'held'")
      const rest = new URL(held ?? '', server.issuer).href
      assert.match(rest, /\/authorize\//)
      for (const link of [...linksOf(login), rest]) await assertGoesNowhere(attacker, link)

      await page.goto(rest)
      assert.match(page.url(), /\/callback\?code=/)
    })
  })

  test('to a sign-out confirmation signs out nobody but who was asked', async () => {
    await withTwoBrowsers(async (attacker, victim) => {
      for (const [context, person] of [
        [attacker, EVE],
        [victim, ANN],
      ] as const)
        await signInOn(await openSignIn(context), person)
      const asked = await attacker.newPage()
      await asked.goto(new URL('/v2/logout', server.issuer).href)
      assert.match(asked.url(), /\/sign-out\//)
      await assertGoesNowhere(victim, asked.url())
      const page = await victim.newPage()
      await page.goto(requestUrl({ prompt: 'none' }))
      assert.match(page.url(), /\?code=/)
    })
  })
})
