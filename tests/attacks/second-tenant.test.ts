/**
 * Two tenants on one server, made as an operator makes them, with clients of the same names and a person of the same
 * address in both. Whatever one of them gave is taken to the other, in both directions, and is nothing there.
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { accessToken, createVerifier, idTokenHint, importPublicKey, importSecret, keySet } from '@latchkey/sdk/verify'
import { stringify } from 'yaml'
import { signJwt } from '../../server/keys/signer.ts'
import { readForms } from '../fixtures/html-form.ts'
import { linkIn, openMailbox } from '../fixtures/mailbox.ts'
import { createOperator, type Operator } from '../fixtures/operator.ts'
import { onEachStore, type RunningServer, startServer } from '../fixtures/server.ts'
import {
  ANN,
  API,
  askToken,
  askUserinfo,
  authorizePath,
  BEN,
  beginAt,
  CookieJarBrowser,
  claimsOf,
  codeOf,
  follow,
  MACHINE,
  PARTNER,
  PASSWORD_REALM,
  queryOf,
  redemption,
  refreshing,
  SECRET_API_A,
  SPA,
  signIn,
  type Tokens,
  tenantFile,
  WEB,
} from './stage.ts'

const OTHER = { tenant: 'other', host: 'other.example', issuer: 'http://other.example/' } as const
/** The same people and the same applications, who share no secret with those of the first tenant. */
const ANN_THERE = { email: ANN.email, password: 'an anchor on the beach' } as const
const WEB_THERE = { ...WEB, client_secret: 'the secret of the web application over there' } as const
const MACHINE_THERE = { ...MACHINE, client_secret: 'the secret of the machine over there' } as const
const API_THERE = 'https://there.example/api'
const SHARED_THERE = 'a shared secret over there, 32 bytes or more'
const CAROL = { email: 'carol@example.com', password: 'four green umbrellas' } as const
const PASSWORDLESS = 'http://auth0.com/oauth/grant-type/passwordless/otp'
const OFFLINE = 'openid email offline_access'

/** Signs people in on its own pages. */
const LOCK = { client_id: 'lock' } as const
const [spa] = tenantFile.clients
const fileHere = {
  ...tenantFile,
  tenant: { flags: { enable_dynamic_client_registration: true } },
  clients: [...tenantFile.clients, { ...spa, ...LOCK, cross_origin_authentication: true }],
}
const fileThere = {
  ...fileHere,
  clients: fileHere.clients.map(client => {
    const there = [WEB_THERE, MACHINE_THERE].find(({ client_id }) => client_id === client.client_id)
    return { ...client, ...there }
  }),
  resourceServers: [
    ...tenantFile.resourceServers.map(api =>
      api.identifier === SECRET_API_A ? { ...api, signing_secret: SHARED_THERE } : api,
    ),
    { identifier: API_THERE, name: 'There', scopes: [{ value: 'read:videos' }] },
  ],
  clientGrants: [...tenantFile.clientGrants, { client_id: MACHINE.client_id, audience: API_THERE, scope: [] }],
  users: [{ ...ANN_THERE, email_verified: true }],
}

interface Home {
  readonly tenant: string
  readonly issuer: string
  readonly ann: { readonly email: string; readonly password: string }
  readonly web: typeof WEB | typeof WEB_THERE
  readonly machine: typeof MACHINE | typeof MACHINE_THERE
}

