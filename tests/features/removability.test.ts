/**
 * Off means absent: a provider without a feature does not speak of it, does not route it and does not grant it, and
 * everything that does not need it goes on. Each flow says what it needs, and is held to that both ways: with its
 * needs it passes, without any one of them it does not.
 */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import type { Route } from '../../server/http/route.ts'
import type { Feature, OAuthServices } from '../../server/oauth/feature.ts'
import { features } from '../../server/oauth/features.ts'
import {
  ANN,
  API,
  askToken,
  askUserinfo,
  authorizePath,
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
  tenantFile,
  tokensFor,
  WEB,
} from '../attacks/stage.ts'
import { makeClientKey, signJws } from '../fixtures/client-assertion.ts'
import { openMailbox } from '../fixtures/mailbox.ts'
import { type RunningServer, startServer } from '../fixtures/server.ts'
import { shuffled } from './shuffled.ts'

/** May have everything that `/authorize` can answer. */
const OPEN = { client_id: 'open' } as const
const KEY = makeClientKey('ES256')
const [spa] = tenantFile.clients
const TOLD = { client_id: 'told' }
/** Takes codes that were mailed. */
const MAILED = { client_id: 'mailed', client_secret: 'the secret of whoever takes codes' }
let mailed = 0
/** Takes passwords on its own page. */
const EMBEDS = { client_id: 'embeds' }
const PUSHES = { client_id: 'pushes' }
const SIGNS = { client_id: 'signs' }
const withOpen = {
  ...tenantFile,
  tenant: { flags: { enable_dynamic_client_registration: true } },
  clients: [
    ...tenantFile.clients,
    { ...spa, ...OPEN, jwks: { keys: [KEY.jwk] }, grant_types: ['authorization_code', 'implicit'] },
    {
      ...spa,
      ...MAILED,
      app_type: 'regular_web',
      grant_types: ['http://auth0.com/oauth/grant-type/passwordless/otp'],
    },
    { ...spa, ...EMBEDS, cross_origin_authentication: true },
    { ...spa, ...PUSHES, require_pushed_authorization_requests: true },
    { ...spa, ...SIGNS, jwks: { keys: [KEY.jwk] }, signed_request_object: { required: true } },
    {
      ...spa,
      ...TOLD,
      backchannel_logout_uri: 'https://app.example/told',
      frontchannel_logout_uri: 'https://app.example/out',
    },
  ],
}

/** Which channels a client is noted for that is to be told of the session's end. */
async function channelsOf(server: RunningServer): Promise<string[]> {
  const code = codeOf(await signIn(new CookieJarBrowser(server), ANN, authorizePath(TOLD)))
  const { id_token } = (await askToken(server, redemption(TOLD, code))).json()
  const sid = String(claimsOf(String(id_token))['sid'])
  const { sessionClients } = server.latchkey.store
  const noted = await Promise.all(
    (['back', 'front'] as const).map(channel => sessionClients.takeOfSessions('default', [sid], channel)),
  )
  return noted.flat().map(({ channel }) => channel)
}

interface Flow {
  readonly name: string
  readonly needs: readonly string[]
  readonly run: (server: RunningServer) => Promise<void>
}

/** Somebody who signed in before the first feature was taken away: what flows ask of that, and not of signing in. */
const signedInBefore = new Map<string, string>()

async function signInBefore(server: RunningServer): Promise<void> {
  signedInBefore.clear()
  for (const [name, value] of (await signedIn(server)).cookies) signedInBefore.set(name, value)
}

function arrive(server: RunningServer, path = authorizePath()): Promise<URL> {
  const browser = new CookieJarBrowser(server)
  for (const [name, value] of signedInBefore) browser.cookies.set(name, value)
  return follow(browser, path)
}

