/**
 * A pushed request that is good for more than one answer: whoever sees its name in a browser's history has a code for
 * it. It is spent by the answer, so every way to an answer is walked here, and then walked again.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { readAnswer } from '../fixtures/authorization-answer.ts'
import { type HtmlForm, readForms } from '../fixtures/html-form.ts'
import { onEachStore, type RunningServer, startServer } from '../fixtures/server.ts'
import { createTestClock } from '../fixtures/test-clock.ts'
import {
  ANN,
  askToken,
  authorizePath,
  CALLBACK,
  type ClientCredentials,
  CookieJarBrowser,
  follow,
  OTHER_SPA,
  PARTNER,
  queryOf,
  type Reply,
  redemption,
  SPA,
  tenantFile,
  WEB,
} from './stage.ts'

/** May have tokens from `/authorize`, and asks for nothing without pushing it. */
const OPEN = { client_id: 'open' } as const
const PUSHING = { client_id: 'pushing', client_secret: 'the secret of the one that pushes' } as const
const settings = { name: 'App', callbacks: [CALLBACK], web_origins: ['https://app.example'] }
const clients = [
  ...tenantFile.clients,
  { ...OPEN, ...settings, app_type: 'spa', grant_types: ['authorization_code', 'implicit'] },
  { ...PUSHING, ...settings, app_type: 'regular_web', require_pushed_authorization_requests: true },
]

type Changes = Readonly<Record<string, string | undefined>>

