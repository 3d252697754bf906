/** The unmodified `express-openid-connect`, in Express on ports of its own: what it makes of our answers, and of forged ones. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import express from 'express'
import middleware, { type ConfigParams } from 'express-openid-connect'
import { readAnswer } from '../fixtures/authorization-answer.ts'
import { createPerson, departure, type Person, type Stop } from '../fixtures/person.ts'
import { applyTo, type RunningServer, startServer } from '../fixtures/server.ts'

const { auth, requiresAuth } = middleware

const JO = { email: 'jo@example.com', password: 'a fine long passphrase' } as const
const CLIENT_SECRET = 'the application keeps this: to itself, 50% of it'

interface Application {
  readonly base: string
  readonly server: Server
}

describe('express-openid-connect, on sqlite', () => {
  let server: RunningServer
  const applications: Application[] = []

  before(async () => {
    server = await startServer({
      store: 'sqlite',
      tenantFile: { users: [{ ...JO, name: 'Jo March', email_verified: true }] },
    })
  })
  after(async () => {
    for (const { server: one } of applications) one.close()
    await server?.close()
  })

  /** An application and the client it is, of the same name. */
  async function start(clientID: string, client: object, config: ConfigParams = {}): Promise<Application> {
    const app = express()
    const listening = createServer(app).listen(0)
    await once(listening, 'listening')
    const base = `http://localhost:${(listening.address() as AddressInfo).port}`
    await applyTo(server.latchkey, {
      clients: [
        {
          client_id: clientID,
          name: clientID,
          app_type: 'regular_web',
          client_secret: CLIENT_SECRET,
          callbacks: [`${base}/callback`],
          allowed_logout_urls: [base],
          ...client,
        },
      ],
    })
    app.use(
      auth({
        issuerBaseURL: server.issuer,
        baseURL: base,
        clientID,
        secret: 'seals the application’s own session cookie',
        authRequired: false,
        ...config,
      }),
    )
    app.get('/', (request, response) => void response.json({ user: request.oidc.user ?? null }))
    app.get('/mine', requiresAuth(), async (request, response) => {
      const { accessToken } = request.oidc
      response.json({ user: request.oidc.user, info: accessToken ? await request.oidc.fetchUserInfo() : null })
    })
    app.use(((error, _request, response, _next) => {
      response.status(error.status ?? 500).json({ error: error.error ?? error.message })
    }) as express.ErrorRequestHandler)
    const application = { base, server: listening }
    applications.push(application)
    return application
  }

  /** One browser, which keeps the cookies of both sites apart. */
  const openBrowser = ({ base }: Application) => ({ there: createPerson(base), here: createPerson(server.issuer) })
  type Browser = ReturnType<typeof openBrowser>

  /** From the application to the sign-in page, and to where the answer waits to be carried back. */
  async function signIn({ there, here }: Browser, { base }: Application): Promise<{ asked: URL; stop: Stop }> {
    const asked = departure(await there.visit(`${base}/mine`))
    const page = await here.visit(asked)
    const isAsked = !page.left && page.html.includes('name="password"')
    const stop = isAsked ? await here.submit(page, { username: JO.email, password: JO.password }) : page
    return { asked, stop }
  }

  const post = (there: Person, { html }: Stop, changes: Readonly<Record<string, string>> = {}) => {
    const { mode, target, members } = readAnswer({ location: undefined, html })
    assert.equal(mode, 'form_post')
    return there.post(target, { ...members, ...changes }, new URL(server.issuer).origin)
  }

  const shown = ({ html }: Stop) =>
    JSON.parse(html) as { user: Record<string, unknown> | null; info: unknown; error?: string }

  test('signs in as it does by itself: an ID token, by a form', async () => {
    const application = await start('by-default', { grant_types: ['implicit'] })
    const browser = openBrowser(application)
    const { asked, stop } = await signIn(browser, application)
    const { response_type, response_mode } = Object.fromEntries(asked.searchParams)
    assert.deepEqual([response_type, response_mode], ['id_token', 'form_post'])
    const { user } = shown(await post(browser.there, stop))
    assert.deepEqual([user?.['email'], user?.['name']], [JO.email, 'Jo March'])
    assert.equal(shown(await browser.there.visit(application.base)).user?.['sub'], user?.['sub'])
  })

  test('believes no answer but ours, to its own request', async () => {
    const application = await start('careful', { grant_types: ['implicit'] })
    const browser = openBrowser(application)
    const { there } = browser
    const forge = (token: string | undefined) => {
      const [header, , signature] = String(token).split('.')
      return [header, Buffer.from(JSON.stringify({ sub: 'auth0|eve' })).toString('base64url'), signature].join('.')
    }
    for (const changesOf of [
      ({ id_token }: Readonly<Record<string, string>>) => ({ id_token: forge(id_token) }),
      () => ({ state: 'another' }),
    ]) {
      const { stop } = await signIn(browser, application)
      const { members } = readAnswer({ location: undefined, html: stop.html })
      assert.equal((await post(there, stop, changesOf(members))).status, 400)
      assert.equal(shown(await there.visit(application.base)).user, null)
    }
    // Somebody else's answer, taken along into this browser.
    const other = openBrowser(application)
    const { stop: theirs } = await signIn(other, application)
    await there.visit(`${application.base}/mine`)
    assert.equal((await post(there, theirs)).status, 400)
  })

  test('is told by a form that its client may have no ID token from here', async () => {
    const application = await start('not-set-to-it', {})
    const browser = openBrowser(application)
    const stop = await browser.here.visit(departure(await browser.there.visit(`${application.base}/mine`)))
    const answer = await post(browser.there, stop)
    assert.deepEqual([answer.status, shown(answer).error], [400, 'unauthorized_client'])
  })

  for (const [name, client, authorizationParams, more] of [
    ['a code, its secret in the header', {}, { response_type: 'code' }, {}],
    ['a code by a form', {}, { response_type: 'code', response_mode: 'form_post' }, {}],
    ['a code that it pushes for', {}, { response_type: 'code' }, { pushedAuthorizationRequests: true }],
    [
      'a code and an ID token, by a form',
      { grant_types: ['authorization_code', 'implicit'] },
      { response_type: 'code id_token', response_mode: 'form_post' },
      {},
    ],
  ] as [string, object, ConfigParams['authorizationParams'], ConfigParams][])
    test(`signs in with ${name}`, async () => {
      const application = await start(`with-${applications.length}`, client, {
        clientSecret: CLIENT_SECRET,
        authorizationParams: { scope: 'openid email', ...authorizationParams },
        ...more,
      })
      const browser = openBrowser(application)
      const { asked, stop } = await signIn(browser, application)
      assert.equal(asked.searchParams.has('request_uri'), 'pushedAuthorizationRequests' in more)
      const { user, info } = shown(stop.left ? await browser.there.visit(stop.url) : await post(browser.there, stop))
      assert.equal(user?.['email'], JO.email)
      assert.deepEqual((info as { sub?: unknown }).sub, user?.['sub'])
    })
})