async function tokensOf(server: RunningServer, changes: Readonly<Record<string, string>> = {}) {
  const code = codeOf(await arrive(server, authorizePath(SPA, changes)))
  const answer = await askToken(server, redemption(SPA, code))
  assert.equal(answer.status, 200)
  return answer.json() as Record<'access_token' | 'id_token' | 'refresh_token', string>
}

const GONE = 'https://app.example/'

const flows: readonly Flow[] = [
  {
    name: 'an organization that is not there is refused, and not passed over',
    needs: ['authorization-code', 'organization'],
    run: async server => {
      const { searchParams } = await arrive(server, authorizePath(SPA, { organization: 'org_none' }))
      assert.equal(searchParams.get('error_description'), 'parameter organization is invalid')
    },
  },
  {
    name: 'a public client gets a token for a code',
    needs: ['authorization-code', 'pkce'],
    run: async server => {
      const code = codeOf(await arrive(server))
      const answer = await askToken(server, redemption(SPA, code))
      assert.equal(answer.status, 200)
      assert.equal(answer.json()['token_type'], 'Bearer')
    },
  },
  {
    name: 'a confidential client gets a token for a code',
    needs: ['authorization-code'],
    run: async server => {
      const path = authorizePath(WEB, { code_challenge: undefined, code_challenge_method: undefined })
      const code = codeOf(await arrive(server, path))
      const answer = await askToken(server, { ...redemption(WEB, code), code_verifier: undefined })
      assert.equal(answer.status, 200)
    },
  },
  {
    name: 'a client set to it gets a token at once',
    needs: ['implicit'],
    run: async server => {
      const path = authorizePath(OPEN, { response_type: 'token', scope: undefined })
      const answer = new URLSearchParams((await arrive(server, path)).hash.slice(1))
      assert.equal(answer.get('token_type'), 'Bearer')
    },
  },
  {
    name: 'a client set to it gets a code and an ID token at once',
    needs: ['authorization-code', 'pkce', 'openid'],
    run: async server => {
      const path = authorizePath(OPEN, { response_type: 'code id_token' })
      const answer = new URLSearchParams((await arrive(server, path)).hash.slice(1))
      assert.equal(claimsOf(String(answer.get('id_token')))['nonce'], 'the-nonce')
      assert.equal((await askToken(server, redemption(OPEN, String(answer.get('code'))))).status, 200)
    },
  },
  {
    name: 'a pushed request is answered',
    needs: ['authorization-code', 'pkce', 'par'],
    run: async server => {
      const browser = new CookieJarBrowser(server)
      const asked = Object.fromEntries(new URL(authorizePath(), server.issuer).searchParams)
      const { request_uri } = (await browser.post('/oauth/par', asked)).json()
      const path = `/authorize?${queryOf({ client_id: SPA.client_id, request_uri: String(request_uri) })}`
      codeOf(await arrive(server, path))
    },
  },
  {
    name: 'a signed request is answered',
    needs: ['authorization-code', 'pkce', 'request-object'],
    run: async server => {
      const request = signJws(KEY, { state: 'signed' })
      const callback = await arrive(server, authorizePath(OPEN, { request }))
      codeOf(callback)
      assert.equal(callback.searchParams.get('state'), 'signed')
    },
  },
  {
    name: 'a code is of no use without its verifier',
    needs: ['authorization-code', 'pkce'],
    run: async server => {
      const code = codeOf(await arrive(server))
      const stolen = await askToken(server, redemption(SPA, code, { code_verifier: 'x'.repeat(43) }))
      assert.equal(stolen.json()['error'], 'invalid_grant')
      assert.equal((await askToken(server, redemption(SPA, code))).status, 200)
    },
  },
  {
    name: 'the client is told who signed in',
    needs: ['authorization-code', 'pkce', 'openid'],
    run: async server => {
      const { id_token } = await tokensOf(server)
      const { aud, nonce, email } = claimsOf(id_token)
      assert.deepEqual({ aud, nonce, email }, { aud: SPA.client_id, nonce: 'the-nonce', email: ANN.email })
    },
  },
  {
    name: 'a claim asked for by itself is told',
    needs: ['authorization-code', 'pkce', 'openid', 'claims'],
    run: async server => {
      const claims = JSON.stringify({ id_token: { nickname: null } })
      const { id_token } = await tokensOf(server, { scope: 'openid', claims })
      assert.equal(claimsOf(id_token)['nickname'], ANN.email.split('@')[0])
    },
  },
  {
    name: 'userinfo answers for a token',
    needs: ['authorization-code', 'pkce', 'openid', 'userinfo'],
    run: async server => {
      const { access_token } = await tokensOf(server)
      const answer = await askUserinfo(server, access_token)
      assert.equal(answer.status, 200)
      assert.equal(answer.json()['email'], ANN.email)
    },
  },
  {
    name: 'a client asks whether its token counts',
    needs: ['client-credentials', 'introspection'],
    run: async server => {
      const given = await askToken(server, { grant_type: 'client_credentials', ...MACHINE, audience: API })
      const token = String(given.json()['access_token'])
      const answer = await new CookieJarBrowser(server).post('/oauth/introspect', { ...MACHINE, token })
      assert.equal(answer.json()['active'], true)
    },
  },
  {
    name: 'a client gives its refresh token back',
    needs: ['authorization-code', 'pkce', 'refresh-token', 'revocation'],
    run: async server => {
      const { refresh_token } = await tokensOf(server, { scope: 'offline_access' })
      const answer = await new CookieJarBrowser(server).post('/oauth/revoke', { ...SPA, token: refresh_token })
      assert.equal(answer.status, 200)
      assert.equal((await askToken(server, refreshing(SPA, refresh_token))).status, 400)
    },
  },
  {
    name: 'a refresh token is rotated',
    needs: ['authorization-code', 'pkce', 'refresh-token'],
    run: async server => {
      const { refresh_token } = await tokensOf(server, { scope: 'offline_access' })
      const answer = await askToken(server, refreshing(SPA, refresh_token))
      assert.equal(answer.status, 200)
      assert.notEqual(answer.json()['refresh_token'], refresh_token)
    },
  },
  {
    name: 'a machine gets a token for itself',
    needs: ['client-credentials'],
    run: async server => {
      const answer = await askToken(server, { grant_type: 'client_credentials', ...MACHINE, audience: API })
      assert.equal(answer.status, 200)
      assert.equal(answer.json()['scope'], 'read:videos')
    },
  },
  {
    name: 'a password is taken from an application of the operator',
    needs: ['password'],
    run: async server => {
      const answer = await askToken(server, { ...passing(ANN), audience: API, scope: 'read:videos' })
      assert.equal(answer.status, 200)
      assert.equal(answer.json()['scope'], 'read:videos')
    },
  },
  {
    name: 'a password is taken for a connection that is named',
    needs: ['password-realm', 'openid'],
    run: async server => {
      const realm = 'Username-Password-Authentication'
      const answer = await askToken(server, {
        ...passing(ANN, 'http://auth0.com/oauth/grant-type/password-realm'),
        realm,
        scope: 'openid email',
      })
      assert.equal(claimsOf(String(answer.json()['id_token']))['email'], ANN.email)
    },
  },
  {
    name: 'a token is for the API that was asked for',
    needs: ['authorization-code', 'pkce', 'audience'],
    run: async server => {
      const { access_token } = await tokensOf(server, { audience: API, scope: 'read:videos' })
      const { aud, scope } = claimsOf(access_token)
      assert.deepEqual({ aud, scope }, { aud: API, scope: 'read:videos' })
    },
  },
  {
    name: 'prompt=none answers without a page, whoever is signed in',
    needs: ['authorization-code', 'pkce', 'interaction'],
    run: async server => {
      const browser = new CookieJarBrowser(server)
      const silent = authorizePath(SPA, { prompt: 'none' })
      assert.equal((await follow(browser, silent)).searchParams.get('error'), 'login_required')
      await signIn(browser, ANN)
      codeOf(await follow(browser, silent))
    },
  },
  {
    name: 'a password that was typed on a page of an application is answered without a page of ours',
    needs: ['authorization-code', 'pkce', 'login-ticket'],
    run: async server => {
      const browser = new CookieJarBrowser(server)
      const { email: username, password } = ANN
      const document = { ...EMBEDS, username, password, credential_type: 'password' }
      const answer = await browser.ask('POST', '/co/authenticate', document, { origin: 'https://app.example' })
      const login_ticket = String(answer.json()['login_ticket'])
      codeOf(await follow(browser, authorizePath(EMBEDS, { login_ticket })))
    },
  },
  {
    name: 'a code that was mailed is taken from an application of the operator',
    needs: ['passwordless-otp', 'openid'],
    run: async server => {
      const { store } = server.latchkey
      const connection = { tenant: 'default', strategy: 'email', sealedOptions: null, settings: {}, clients: null }
      await store.connections.create({ ...connection, id: 'con_email', name: 'email', options: {} })
      // Each to another address: one a minute goes to each.
      mailed += 1
      const email = `mailed-${mailed}@example.com`
      const sent = { ...MAILED, connection: 'email', send: 'code', email }
      await new CookieJarBrowser(server).ask('POST', '/passwordless/start', sent)
      const otp = /^(\d{6})$/m.exec((await openMailbox(server.latchkey).next(email)).text)?.[1]
      const grant_type = 'http://auth0.com/oauth/grant-type/passwordless/otp'
      const asked = { grant_type, ...MAILED, username: email, realm: 'email', otp, scope: 'openid email' }
      assert.equal(claimsOf(String((await askToken(server, asked)).json()['id_token']))['email'], email)
    },
  },
  {
    name: 'a stranger registers a client',
    needs: ['registration'],
    run: async server => {
      const redirect_uris = ['https://stranger.example/callback']
      const browser = new CookieJarBrowser(server)
      const discovery = (await browser.get('/.well-known/openid-configuration')).json()
      assert.equal(discovery['registration_endpoint'], `${server.issuer}oidc/register`)
      const answer = await browser.ask('POST', '/oidc/register', { redirect_uris })
      assert.deepEqual([answer.status, answer.json()['redirect_uris']], [201, redirect_uris])
    },
  },
  {
    name: '/v2/logout signs out and leads back',
    needs: ['authorization-code', 'pkce', 'logout'],
    run: async server => {
      const browser = await signedIn(server)
      const left = await browser.get(`/v2/logout?${queryOf({ client_id: SPA.client_id, returnTo: GONE })}`)
      assert.equal(left.location, GONE)
      await isSignedOut(browser)
    },
  },
  {
    name: '/oidc/logout signs out and leads back',
    needs: ['authorization-code', 'pkce', 'openid', 'end-session'],
    run: async server => {
      const browser = new CookieJarBrowser(server)
      const { id_token } = await tokensFor(server, ANN, { browser })
      const asked = queryOf({ id_token_hint: id_token, post_logout_redirect_uri: GONE, state: 'x' })
      assert.equal((await browser.get(`/oidc/logout?${asked}`)).location, `${GONE}?state=x`)
      await isSignedOut(browser)
    },
  },
  {
    name: 'an application is told what to watch the session by',
    needs: ['authorization-code', 'pkce', 'openid', 'session-management'],
    run: async server => {
      const answer = await arrive(server)
      assert.match(answer.searchParams.get('session_state') ?? '', /^[0-9a-f]{64}\.\S{43}$/)
    },
  },
  {
    name: 'a client is noted that is to be told of the session’s end by the server',
    needs: ['authorization-code', 'pkce', 'openid', 'backchannel-logout'],
    run: async server => assert.ok((await channelsOf(server)).includes('back')),
  },
  {
    name: 'a client is noted that is to be told of the session’s end in the browser',
    needs: ['authorization-code', 'pkce', 'openid', 'frontchannel-logout'],
    run: async server => assert.ok((await channelsOf(server)).includes('front')),
  },
]

