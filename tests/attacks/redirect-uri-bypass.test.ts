/**
 * Talking `/authorize` into answering somewhere else. Redirect URIs are compared as text, so every trick that lives on
 * two parsers reading one URL differently has to fail, whoever asks and however: shown as a page, never redirected.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { applyTo, onEachStore, type RunningServer, startServer } from '../fixtures/server.ts'
import { ANN, authorizePath, CALLBACK, CookieJarBrowser, queryOf, SPA, signIn, tenantFile } from './stage.ts'

const REGISTERED = 'https://app.example/callback'

/** Each is one character, one encoding or one part away from what is registered. */
const BYPASSES: Readonly<Record<string, readonly string[]>> = {
  'another host that begins or ends like it': [
    'https://app.example.evil.example/callback',
    'https://evilapp.example/callback',
    'https://app.example./callback',
    'https://appXexample/callback',
    'https://sub.app.example/callback',
    'https://evil.example/callback',
    '//app.example/callback',
  ],
  'credentials that look like the host': [
    'https://app.example@evil.example/callback',
    'https://app.example:pass@evil.example/callback',
    'https://app.example%40evil.example/callback',
    'https://user@app.example/callback',
    'https://evil.example#@app.example/callback',
    'https://evil.example?@app.example/callback',
  ],
  'slashes that browsers turn around': [
    'https://evil.example\\@app.example/callback',
    'https://app.example\\.evil.example/callback',
    'https:\\\\app.example\\callback',
    'https:/app.example/callback',
    'https:app.example/callback',
    'https:///app.example/callback',
  ],
  'paths that lead elsewhere once resolved': [
    'https://app.example/callback/..;/evil',
    'https://app.example/callback/../evil',
    'https://app.example/callback/%2e%2e/evil',
    'https://app.example/callback/%252e%252e/evil',
    'https://app.example/callback%252f..%252fevil',
    'https://app.example/callback%2f',
    'https://app.example/callback/',
    'https://app.example/callback/evil',
    'https://app.example/x/../callback',
    'https://app.example//callback',
    'https://app.example/./callback',
    'https://app.example/callbac%6b',
    'https://app.example/callback;x',
    'https://app.example/callbackevil',
    'https://app.example/CALLBACK',
    'https://app.example/',
    'https://app.example',
  ],
  'a query or fragment added': [
    'https://app.example/callback?',
    'https://app.example/callback?next=https://evil.example',
    'https://app.example/callback#',
    'https://app.example/callback#evil',
    'https://app.example/callback&redirect_uri=https://evil.example',
  ],
  'another scheme, port or case': [
    'http://app.example/callback',
    'HTTPS://app.example/callback',
    'https://APP.example/callback',
    'https://app.example:443/callback',
    'https://app.example:8443/callback',
    'javascript://app.example/callback%0aalert(1)',
    'javascript:alert(1)',
    'data:text/html,evil',
  ],
  'characters that are dropped or folded on the way': [
    ' https://app.example/callback',
    'https://app.example/callback ',
    'https://app.example/callback\t',
    'https://app.example/callback\n',
    'https://app.example/callback\r\nLocation: https://evil.example',
    'https://app.example/callback\0',
    'https://app.example/callback%00',
    'https://app.exa\u200bmple/callback',
    'https://app。example/callback',
    'https://аpp.example/callback',
    'https://[::ffff:app.example]/callback',
  ],
  'a registered wildcard, as given or filled in': [
    'https://*.wild.example/callback',
    'https://any.wild.example/callback',
    'https://.wild.example/callback',
    'https://evil.example/.wild.example/callback',
    'https://wild.example/callback',
  ],
}

/** RFC 8252 §7.3 frees the port of a loopback address, for native apps, and nothing else of it. */
const LOOPBACK_BYPASSES = [
  'http://127.0.0.1:1@evil.example/cb',
  'http://127.0.0.1.evil.example/cb',
  'http://127.0.0.1:80:80/cb',
  'http://127.0.0.1:x/cb',
  'http://127.0.0.1:/cb',
  'http://127.0.0.1:123456/cb',
  'http://127.0.0.1:4711/other',
  'http://127.0.0.1:4711\\@evil.example/cb',
  'http://127.0.0.2:4711/cb',
  'http://127.1:4711/cb',
  'http://2130706433:4711/cb',
  'http://localhost:4711/cb',
  'http://[::1]:4711/cb',
  'https://127.0.0.1:4711/cb',
]

