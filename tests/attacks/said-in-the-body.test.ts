/**
 * Saying who one is in the body: an endpoint that reads a user's id from the request takes anybody for them (Better Auth,
 * 2025, where `userId` did away with the sign-in). Who is asked about comes from a session, a token or a proof alone, so
 * every name that such a parameter has is sent to every endpoint, as query, form and document.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type RunningServer, startServer } from '../fixtures/server.ts'
import {
  ANN,
  API,
  askToken,
  authorizePath,
  BEN,
  beginAt,
  CookieJarBrowser,
  claimsOf,
  codeOf,
  follow,
  MACHINE,
  passing,
  queryOf,
  redemption,
  refreshing,
  SPA,
  signIn,
  TRUSTED,
  tenantFile,
  UNPROTECTED,
} from './stage.ts'

const NAMES = [
  ...['user_id', 'userId', 'user', 'uid', 'sub', 'subject', 'account', 'account_id', 'accountId', 'principal', 'owner'],
  ...['act_as', 'actor', 'impersonate', 'on_behalf_of', 'requested_subject', 'email', 'login', 'identity', 'profile'],
  ...['session', 'session_id', 'sid', 'auth', 'authenticated', 'is_authenticated', 'user_epoch', 'acr', 'amr', 'role'],
]

let server: RunningServer
let ann: CookieJarBrowser
let annsSub = ''
let ben = ''
/** Ben, under every name there is. */
let asBen: Readonly<Record<string, string>> = {}

before(async () => {
  server = await startServer({
    store: 'sqlite',
    tenantFile: { ...tenantFile, attackProtection: UNPROTECTED },
  })
  ann = new CookieJarBrowser(server)
  const callback = await signIn(ann, ANN)
  const tokens = (await askToken(server, redemption(SPA, codeOf(callback)))).json()
  annsSub = String(claimsOf(String(tokens['id_token']))['sub'])
  ben = (await server.latchkey.store.users.findByAttribute('default', 'email', BEN.email, 1))[0] ?? ''
  assert.ok(ben !== '' && annsSub !== '' && ben !== annsSub)
  asBen = Object.fromEntries(NAMES.map(name => [name, ben]))
})
after(() => server?.close())

const subOf = (answer: { json(): Record<string, unknown> }) => claimsOf(String(answer.json()['access_token']))['sub']

test('a code is for whoever is signed in, whatever the request says, by every way of asking', async () => {
  const offline = { scope: 'openid offline_access' }
  const asked = Object.fromEntries(new URL(authorizePath(SPA, offline), server.issuer).searchParams)
  const pushed = await new CookieJarBrowser(server).post(
    '/oauth/par',
    { ...asBen, ...asked },
    { origin: undefined, 'sec-fetch-site': undefined },
  )
  const request_uri = String(pushed.json()['request_uri'])
  const ways = {
    query: () => ann.get(`/authorize?${queryOf({ ...asBen, ...asked })}`),
    form: () => ann.post('/authorize', { ...asBen, ...asked }),
    pushed: () => ann.get(`/authorize?${queryOf({ ...asBen, client_id: SPA.client_id, request_uri })}`),
  }
  for (const [way, go] of Object.entries(ways)) {
    const { location, body } = await go()
    assert.ok(location, `${way}: ${body.slice(0, 300)}`)
    const code = codeOf(await follow(ann, location))
    const answer = await askToken(server, { ...asBen, ...redemption(SPA, code) })
    assert.equal(subOf(answer), annsSub, way)
    const refreshed = await askToken(server, { ...asBen, ...refreshing(SPA, String(answer.json()['refresh_token'])) })
    assert.equal(subOf(refreshed), annsSub, way)
  }
})