async function signedIn(server: RunningServer): Promise<CookieJarBrowser> {
  const browser = new CookieJarBrowser(server)
  await signIn(browser, ANN)
  return browser
}

async function isSignedOut(browser: CookieJarBrowser): Promise<void> {
  assert.match((await browser.get(authorizePath())).location ?? '', /^\/login\//)
}

const ISSUER = 'https://issuer.example/'
const metadataOf = (feature: Feature): Record<string, unknown> => ({ ...feature.metadata?.(ISSUER) })
const routesOf = (feature: Feature) => feature.routes?.({} as OAuthServices, []) ?? []
const valuesOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])

const askAt = (browser: CookieJarBrowser, method: Route['method'], path: string) =>
  method === 'POST' ? browser.post(path, {}) : browser.ask(method, path)

/** Not in discovery, unless a feature that is there says the same; not on any route; not a grant. */
async function isAbsent(server: RunningServer, feature: Feature, present: readonly Feature[]): Promise<void> {
  const browser = new CookieJarBrowser(server)
  const discovery = (await browser.get('/.well-known/openid-configuration')).json()
  for (const [name, value] of Object.entries(metadataOf(feature))) {
    const others = present.map(other => metadataOf(other)[name]).filter(other => other !== undefined)
    if (Array.isArray(value)) {
      const gone = value.filter(item => !others.some(other => valuesOf(other).includes(item)))
      assert.deepEqual(
        valuesOf(discovery[name]).filter(item => gone.includes(item)),
        [],
        `${feature.name}: ${name}`,
      )
    } else if (others.length === 0) assert.notDeepEqual(discovery[name], value, `${feature.name}: ${name}`)
  }

  for (const { method, path } of routesOf(feature)) {
    const answer = await askAt(browser, method, path)
    assert.equal(answer.status, 404, `${method} ${path}`)
  }

  for (const member of feature.answers ?? [])
    for (const type of valuesOf(discovery['response_types_supported']))
      assert.ok(!String(type).split(' ').includes(member), `${feature.name}: ${type}`)

  if (feature.grant) {
    assert.ok(!valuesOf(discovery['grant_types_supported']).includes(feature.grant.type))
    const answer = await askToken(server, { grant_type: feature.grant.type, ...WEB })
    assert.deepEqual([answer.status, answer.json()['error']], [400, 'unsupported_grant_type'])
  }
}

