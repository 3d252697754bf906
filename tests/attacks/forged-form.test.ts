/**
 * Forms posted from somebody else's page into a browser that has everything: the ticket's cookie, the session, even
 * the ticket's id. Browsers say where a post comes from; one that comes from elsewhere, or will not say, does nothing.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { readForms } from '../fixtures/html-form.ts'
import { onEachStore, type RunningServer, startServer } from '../fixtures/server.ts'
import {
  ANN,
  authorizePath,
  beginAt,
  CookieJarBrowser,
  EVE,
  follow,
  PARTNER,
  queryOf,
  SPA,
  signIn,
  tenantFile,
} from './stage.ts'

type Headers = Readonly<Record<string, string | undefined>>

interface Form {
  readonly browser: CookieJarBrowser
  readonly action: string
  readonly fields: Readonly<Record<string, string>>
  /** Whether what the form is for has come about. */
  happened(): Promise<boolean>
}

onEachStore('A form from another site', store => {
  let server: RunningServer

  before(async () => {
    server = await startServer({ store, tenantFile })
  })
  after(() => server?.close())

  const foreign = (): Readonly<Record<string, Headers>> => {
    const { origin } = new URL(server.issuer)
    return {
      'a cross-site post': { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
      'a cross-site post that claims our origin': { origin, 'sec-fetch-site': 'cross-site' },
      'a post from a neighbour on the same site': { origin: 'http://localhost:1', 'sec-fetch-site': 'same-site' },
      'a post that nobody’s page sent': { origin, 'sec-fetch-site': 'none' },
      'an old browser’s cross-site post': { origin: 'https://evil.example', 'sec-fetch-site': undefined },
      'an old browser’s post from a sandbox': { origin: 'null', 'sec-fetch-site': undefined },
      'an origin that begins like ours': { origin: `${origin}.evil.example`, 'sec-fetch-site': undefined },
      'our origin under another scheme': { origin: origin.replace('http:', 'https:'), 'sec-fetch-site': undefined },
      'a post that hides where it comes from': { origin: undefined, 'sec-fetch-site': undefined },
      'a header that is said twice': { origin, 'sec-fetch-site': 'same-origin, cross-site' },
    }
  }

  const isSignedIn = async (browser: CookieJarBrowser): Promise<boolean> =>
    (await follow(browser, authorizePath(SPA, { prompt: 'none' }))).searchParams.has('code')

  let people = 0

  const FORMS: Readonly<Record<string, () => Promise<Form>>> = {
    'the sign-in': async () => {
      const browser = new CookieJarBrowser(server)
      const action = await beginAt(browser)
      // Signing a victim in as the attacker is worth a forgery too: what the victim then does, the attacker sees.
      const fields = { username: EVE.email, password: EVE.password }
      return { browser, action, fields, happened: () => isSignedIn(browser) }
    },
    'the sign-up': async () => {
      const browser = new CookieJarBrowser(server)
      const action = `${await beginAt(browser)}/sign-up`
      people += 1
      const fields = { email: `made-${people}@example.com`, password: 'nobody asked for this' }
      return { browser, action, fields, happened: () => isSignedIn(browser) }
    },
    'the consent': async () => {
      const browser = new CookieJarBrowser(server)
      await signIn(browser, ANN)
      // Asked for anew each time, whatever was allowed before.
      const login = await beginAt(browser, authorizePath(PARTNER, { prompt: 'consent' }))
      const [form] = readForms((await browser.get(login)).body)
      assert.ok(form?.fields['shown'])
      const happened = async () => (await browser.get(login)).location === login.replace('/login/', '/authorize/')
      return { browser, action: form.action, fields: { ...form.fields, decision: 'allow' }, happened }
    },
    'the sign-out': async () => {
      const browser = new CookieJarBrowser(server)
      await signIn(browser, ANN)
      const { location } = await browser.get(`/v2/logout?${queryOf({ client_id: SPA.client_id })}`)
      assert.match(location ?? '', /^\/sign-out\//)
      return { browser, action: location ?? '', fields: {}, happened: async () => !(await isSignedIn(browser)) }
    },
  }

  test('cannot give a consent that the person was never shown', async () => {
    const browser = new CookieJarBrowser(server)
    await signIn(browser, EVE)
    const login = await beginAt(browser, authorizePath(PARTNER, { prompt: 'consent' }))
    const { location } = await browser.post(`${login}/consent`, { decision: 'allow' })
    assert.equal((await browser.get(location ?? '')).location, login, 'and is shown it now')
    assert.match((await browser.get(login)).body, /name="decision"/)
  })

  for (const [name, prepare] of Object.entries(FORMS)) {
    test(`for ${name} is refused and does nothing`, async () => {
      const form = await prepare()
      for (const [said, headers] of Object.entries(foreign())) {
        const reply = await form.browser.post(form.action, form.fields, headers)
        assert.deepEqual([reply.status, reply.location], [403, undefined], said)
        assert.deepEqual(reply.cookies, [], said)
        assert.equal(await form.happened(), false, said)
      }
    })

    test(`for ${name} differs from our own form in nothing but where it comes from`, async () => {
      const { origin } = new URL(server.issuer)
      for (const headers of [{}, { origin, 'sec-fetch-site': undefined }]) {
        const form = await prepare()
        assert.equal(await form.happened(), false)
        assert.equal((await form.browser.post(form.action, form.fields, headers)).status, 303)
        assert.ok(await form.happened())
      }
    })
  }
})
