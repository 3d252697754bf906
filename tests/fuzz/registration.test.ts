/**
 * Strangers who register and manage a client: whatever the metadata, the token or the bytes are, the answer is one of
 * the protocol's, and what is registered can be read back, replaced and asked with.
 */
import assert from 'node:assert/strict'
import { isUtf8 } from 'node:buffer'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import { makeClientKey } from '../fixtures/client-assertion.ts'
import { type RunningServer, startServer } from '../fixtures/server.ts'
import { jsonObject, mostly, text } from './arbitraries.ts'
import { assertHolds } from './budget.ts'
import { assertProtocolAnswer } from './protocol-answer.ts'

const CALLBACK = 'https://stranger.example/callback'
const { jwk } = makeClientKey('ES256')
/** Nothing that is looked up: a name server would be asked for each. */
const REFUSED_AT_ONCE = [
  'https://127.0.0.1/',
  'http://stranger.example/',
  'https://localhost/list',
  'file:///etc/passwd',
]

const url = () =>
  mostly(CALLBACK, 'http://localhost:3000/', 'com.example.app:/callback', 'https://a:b@stranger.example/')
const listOf = <T>(one: fc.Arbitrary<T>) => fc.array(one, { maxLength: 3 })

const anything = jsonObject({
  redirect_uris: fc.oneof({ arbitrary: fc.constant([CALLBACK]), weight: 3 }, { arbitrary: listOf(url()), weight: 1 }),
  client_name: mostly('A stranger', 'Ein Fremder \u00fc', '\u202eevil'),
  application_type: mostly('web', 'native'),
  response_types: listOf(mostly('code', 'id_token', 'code id_token', 'token id_token')),
  grant_types: listOf(mostly('authorization_code', 'implicit', 'refresh_token', 'client_credentials')),
  token_endpoint_auth_method: mostly('none', 'client_secret_basic', 'private_key_jwt', 'client_secret_jwt'),
  token_endpoint_auth_signing_alg: mostly('ES256', 'HS256', 'none'),
  jwks: fc.oneof(fc.constant({ keys: [jwk] }), jsonObject({ keys: listOf(jsonObject(membersOfKey())) })),
  jwks_uri: mostly('https://stranger.example/jwks.json'),
  subject_type: mostly('public', 'pairwise'),
  sector_identifier_uri: fc.constantFrom(...REFUSED_AT_ONCE),
  id_token_signed_response_alg: mostly('RS256', 'ES256', 'ML-DSA-44', 'none'),
  userinfo_signed_response_alg: mostly('RS256', 'EdDSA'),
  request_object_signing_alg: mostly('ES256', 'none'),
  default_max_age: fc.oneof(fc.integer(), fc.double()),
  require_pushed_authorization_requests: fc.boolean(),
  request_uris: listOf(mostly('https://stranger.example/request', ...REFUSED_AT_ONCE)),
  post_logout_redirect_uris: listOf(url()),
  backchannel_logout_uri: mostly(CALLBACK),
  frontchannel_logout_uri: mostly('https://stranger.example/out#a'),
  initiate_login_uri: mostly(CALLBACK),
  logo_uri: mostly('https://stranger.example/logo.png', 'javascript:alert(1)'),
  contacts: listOf(text()),
  is_first_party: fc.boolean(),
  claims: fc.jsonValue({ maxDepth: 2 }),
})

/** All sound but for a few members, of which most are. */
const nearlySound = fc.tuple(anything, fc.array(fc.nat({ max: 30 }), { maxLength: 3 })).map(([said, places]) => {
  const members = Object.entries(said)
  const some = places.flatMap(place => members.slice(place, place + 1))
  return { redirect_uris: [CALLBACK], ...Object.fromEntries(some) }
})
const metadata: fc.Arbitrary<object> = fc.oneof(
  { arbitrary: nearlySound, weight: 3 },
  { arbitrary: anything, weight: 1 },
)

function membersOfKey() {
  const values = Object.entries(jwk).map(([name, value]) => [name, mostly(value, 'AQAB')])
  return Object.fromEntries(values) as Readonly<Record<string, fc.Arbitrary<string>>>
}

/** Nested as deep as a body has room for, and deeper than anything is read. */
const deep = fc
  .tuple(fc.constantFrom('[', '{"a":', '{"jwks":', '{"redirect_uris":['), fc.nat({ max: 8000 }))
  .map(([part, times]) => `{"redirect_uris":["${CALLBACK}"],"jwks":${part.repeat(times)}`)

