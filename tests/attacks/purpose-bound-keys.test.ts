/**
 * A secret that is good for two things, so that who may see it in one place can use it in another (a signing oracle, as
 * in Better Auth, 2025). Each of the server's own secrets is tried in the place of every other, and everything that it
 * gives out as a bare name is shown wherever a name is taken. That what is sealed for one purpose opens for no other is
 * `server/keys/sealer.test.ts`.
 */
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { linkIn, openMailbox } from '../fixtures/mailbox.ts'
import { applyTo } from '../fixtures/server.ts'
import { NOT_A_BROWSER, openPlaces, takenOf, withHeader } from './places.ts'
import {
  ANN,
  askToken,
  askUserinfo,
  authorizePath,
  beginAt,
  CookieJarBrowser,
  codeOf,
  follow,
  queryOf,
  redemption,
  refreshing,
  SPA,
  signIn,
  type Tokens,
  WEB,
} from './stage.ts'

const TENANT = 'default'
const OFFLINE = { scope: 'openid email offline_access' }

let opened: Awaited<ReturnType<typeof openPlaces>>
before(async () => {
  opened = await openPlaces()
  await applyTo(opened.server.latchkey, { tenant: { flags: { enable_dynamic_client_registration: true } } })
})
after(() => opened?.server.close())

/** Every secret that the server keeps, as bytes. */
async function serverSecrets(): Promise<Readonly<Record<string, Buffer>>> {
  const { keyring, settings, store } = opened.server.latchkey
  const api = await store.resourceServers.findByIdentifier(TENANT, 'https://hs256.example/api')
  const [shared] = await keyring.apiSecrets(TENANT, api?.id ?? '')
  const master =
    readFileSync(settings.masterKeyFile, 'utf8').trim().split('\n').at(-1)?.split(' ').at(-1) ?? assert.fail()
  return {
    'the key of refresh tokens': (await keyring.secret(TENANT, 'refresh-token')).key,
    'the salt of pairwise names': (await keyring.secret(TENANT, 'pairwise-salt')).key,
    'the secret of an API': shared?.key ?? assert.fail(),
    'the master key': Buffer.from(master, 'base64url'),
    'the master key as text': Buffer.from(master),
    'the secret of a client': Buffer.from(WEB.client_secret),
  }
}

test('no secret of the server is another', async () => {
  const values = Object.values(await serverSecrets()).map(secret => secret.toString('hex'))
  assert.equal(new Set(values).size, values.length)
  assert.ok(values.every(value => value.length >= 32))
})

test('a token signed with a secret that is for something else is taken nowhere', async () => {
  const { 'the secret of an API': shared, ...others } = await serverSecrets()
  const taken: string[] = []
  for (const place of opened.places) {
    const token = await place.honest()
    const forged: Record<string, string> = {}
    // The API's secret is honest at the one place that is the API's.
    const secrets =
      place.algorithm === 'HS256' ? others : { ...others, 'the secret of an API': shared ?? assert.fail() }
    for (const [name, secret] of Object.entries(secrets))
      for (const header of [{ alg: 'HS256' }, { alg: 'HS256', kid: undefined }])
        forged[`${name}, ${JSON.stringify(header)}`] = withHeader(token, header, input =>
          createHmac('sha256', secret).update(input).digest(),
        )
    taken.push(...(await takenOf(place, forged)))
  }
  assert.deepEqual(taken, [])
})

const anns = async (browser = new CookieJarBrowser(opened.server)) => {
  const callback = await signIn(browser, ANN, authorizePath(SPA, OFFLINE))
  const answer = await askToken(opened.server, redemption(SPA, codeOf(callback)))
  return { browser, tokens: answer.json() as unknown as Tokens }
}

test('a refresh token whose MAC is made with another secret, or by another rule, is none', async () => {
  const { tokens } = await anns()
  const [key = '', family = '', generation = ''] = tokens.refresh_token.split('.')
  const secrets = await serverSecrets()
  const own = secrets['the key of refresh tokens'] ?? assert.fail()
  const said = JSON.stringify(['refresh-token', TENANT, SPA.client_id, family, Number(generation) + 1])
  const made = [
    ...Object.values(secrets)
      .filter(secret => secret !== own)
      .map(secret => [secret, said] as const),
    // The right key, over what other things are made of.
    ...[`${key}.${family}.${generation}`, family, JSON.stringify([TENANT, SPA.client_id, family, 1]), ''].map(
      text => [own, text] as const,
    ),
  ]
  for (const [secret, text] of made) {
    const mac = createHmac('sha256', secret).update(text).digest('base64url')
    const token = `${key}.${family}.${Number(generation) + 1}.${mac}`
    assert.equal((await askToken(opened.server, refreshing(SPA, token))).json()['error'], 'invalid_grant', text)
  }
  assert.equal((await askToken(opened.server, refreshing(SPA, tokens.refresh_token))).status, 200)
})

