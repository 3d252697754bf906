/** Clients that register themselves and manage what they registered, on the unmodified openid-client where it can, and over bare HTTP. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { importPKCS8 } from 'jose'
import * as oidc from 'openid-client'
import { discoverApplication } from '../fixtures/application.ts'
import { asserted, assertionClaims, makeClientKey, signJws } from '../fixtures/client-assertion.ts'
import { createPerson } from '../fixtures/person.ts'
import { type RunningServer, startServer } from '../fixtures/server.ts'
import { postToken, userinfoStatus } from './stage.ts'
import { JO } from './tenant.ts'

const CALLBACK = 'https://club.example/callback'
const OPEN = { flags: { enable_dynamic_client_registration: true } }

interface Answered {
  readonly status: number
  readonly headers: Headers
  readonly body: Record<string, unknown>
}

describe('A client that registers itself', () => {
  let server: RunningServer
  /** What the applications serve: key sets, and lists of the redirect URIs of a sector. */
  const served = new Map<string, unknown>()
  const host = createServer((request, response) => {
    const body = served.get(request.url ?? '')
    response.writeHead(body === undefined ? 404 : 200).end(JSON.stringify(body))
  })
  let home = ''

  before(async () => {
    host.listen(0, '127.0.0.1')
    await once(host, 'listening')
    home = `http://127.0.0.1:${(host.address() as AddressInfo).port}`
    server = await startServer({
      store: 'sqlite',
      environment: { LATCHKEY_EGRESS_ALLOW: '127.0.0.1' },
      tenantFile: { tenant: OPEN, users: [{ ...JO, email_verified: true }] },
    })
  })
  after(async () => {
    await server?.close()
    host.close()
  })

  async function send(method: string, url: string | URL, body?: unknown, token?: string): Promise<Answered> {
    const response = await fetch(url, {
      method,
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: text === '' ? {} : JSON.parse(text) }
  }
  const register = (metadata: object) => send('POST', new URL('oidc/register', server.issuer), metadata)
  async function registered(metadata: object = {}) {
    const answer = await register({ redirect_uris: [CALLBACK], ...metadata })
    assert.equal(answer.status, 201, JSON.stringify(answer.body))
    const { client_id, client_secret, registration_client_uri, registration_access_token } = answer.body
    return {
      ...answer,
      id: String(client_id),
      secret: String(client_secret),
      uri: String(registration_client_uri),
      token: String(registration_access_token),
    }
  }

  /** As somebody else's application: the person is asked, once. */
  async function signsIn(clientId: string, authentication: oidc.ClientAuth, metadata = {}) {
    const application = await discoverApplication(server.issuer, {
      clientId,
      authentication,
      redirectUri: CALLBACK,
      metadata,
    })
    const begun = await application.begin({ scope: 'openid email' })
    const person = createPerson(server.issuer)
    const page = await person.visit(begun.url)
    const consent = await person.submit(page, { username: JO.email, password: JO.password })
    assert.ok(!consent.left, 'the person is asked')
    const { url } = await person.submit(consent, { decision: 'allow' })
    return { application, begun, tokens: await application.finish(url, begun) }
  }

  test('is found in discovery, registers and signs people in, on openid-client', async () => {
    const config = await oidc.dynamicClientRegistration(
      new URL(server.issuer),
      { client_name: 'Film Club', redirect_uris: [CALLBACK] },
      undefined,
      { execute: [oidc.allowInsecureRequests] },
    )
    const { client_id, client_secret } = config.clientMetadata()
    const { tokens, application } = await signsIn(client_id, oidc.ClientSecretBasic(String(client_secret)))
    // OpenID Connect Core §5.4: what a scope opens is told at UserInfo.
    assert.ok(!('email' in (tokens.claims() ?? {})))
    assert.equal((await application.userinfo(tokens))['email'], JO.email)
  })

  test('by key is believed by what it signs, and signed to as it asked', async () => {
    const key = makeClientKey('RS256')
    const { kid: _kid, ...jwk } = key.jwk
    served.set('/jwks', { keys: [jwk] })
    for (const keys of [{ jwks: { keys: [jwk] } }, { jwks_uri: `${home}/jwks` }]) {
      const metadata = { token_endpoint_auth_method: 'private_key_jwt', userinfo_signed_response_alg: 'RS256', ...keys }
      const { id, body } = await registered(metadata)
      assert.ok(!('client_secret' in body) && !('client_secret_expires_at' in body))
      const pem = key.privateKey.export({ format: 'pem', type: 'pkcs8' }) as string
      const { application, tokens } = await signsIn(id, oidc.PrivateKeyJwt(await importPKCS8(pem, 'RS256')), {
        userinfo_signed_response_alg: 'RS256',
      })
      assert.equal((await application.userinfo(tokens))['email'], JO.email)
    }
  })

  test('by its secret, sent or signed with, gets one that is good for it', async () => {
    const { id, secret, body } = await registered({ token_endpoint_auth_method: 'client_secret_jwt' })
    assert.equal(body['client_secret_expires_at'], 0)
    await signsIn(id, oidc.ClientSecretJwt(secret))
    assert.equal((await postToken(server.issuer, { client_id: id, client_secret: secret })).status, 401)
  })

  test('is told back everything it registered, when it registers and when it asks', async () => {
    const metadata = {
      client_name: 'Film Club',
      application_type: 'web',
      redirect_uris: [CALLBACK, `${CALLBACK}?a=b`],
      post_logout_redirect_uris: ['https://club.example/'],
      response_types: ['code', 'token id_token'],
      grant_types: ['authorization_code', 'implicit', 'refresh_token'],
      token_endpoint_auth_method: 'client_secret_basic',
      id_token_signed_response_alg: 'ES256',
      contacts: ['op@club.example'],
      client_uri: 'https://club.example/',
      logo_uri: 'https://club.example/logo.png',
      policy_uri: 'https://club.example/policy',
      tos_uri: 'https://club.example/terms',
      initiate_login_uri: 'https://club.example/login',
      jwks: { keys: [makeClientKey('ES256').jwk] },
      default_max_age: 3600,
      software_id: 'film-club',
    }
    const { uri, token, id, status, headers, body } = await registered({ ...metadata, made_up: 'ignored' })
    assert.deepEqual([status, headers.get('cache-control')], [201, 'no-store'])
    const read = await send('GET', uri, undefined, token)
    assert.deepEqual([read.status, read.headers.get('cache-control')], [200, 'no-store'])
    for (const told of [body, read.body]) {
      for (const [name, value] of Object.entries(metadata)) assert.deepEqual(told[name], value, name)
      assert.ok(!('made_up' in told))
      assert.deepEqual([told['client_id'], told['registration_access_token']], [id, token])
      assert.equal(told['registration_client_uri'], `${server.issuer}oidc/register/${id}`)
      assert.ok(Math.abs(Number(told['client_id_issued_at']) - Date.now() / 1000) < 60)
    }
    assert.ok(!('client_secret' in read.body), 'a secret is told once')
  })

  test('changes what it registered, all of it at once', async () => {
    const { id, uri, token, secret } = await registered({ client_name: 'Old', contacts: ['op@club.example'] })
    const put = (metadata: object) => send('PUT', uri, { client_id: id, redirect_uris: [CALLBACK], ...metadata }, token)
    const changed = await put({
      client_name: 'New',
      client_secret: secret,
      redirect_uris: ['https://club.example/new'],
    })
    assert.equal(changed.status, 200)
    assert.deepEqual(changed.body['redirect_uris'], ['https://club.example/new'])
    assert.ok(!('contacts' in changed.body), 'what is left out is gone')
    const at = new URL('authorize', server.issuer)
    at.search = new URLSearchParams({ client_id: id, response_type: 'code', redirect_uri: CALLBACK }).toString()
    assert.equal((await fetch(at, { redirect: 'manual' })).status, 400)
    for (const [members, why] of [
      [{ client_id: 'another' }, 'another client_id'],
      [{ client_secret: 'mine' }, 'a secret of its choice'],
      [{ redirect_uris: [] }, 'no redirect URI'],
    ] as const)
      assert.equal((await put(members)).status, 400, why)
    // It asks for a secret that it never had.
    const bare = await registered({ token_endpoint_auth_method: 'none' })
    const given = await send('PUT', bare.uri, { client_id: bare.id, redirect_uris: [CALLBACK] }, bare.token)
    assert.equal(typeof given.body['client_secret'], 'string')
    assert.equal(given.body['client_secret_expires_at'], 0)
  })

  test('ends its registration, and with it everything it was given, at once', async () => {
    const { id, secret, uri, token } = await registered({ grant_types: ['authorization_code', 'refresh_token'] })
    const { tokens, application } = await signsIn(id, oidc.ClientSecretBasic(secret))
    assert.equal(await userinfoStatus(server.issuer, tokens.access_token), 200)
    const before = await server.latchkey.store.revocations.head()
    // Some libraries say of every request that it is JSON, and send no body with this one.
    const ended = await send('DELETE', uri, '', token)
    assert.deepEqual([ended.status, ended.body], [204, {}])
    assert.equal(await userinfoStatus(server.issuer, tokens.access_token), 401)
    await assert.rejects(
      application
        .begin()
        .then(({ url }) => fetch(url))
        .then(({ status }) => assert.equal(status, 200)),
    )
    const [told] = await server.latchkey.store.revocations.after(before, 1)
    assert.deepEqual([told?.kind, told?.id], ['client', id])
    for (const method of ['GET', 'PUT', 'DELETE']) assert.equal((await send(method, uri, undefined, token)).status, 401)
    assert.equal((await postToken(server.issuer, { client_id: id, client_secret: secret })).status, 401)
  })

  test('whose token is another’s, wrong or missing is refused, the same as one that is not there', async () => {
    const [mine, theirs] = [await registered(), await registered()]
    for (const method of ['GET', 'PUT', 'DELETE'])
      for (const [uri, token] of [
        [mine.uri, theirs.token],
        [mine.uri, `${mine.token}x`],
        [mine.uri, undefined],
        [mine.uri, mine.secret],
        [`${server.issuer}oidc/register/nobody`, mine.token],
      ] as const) {
        const answer = await send(method, uri, method === 'PUT' ? { client_id: mine.id } : undefined, token)
        assert.deepEqual([answer.status, answer.body['error']], [401, 'invalid_token'], `${method} ${uri}`)
        assert.match(answer.headers.get('www-authenticate') ?? '', /^Bearer /)
      }
    assert.equal((await send('GET', mine.uri, undefined, mine.token)).status, 200)
  })

  test('has its sector looked up, which has to list its redirect URIs', async () => {
    served.set('/sector', [CALLBACK, 'https://other.example/callback'])
    served.set('/others', ['https://other.example/callback'])
    served.set('/object', { redirect_uris: [CALLBACK] })
    const pairwise = { subject_type: 'pairwise', redirect_uris: [CALLBACK, 'https://other.example/callback'] }
    const { id, secret, body } = await registered({ ...pairwise, sector_identifier_uri: `${home}/sector` })
    assert.equal(body['sector_identifier_uri'], `${home}/sector`)
    const { tokens } = await signsIn(id, oidc.ClientSecretBasic(secret))
    assert.match(String(tokens.claims()?.sub), /^[\w-]{43}$/)
    for (const sector of ['/others', '/object', '/missing']) {
      const refused = await register({ ...pairwise, sector_identifier_uri: home + sector })
      assert.deepEqual([refused.status, refused.body['error']], [400, 'invalid_client_metadata'], sector)
    }
    assert.equal((await register(pairwise)).body['error'], 'invalid_client_metadata', 'two hosts and no sector')
  })

  for (const [body, why] of [
    ['', 'nothing'],
    ['{', 'half an object'],
    ['[]', 'a list'],
    ['"x"', 'a text'],
    ['{"redirect_uris":["https://a.example/"],"redirect_uris":["https://b.example/"]}', 'a name twice'],
    [{ redirect_uris: [`${CALLBACK}#x`] }, 'a fragment'],
    [{ redirect_uris: [CALLBACK], initiate_login_uri: 'http://club.example/login' }, 'a login without TLS'],
  ] as const)
    test(`is refused for ${why}, in JSON`, async () => {
      const { status, body: told, headers } = await register(body as object)
      assert.equal(status, 400)
      assert.match(String(told['error']), /^(?:invalid_(?:redirect_uri|client_metadata|request))$/)
      assert.match(headers.get('content-type') ?? '', /^application\/json/)
    })

  test('cannot do so from a network that has registered six hundred within the hour, nor change what it has', async () => {
    const { http } = server.latchkey
    const { id, uri, token } = await registered({})
    const host = new URL(server.issuer).host
    const from = (remoteAddress: string) =>
      http.inject({
        method: 'POST',
        url: '/oidc/register',
        remoteAddress,
        headers: { host, 'content-type': 'application/json' },
        payload: '{}',
      })
    const change = (remoteAddress: string) =>
      http.inject({
        method: 'PUT',
        url: new URL(uri).pathname,
        remoteAddress,
        headers: { host, 'content-type': 'application/json', authorization: `Bearer ${token}` },
        payload: JSON.stringify({ client_id: id, redirect_uris: [CALLBACK] }),
      })
    const tries = await Promise.all(Array.from({ length: 600 }, () => from('203.0.113.7')))
    assert.deepEqual(new Set(tries.map(({ statusCode }) => statusCode)), new Set([400]))
    const refused = await from('203.0.113.7')
    assert.equal(refused.statusCode, 429)
    assert.ok(Number(refused.headers['retry-after']) > 0)
    assert.equal((await change('203.0.113.7')).statusCode, 429)
    assert.equal((await change('203.0.113.8')).statusCode, 200)
    assert.equal((await from('203.0.113.8')).statusCode, 400)
  })

  test('finds nothing to register at where the tenant is closed, as it is unless told otherwise', async () => {
    const closed = await startServer({ store: 'sqlite' })
    const discovery = await (await fetch(new URL('.well-known/openid-configuration', closed.issuer))).json()
    assert.ok(!('registration_endpoint' in (discovery as object)))
    for (const method of ['POST', 'GET', 'PUT', 'DELETE']) {
      const path = method === 'POST' ? 'oidc/register' : 'oidc/register/somebody'
      assert.equal((await fetch(new URL(path, closed.issuer), { method })).status, 404, method)
    }
    await closed.close()
  })

  test('does not matter to signing an assertion that it is new', async () => {
    const key = makeClientKey()
    const { id } = await registered({ token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [key.jwk] } })
    const answer = await postToken(server.issuer, {
      grant_type: 'authorization_code',
      code: 'none',
      ...asserted(signJws(key, assertionClaims(id, server.issuer))),
    })
    assert.equal(answer.body['error'], 'invalid_grant', 'it was believed')
  })
})
