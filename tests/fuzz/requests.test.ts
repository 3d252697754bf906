/**
 * Requests that are nearly sound, at the endpoints that strangers reach: whatever is in them, the answer is one of the
 * protocol's, and nobody is sent anywhere that their client has not registered. Junk in every place of every route is
 * `flows/junk.test.ts`.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { base64url, createSigner, signToken } from '../../sdk/testing/forge.ts'
import { SECOND } from '../../server/kernel/seconds.ts'
import { applyTo } from '../fixtures/server.ts'
import { onEachStage } from '../flows/stage.ts'
import { JO, REDIRECT_URI, SECRETS, VIDEOS } from '../flows/tenant.ts'
import { encoded, jsonObject, mostly, parameters, text } from './arbitraries.ts'
import { assertHolds } from './budget.ts'
import { assertProtocolAnswer } from './protocol-answer.ts'

const RESPONSE_TYPES = ['code', 'token', 'id_token', 'id_token token', 'token code', 'code id_token token', 'none']
const CHALLENGE = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'

const authorization = encoded(
  parameters({
    client_id: mostly('spa', 'web', 'stranger', 'machine'),
    redirect_uri: mostly(REDIRECT_URI, `${REDIRECT_URI}/`, 'https://attacker.example/'),
    response_type: mostly('code', ...RESPONSE_TYPES),
    response_mode: mostly('query', 'fragment', 'form_post', 'web_message'),
    scope: mostly('openid', 'openid profile offline_access', 'read:videos openid'),
    audience: mostly(VIDEOS),
    resource: mostly(VIDEOS),
    state: mostly('a state'),
    nonce: mostly('a nonce'),
    prompt: mostly('none', 'login', 'consent', 'none login', 'select_account'),
    max_age: mostly('0', '60', '-1', '99999999999999999999'),
    claims: mostly('{}', '{"userinfo":{"email":null}}', '{"id_token":{"acr":{"essential":true,"values":["x"]}}}'),
    login_hint: mostly(JO.email),
    id_token_hint: mostly('a.b.c', 'eyJhbGciOiJub25lIn0.e30.'),
    ui_locales: mostly('ko en', 'xx'),
    acr_values: mostly('1', 'urn:mace:incommon:iap:silver'),
    code_challenge: mostly(CHALLENGE),
    code_challenge_method: mostly('S256', 'plain'),
    request_uri: mostly('urn:ietf:params:oauth:request_uri:x', 'https://attacker.example/request'),
  }),
)

const token = encoded(
  parameters({
    client_id: mostly('web', 'machine', 'spa'),
    client_secret: mostly(SECRETS.web, SECRETS.machine),
    grant_type: mostly('authorization_code', 'refresh_token', 'client_credentials', 'password'),
    code: mostly('a code'),
    code_verifier: mostly('dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'),
    redirect_uri: mostly(REDIRECT_URI),
    refresh_token: mostly('key.family.0.mac', `key_${'a'.repeat(20)}.${'b'.repeat(43)}.0.${'c'.repeat(43)}`),
    audience: mostly(VIDEOS, 'https://nobody.example'),
    scope: mostly('read:videos', 'openid'),
    token: mostly('a.b.c'),
    client_assertion: mostly('a.b.c'),
    client_assertion_type: mostly('urn:ietf:params:oauth:client-assertion-type:jwt-bearer'),
  }),
)

onEachStage('Requests that are nearly sound', stage => {
  const inject = (method: 'GET' | 'POST', url: string, payload?: string | Buffer, type = FORM) =>
    stage.server.latchkey.http.inject({
      method,
      url,
      headers: { host: new URL(stage.issuer).host, ...(payload !== undefined && { 'content-type': type }) },
      ...(payload !== undefined && { payload }),
    })

  /** On one of our pages, or on the way to where the client is registered. */
  function assertLedNowhereElse({ statusCode, headers, body }: Awaited<ReturnType<typeof inject>>): void {
    assert.ok(statusCode < 500, `${statusCode} ${body.slice(0, 300)}`)
    const { location } = headers
    if (location === undefined) return
    const { href, origin } = new URL(String(location), stage.issuer)
    assert.ok(origin === new URL(stage.issuer).origin || href.startsWith(REDIRECT_URI), `led to ${href}`)
  }

  test('at /authorize end on our pages, or where the client is registered', () =>
    assertHolds(
      fc.asyncProperty(authorization, fc.constantFrom('GET', 'POST'), async (said, method) =>
        assertLedNowhereElse(
          await (method === 'GET' ? inject('GET', `/authorize?${said}`) : inject('POST', '/authorize', said)),
        ),
      ),
    ))

  test('and signed by the client end there as well, whatever the object says', async () => {
    const signer = await createSigner('ES256', 'a-key')
    const jwks = { keys: [signer.publicJwk] }
    const client = { client_id: 'signing', name: 'Signing', app_type: 'spa', callbacks: [REDIRECT_URI], jwks }
    await applyTo(stage.server.latchkey, { clients: [client] })
    const now = Math.floor(stage.clock.now() / SECOND)
    const claims = jsonObject({
      iss: mostly('signing'),
      aud: mostly(stage.issuer),
      exp: fc.constantFrom(now + 60, now - 60, now + 1e9),
      nbf: fc.constantFrom(now, now + 1e6),
      client_id: mostly('signing', 'web'),
      redirect_uri: mostly(REDIRECT_URI, 'https://attacker.example/'),
      response_type: mostly('code'),
      scope: mostly('openid'),
      code_challenge: mostly(CHALLENGE),
      code_challenge_method: mostly('S256'),
      claims: fc.jsonValue({ maxDepth: 3 }),
      max_age: fc.integer(),
      request: mostly('a.b.c'),
    })
    const typ = mostly('oauth-authz-req+jwt', 'JWT', 'at+jwt')
    await assertHolds(
      fc.asyncProperty(claims, typ, fc.constantFrom('ES256', 'none'), async (said, typ, alg) => {
        const object = await signToken(signer, said, { typ })
        const none = `${base64url(JSON.stringify({ alg: 'none' }))}.${base64url(JSON.stringify(said))}.`
        const request = alg === 'none' ? none : object
        assertLedNowhereElse(
          await inject('GET', `/authorize?${new URLSearchParams({ client_id: 'signing', request })}`),
        )
        assertProtocolAnswer(
          await inject('POST', '/oauth/par', new URLSearchParams({ client_id: 'signing', request }).toString()),
        )
      }),
    )
  })

  for (const path of ['/oauth/token', '/oauth/par', '/oauth/introspect', '/oauth/revoke'])
    test(`at ${path} are answered as the protocol says, as a form and as JSON`, () =>
      assertHolds(
        fc.asyncProperty(token, fc.boolean(), async (form, asJson) => {
          const json = JSON.stringify(Object.fromEntries(new URLSearchParams(form)))
          assertProtocolAnswer(await (asJson ? inject('POST', path, json, JSON_TYPE) : inject('POST', path, form)))
        }),
      ))

  test('with bodies of any bytes under any content type are refused as what they are', () =>
    assertHolds(
      fc.asyncProperty(
        fc.constantFrom('/oauth/token', '/oauth/par', '/oauth/revoke', '/oauth/introspect'),
        fc.oneof(
          fc.uint8Array({ maxLength: 400 }),
          fc.json().map(said => new TextEncoder().encode(said)),
        ),
        fc.oneof(
          fc.constantFrom(FORM, JSON_TYPE, `${JSON_TYPE}; charset=utf-16`, 'text/plain', 'multipart/form-data'),
          TYPE,
        ),
        async (path, bytes, type) => assertProtocolAnswer(await inject('POST', path, Buffer.from(bytes), type)),
      ),
    ))

  test('at /userinfo and in credentials are nobody’s', () =>
    assertHolds(
      fc.asyncProperty(
        fc.constantFrom('Bearer ', 'Basic ', 'DPoP ', ''),
        text().map(said => said.replace(/[^\x20-\x7e]/g, '?')),
        fc.constantFrom('/userinfo', '/oauth/token', '/oauth/introspect'),
        async (scheme, credential, path) => {
          const answer = await stage.server.latchkey.http.inject({
            method: 'POST',
            url: path,
            headers: {
              host: new URL(stage.issuer).host,
              authorization: `${scheme}${credential}`,
              'content-type': FORM,
            },
            payload: 'grant_type=client_credentials',
          })
          assert.ok(answer.statusCode >= 400 && answer.statusCode < 500, `${answer.statusCode} ${answer.body}`)
        },
      ),
    ))
})

const FORM = 'application/x-www-form-urlencoded'
const JSON_TYPE = 'application/json'
/** A header may hold it. */
const TYPE = fc.string({ unit: 'binary-ascii', maxLength: 40 }).map(said => said.replace(/[^\x20-\x7e]/g, '/'))