onEachStore('A second tenant', store => {
  let server: RunningServer
  let operator: Operator
  let pairs: readonly (readonly [home: Home, abroad: Home])[]

  before(async () => {
    server = await startServer({ store, tenantFile: fileHere })
    operator = await createOperator(server)
    await operator.latchkey(['tenants', 'create', 'Other', '--issuer', OTHER.issuer])
    const file = join(server.latchkey.settings.dataFolder, 'there.yaml')
    writeFileSync(file, stringify(fileThere))
    await operator.latchkey(['apply', file, '--tenant', OTHER.tenant])
    const create = ['users', 'create', '--email', CAROL.email, '--tenant', OTHER.tenant, '--password-stdin']
    await operator.latchkey(create, { input: CAROL.password })

    for (const tenant of ['default', OTHER.tenant])
      await server.latchkey.store.connections.create({
        ...{ tenant, id: `con_email_${tenant}`, name: 'email', strategy: 'email' },
        ...{ options: {}, sealedOptions: null, settings: {}, clients: null },
      })

    const here = { tenant: 'default', issuer: server.issuer, ann: ANN, web: WEB, machine: MACHINE }
    const there = { tenant: OTHER.tenant, issuer: OTHER.issuer, ann: ANN_THERE, web: WEB_THERE, machine: MACHINE_THERE }
    pairs = [
      [here, there],
      [there, here],
    ]
  })
  after(async () => {
    await operator?.close()
    await server?.close()
  })

  /** Everything is tried in both directions. */
  const bothWays = (name: string, attempt: (home: Home, abroad: Home) => Promise<void>) =>
    test(name, async () => {
      for (const [home, abroad] of pairs) await attempt(home, abroad)
    })

  const browserAt = ({ issuer }: Home) => new CookieJarBrowser(server, { issuer })
  /** Ann of that tenant in a browser of hers, and what her application gets. */
  async function annAt(home: Home, changes: Readonly<Record<string, string>> = { scope: OFFLINE }) {
    const browser = browserAt(home)
    const callback = await signIn(browser, home.ann, authorizePath(SPA, changes))
    const answer = await askToken(server, redemption(SPA, codeOf(callback)), home)
    assert.equal(answer.status, 200, answer.body)
    return { browser, tokens: answer.json() as unknown as Tokens }
  }
  const errorOf = (reply: Awaited<ReturnType<typeof askToken>>) => [reply.status, reply.json()['error']]
  const jwksOf = async (home: Home) =>
    (await browserAt(home).get('/.well-known/jwks.json')).json()['keys'] as (Parameters<typeof importPublicKey>[0] & {
      kid: string
      n?: string
    })[]

  bothWays('is a whole one: all that is refused elsewhere is good at home', async home => {
    const { browser, tokens } = await annAt(home)
    assert.equal(claimsOf(tokens.access_token)['iss'], home.issuer)
    assert.equal((await askUserinfo(server, tokens.access_token, home)).json()['email'], home.ann.email)
    assert.equal((await askToken(server, refreshing(SPA, tokens.refresh_token), home)).status, 200)
    const silent = await follow(browser, authorizePath(SPA, { prompt: 'none' }))
    assert.ok(silent.searchParams.has('code'))
    assert.equal(silent.searchParams.get('iss'), home.issuer)
    const machine = await askToken(server, { grant_type: 'client_credentials', audience: API, ...home.machine }, home)
    assert.equal(machine.status, 200)
  })

  test('has its own people: the same address is somebody else there', async () => {
    const [here, there] = await Promise.all(pairs.map(async ([home]) => claimsOf((await annAt(home)).tokens.id_token)))
    assert.equal(here?.['email'], there?.['email'])
    assert.notEqual(here?.['sub'], there?.['sub'])
  })

  test('has keys of its own: no id and no modulus of one is among the other’s', async () => {
    const [here = [], there = []] = await Promise.all(pairs.map(([home]) => jwksOf(home)))
    assert.ok(here.length > 0 && there.length > 0)
    for (const member of ['kid', 'n'] as const) {
      const ours = new Set(here.map(key => key[member]))
      assert.ok(!there.some(key => ours.has(key[member])), member)
    }
  })

  bothWays('refuses a code of the other, and does not spend it', async (home, abroad) => {
    const code = codeOf(await signIn(browserAt(home), home.ann))
    assert.deepEqual(errorOf(await askToken(server, redemption(SPA, code), abroad)), [400, 'invalid_grant'])
    assert.equal((await askToken(server, redemption(SPA, code), home)).status, 200)
  })

  bothWays('refuses a refresh token of the other, which goes on at home', async (home, abroad) => {
    const { refresh_token } = (await annAt(home)).tokens
    for (let time = 0; time < 3; time++)
      assert.deepEqual(errorOf(await askToken(server, refreshing(SPA, refresh_token), abroad)), [400, 'invalid_grant'])
    assert.equal((await askToken(server, refreshing(SPA, refresh_token), home)).status, 200)
  })

  bothWays('refuses an access token of the other', async (home, abroad) => {
    const { access_token } = (await annAt(home)).tokens
    const reply = await askUserinfo(server, access_token, abroad)
    assert.equal(reply.status, 401)
    assert.ok(!reply.body.includes(home.ann.email))
  })

  bothWays('lets nobody follow what it revokes by a token of the other', async (home, abroad) => {
    const audience = `${home.issuer}api/v2/`
    const client = home.machine.client_id
    const scopes = ['read:revocations']
    await server.latchkey.store.clients.putGrant({
      ...{ tenant: home.tenant, id: 'cgr_stream', client, audience, scopes },
      ...{ subject: 'client', settings: {} },
    })
    // Of what is remembered of a client its grants were not asked for yet.
    await operator.latchkey(['clients', 'revoke', client, '--tenant', home.tenant])
    const asked = { grant_type: 'client_credentials', audience, ...home.machine }
    const { access_token } = (await askToken(server, asked, home)).json()
    assert.equal(typeof access_token, 'string')
    const headers = { authorization: `Bearer ${access_token}` }
    assert.equal((await browserAt(abroad).get('/api/v2/revocations/stream', headers)).status, 401)
    assert.deepEqual(errorOf(await askToken(server, asked, abroad)), [401, 'invalid_client'])
  })

  bothWays('refuses the other’s tokens by their signature, whoever they say has issued them', async (home, abroad) => {
    const { tokens } = await annAt(home)
    const shared = (await annAt(home, { scope: 'openid read:videos', audience: SECRET_API_A })).tokens
    const foreign = keySet(await Promise.all((await jwksOf(abroad)).map(jwk => importPublicKey(jwk))))
    const audience = `${home.issuer}userinfo`
    const verifiers = [
      [tokens.access_token, foreign, 'RS256', accessToken({ issuer: home.issuer, audience })],
      [tokens.id_token, foreign, 'RS256', idTokenHint({ issuer: home.issuer, client: SPA.client_id })],
    ] as const
    for (const [token, keys, algorithm, profile] of verifiers)
      await assert.rejects(createVerifier({ keys, algorithms: [algorithm], profile })(token), {
        name: 'VerificationError',
      })
    const secretAbroad = abroad.issuer === OTHER.issuer ? SHARED_THERE : 'the first shared secret, 32 bytes or more'
    const { kid } = JSON.parse(Buffer.from(shared.access_token.split('.')[0] ?? '', 'base64url').toString())
    const key = await importSecret(Buffer.from(secretAbroad), { alg: 'HS256', audience: SECRET_API_A, kid })
    const profile = accessToken({ issuer: home.issuer, audience: SECRET_API_A })
    await assert.rejects(createVerifier({ keys: keySet([key]), algorithms: ['HS256'], profile })(shared.access_token), {
      name: 'VerificationError',
    })
  })

  bothWays(
    'takes nothing that the other’s key has signed, though it says all that its own tokens say',
    async (home, abroad) => {
      const signer = await server.latchkey.keyring.signer(home.tenant, 'RS256')
      const { browser, tokens } = await annAt(abroad)
      const forge = async (token: string) => {
        const [header = '', payload = ''] = token.split('.')
        const { typ } = JSON.parse(Buffer.from(header, 'base64url').toString())
        const claims = JSON.parse(Buffer.from(payload, 'base64url').toString())
        return signJwt({ header: { typ }, claims }, signer)
      }
      const forged = await forge(tokens.access_token)
      assert.equal((await askUserinfo(server, tokens.access_token, abroad)).status, 200)
      assert.equal((await askUserinfo(server, forged, abroad)).status, 401)
      const hinted = await browser.get(`/oidc/logout?${queryOf({ id_token_hint: await forge(tokens.id_token) })}`)
      assert.match(hinted.location ?? '', /^\/sign-out\//)
    },
  )

  bothWays('knows no session of the other, in whose cookies somebody comes', async (home, abroad) => {
    const { browser } = await annAt(home)
    const traveller = browserAt(abroad)
    for (const [name, value] of browser.cookies) traveller.cookies.set(name, value)
    const silent = await follow(traveller, authorizePath(SPA, { prompt: 'none' }))
    assert.equal(silent.searchParams.get('error'), 'login_required')
    assert.match(await beginAt(traveller), /^\/login\//)
    assert.ok((await follow(browser, authorizePath(SPA, { prompt: 'none' }))).searchParams.has('code'))
  })

  bothWays('knows no request of the other, even in the browser that began it', async (home, abroad) => {
    const browser = browserAt(home)
    const login = await beginAt(browser)
    const traveller = browserAt(abroad)
    for (const [name, value] of browser.cookies) traveller.cookies.set(name, value)
    for (const path of [login, `${login}/sign-up`, login.replace('/login/', '/authorize/')]) {
      const reply = await traveller.get(path)
      assert.deepEqual([reply.status, reply.location], [400, undefined], path)
    }
    const posted = await traveller.post(login, { username: abroad.ann.email, password: abroad.ann.password })
    assert.deepEqual([posted.status, posted.location], [400, undefined])
    assert.equal((await browser.post(login, { username: home.ann.email, password: home.ann.password })).status, 303)
  })

  bothWays('signs nobody out at the word of the other’s ID token', async (home, abroad) => {
    const { tokens } = await annAt(home)
    const { browser } = await annAt(abroad)
    const hinted = await browser.get(`/oidc/logout?${queryOf({ id_token_hint: tokens.id_token })}`)
    assert.match(hinted.location ?? '', /^\/sign-out\//, 'the person is asked, as without a hint')
    assert.ok((await follow(browser, authorizePath(SPA, { prompt: 'none' }))).searchParams.has('code'))
  })

  bothWays('tells nothing of the other’s tokens, and takes none of them back', async (home, abroad) => {
    const callback = await signIn(browserAt(home), home.ann, authorizePath(WEB, { scope: OFFLINE }))
    const answer = await askToken(server, redemption(home.web, codeOf(callback)), home)
    const { access_token, refresh_token } = answer.json() as unknown as Tokens
    const ask = (at: Home, what: 'introspect' | 'revoke', token: string) =>
      browserAt(at).post(`/oauth/${what}`, { ...at.web, token }, { origin: undefined, 'sec-fetch-site': undefined })
    for (const token of [access_token, refresh_token]) {
      assert.deepEqual((await ask(abroad, 'introspect', token)).json(), { active: false })
      assert.deepEqual(await ask(abroad, 'revoke', token).then(({ status, body }) => [status, body]), [200, ''])
      assert.equal((await ask(home, 'introspect', token)).json()['active'], true)
    }
    assert.equal((await askUserinfo(server, access_token, home)).status, 200)
  })

  bothWays('tells nothing of the other’s API keys, and neither gives one back nor revokes it', async (home, abroad) => {
    const { id, key } = (await server.latchkey.operate('api-keys create', {
      ...{ tenant: home.tenant, client: MACHINE.client_id, user: null, audience: API },
      ...{ name: 'A key', scopes: ['read:videos'], days: null },
    })) as { id: string; key: string }
    const ask = (at: Home, what: 'introspect' | 'revoke') =>
      browserAt(at).post(`/oauth/${what}`, { ...at.machine, token: key }, { origin: undefined })
    assert.deepEqual((await ask(abroad, 'introspect')).json(), { active: false })
    assert.equal((await ask(abroad, 'revoke')).status, 200)
    await assert.rejects(
      server.latchkey.operate('api-keys revoke', { tenant: abroad.tenant, key: id }),
      /has no such API key/,
    )
    assert.deepEqual(
      [(await ask(home, 'introspect')).json()['active'], (await ask(home, 'introspect')).json()['iss']],
      [true, home.issuer],
    )
  })

  bothWays('knows no pushed request of the other, and does not spend it', async (home, abroad) => {
    const form = Object.fromEntries(new URL(authorizePath(), home.issuer).searchParams)
    const pushed = await browserAt(home).post('/oauth/par', form, { origin: undefined, 'sec-fetch-site': undefined })
    const path = `/authorize?${queryOf({ ...SPA, request_uri: String(pushed.json()['request_uri']) })}`
    const { browser } = await annAt(abroad)
    for (const traveller of [browser, browserAt(abroad)]) {
      const { status, location } = await traveller.get(path)
      assert.deepEqual([status, location], [400, undefined])
    }
    assert.match(await beginAt(browserAt(home), path), /^\/login\//)
  })

  bothWays('opens no registration to the token of the other, nor lets it end one', async (home, abroad) => {
    const made = await browserAt(home).ask('POST', '/oidc/register', { redirect_uris: ['https://stranger.example/cb'] })
    assert.equal(made.status, 201, made.body)
    const { client_id, registration_access_token } = made.json()
    const headers = { authorization: `Bearer ${registration_access_token}` }
    for (const id of [String(client_id), SPA.client_id, home.web.client_id])
      assert.equal((await browserAt(abroad).get(`/oidc/register/${id}`, headers)).status, 401)
    const ended = await server.latchkey.http.inject({
      method: 'DELETE',
      url: `/oidc/register/${client_id}`,
      headers: { ...headers, host: new URL(abroad.issuer).host },
    })
    assert.equal(ended.statusCode, 401)
    assert.equal((await browserAt(home).get(`/oidc/register/${client_id}`, headers)).status, 200)
    const { location, status } = await browserAt(abroad).get(authorizePath({ client_id: String(client_id) }))
    assert.deepEqual([status, location], [400, undefined])
  })

  bothWays('ends no session of the other, in whose cookies somebody signs out', async (home, abroad) => {
    const { browser, tokens } = await annAt(home)
    const traveller = browserAt(abroad)
    for (const [name, value] of browser.cookies) traveller.cookies.set(name, value)
    for (const path of [
      '/v2/logout',
      `/v2/logout?${queryOf(SPA)}`,
      `/oidc/logout?${queryOf({ id_token_hint: tokens.id_token })}`,
    ]) {
      await traveller.get(path)
      for (const [name, value] of browser.cookies) traveller.cookies.set(name, value)
    }
    await traveller.post('/account/sign-out-everywhere', {})
    assert.ok((await follow(browser, authorizePath(SPA, { prompt: 'none' }))).searchParams.has('code'))
    assert.equal((await askUserinfo(server, tokens.access_token, home)).status, 200)
  })

  bothWays('takes no login ticket, mailed code or mailed link of the other, and spends none', async (home, abroad) => {
    const headers = { origin: 'https://app.example' }
    const password = { realm: 'Username-Password-Authentication', credential_type: PASSWORD_REALM, ...home.ann }
    const browser = browserAt(home)
    const proven = await browser.ask(
      'POST',
      '/co/authenticate',
      { ...LOCK, username: home.ann.email, ...password },
      headers,
    )
    const path = authorizePath(LOCK, { prompt: 'none', login_ticket: String(proven.json()['login_ticket']) })
    const traveller = browserAt(abroad)
    for (const [name, value] of browser.cookies) traveller.cookies.set(name, value)
    assert.equal((await follow(traveller, path)).searchParams.get('error'), 'login_required')
    codeOf(await follow(browser, path))

    const email = `${home.tenant}@mail.example`
    const mailbox = openMailbox(server.latchkey)
    const mailed = async (send: 'code' | 'link') => {
      const wish = { ...LOCK, connection: 'email', send, email }
      assert.equal((await browser.ask('POST', '/passwordless/start', wish, headers)).status, 200)
      return mailbox.next(email)
    }
    const code = /^\d{6}$/m.exec((await mailed('code')).text)?.[0]
    const typed = { ...LOCK, username: email, otp: code, realm: 'email', credential_type: PASSWORDLESS }
    assert.equal((await traveller.ask('POST', '/co/authenticate', typed, headers)).status, 403)
    assert.equal((await browser.ask('POST', '/co/authenticate', typed, headers)).status, 200)

    const { pathname } = new URL(linkIn(await mailed('link')))
    for (const press of [traveller.get(pathname), traveller.post(pathname, {})]) assert.equal((await press).status, 410)
    assert.equal((await browser.post(pathname, {})).status, 303)
  })

  bothWays('lets nobody in with the password of the same address in the other', async (home, abroad) => {
    const browser = browserAt(abroad)
    const reply = await browser.post(await beginAt(browser), { username: home.ann.email, password: home.ann.password })
    assert.deepEqual([reply.status, reply.location], [400, undefined])
  })

  test('has no people of the other, by file or by command', async () => {
    const [[here, there] = assert.fail()] = pairs
    for (const [person, home, abroad] of [
      [BEN, here, there],
      [CAROL, there, here],
    ] as const) {
      const browser = browserAt(abroad)
      const reply = await browser.post(await beginAt(browser), { username: person.email, password: person.password })
      assert.equal(reply.status, 400)
      await signIn(browserAt(home), person)
    }
  })

  bothWays('takes no secret of the other’s client of the same name', async (home, abroad) => {
    const callback = await signIn(browserAt(home), home.ann, authorizePath(WEB))
    const redeem = (web: Home['web']) => askToken(server, redemption(web, codeOf(callback)), home)
    assert.deepEqual(errorOf(await redeem(abroad.web)), [401, 'invalid_client'])
    assert.equal((await redeem(home.web)).status, 200)
    const machine = { grant_type: 'client_credentials', audience: API, ...abroad.machine }
    assert.deepEqual(errorOf(await askToken(server, machine, home)), [401, 'invalid_client'])
  })

  test('gives tokens for its own APIs only', async () => {
    const [[here, there] = assert.fail()] = pairs
    const ask = (home: Home) =>
      askToken(server, { grant_type: 'client_credentials', audience: API_THERE, ...home.machine }, home)
    assert.equal((await ask(there)).status, 200)
    const refused = await ask(here)
    assert.ok(refused.status === 400 || refused.status === 403, refused.body)
  })

  test('asks for a consent that was given to the other’s client of the same name', async () => {
    const [[here, there] = assert.fail()] = pairs
    const ask = authorizePath(PARTNER, { scope: 'openid email' })
    const consentPage = async (at: Home) => {
      const browser = browserAt(at)
      const login = await beginAt(browser, ask)
      let next = (await browser.post(login, { username: at.ann.email, password: at.ann.password })).location
      for (let hops = 0; hops < 5 && next?.startsWith('/authorize/'); hops++) next = (await browser.get(next)).location
      return { browser, next: next ?? '' }
    }
    const { browser, next } = await consentPage(here)
    assert.match(next, /^\/login\//)
    const page = await browser.get(next)
    assert.equal(page.status, 200)
    const allowed = { ...readForms(page.body)[0]?.fields, decision: 'allow' }
    await follow(browser, (await browser.post(`${next}/consent`, allowed)).location)
    assert.ok(!(await consentPage(here)).next.startsWith('/login/'), 'it is remembered at home')
    assert.match((await consentPage(there)).next, /^\/login\//)
  })

  test('goes on while the key of the other is revoked', async () => {
    const [[here, there] = assert.fail()] = pairs
    const { tokens, browser } = await annAt(here)
    const away = await annAt(there)
    const [key] = await jwksOf(there)
    const revoke = ['keys', 'revoke', key?.kid ?? '']
    await assert.rejects(operator.latchkey(revoke), /has no key/)
    await operator.latchkey([...revoke, '--tenant', OTHER.tenant])
    assert.equal((await askUserinfo(server, away.tokens.access_token, there)).status, 401)
    assert.equal((await askUserinfo(server, tokens.access_token, here)).status, 200)
    assert.ok((await follow(browser, authorizePath(SPA, { prompt: 'none' }))).searchParams.has('code'))
  })

  test('answers its host in any letters, and no other spelling of it', async () => {
    const issuerAt = async (host: string) => {
      const headers = { host }
      const reply = await browserAt(pairs[0]?.[0] ?? assert.fail()).get('/.well-known/openid-configuration', headers)
      return reply.status === 200 ? reply.json()['issuer'] : reply.status
    }
    for (const host of ['other.example', 'OTHER.example', 'Other.Example'])
      assert.equal(await issuerAt(host), OTHER.issuer)
    const { host, port } = new URL(server.issuer)
    assert.equal(await issuerAt(`LOCALHOST:${port}`), server.issuer)
    for (const spelled of [
      'other.example.',
      'other.example:80',
      'other.example:443',
      `other.example:${port}`,
      'other.example:0',
      'sub.other.example',
      'xother.example',
      'ｏther.example',
      `${host}.`,
      'localhost',
      'localhost:80',
      `127.0.0.1:${port}`,
      `${host}@other.example`,
    ])
      assert.ok([421, 400].includes(Number(await issuerAt(spelled))), spelled)
  })

  test('is reached by its Host alone: what a stranger says of another host counts for nothing', async () => {
    const [[here] = assert.fail()] = pairs
    for (const headers of [
      { 'x-forwarded-host': OTHER.host },
      { 'x-forwarded-host': OTHER.host, 'x-forwarded-for': '127.0.0.1' },
      { forwarded: `host=${OTHER.host}` },
      { 'x-host': OTHER.host },
      { 'x-original-host': OTHER.host },
      { 'x-forwarded-server': OTHER.host },
    ]) {
      const reply = await browserAt(here).get('/.well-known/openid-configuration', headers)
      assert.equal(reply.json()['issuer'], here.issuer, Object.keys(headers).join())
    }
  })
})

onEachStore('A second tenant behind a proxy that is trusted', store => {
  test('is reached by the host that the proxy says, and only through it', async t => {
    const server = await startServer({ store, environment: { LATCHKEY_TRUSTED_PROXIES: '127.0.0.1' } })
    t.after(() => server.close())
    await server.latchkey.operate('tenants create', { name: 'Other', issuer: OTHER.issuer })
    const issuerFrom = async (remoteAddress: string) => {
      const headers = { host: new URL(server.issuer).host, 'x-forwarded-host': OTHER.host }
      const url = '/.well-known/openid-configuration'
      return (await server.latchkey.http.inject({ url, headers, remoteAddress })).json()['issuer']
    }
    assert.equal(await issuerFrom('127.0.0.1'), OTHER.issuer)
    assert.equal(await issuerFrom('192.0.2.7'), server.issuer)
  })
})