onEachStore('A pushed request', store => {
  const clock = createTestClock()
  let server: RunningServer
  before(async () => {
    server = await startServer({ store, clock: clock.now, tenantFile: { ...tenantFile, clients } })
  })
  after(() => server?.close())

  const signedIn = async (client: ClientCredentials = SPA) => {
    const browser = new CookieJarBrowser(server)
    await walk(browser, await browser.get(authorizePath(client === PUSHING ? SPA : client)))
    return browser
  }

  async function push(client: ClientCredentials = SPA, changes: Changes = {}): Promise<string> {
    const asked = new URL(authorizePath(client, changes), server.issuer).searchParams
    const form = { ...Object.fromEntries(asked), ...client }
    const pushed = await new CookieJarBrowser(server).post('/oauth/par', form, NOT_A_BROWSER)
    assert.equal(pushed.status, 201, pushed.body)
    return String(pushed.json()['request_uri'])
  }

  const visit = (request_uri: string, { client_id }: ClientCredentials = SPA, more: Changes = {}) =>
    `/authorize?${queryOf({ client_id, request_uri, ...more })}`

  /** To where the browser is answered or refused, through whatever is asked on the way. */
  async function walk(browser: CookieJarBrowser, first: Reply): Promise<Reply> {
    let reply = first
    let where = ''
    for (let hops = 0; hops < 12; hops++) {
      if (reply.location?.startsWith('/')) {
        where = reply.location
        reply = await browser.get(where)
        continue
      }
      const [form] = reply.status === 200 && where.startsWith('/login/') ? readForms(reply.body) : []
      if (!form) return reply
      reply = await browser.post(form.action, { ...form.fields, ...wordsFor(reply, form) })
    }
    throw new Error('One page leads to another')
  }

  function wordsFor({ body }: Reply, { fields }: HtmlForm): Changes {
    const [, session] = /name="session" value="([^"]+)"/.exec(body) ?? []
    if (session !== undefined) return { session }
    return 'password' in fields ? { username: ANN.email, password: ANN.password } : { decision: 'allow' }
  }

  const answerOf = ({ location, body }: Reply) =>
    readAnswer({ location: location?.startsWith('/') ? undefined : location, html: body }).members

  interface Path {
    readonly client?: ClientCredentials
    readonly pushed?: Changes
    readonly browser: () => Promise<CookieJarBrowser>
    readonly go?: (browser: CookieJarBrowser, url: string) => Promise<Reply>
    readonly answered?: string
  }
  const anybody = async () => new CookieJarBrowser(server)
  const byLink = (browser: CookieJarBrowser, url: string) => browser.get(url)
  const asForm = (browser: CookieJarBrowser, url: string) =>
    browser.post('/authorize', Object.fromEntries(new URL(url, server.issuer).searchParams), {
      origin: 'https://app.example',
      'sec-fetch-site': 'cross-site',
    })

  const PATHS: Readonly<Record<string, Path>> = {
    'in silence (CVE-2026-96446)': { pushed: { prompt: 'none' }, browser: () => signedIn() },
    'in a session that is there': { browser: () => signedIn() },
    'past the sign-in page': { browser: anybody },
    'past the sign-in page again': { pushed: { prompt: 'login' }, browser: () => signedIn() },
    'past the account chooser': { pushed: { prompt: 'select_account' }, browser: () => signedIn() },
    'past the consent page': { client: PARTNER, browser: anybody },
    'with a consent of before': { client: PARTNER, browser: () => signedIn(PARTNER) },
    'by a form': { pushed: { response_mode: 'form_post' }, browser: () => signedIn() },
    'by a message': { pushed: { response_mode: 'web_message', prompt: 'none' }, browser: () => signedIn() },
    'in the fragment': { pushed: { response_mode: 'fragment' }, browser: () => signedIn() },
    'asked by a form of another site': { browser: () => signedIn(), go: asForm },
    'with a secret': { client: WEB, browser: () => signedIn() },
    'of a client that may not ask otherwise': { client: PUSHING, browser: () => signedIn(PUSHING) },
    'with a token': {
      client: OPEN,
      pushed: { response_type: 'token' },
      browser: () => signedIn(),
      answered: 'access_token',
    },
    'with everything': {
      client: OPEN,
      pushed: { response_type: 'code id_token token' },
      browser: () => signedIn(),
      answered: 'id_token',
    },
  }

  // Which way was gone is not the store's to know.
  const paths = store === 'sqlite' ? Object.entries(PATHS) : []
  for (const [name, { client = SPA, pushed = {}, browser: open, go = byLink, answered }] of paths)
    test(`is answered once: ${name}`, async () => {
      const url = visit(await push(client, pushed), client)
      const browser = await open()
      const first = answerOf(await walk(browser, await go(browser, url)))
      assert.ok((answered ?? 'code') in first, JSON.stringify(first))
      for (const again of [browser, await signedIn(client), await anybody()])
        for (const way of [go, asForm]) {
          const reply = await walk(again, await way(again, url))
          assert.deepEqual([reply.status, reply.location], [400, undefined])
          assert.doesNotMatch(reply.body, /postMessage|code=|name="code"|access_token/)
        }
    })

  test('may be visited twice before somebody is done, and is answered to the one who is first', async () => {
    const url = visit(await push())
    const [one, other] = [new CookieJarBrowser(server), new CookieJarBrowser(server)]
    const [first, second] = [await one.get(url), await other.get(url)]
    assert.match(String(first.location), /^\/login\//)
    assert.match(String(second.location), /^\/login\//)
    // A reload of the first.
    assert.match(String((await one.get(url)).location), /^\/login\//)
    assert.ok('code' in answerOf(await walk(one, first)))
    const late = await walk(other, second)
    assert.deepEqual([late.status, late.location], [400, undefined])
  })

  test('that two browsers answer in the same moment is answered once', async () => {
    const browsers = await Promise.all([signedIn(), signedIn(), signedIn(), signedIn()])
    const url = visit(await push())
    const replies = await Promise.all(browsers.map(browser => browser.get(url)))
    assert.equal(replies.filter(({ location }) => location?.includes('code=')).length, 1)
  })

  test('is answered long after its name has expired, to whoever came in time', async () => {
    const url = visit(await push())
    const browser = new CookieJarBrowser(server)
    const began = await browser.get(url)
    clock.advance(50 * 60 * 1000)
    assert.equal((await browser.get(url)).status, 400)
    assert.ok('code' in answerOf(await walk(browser, began)))
    assert.equal((await browser.get(url)).status, 400)
  })

  test('is over when nobody came for it', async () => {
    const url = visit(await push())
    clock.advance(91_000)
    const { status, location } = await (await signedIn()).get(url)
    assert.deepEqual([status, location], [400, undefined])
  })

  test('is the client’s that pushed it', async () => {
    const browser = await signedIn()
    const request_uri = await push(SPA)
    for (const client of [OTHER_SPA, WEB, PARTNER]) {
      const { status, location } = await browser.get(visit(request_uri, client))
      assert.deepEqual([status, location], [400, undefined])
    }
    assert.equal((await browser.get(visit(request_uri))).status, 303)
  })

  test('counts alone: nothing beside its name changes what is asked', async () => {
    const browser = await signedIn()
    const callback = await follow(
      browser,
      visit(await push(), SPA, {
        redirect_uri: 'https://evil.example/',
        response_type: 'token',
        response_mode: 'web_message',
        scope: 'offline_access',
        state: 'evil',
        nonce: 'evil',
        code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
        request: 'x',
        prompt: 'login',
      }),
    )
    assert.equal(`${callback.origin}${callback.pathname}`, CALLBACK)
    assert.equal(callback.searchParams.get('state'), 'the-state')
    const answer = await askToken(server, redemption(SPA, String(callback.searchParams.get('code'))))
    assert.equal(answer.status, 200)
    assert.equal(answer.json()['scope'], 'openid profile email')
  })

  test('is not guessed, nor told from one that never was', async () => {
    const browser = await signedIn()
    const request_uri = await push()
    const told = async (uri: string) => {
      const { status, location, body } = await browser.get(visit(uri))
      return { status, location, body: body.replace(/[\w-]{22,}/g, '…') }
    }
    const unknown = await told(`${request_uri.slice(0, -1)}${request_uri.endsWith('A') ? 'B' : 'A'}`)
    assert.deepEqual([unknown.status, unknown.location], [400, undefined])
    await follow(browser, visit(request_uri))
    assert.deepEqual(await told(request_uri), unknown)
    assert.deepEqual(await told('urn:ietf:params:oauth:request_uri:'), unknown)
  })

  test('is the only way for a client that is set to it', async () => {
    const callback = await follow(await signedIn(), authorizePath(PUSHING))
    assert.equal(callback.searchParams.get('error'), 'invalid_request')
    assert.equal(callback.searchParams.get('code'), null)
  })
})

const NOT_A_BROWSER = { origin: undefined, 'sec-fetch-site': undefined }
