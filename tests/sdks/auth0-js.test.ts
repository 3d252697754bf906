/**
 * Auth0's auth0-js, unmodified, in Chromium: version 10 and the 9 that Lock brings along. It signs people in on a page of
 * the application, which is of one site with the server, as such applications have to be in today's browsers.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { launchBrowser } from '../fixtures/browser.ts'
import { makeCertificate } from '../fixtures/certificate.ts'
import { linkIn, type Mailbox, openMailbox } from '../fixtures/mailbox.ts'
import { type RunningServer, startServer } from '../fixtures/server.ts'

const ANN = { email: 'ann@example.com', password: 'a lighthouse in the fog' } as const
const REALM = 'Username-Password-Authentication'
const PATIENCE = 20_000
const VERSIONS = ['auth0-js', 'auth0-js-9'] as const
const require = createRequire(import.meta.url)
const SCRIPTS: Readonly<Record<string, string>> = Object.fromEntries(
  VERSIONS.map(name => [name, readFileSync(require.resolve(`${name}/dist/auth0.min.js`), 'utf8')]),
)

/** As a page of the library is told: an error, or a result. */
interface Told {
  readonly error?: Readonly<Record<string, unknown>>
  readonly result?: Readonly<Record<string, unknown>>
}

describe('auth0-js', () => {
  let server: RunningServer
  let chromium: Browser
  let mailbox: Mailbox
  let pages: Server
  /** Where the application's pages are. */
  let app = ''

  before(async () => {
    pages = createServer(makeCertificate(), showPage).listen(0, '127.0.0.1')
    await once(pages, 'listening')
    app = `https://localhost:${(pages.address() as AddressInfo).port}`
    server = await startServer({
      store: 'sqlite',
      environment: { LATCHKEY_TLS: 'auto' },
      tenantFile: {
        clients: [
          {
            client_id: 'embedded',
            name: 'Embedded',
            app_type: 'spa',
            grant_types: ['implicit', 'authorization_code'],
            callbacks: VERSIONS.map(library => `${app}/callback?library=${library}`),
            web_origins: [app],
            allowed_logout_urls: [app],
            cross_origin_authentication: true,
          },
        ],
        users: [{ ...ANN, email_verified: true }],
      },
    })
    await server.latchkey.store.connections.create({
      tenant: 'default',
      id: 'con_email',
      name: 'email',
      strategy: 'email',
      options: {},
      sealedOptions: null,
      settings: {},
      clients: null,
    })
    mailbox = openMailbox(server.latchkey)
    chromium = await launchBrowser()
  })
  after(async () => {
    await chromium?.close()
    await server?.close()
    pages?.close()
  })

  /** Every page is the same, with the library that the address says. */
  function showPage({ url = '/' }: IncomingMessage, response: ServerResponse): void {
    const { pathname, searchParams } = new URL(url, app)
    const script = SCRIPTS[pathname.slice(1)]
    if (script !== undefined) return void response.setHeader('content-type', 'text/javascript').end(script)
    const settings = {
      domain: new URL(server.issuer).host,
      clientID: 'embedded',
      redirectUri: `${app}/callback?${searchParams}`,
      responseType: 'token id_token',
      scope: 'openid profile email',
    }
    response.setHeader('content-type', 'text/html').end(
      `<!doctype html><title>app</title><script src="/${searchParams.get('library')}"></script>
       <script>window.auth0js = new auth0.WebAuth(${JSON.stringify(settings)})</script>`,
    )
  }

  for (const version of VERSIONS)
    describe(version, () => {
      const home = () => `${app}/?library=${version}`
      let people = 0
      const someone = () => {
        people += 1
        return { email: `${version}-${people}@example.com`, password: 'seven quiet lanterns' }
      }

      /** A browser that has never been here, on the application's page. The internet is not there. */
      async function visit(run: (page: Page, context: BrowserContext) => Promise<void>): Promise<void> {
        const context = await chromium.newContext({ ignoreHTTPSErrors: true })
        context.setDefaultTimeout(PATIENCE)
        await context.route(
          ({ hostname }) => hostname !== 'localhost',
          route => route.abort(),
        )
        try {
          const page = await context.newPage()
          await page.goto(home())
          await run(page, context)
        } finally {
          await context.close()
        }
      }

      /** Calls `auth0js.<method>(options, callback)` in the page. Where it leaves the page, there is no answer. */
      const call = (page: Page, method: string, options: object): Promise<Told> =>
        page.evaluate(`new Promise(resolve => {
          const steps = ${JSON.stringify(method)}.split('.')
          const name = steps.pop()
          const target = steps.reduce((object, step) => object[step], auth0js)
          target[name](${JSON.stringify(options)}, (error, result) => resolve({ error: error ?? undefined, result: result ?? undefined }))
        })`)

      /** On the callback: what the library makes of the address, signature, nonce and state checked. */
      const parse = (page: Page): Promise<Told> =>
        page.evaluate(`new Promise(resolve =>
          auth0js.parseHash((error, result) => resolve({ error: error ?? undefined, result: result ?? undefined })))`)

      const emailIn = ({ result, error }: Told) => {
        assert.ok(result, JSON.stringify(error))
        return (result['idTokenPayload'] as { email?: string }).email
      }

      async function login(page: Page, { email, password }: { email: string; password: string }): Promise<Told> {
        void call(page, 'login', { realm: REALM, email, password }).catch(() => {})
        await page.waitForURL(`${app}/callback**`)
        return parse(page)
      }

      test('signs in with a password from the page, and finds the session again without one', async () => {
        await visit(async page => {
          const before = await call(page, 'checkSession', {})
          assert.equal(before.error?.['error'] ?? before.error?.['code'], 'login_required')
          assert.equal(emailIn(await login(page, ANN)), ANN.email)
          assert.equal(emailIn(await call(page, 'checkSession', {})), ANN.email)
          const { result } = await call(page, 'client.getSSOData', {})
          assert.deepEqual([result?.['sso'], result?.['lastUsedUsername']], [true, ANN.email])
        })
      })

      test('reads why a password is refused', async () => {
        await visit(async page => {
          const { error } = await call(page, 'login', { realm: REALM, email: ANN.email, password: 'not the password' })
          assert.deepEqual([error?.['code'], error?.['description']], ['access_denied', 'Wrong email or password.'])
        })
      })

      test('signs in behind the page, which stays where it is', async () => {
        await visit(async page => {
          const credentials = { realm: REALM, username: ANN.email, password: ANN.password }
          assert.equal(emailIn(await call(page, 'popup.loginWithCredentials', credentials)), ANN.email)
          assert.equal(page.url(), home())
        })
      })

      // From here on the two are the same files.
      if (version === 'auth0-js-9') return

      test('signs people up, and reads why it may not', async () => {
        await visit(async page => {
          const person = someone()
          const weak = await call(page, 'signup', { connection: REALM, ...person, password: 'short' })
          assert.deepEqual([weak.error?.['code'], weak.error?.['name']], ['invalid_password', 'PasswordStrengthError'])
          assert.equal(typeof weak.error?.['policy'], 'string')
          const { result } = await call(page, 'signup', {
            connection: REALM,
            ...person,
            user_metadata: { favouriteColour: 'blue' },
          })
          assert.deepEqual([result?.['email'], result?.['emailVerified']], [person.email, false])
          const again = await call(page, 'signup', { connection: REALM, ...person })
          assert.equal(again.error?.['code'], 'user_exists')
          assert.equal(emailIn(await login(page, person)), person.email)
          const [id = ''] = await server.latchkey.store.users.findByAttribute('default', 'email', person.email, 1)
          const user = await server.latchkey.store.users.find('default', id)
          assert.deepEqual(user?.userMetadata, { favouriteColour: 'blue' })
        })
      })

      test('has a new password mailed, whoever asks', async () => {
        await visit(async page => {
          for (const email of [ANN.email, 'nobody@example.com']) {
            const { result, error } = await call(page, 'changePassword', { connection: REALM, email })
            assert.equal(error, undefined)
            assert.match(String(result), /just sent you an email/)
          }
        })
      })

      test('signs in with a code that was mailed', async () => {
        await visit(async page => {
          const { email } = someone()
          const started = await call(page, 'passwordlessStart', { connection: 'email', send: 'code', email })
          assert.equal(started.error, undefined, JSON.stringify(started.error))
          const code = /^(\d{6})$/m.exec((await mailbox.next(email)).text)?.[1] ?? ''
          const wrong = await call(page, 'passwordlessLogin', { connection: 'email', email, verificationCode: '12345' })
          assert.equal(wrong.error?.['code'], 'access_denied')
          void call(page, 'passwordlessLogin', { connection: 'email', email, verificationCode: code }).catch(() => {})
          await page.waitForURL(`${app}/callback**`)
          assert.equal(emailIn(await parse(page)), email)
        })
      })

      test('signs in with a link that was mailed', async () => {
        await visit(async page => {
          const { email } = someone()
          const authParams = { nonce: 'the-nonce', state: 'the-state' }
          const started = await call(page, 'passwordlessStart', {
            connection: 'email',
            send: 'link',
            email,
            authParams,
          })
          assert.equal(started.error, undefined, JSON.stringify(started.error))
          await page.goto(linkIn(await mailbox.next(email)))
          await page.getByRole('button', { name: 'Sign in' }).click()
          await page.waitForURL(`${app}/callback**`)
          const told: Told = await page.evaluate(`new Promise(resolve => auth0js.parseHash(
            { nonce: 'the-nonce', state: 'the-state' },
            (error, result) => resolve({ error: error ?? undefined, result: result ?? undefined })))`)
          assert.equal(emailIn(told), email)
        })
      })
    })
})