async function isPresent(server: RunningServer, feature: Feature): Promise<void> {
  const browser = new CookieJarBrowser(server)
  const discovery = (await browser.get('/.well-known/openid-configuration')).json()
  for (const [name, value] of Object.entries(metadataOf(feature)))
    if (Array.isArray(value))
      for (const item of value) assert.ok(valuesOf(discovery[name]).includes(item), `${name}: ${item}`)
    else assert.ok(name in discovery, name)
  for (const { method, path } of routesOf(feature)) {
    const answer = await askAt(browser, method, path)
    assert.notEqual(answer.status, 404, `${method} ${path}`)
  }
  for (const member of feature.answers ?? [])
    assert.ok(valuesOf(discovery['response_types_supported']).includes(member), member)
  if (feature.grant) assert.ok(valuesOf(discovery['grant_types_supported']).includes(feature.grant.type))
}

/** Whoever is bound to push, to sign or to send a challenge is answered nothing else, by whatever provider there is. */
async function staysBound(server: RunningServer, present: readonly Feature[]): Promise<void> {
  if (!present.some(({ name }) => name === 'authorization-code')) return
  for (const client of [PUSHES, SIGNS]) {
    const { searchParams } = await follow(new CookieJarBrowser(server), authorizePath(client))
    assert.equal(searchParams.get('error'), 'invalid_request', client.client_id)
  }
  const unchallenged = authorizePath(SPA, { code_challenge: undefined, code_challenge_method: undefined })
  const { searchParams } = await follow(new CookieJarBrowser(server), unchallenged)
  assert.deepEqual(
    [searchParams.get('error'), searchParams.get('error_description')],
    ['invalid_request', 'This client has to send a code_challenge.'],
  )
}

