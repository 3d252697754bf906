/** Requests that a client pushes before it sends the browser, or signs: what is taken, what is refused and how, and openid-client. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { importJWK } from 'jose'
import * as oidc from 'openid-client'
import { sha256 } from '../../server/kernel/secrets.ts'
import { makeClientKey } from '../fixtures/client-assertion.ts'
import { createPerson, departure } from '../fixtures/person.ts'
import { type RunningServer, startServer } from '../fixtures/server.ts'
import { applicationAt } from './stage.ts'
import { JO, REDIRECT_URI, SECRETS, TENANT_FILE } from './tenant.ts'

const CHALLENGE = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
const SOUND = {
  client_id: 'web',
  client_secret: SECRETS.web,
  redirect_uri: REDIRECT_URI,
  response_type: 'code',
  scope: 'openid email',
  state: 'the state',
}

const KEYS = (['RS256', 'PS256', 'ES256', 'EdDSA'] as const).map(alg => makeClientKey(alg, alg))
/** One for each algorithm, and authenticated by nothing, so that the signature is what counts. */
const SIGNING = KEYS.map(({ alg, jwk }) => ({
  client_id: alg,
  name: alg,
  app_type: 'spa',
  callbacks: [REDIRECT_URI],
  request_object_signing_alg: alg,
  signed_request_object: { required: true },
  // Libraries call one algorithm EdDSA or Ed25519, so the key does not say which.
  jwks: { keys: [{ ...jwk, alg: undefined }] },
}))

type Entries = readonly (readonly [string, string])[]