onEachStore('A redirect URI that is not registered', store => {
  let server: RunningServer
  let signedIn: CookieJarBrowser

  before(async () => {
    server = await startServer({ store, tenantFile })
    await applyTo(server.latchkey, {
      clients: [
        {
          client_id: 'wild',
          name: 'Wild',
          app_type: 'spa',
          callbacks: ['https://*.wild.example/callback', REGISTERED],
          web_origins: ['https://app.example'],
        },
        { client_id: 'native', name: 'Native', app_type: 'native', callbacks: ['http://127.0.0.1/cb'] },
      ],
    })
    signedIn = new CookieJarBrowser(server)
    await signIn(signedIn, ANN)
  })
  after(() => server?.close())

  /** Asked by every method, by whoever is signed in already, so that nothing but the URI stands in the way. */
  async function assertNoRedirect(client: string, redirectUri: string, parameters: Record<string, string> = {}) {
    const path = authorizePath({ client_id: client }, { redirect_uri: redirectUri, ...parameters })
    const form = Object.fromEntries(new URLSearchParams(path.slice(path.indexOf('?'))))
    for (const reply of [await signedIn.get(path), await signedIn.post('/authorize', form)]) {
      const said = `${JSON.stringify(redirectUri)} with ${JSON.stringify(parameters)}`
      assert.equal(reply.status, 400, said)
      assert.equal(reply.location, undefined, said)
      assert.equal(reply.headers['refresh'], undefined, said)
      assert.doesNotMatch(reply.body, /postMessage|http-equiv|href="[^"]*evil/i, said)
    }
  }

  test('the registered one is redirected to, or none of the rest would prove anything', async () => {
    for (const client of ['spa', 'wild']) {
      const { location } = await signedIn.get(authorizePath({ client_id: client }, { redirect_uri: REGISTERED }))
      assert.match(location ?? '', /^https:\/\/app\.example\/callback\?code=/, client)
    }
    const native = authorizePath({ client_id: 'native' }, { redirect_uri: 'http://127.0.0.1:4711/cb' })
    assert.match((await signedIn.get(native)).location ?? '', /^http:\/\/127\.0\.0\.1:4711\/cb\?code=/)
  })

  for (const [trick, uris] of Object.entries(BYPASSES))
    test(`${trick} is never redirected to`, async () => {
      for (const uri of uris) for (const client of ['spa', 'wild']) await assertNoRedirect(client, uri)
    })

  test('a loopback address is free in its port alone, and for native apps alone', async () => {
    for (const uri of LOOPBACK_BYPASSES) await assertNoRedirect('native', uri)
    await assertNoRedirect('spa', 'http://127.0.0.1:4711/cb')
  })

  test('neither a silent request, nor a faulty one, nor a message in place of a redirect opens another way out', async () => {
    for (const parameters of [
      { prompt: 'none' },
      { prompt: 'nonsense' },
      { response_type: 'nonsense' },
      { response_mode: 'web_message' },
      { response_mode: 'web_message', prompt: 'none' },
      { response_mode: 'nonsense' },
      { code_challenge_method: 'plain' },
    ] as Record<string, string>[])
      for (const uri of ['https://evil.example/callback', 'https://evil.example', `${CALLBACK}/../evil`])
        await assertNoRedirect('spa', uri, parameters)
  })

  test('a web origin may be posted a message and is never redirected to', async () => {
    await assertNoRedirect('spa', 'https://app.example')
    await assertNoRedirect('spa', 'https://app.example', { response_mode: 'query' })
    await assertNoRedirect('spa', 'https://app.example/', { response_mode: 'web_message' })
  })

  test('of two redirect URIs neither is taken, in any order', async () => {
    const rest = queryOf(Object.fromEntries(new URLSearchParams(authorizePath().split('?')[1])))
    rest.delete('redirect_uri')
    const good = new URLSearchParams({ redirect_uri: CALLBACK })
    const bad = new URLSearchParams({ redirect_uri: 'https://evil.example/' })
    for (const query of [`${rest}&${good}&${bad}`, `${rest}&${bad}&${good}`, `${rest}&${good}&${good}`]) {
      const reply = await signedIn.get(`/authorize?${query}`)
      assert.deepEqual([reply.status, reply.location], [400, undefined])
    }
  })

  test('a sign-out leads nowhere that is not registered either', async () => {
    for (const uri of ['https://evil.example/', 'https://app.example', 'https://app.example/x', '//app.example/'])
      for (const path of [
        `/v2/logout?${queryOf({ client_id: SPA.client_id, returnTo: uri })}`,
        `/oidc/logout?${queryOf({ client_id: SPA.client_id, post_logout_redirect_uri: uri })}`,
      ]) {
        const reply = await signedIn.get(path)
        assert.deepEqual([reply.status, reply.location], [400, undefined], path)
      }
  })

  test('a code is redeemed only with the redirect URI it was given for', async () => {
    const browser = new CookieJarBrowser(server)
    const callback = await signIn(browser, ANN)
    const form = {
      grant_type: 'authorization_code',
      client_id: SPA.client_id,
      code: callback.searchParams.get('code') ?? '',
      code_verifier: 'irrelevant, since the redirect URI is looked at first',
    }
    for (const redirect_uri of [undefined, '', 'https://evil.example/', `${CALLBACK}/`, `${CALLBACK}?`]) {
      const { status, json } = await browser.post('/oauth/token', { ...form, redirect_uri })
      assert.equal(status, 400)
      assert.equal(json()['error'], 'invalid_grant')
      assert.match(String(json()['error_description']), /redirect_uri/)
    }
  })
})