/** What is there works, what is not there is not there, and no flow has a need it does not name. */
async function holds(server: RunningServer, present: readonly Feature[]): Promise<void> {
  for (const feature of features)
    if (present.includes(feature)) await isPresent(server, feature)
    else await isAbsent(server, feature, present)
  await staysBound(server, present)
  const names = present.map(feature => feature.name)
  for (const flow of flows)
    if (flow.needs.every(need => names.includes(need))) await flow.run(server)
    else await assert.rejects(flow.run(server), `${flow.name}, which needs ${flow.needs}, passed with ${names}`)
}

describe('without a feature, on sqlite', () => {
  let server: RunningServer
  before(async () => {
    server = await startServer({
      store: 'sqlite',
      tenantFile: withOpen,
    })
    await signInBefore(server)
  })
  after(() => server?.close())

  const boots = (present: readonly Feature[]) => async () => {
    server = await server.restart({ features: present })
    await holds(server, present)
  }

  for (const feature of features)
    test(
      `${feature.name} is absent, and every flow that does not need it passes`,
      boots(features.filter(other => other !== feature)),
    )

  test('at all, a provider still says who it is and refuses the rest', async () => {
    await boots([])()
    const browser = new CookieJarBrowser(server)
    assert.equal((await browser.get('/.well-known/openid-configuration')).json()['issuer'], server.issuer)
    assert.equal((await browser.get('/.well-known/jwks.json')).status, 200)
    const { searchParams } = await follow(browser, authorizePath())
    assert.equal(searchParams.get('error'), 'unsupported_response_type')
    assert.equal(searchParams.get('iss'), server.issuer)
  })

  for (let seed = 1; seed <= 6; seed++) {
    const some = shuffled(features, seed).slice(0, 2 + seed)
    test(`but ${some.map(({ name }) => name).join(', ')}, what is left works`, boots(some))
  }
})