describe('A pushed request, on sqlite', () => {
  let server: RunningServer
  before(async () => {
    server = await startServer({
      store: 'sqlite',
      tenantFile: { ...TENANT_FILE, clients: [...TENANT_FILE.clients, ...SIGNING] },
    })
  })
  after(() => server?.close())

  /** A parameter set to '' is left out; `more` is appended, so that it may repeat. */
  async function push(
    changes: Readonly<Record<string, string>> = {},
    more: Entries = [],
    { headers = {}, query = '' }: { headers?: Readonly<Record<string, string>>; query?: string } = {},
  ) {
    const response = await fetch(new URL(`oauth/par${query}`, server.issuer), {
      method: 'POST',
      headers,
      body: new URLSearchParams([
        ...Object.entries({ ...SOUND, ...changes }).filter(([, value]) => value !== ''),
        ...more.map(([name, value]): [string, string] => [name, value]),
      ]),
    })
    return {
      status: response.status,
      headers: response.headers,
      body: (await response.json()) as Record<string, unknown>,
    }
  }

  test('is answered with a name for it that nobody guesses, and how long that is good for', async () => {
    const { status, headers, body } = await push()
    assert.equal(status, 201)
    assert.match(headers.get('content-type') ?? '', /^application\/json/)
    assert.equal(headers.get('cache-control'), 'no-store')
    assert.equal(headers.get('access-control-allow-origin'), '*')
    assert.deepEqual(Object.keys(body).sort(), ['expires_in', 'request_uri'])
    assert.match(String(body['request_uri']), /^urn:ietf:params:oauth:request_uri:[\w-]{43}$/)
    assert.equal(body['expires_in'], 90)
  })

  test('keeps nothing that proves who the client is', async () => {
    const { body } = await push()
    const [, secret = ''] = /([\w-]{43})$/.exec(String(body['request_uri'])) ?? []
    const ticket = await server.latchkey.store.tickets.peek('default', 'pushed-request', sha256(secret), Date.now())
    const parameters = (ticket?.data['parameters'] ?? []) as Entries
    const names = parameters.map(([name]) => name).sort()
    assert.deepEqual(names, ['client_id', 'redirect_uri', 'response_type', 'scope', 'state'])
  })

  const basic = `Basic ${Buffer.from(`web:${SECRETS.web}`).toString('base64')}`
  test('is taken with the secret in the header, and then needs no client_id', async () => {
    const headers = { authorization: basic }
    assert.equal((await push({ client_id: '', client_secret: '' }, [], { headers })).status, 201)
  })

  test('is taken of a public client by its name, with a challenge', async () => {
    const spa = { client_id: 'spa', client_secret: '', code_challenge: CHALLENGE, code_challenge_method: 'S256' }
    assert.equal((await push(spa)).status, 201)
  })

  const refused: readonly [string, number, string, Readonly<Record<string, string>>, Entries?][] = [
    ['without a client', 401, 'invalid_client', { client_id: '', client_secret: '' }],
    ['of an unknown client', 401, 'invalid_client', { client_id: 'nobody' }],
    ['with a wrong secret', 401, 'invalid_client', { client_secret: 'wrong' }],
    ['without its secret', 401, 'invalid_client', { client_secret: '' }],
    ['that is a name itself', 400, 'invalid_request', { request_uri: 'urn:ietf:params:oauth:request_uri:x' }],
    ['that is somewhere else', 400, 'invalid_request', { request_uri: 'https://client.example/request' }],
    ['with a parameter twice', 400, 'invalid_request', {}, [['scope', 'openid']]],
    ['with two states', 400, 'invalid_request', {}, [['state', 'another']]],
    ['of two clients', 400, 'invalid_request', {}, [['client_id', 'spa']]],
    ['to nowhere', 400, 'invalid_request', { redirect_uri: '' }],
    ['to an unregistered address', 400, 'invalid_request', { redirect_uri: 'https://evil.example/"' }],
    ['to a longer address', 400, 'invalid_request', { redirect_uri: `${REDIRECT_URI}/more` }],
    ['without a response type', 400, 'invalid_request', { response_type: '' }],
    ['for an unknown response type', 400, 'unsupported_response_type', { response_type: 'cookie' }],
    ['for one that the client may not have', 400, 'unauthorized_client', { response_type: 'token' }],
    ['by a mode that there is not', 400, 'invalid_request', { response_mode: 'pigeon' }],
    ['with a strange prompt', 400, 'invalid_request', { prompt: 'politely' }],
    ['with a plain challenge', 400, 'invalid_request', { code_challenge: CHALLENGE, code_challenge_method: 'plain' }],
    ['of a public client without a challenge', 400, 'invalid_request', { client_id: 'spa', client_secret: '' }],
    ['for an unknown API', 400, 'invalid_target', { audience: 'https://nobody.example/' }],
    ['with claims that are none', 400, 'invalid_request', { claims: '[' }],
    ['beyond measure', 400, 'invalid_request', { anything: 'x'.repeat(20_000) }],
  ]
  for (const [fault, status, error, changes, more] of refused)
    test(`is refused as JSON: ${fault}`, async () => {
      const answer = await push(changes, more)
      assert.deepEqual([answer.status, answer.body['error']], [status, error])
      assert.match(String(answer.body['error_description']), /^[\x20-\x21\x23-\x5B\x5D-\x7E]+$/)
      assert.deepEqual(Object.keys(answer.body).sort(), ['error', 'error_description'])
    })

  test('is refused in the query, where it would be in logs', async () => {
    const { status, body } = await push({ state: '' }, [], { query: '?state=x' })
    assert.deepEqual([status, body['error']], [400, 'invalid_request'])
  })

  for (const method of ['GET', 'PUT', 'DELETE'])
    test(`is refused by ${method}`, async () => {
      const response = await fetch(new URL('oauth/par', server.issuer), {
        method,
        ...(method === 'PUT' && { body: new URLSearchParams(SOUND) }),
      })
      await response.arrayBuffer()
      assert.ok(response.status >= 400 && response.status < 500, String(response.status))
    })

  for (const [clientId, authentication] of [
    ['web', oidc.ClientSecretPost(SECRETS.web)],
    ['web', oidc.ClientSecretBasic(SECRETS.web)],
    ['spa', oidc.None()],
  ] as const)
    test(`signs in openid-client, as ${clientId}`, async () => {
      const application = await applicationAt(server.issuer, clientId, { authentication })
      const begun = await application.begin()
      const url = await oidc.buildAuthorizationUrlWithPAR(application.configuration, begun.url.searchParams)
      assert.deepEqual([...url.searchParams.keys()].sort(), ['client_id', 'request_uri'])
      const person = createPerson(server.issuer)
      const callback = await person.signIn(url, JO)
      assert.equal((await application.finish(callback, begun)).claims()?.['email'], JO.email)

      const second = await application.begin({ prompt: 'none' })
      const silent = await oidc.buildAuthorizationUrlWithPAR(application.configuration, second.url.searchParams)
      await application.finish(departure(await person.visit(silent)), second)
      assert.equal((await person.visit(silent)).status, 400)
    })

  for (const { alg, privateKey } of KEYS)
    test(`signs in openid-client by a signed request, with ${alg}, sent or pushed`, async () => {
      const application = await applicationAt(server.issuer, alg)
      const { configuration } = application
      const key = (await importJWK(privateKey.export({ format: 'jwk' }), alg)) as CryptoKey
      const person = createPerson(server.issuer)

      const begun = await application.begin()
      const url = await oidc.buildAuthorizationUrlWithJAR(configuration, begun.url.searchParams, { key, kid: alg })
      assert.deepEqual([...url.searchParams.keys()].sort(), ['client_id', 'request'])
      const callback = await person.signIn(url, JO)
      assert.equal((await application.finish(callback, begun)).claims()?.['email'], JO.email)

      const second = await application.begin({ prompt: 'none' })
      const signed = await oidc.buildAuthorizationUrlWithJAR(configuration, second.url.searchParams, { key, kid: alg })
      const pushed = await oidc.buildAuthorizationUrlWithPAR(configuration, signed.searchParams)
      await application.finish(departure(await person.visit(pushed)), second)
      const plain = await application.begin({ prompt: 'none' })
      assert.match(departure(await person.visit(plain.url)).search, /error=invalid_request&/)
    })
})
