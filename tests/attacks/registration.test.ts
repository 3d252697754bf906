/**
 * A stranger who may register a client, and what they would make of it: a client that people are not asked about, that
 * acts for itself or with passwords, that speaks for another, or that sends our server where only it can go.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { asserted, assertionClaims, makeClientKey, signJws } from '../fixtures/client-assertion.ts'
import { type RunningServer, startServer } from '../fixtures/server.ts'
import { ANN, API, askToken, authorizePath, beginAt, CookieJarBrowser, passing, SPA, tenantFile, WEB } from './stage.ts'

const CALLBACK = 'https://stranger.example/callback'

describe('A client that a stranger registered', () => {
  let server: RunningServer
  let reached = 0
  /** Stands for whatever listens next to the server: a metadata service, an unprotected API. */
  const inside = createServer((_request, response) => {
    reached += 1
    response.end(JSON.stringify([CALLBACK]))
  })

  before(async () => {
    inside.listen(0, '127.0.0.1')
    await once(inside, 'listening')
    server = await startServer({
      store: 'sqlite',
      tenantFile: { ...tenantFile, tenant: { flags: { enable_dynamic_client_registration: true } } },
    })
  })
  after(async () => {
    await server?.close()
    inside.close()
  })

  async function register(metadata: object) {
    const response = await server.latchkey.http.inject({
      method: 'POST',
      url: '/oidc/register',
      headers: { host: new URL(server.issuer).host, 'content-type': 'application/json' },
      payload: JSON.stringify({ redirect_uris: [CALLBACK], ...metadata }),
    })
    return { status: response.statusCode, body: response.json() as Record<string, string>, text: response.body }
  }

  test('asks people, whatever it says of itself', async () => {
    const { body } = await register({
      is_first_party: true,
      'is_first_party ': true,
      app_type: 'regular_web',
      id_token_claims: 'full',
      allowed_clients: ['*'],
      grant_types: ['authorization_code'],
    })
    const browser = new CookieJarBrowser(server)
    const client = { client_id: body['client_id'] ?? '' }
    const path = authorizePath(client, { redirect_uri: CALLBACK })
    const login = await beginAt(browser, path)
    const answered = await browser.post(login, { username: ANN.email, password: ANN.password })
    const resumed = await browser.get(answered.location ?? '')
    const page = await browser.get(resumed.location ?? '')
    assert.match(`${page.location} ${page.body}`, /\/login\/[^/]+\/consent/)
  })

  test('acts neither for itself nor with a password', async () => {
    for (const grant of ['client_credentials', 'password', 'http://auth0.com/oauth/grant-type/password-realm'])
      assert.equal((await register({ grant_types: ['authorization_code', grant] })).status, 400, grant)
    const { body } = await register({})
    const credentials = { client_id: body['client_id'] ?? '', client_secret: body['client_secret'] ?? '' }
    const forItself = await askToken(server, { grant_type: 'client_credentials', audience: API, ...credentials })
    assert.equal(forItself.json()['error'], 'unauthorized_client')
    const withPassword = await askToken(server, { ...passing(ANN), ...credentials })
    assert.equal(withPassword.json()['error'], 'unauthorized_client')
  })

  test('does not become another by its name, nor by that one’s registration', async () => {
    const { body } = await register({ client_id: WEB.client_id, client_secret: WEB.client_secret })
    assert.notEqual(body['client_id'], WEB.client_id)
    for (const id of [WEB.client_id, SPA.client_id, '', '%2e%2e', body['client_id'] ?? '']) {
      const response = await server.latchkey.http.inject({
        method: 'DELETE',
        url: `/oidc/register/${id}`,
        headers: { host: new URL(server.issuer).host, authorization: `Bearer ${WEB.client_secret}` },
      })
      assert.ok([401, 404].includes(response.statusCode), `${id} ${response.statusCode}`)
    }
    const key = makeClientKey()
    const { body: own } = await register({ token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [key.jwk] } })
    const claims = assertionClaims(WEB.client_id, server.issuer)
    const form = { grant_type: 'authorization_code', code: 'x', ...asserted(signJws(key, claims)) }
    for (const client_id of [WEB.client_id, own['client_id']])
      assert.equal((await askToken(server, { ...form, client_id })).json()['error'], 'invalid_client')
  })

  test('does not send the server where only it can go, at registration or afterwards', async () => {
    const { port } = inside.address() as AddressInfo
    const addresses = [
      `http://127.0.0.1:${port}/`,
      `https://127.0.0.1:${port}/`,
      `https://localhost:${port}/`,
      `https://2130706433:${port}/`,
      `https://[::ffff:127.0.0.1]:${port}/`,
      'https://169.254.169.254/latest/meta-data/',
      'https://user:password@keys.example/',
      'file:///etc/passwd',
    ]
    const answers = new Set<string>()
    for (const address of addresses) {
      const sector = await register({ subject_type: 'pairwise', sector_identifier_uri: address })
      assert.deepEqual([sector.status, sector.body['error']], [400, 'invalid_client_metadata'], address)
      if (address.startsWith('http')) answers.add(sector.text)
      const method = { token_endpoint_auth_method: 'private_key_jwt' }
      const keys = await register({ ...method, jwks_uri: address })
      if (keys.status === 201) {
        const assertion = signJws(makeClientKey(), assertionClaims(keys.body['client_id'] ?? '', server.issuer))
        const asked = await askToken(server, { grant_type: 'authorization_code', code: 'x', ...asserted(assertion) })
        assert.equal(asked.json()['error'], 'invalid_client', address)
      } else assert.equal(keys.body['error'], 'invalid_client_metadata', address)
    }
    assert.equal(reached, 0)
    assert.equal(answers.size, 1, 'no answer tells one address from another')
  })

  test('pushes no more requests than anybody, whatever secret it has', async () => {
    const { body } = await register({ token_endpoint_auth_method: 'client_secret_post' })
    const request = {
      client_id: String(body['client_id']),
      client_secret: String(body['client_secret']),
      ...{ redirect_uri: CALLBACK, response_type: 'code', scope: 'openid', nonce: 'n' },
      ...{ code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256' },
    }
    const push = (remoteAddress: string) =>
      server.latchkey.http.inject({
        method: 'POST',
        url: '/oauth/par',
        remoteAddress,
        headers: { host: new URL(server.issuer).host, 'content-type': 'application/x-www-form-urlencoded' },
        payload: new URLSearchParams(request).toString(),
      })
    const started = Date.now()
    let pushed = 0
    let refused: Awaited<ReturnType<typeof push>> | undefined
    while (!refused && pushed < 5000) {
      const answers = await Promise.all(Array.from({ length: 100 }, () => push('203.0.113.9')))
      refused = answers.find(({ statusCode }) => statusCode !== 201)
      pushed += answers.length
    }
    assert.deepEqual([refused?.statusCode, refused?.json()['error']], [429, 'too_many_attempts'])
    assert.ok(pushed <= 3100 + (Date.now() - started) / 20, `${pushed}`)
    assert.equal((await push('203.0.113.10')).statusCode, 201)
  })

  test('is no bigger than a client is', async () => {
    for (const [metadata, status] of [
      [{ contacts: ['x'.repeat(70_000)] }, 413],
      [{ redirect_uris: Array.from({ length: 1000 }, (_, i) => `https://stranger.example/${i}`) }, 400],
      [{ client_name: 'x'.repeat(5000) }, 400],
      [{ jwks: { keys: Array(21).fill(makeClientKey().jwk) } }, 400],
    ] as const)
      assert.equal((await register(metadata)).status, status)
  })
})