describe('Strangers’ registrations', () => {
  let server: RunningServer
  let asked = 0
  before(async () => {
    server = await startServer({
      store: 'sqlite',
      environment: { LATCHKEY_SQLITE_SYNCHRONOUS: 'normal' },
      tenantFile: { tenant: { flags: { enable_dynamic_client_registration: true } } },
    })
  })
  after(() => server?.close())

  /** Each from a network of its own: one may register so often in an hour, and no more. */
  function send(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, payload?: string | Buffer, token?: string) {
    asked += 1
    return server.latchkey.http.inject({
      method,
      url: path,
      remoteAddress: `10.${(asked >> 16) & 255}.${(asked >> 8) & 255}.${asked & 255}`,
      headers: {
        host: new URL(server.issuer).host,
        ...(payload !== undefined && { 'content-type': 'application/json' }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      ...(payload !== undefined && { payload }),
    })
  }

  test('are taken or refused as the protocol says; what was taken is read back, replaced, and good for a request', async () => {
    let taken = 0
    await assertHolds(
      fc.asyncProperty(metadata, metadata, async (said, instead) => {
        const registered = await send('POST', '/oidc/register', JSON.stringify(said))
        assertProtocolAnswer(registered)
        if (registered.statusCode !== 201) return
        taken += 1
        const { client_secret: _, client_secret_expires_at: _never, ...told } = registered.json()
        const { registration_access_token: token, client_id: id } = told
        assert.deepEqual((await send('GET', `/oidc/register/${id}`, undefined, token)).json(), told)

        const replaced = await send('PUT', `/oidc/register/${id}`, JSON.stringify({ ...instead, client_id: id }), token)
        assertProtocolAnswer(replaced)
        const request = new URLSearchParams({ client_id: id, response_type: 'code', redirect_uri: CALLBACK })
        const page = await send('GET', `/authorize?${request}`)
        assert.ok(page.statusCode < 500, `${page.statusCode} ${JSON.stringify(instead)}`)
      }),
    )
    assert.ok(taken > 0, 'none was sound')
  })

  test('are nobody’s to manage by any token but their own, under any name', async () => {
    const { client_id, registration_access_token } = (
      await send('POST', '/oidc/register', JSON.stringify({ redirect_uris: [CALLBACK] }))
    ).json()
    const printable = text().map(said => said.replace(/[^\x20-\x7e]/g, '?').slice(0, 300))
    await assertHolds(
      fc.asyncProperty(
        fc.constantFrom('GET', 'PUT', 'DELETE'),
        fc.oneof(fc.constant(client_id), printable),
        fc.oneof(fc.constant(`${registration_access_token}x`), printable),
        metadata,
        async (method, id, token, said) => {
          const path = `/oidc/register/${encodeURIComponent(id)}`
          const answer = await send(method, path, method === 'PUT' ? JSON.stringify(said) : undefined, token)
          assert.ok(answer.statusCode >= 400, `${method} ${path}`)
          assertProtocolAnswer(answer)
        },
      ),
    )
    assert.equal(
      (await send('GET', `/oidc/register/${client_id}`, undefined, registration_access_token)).statusCode,
      200,
    )
  })

  test('of any bytes, of no UTF-8 and of any depth are refused', async () => {
    const { client_id, registration_access_token } = (
      await send('POST', '/oidc/register', JSON.stringify({ redirect_uris: [CALLBACK] }))
    ).json()
    const sound = Buffer.from(JSON.stringify({ redirect_uris: [CALLBACK], client_name: 'A stranger', client_id }))
    const broken = fc.tuple(fc.nat({ max: sound.length - 1 }), fc.uint8Array({ minLength: 1, maxLength: 3 }))
    await assertHolds(
      fc.asyncProperty(
        fc.oneof(
          fc.uint8Array({ maxLength: 400 }).map(bytes => Buffer.from(bytes)),
          // Within what is sound, where a decoder that replaces would go on.
          broken.map(([at, bytes]) => Buffer.concat([sound.subarray(0, at), bytes, sound.subarray(at)])),
          deep.map(json => Buffer.from(json)),
          fc.json().map(json => Buffer.from(json)),
        ),
        async bytes => {
          const answers = [
            await send('POST', '/oidc/register', bytes),
            await send('PUT', `/oidc/register/${client_id}`, bytes, registration_access_token),
          ]
          for (const answer of answers) assertProtocolAnswer(answer)
          if (!isUtf8(bytes)) for (const { statusCode } of answers) assert.equal(statusCode, 400, bytes.toString('hex'))
        },
      ),
    )
  })
})
