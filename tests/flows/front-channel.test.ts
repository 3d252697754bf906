/** What `/authorize` answers by itself: every response type in every mode it may travel in, errors included, and what the tokens in it are worth. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import * as oidc from 'openid-client'
import { RESPONSE_TYPES } from '../../server/policy/response-types.ts'
import { type AuthorizationAnswer, readAnswer } from '../fixtures/authorization-answer.ts'
import { createPerson, departure, type Person } from '../fixtures/person.ts'
import { type RunningServer, startServer } from '../fixtures/server.ts'
import { postToken, userinfoStatus } from './stage.ts'
import { JO, LEDGER, LEDGER_SECRET, REDIRECT_URI, SIGNED_OUT_URI, TENANT_FILE, VIDEOS, WEB_ORIGIN } from './tenant.ts'

const VERIFIER = 'a-verifier-of-43-to-128-characters.0123456789~'
const CHALLENGE = createHash('sha256').update(VERIFIER).digest('base64url')
const STATE = 'kept as it is: ü &="#'

const common = {
  app_type: 'spa',
  callbacks: [REDIRECT_URI],
  allowed_logout_urls: [SIGNED_OUT_URI],
  web_origins: [WEB_ORIGIN],
}
const grant_types = ['authorization_code', 'implicit', 'refresh_token']
const CLIENTS = [
  { client_id: 'everything', name: 'Everything', grant_types, ...common },
  { client_id: 'terse', name: 'Terse', grant_types, id_token_claims: 'minimal', ...common },
  { client_id: 'sha512', name: 'Sha512', grant_types, jwt_configuration: { alg: 'EdDSA' }, ...common },
  { client_id: 'chosen', name: 'Chosen', grant_types, response_types: ['token id_token'], ...common },
  // What applications of before say, and what a native one can be answered with.
  {
    client_id: 'app',
    name: 'App',
    app_type: 'native',
    grant_types: ['implicit'],
    callbacks: ['com.example.app:/callback'],
  },
] as const
type ClientId = (typeof CLIENTS)[number]['client_id']

describe('The front channel, on sqlite', () => {
  let server: RunningServer
  let keys: ReturnType<typeof createRemoteJWKSet>
  /** Signed in for all of it. */
  let jo: Person
  before(async () => {
    server = await startServer({
      store: 'sqlite',
      tenantFile: { ...TENANT_FILE, clients: [...TENANT_FILE.clients, ...CLIENTS] },
    })
    keys = createRemoteJWKSet(new URL('.well-known/jwks.json', server.issuer))
    jo = createPerson(server.issuer)
    await jo.signIn(urlOf('everything', 'code'), JO)
  })
  after(() => server?.close())

  function urlOf(client: ClientId, responseType: string, changes: Readonly<Record<string, string>> = {}): URL {
    const url = new URL('authorize', server.issuer)
    const all = {
      client_id: client,
      redirect_uri: client === 'app' ? 'com.example.app:/callback' : REDIRECT_URI,
      response_type: responseType,
      scope: 'openid profile email',
      state: STATE,
      nonce: 'n-0S6_WzA2Mj',
      code_challenge: CHALLENGE,
      code_challenge_method: 'S256',
      ...changes,
    }
    for (const [name, value] of Object.entries(all)) if (value !== '') url.searchParams.set(name, value)
    return url
  }

  async function ask(
    client: ClientId,
    responseType: string,
    changes: Readonly<Record<string, string>> = {},
    person = jo,
  ): Promise<AuthorizationAnswer> {
    const { left, url, html } = await person.visit(urlOf(client, responseType, changes))
    return readAnswer({ location: left ? url.href : undefined, html })
  }

  const verified = async (token: string | undefined, client: ClientId) =>
    (await jwtVerify(String(token), keys, { issuer: server.issuer, audience: client })).payload

  const redeem = (client: ClientId, code: string | undefined) =>
    postToken(server.issuer, {
      grant_type: 'authorization_code',
      client_id: client,
      code: String(code),
      redirect_uri: REDIRECT_URI,
      code_verifier: VERIFIER,
    })

  const userinfo = (token: string | undefined) => userinfoStatus(server.issuer, String(token))
  const half = (hash: string, value: string | undefined) => {
    const digest = createHash(hash).update(String(value)).digest()
    return digest.subarray(0, digest.length / 2).toString('base64url')
  }

  const NAMES = { code: ['code'], token: ['access_token', 'token_type', 'expires_in', 'scope'], id_token: ['id_token'] }
  const namesOf = (responseType: string) =>
    responseType.split(' ').flatMap(member => NAMES[member as keyof typeof NAMES])

  for (const responseType of RESPONSE_TYPES) {
    const mode = responseType === 'code' ? 'query' : 'fragment'

    test(`answers ${responseType} with what it names and nothing else, in the ${mode}`, async () => {
      const answer = await ask('everything', responseType)
      assert.deepEqual([answer.mode, answer.target], [mode, REDIRECT_URI])
      assert.deepEqual(
        Object.keys(answer.members).sort(),
        [...namesOf(responseType), 'iss', 'session_state', 'state'].sort(),
      )
      assert.deepEqual([answer.members['state'], answer.members['iss']], [STATE, server.issuer])
      const { members } = answer
      if (responseType.split(' ').includes('token')) {
        const { token_type: type, expires_in: life, scope } = members
        assert.deepEqual([type, life, scope], ['Bearer', '3600', 'openid profile email'])
        assert.equal(await userinfo(members['access_token']), 200)
      }
    })

    for (const other of ['form_post', 'web_message'] as const)
      test(`answers ${responseType} by ${other} with the same`, async () => {
        const { mode: travelled, target, members } = await ask('everything', responseType, { response_mode: other })
        assert.deepEqual([travelled, target], [other, other === 'form_post' ? REDIRECT_URI : WEB_ORIGIN])
        assert.deepEqual(
          Object.keys(members).sort(),
          [...namesOf(responseType), 'iss', 'session_state', 'state'].sort(),
        )
      })

    test(`tells errors of ${responseType} in the way it would have been answered`, async () => {
      const stranger = createPerson(server.issuer)
      for (const way of ['', 'fragment', 'form_post', 'web_message']) {
        const { mode: travelled, members } = await ask(
          'everything',
          responseType,
          { prompt: 'none', response_mode: way },
          stranger,
        )
        assert.equal(travelled, way || mode)
        const { error, state, iss } = members
        assert.deepEqual([error, state, iss], ['login_required', STATE, server.issuer])
        assert.deepEqual(Object.keys(members).sort(), ['error', 'error_description', 'iss', 'state'])
      }
    })
  }

  for (const responseType of RESPONSE_TYPES.filter(type => type.includes('id_token'))) {
    test(`vouches in the ID token of ${responseType} for the person, the request, and what comes with it`, async () => {
      for (const [client, hash] of [
        ['everything', 'sha256'],
        ['sha512', 'sha512'],
      ] as const) {
        const { members } = await ask(client, responseType)
        const { sub, nonce, at_hash, c_hash, email } = await verified(members['id_token'], client)
        assert.deepEqual([nonce, email], ['n-0S6_WzA2Mj', JO.email])
        assert.equal(at_hash, 'access_token' in members ? half(hash, members['access_token']) : undefined)
        assert.equal(c_hash, 'code' in members ? half(hash, members['code']) : undefined)
        if (!('code' in members)) continue
        const { body } = await redeem(client, members['code'])
        const later = await verified(String(body['id_token']), client)
        assert.deepEqual([later.sub, later['nonce']], [sub, nonce])
        assert.equal(await userinfo(String(body['access_token'])), 200)
      }
    })

    test(`demands a nonce and the scope openid for ${responseType}, and says so in the fragment`, async () => {
      for (const changes of [{ nonce: '' }, { scope: 'profile' }]) {
        const { mode, members } = await ask('everything', responseType, changes)
        const { error, state } = members
        assert.deepEqual([mode, error, state], ['fragment', 'invalid_request', STATE])
        assert.ok(!('code' in members || 'id_token' in members || 'access_token' in members))
      }
    })
  }

  test('demands no nonce where no ID token comes from here', async () => {
    assert.ok('code' in (await ask('everything', 'code token', { nonce: '' })).members)
    assert.ok('access_token' in (await ask('everything', 'token', { nonce: '' })).members)
  })

  test('takes the members of a type in any order', async () => {
    for (const asked of ['token id_token', 'token code id_token', 'id_token code'])
      assert.deepEqual(
        Object.keys((await ask('everything', asked)).members).sort(),
        [...namesOf(asked), 'iss', 'session_state', 'state'].sort(),
      )
  })

  test('never puts a token into a query, whatever is asked for, and the refusal neither', async () => {
    for (const responseType of RESPONSE_TYPES.filter(type => type !== 'code')) {
      const { mode, members } = await ask('everything', responseType, { response_mode: 'query' })
      assert.deepEqual([mode, members['error'], members['state']], ['fragment', 'invalid_request', STATE])
      assert.deepEqual(Object.keys(members).sort(), ['error', 'error_description', 'iss', 'state'])
    }
  })

  test('answers a code in the fragment where that is asked for', async () =>
    assert.deepEqual((await ask('everything', 'code', { response_mode: 'fragment' })).mode, 'fragment'))

  test('tells in the query that there is no response type, or one that there is not', async () => {
    for (const [asked, told] of [
      ['', 'invalid_request'],
      ['cookie', 'unsupported_response_type'],
    ] as const) {
      const { mode, members } = await ask('everything', asked)
      assert.deepEqual([mode, members['error'], members['state']], ['query', told, STATE])
    }
  })

  test('gives a client the types it is set to, in any order, and no others', async () => {
    assert.ok('access_token' in (await ask('chosen', 'id_token token')).members)
    for (const other of ['token', 'id_token', 'code', 'code id_token token'])
      assert.equal((await ask('chosen', other)).members['error'], 'unauthorized_client', other)
  })

  test('says all that the scopes open in an ID token that nothing comes with, and otherwise what the client is told', async () => {
    const claims = JSON.stringify({ id_token: { family_name: null } })
    const alone = await verified((await ask('terse', 'id_token')).members['id_token'], 'terse')
    assert.deepEqual([alone['email'], alone['name']], [JO.email, 'Jo March'])
    for (const responseType of ['id_token token', 'code id_token', 'code id_token token']) {
      const { members } = await ask('terse', responseType, { claims })
      const { email, name, family_name } = await verified(members['id_token'], 'terse')
      assert.deepEqual([email, name, family_name], [undefined, undefined, 'March'], responseType)
    }
    const named = await ask('terse', 'id_token', { scope: 'openid', claims })
    const { email, family_name } = await verified(named.members['id_token'], 'terse')
    assert.deepEqual([email, family_name], [undefined, 'March'])
  })

  test('gives access tokens for the API that is asked for, signed as it wants them', async () => {
    const scope = 'openid read:videos nothing:known'
    const { members } = await ask('everything', 'token', { audience: VIDEOS, scope })
    assert.equal(members['scope'], 'openid read:videos')
    const { payload } = await jwtVerify(String(members['access_token']), keys, { audience: VIDEOS })
    assert.deepEqual(payload.aud, [VIDEOS, `${server.issuer}userinfo`])
    const shared = await ask('everything', 'id_token token', { audience: LEDGER, scope })
    await jwtVerify(String(shared.members['access_token']), Buffer.from(LEDGER_SECRET), { audience: LEDGER })
  })

  test('gives offline access for a code alone', async () => {
    const scope = 'openid offline_access'
    assert.equal((await ask('everything', 'id_token token', { scope })).members['scope'], 'openid')
    const { members } = await ask('everything', 'code token', { scope })
    assert.equal(members['scope'], scope)
    assert.ok('refresh_token' in (await redeem('everything', members['code'])).body)
  })

  test('asks for a challenge where there is a code, and not otherwise', async () => {
    const without = { code_challenge: '', code_challenge_method: '' }
    assert.equal((await ask('everything', 'code token', without)).members['error'], 'invalid_request')
    assert.ok('access_token' in (await ask('everything', 'token', without)).members)
  })

  test('ends the access token with the authorization it belongs to: by a code that comes twice', async () => {
    const { members } = await ask('everything', 'code id_token token')
    assert.equal((await redeem('everything', members['code'])).status, 200)
    assert.equal(await userinfo(members['access_token']), 200)
    assert.equal((await redeem('everything', members['code'])).status, 400)
    assert.equal(await userinfo(members['access_token']), 401)
  })

  test('ends the access token with the session it was given in', async () => {
    const person = createPerson(server.issuer)
    const { hash } = await person.signIn(urlOf('everything', 'token'), JO)
    const token = new URLSearchParams(hash.slice(1)).get('access_token') ?? ''
    assert.equal(await userinfo(token), 200)
    const home = new URLSearchParams({ client_id: 'everything', returnTo: SIGNED_OUT_URI })
    await person.visit(new URL(`v2/logout?${home}`, server.issuer))
    assert.equal(await userinfo(token), 401)
  })

  test('answers an application by its own scheme in the fragment, and never by a form or a message', async () => {
    const { mode, target } = await ask('app', 'token')
    assert.deepEqual([mode, target], ['fragment', 'com.example.app:/callback'])
    for (const response_mode of ['form_post', 'web_message']) {
      const { mode: told, members } = await ask('app', 'token', { response_mode })
      assert.deepEqual([told, members['error']], ['fragment', 'invalid_request'])
    }
  })

  test('lists in discovery what it answers, and how', async () => {
    const configuration = await discover('everything')
    const { response_types_supported, response_modes_supported, grant_types_supported } = configuration.serverMetadata()
    assert.deepEqual(response_types_supported, [...RESPONSE_TYPES])
    assert.deepEqual(response_modes_supported, ['query', 'fragment', 'form_post', 'web_message'])
    assert.ok(grant_types_supported?.includes('implicit'))
  })

  const discover = (client: ClientId) =>
    oidc.discovery(new URL(server.issuer), client, undefined, oidc.None(), { execute: [oidc.allowInsecureRequests] })
  const parameters = {
    redirect_uri: REDIRECT_URI,
    scope: 'openid email',
    nonce: 'the nonce',
    state: 'the state',
  } as const

  test('signs in openid-client with an ID token, in the fragment and by a form', async () => {
    const configuration = await discover('everything')
    oidc.useIdTokenResponseType(configuration)
    const expected = { expectedState: parameters.state }
    const callback = departure(await jo.visit(oidc.buildAuthorizationUrl(configuration, parameters)))
    const claims = await oidc.implicitAuthentication(configuration, callback, parameters.nonce, expected)
    assert.equal(claims['email'], JO.email)

    const url = oidc.buildAuthorizationUrl(configuration, { ...parameters, response_mode: 'form_post' })
    const { members } = readAnswer({ location: undefined, html: (await jo.visit(url)).html })
    const posted = new Request(REDIRECT_URI, { method: 'POST', body: new URLSearchParams(members) })
    assert.equal(
      (await oidc.implicitAuthentication(configuration, posted, parameters.nonce, expected))['sub'],
      claims.sub,
    )
  })

  test('signs in openid-client with a code and an ID token', async () => {
    const configuration = await discover('everything')
    oidc.useCodeIdTokenResponseType(configuration)
    const sent = { ...parameters, code_challenge: CHALLENGE, code_challenge_method: 'S256' }
    const callback = departure(await jo.visit(oidc.buildAuthorizationUrl(configuration, sent)))
    const tokens = await oidc.authorizationCodeGrant(configuration, callback, {
      pkceCodeVerifier: VERIFIER,
      expectedNonce: parameters.nonce,
      expectedState: parameters.state,
    })
    assert.equal(tokens.claims()?.['email'], JO.email)
  })
})