describe('with every feature, on postgres', () => {
  let server: RunningServer
  before(async () => {
    server = await startServer({ store: 'postgres', tenantFile: withOpen })
    await signInBefore(server)
  })
  after(() => server?.close())

  test('all is present, and every flow passes', () => holds(server, features))
})

describe('the list', () => {
  const folder = new URL('../../server/oauth/features/', import.meta.url)
  const files = readdirSync(folder).filter(name => name.endsWith('.ts') && !name.endsWith('.test.ts'))

  test('holds every feature that there is, once', () =>
    assert.deepEqual(features.map(({ name }) => `${name}.ts`).sort(), files.sort()))

  for (const file of files)
    test(`holds what ${file} exports, under the file's name`, async () => {
      const exported: object = await import(new URL(file, folder).href)
      const [feature, ...others] = features.filter(one => Object.values(exported).includes(one))
      assert.equal(`${feature?.name}.ts`, file)
      assert.deepEqual(others, [])
    })

  test('is named by no flow for what is not in it', () => {
    const names = features.map(({ name }) => name)
    assert.deepEqual(
      flows.flatMap(({ needs }) => needs).filter(need => !names.includes(need)),
      [],
    )
  })

  test('holds no feature that no flow needs', () => {
    const needed = new Set(flows.flatMap(({ needs }) => needs))
    assert.deepEqual(
      features.filter(({ name }) => !needed.has(name)),
      [],
    )
  })
})