test('a hint of who is meant is no proof of being them', async () => {
  for (const changes of [
    { login_hint: BEN.email },
    { claims: JSON.stringify({ id_token: { sub: { value: ben } } }) },
    { claims: JSON.stringify({ userinfo: { sub: { value: ben, essential: true } } }) },
  ]) {
    const silent = await follow(ann, authorizePath(SPA, { ...changes, prompt: 'none' }))
    const code = silent.searchParams.get('code')
    if (code === null) assert.match(silent.searchParams.get('error') ?? '', /_required$/)
    else assert.equal(subOf(await askToken(server, redemption(SPA, code))), annsSub)
    const stranger = await follow(new CookieJarBrowser(server), authorizePath(SPA, { ...changes, prompt: 'none' }))
    assert.equal(stranger.searchParams.get('error'), 'login_required')
  }
})

test('a machine and a password speak for themselves', async () => {
  const machine = await askToken(server, {
    ...asBen,
    grant_type: 'client_credentials',
    ...MACHINE,
    audience: API,
  })
  assert.equal(machine.status, 200, machine.body)
  assert.ok(!JSON.stringify(claimsOf(String(machine.json()['access_token']))).includes(ben))
  const withPassword = await askToken(server, { ...asBen, ...passing(ANN, 'password', TRUSTED), scope: 'openid' })
  assert.equal(subOf(withPassword), annsSub)
})

test('/userinfo is about its token', async () => {
  const token = String(
    (await askToken(server, redemption(SPA, codeOf(await follow(ann, authorizePath()))))).json()['access_token'],
  )
  const headers = { authorization: `Bearer ${token}` }
  for (const reply of [
    await new CookieJarBrowser(server).get(`/userinfo?${queryOf(asBen)}`, headers),
    await new CookieJarBrowser(server).post('/userinfo', asBen, headers),
  ])
    assert.equal(reply.json()['sub'], annsSub)
  for (const reply of [
    await new CookieJarBrowser(server).get(`/userinfo?${queryOf(asBen)}`),
    await new CookieJarBrowser(server).post('/userinfo', asBen, { authorization: undefined }),
  ])
    assert.ok([400, 401].includes(reply.status) && !reply.body.includes(BEN.email))
})

test('whoever is signed in nowhere is nobody, at every route of the account', async () => {
  for (const [path, rest] of [
    ['/account', {}],
    ['/account/withdraw', { client: SPA.client_id }],
    ['/account/sign-out-everywhere', {}],
    ['/account/confirm', {}],
  ] as const)
    for (const reply of [
      await new CookieJarBrowser(server).get(`${path}?${queryOf({ ...asBen, ...rest })}`),
      await new CookieJarBrowser(server).post(path, { ...asBen, ...rest }),
    ]) {
      assert.ok([303, 400, 404, 405].includes(reply.status), `${path}: ${reply.status}`)
      assert.ok(!reply.body.includes(BEN.email), path)
    }
})

test('a sign-in is with a password, whoever the form says has done it already', async () => {
  const browser = new CookieJarBrowser(server)
  const login = await beginAt(browser)
  for (const form of [
    { ...asBen, username: BEN.email, password: '' },
    { ...asBen, username: BEN.email, password: 'a wrong guess' },
    { ...asBen },
    { ...asBen, decision: 'allow', factor: 'password', proof: 'password', step: 'done' },
  ])
    for (const path of [login, `${login}/consent`, `${login}/choose-account`]) {
      const { status, location } = await browser.post(path, form)
      assert.ok(status >= 400 || !location?.includes('code='), `${path} ${status} ${location}`)
    }
  assert.equal((await browser.get(authorizePath(SPA, { prompt: 'none' }))).location?.includes('login_required'), true)
})

test('a document names nobody either', async () => {
  for (const path of ['/oauth/token', '/oauth/par', '/oauth/revoke', '/oauth/introspect', '/userinfo']) {
    const reply = await new CookieJarBrowser(server).ask('POST', path, { ...asBen, user: { id: ben }, ...SPA })
    assert.ok(reply.status >= 400 && reply.status < 500, `${path}: ${reply.status}`)
    assert.ok(!reply.body.includes(BEN.email))
  }
})