test('every name that the server gives out is good in its own place, and nothing anywhere else', async () => {
  const { server } = opened
  const { browser, tokens } = await anns()
  const waiting = new CookieJarBrowser(server)
  const login = await beginAt(waiting)
  const code = codeOf(await follow(browser, authorizePath(SPA, { prompt: 'none' })))
  const pushed = await new CookieJarBrowser(server).post(
    '/oauth/par',
    { ...Object.fromEntries(new URL(authorizePath(SPA), server.issuer).searchParams) },
    NOT_A_BROWSER,
  )
  const registered = await new CookieJarBrowser(server).ask('POST', '/oidc/register', {
    redirect_uris: ['https://stranger.example/callback'],
  })
  const mailbox = openMailbox(server.latchkey)
  await new CookieJarBrowser(server).post('/forgot-password', { email: ANN.email })
  const link = linkIn(await mailbox.next(ANN.email))
  const { registration_access_token, client_id, client_secret } = registered.json() as Record<string, string>
  const requestUri = String(pushed.json()['request_uri'])

  const names: Readonly<Record<string, string | undefined>> = {
    code,
    'refresh token': tokens.refresh_token,
    'access token': tokens.access_token,
    'ID token': tokens.id_token,
    session: browser.cookies.get('latchkey.session'),
    'browser of a person': browser.cookies.get('latchkey.browser'),
    'browser of a ticket': waiting.cookies.get('latchkey.browser'),
    ticket: login.split('/').at(-1),
    'pushed request': requestUri.split(':').at(-1),
    'registration token': registration_access_token,
    'client secret': client_secret,
    'mailed link': link.split('/').at(-1),
  }
  for (const [name, value] of Object.entries(names)) assert.ok(value && value.length >= 20, name)

  const anonymous = () => new CookieJarBrowser(server)
  const shown: Readonly<Record<string, readonly [own: readonly string[], opens: (value: string) => Promise<boolean>]>> =
    {
      'as a code': [['code'], async value => (await askToken(server, redemption(SPA, value))).status === 200],
      'as a refresh token': [
        ['refresh token'],
        async value => (await askToken(server, refreshing(SPA, value))).status === 200,
      ],
      'at /userinfo': [['access token'], async value => (await askUserinfo(server, value)).status === 200],
      'at introspection': [
        [],
        async token =>
          (await anonymous().post('/oauth/introspect', { ...WEB, token }, NOT_A_BROWSER)).json()['active'] === true,
      ],
      'as a hint': [
        ['ID token'],
        async id_token_hint => {
          const query = queryOf({ id_token_hint, post_logout_redirect_uri: 'https://app.example/' })
          return (await anonymous().get(`/oidc/logout?${query}`)).location === 'https://app.example/'
        },
      ],
      'as a session': [
        ['session'],
        async value => {
          const other = anonymous()
          for (const [cookie, kept] of browser.cookies) other.cookies.set(cookie, kept)
          other.cookies.set('latchkey.session', value)
          const { location } = await other.get(authorizePath(SPA, { prompt: 'none' }))
          return location?.includes('code=') ?? false
        },
      ],
      'as the browser of a ticket': [
        ['browser of a ticket'],
        async value => {
          const other = anonymous()
          other.cookies.set('latchkey.browser', value)
          return (await other.get(login)).status === 200
        },
      ],
      'as a ticket': [['ticket'], async value => (await waiting.get(`/login/${value}`)).status === 200],
      'as a request to go on with': [
        [],
        async value => (await browser.get(`/authorize/${value}`)).location?.includes('code=') ?? false,
      ],
      'as a pushed request': [
        ['pushed request'],
        async value => {
          const request_uri = `urn:ietf:params:oauth:request_uri:${value}`
          return (await anonymous().get(`/authorize?${queryOf({ ...SPA, request_uri })}`)).status === 303
        },
      ],
      'as a registration token': [
        ['registration token'],
        async value =>
          (await anonymous().get(`/oidc/register/${client_id}`, { authorization: `Bearer ${value}` })).status === 200,
      ],
      'as a client secret': [
        ['client secret'],
        async value => {
          const form = { grant_type: 'authorization_code', client_id, client_secret: value, code: 'x' }
          return (await askToken(server, form)).json()['error'] !== 'invalid_client'
        },
      ],
      'as a link to a new password': [
        ['mailed link'],
        async value => (await anonymous().get(`/reset-password/${value}`)).status === 200,
      ],
      'as a link that confirms': [[], async value => (await anonymous().get(`/verify-email/${value}`)).status === 200],
    }
  const opens: string[] = []
  // What a name is good for comes last: a code that is redeemed is spent.
  for (const [where, [own, tries]] of Object.entries(shown))
    for (const [name, value = ''] of Object.entries(names))
      if (!own.includes(name) && (await tries(value))) opens.push(`${name} ${where}`)
  assert.deepEqual(opens, [])
  for (const [where, [own, tries]] of Object.entries(shown))
    for (const name of own) assert.ok(await tries(names[name] ?? ''), `${name} ${where}`)
})
