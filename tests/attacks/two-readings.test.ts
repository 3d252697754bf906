/**
 * Requests that two programs read in two ways. A proxy, a filter or a log believes the first of two values and the
 * server the last; a prefetcher believes that HEAD changes nothing. Whatever has two readings gets none.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { onEachStore, type RunningServer, startServer } from '../fixtures/server.ts'
import {
  ANN,
  API,
  authorizePath,
  BEN,
  beginAt,
  CookieJarBrowser,
  EVE,
  follow,
  MACHINE,
  PARTNER,
  queryOf,
  SPA,
  signIn,
  tenantFile,
} from './stage.ts'

const FORM = 'application/x-www-form-urlencoded'

onEachStore('A request with two readings', store => {
  let server: RunningServer

  before(async () => {
    server = await startServer({ store, tenantFile })
  })
  after(() => server?.close())

  interface Sent {
    readonly browser?: CookieJarBrowser
    readonly type?: string
    readonly payload?: string
    readonly accept?: string
  }

  const send = (
    method: 'GET' | 'HEAD' | 'POST',
    url: string,
    { browser = new CookieJarBrowser(server), type, payload, accept = '*/*' }: Sent = {},
  ) => {
    const { host, origin } = new URL(server.issuer)
    const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    return server.latchkey.http.inject({
      method,
      url,
      headers: {
        host,
        origin,
        accept,
        'sec-fetch-site': 'same-origin',
        ...(cookie && { cookie }),
        ...(type && { 'content-type': type }),
      },
      ...(payload !== undefined && { payload }),
    })
  }

  const isSignedIn = async (browser: CookieJarBrowser): Promise<boolean> =>
    (await follow(browser, authorizePath(SPA, { prompt: 'none' }))).searchParams.has('code')

  test('in JSON is no token request, whichever of the two is sound', async () => {
    const sound = { grant_type: 'client_credentials', audience: API, ...MACHINE }
    const body = JSON.stringify(sound)
    assert.equal((await send('POST', '/oauth/token', { type: 'application/json', payload: body })).statusCode, 200)
    for (const [first, second] of [
      [SPA.client_id, MACHINE.client_id],
      [MACHINE.client_id, SPA.client_id],
      [MACHINE.client_id, MACHINE.client_id],
    ]) {
      const payload = body.replace(/"client_id":"[^"]*"/, `"client_id":"${first}","client_id":"${second}"`)
      const answer = await send('POST', '/oauth/token', { type: 'application/json', payload })
      assert.equal(answer.statusCode, 400)
      assert.equal(answer.json().error, 'invalid_request')
      assert.equal(answer.headers['access-control-allow-origin'], '*')
    }
  })

  const forms: readonly (readonly [name: string, path: string, fields: readonly (readonly [string, string])[]])[] = [
    [
      'two addresses',
      '',
      [
        ['username', EVE.email],
        ['username', ANN.email],
        ['password', ANN.password],
      ],
    ],
    [
      'two passwords',
      '',
      [
        ['username', ANN.email],
        ['password', ANN.password],
        ['password', 'x'],
      ],
    ],
    [
      'two addresses of a new account',
      '/sign-up',
      [
        ['email', 'one@example.com'],
        ['email', 'two@example.com'],
        ['password', ANN.password],
      ],
    ],
  ]
  for (const [name, path, fields] of forms)
    test(`in a form signs nobody in: ${name}`, async () => {
      const browser = new CookieJarBrowser(server)
      const action = `${await beginAt(browser)}${path}`
      const payload = new URLSearchParams(fields.map(([field, value]) => [field, value])).toString()
      const answer = await send('POST', action, { browser, type: FORM, payload })
      assert.equal(answer.statusCode, 400)
      assert.match(String(answer.headers['content-type']), /^text\/html/)
      assert.match(answer.body, /malformed_request/)
      assert.deepEqual(answer.cookies, [])
      assert.equal(await isSignedIn(browser), false)
    })

  test('in a form allows nothing and refuses nothing', async () => {
    const browser = new CookieJarBrowser(server)
    await signIn(browser, BEN)
    const login = await beginAt(browser, authorizePath(PARTNER, { prompt: 'consent' }))
    await browser.get(login)
    for (const payload of ['decision=allow&decision=refuse', 'decision=refuse&decision=allow']) {
      const answer = await send('POST', `${login}/consent`, { browser, type: FORM, payload })
      assert.equal(answer.statusCode, 400)
      assert.match(answer.body, /malformed_request/)
      assert.match((await browser.get(login)).body, /name="decision"/, 'is asked still')
    }
  })

  test('that cannot be read at all is told on a page where a page was asked for', async () => {
    const login = await beginAt(new CookieJarBrowser(server))
    const asked = { accept: 'text/html' }
    for (const [status, answer] of [
      [413, await send('POST', login, { type: FORM, payload: `username=${'x'.repeat(70_000)}` })],
      [415, await send('POST', login, { type: 'text/plain', payload: 'username=x' })],
      [400, await send('POST', login, { type: 'application/json', payload: '{' })],
      [400, await send('GET', `/authorize?${Array(101).fill('scope=openid').join('&')}`)],
      [400, await send('GET', `/login/${'x'.repeat(129)}`)],
      [400, await send('GET', '/%ff', asked)],
    ] as const) {
      assert.equal(answer.statusCode, status)
      assert.match(String(answer.headers['content-type']), /^text\/html/)
      assert.match(answer.body, /malformed_request/)
      assert.ok(answer.headers['content-security-policy'])
    }
  })

  test('as HEAD has no effect: no code, no ticket, no sign-out', async () => {
    const browser = new CookieJarBrowser(server)
    await signIn(browser, ANN)
    const out = `/v2/logout?${queryOf({ client_id: SPA.client_id, returnTo: 'https://app.example/' })}`
    for (const url of [authorizePath(), authorizePath(SPA, { prompt: 'login' }), out, '/oidc/logout', '/signed-out']) {
      const answer = await send('HEAD', url, { browser })
      assert.equal(answer.statusCode, 405, url)
      assert.deepEqual([answer.headers.location, answer.cookies], [undefined, []], url)
    }
    assert.ok(await isSignedIn(browser))
    assert.equal((await send('GET', out, { browser })).headers.location, 'https://app.example/')
    assert.equal(await isSignedIn(browser), false)
  })

  test('as HEAD is answered where GET has none either', async () => {
    const [, style = ''] = /href="(\/assets\/[^"]+\.css)"/.exec((await send('GET', '/signed-out')).body) ?? []
    for (const url of ['/.well-known/openid-configuration', '/.well-known/jwks.json', '/healthz', '/readyz', style]) {
      const answer = await send('HEAD', url)
      assert.deepEqual([answer.statusCode, answer.body], [200, ''], url)
    }
    assert.equal((await send('HEAD', '/userinfo')).statusCode, 401)
  })
})
