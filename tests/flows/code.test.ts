/** The code flow through an unmodified client library, from discovery to fresh tokens; and machines. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import * as oidc from 'openid-client'
import { SECOND } from '../../server/kernel/seconds.ts'
import { departure } from '../fixtures/person.ts'
import { onEachStage, postToken, signIn } from './stage.ts'
import { ANN, JO, LEDGER, REDIRECT_URI, SECRETS, VIDEOS } from './tenant.ts'

onEachStage('Signing in by code', stage => {
  test('discovery names the issuer byte for byte, under both of its addresses', async () => {
    const { configuration } = await stage.spa()
    assert.equal(configuration.serverMetadata().issuer, stage.issuer)
    const [one, other] = await Promise.all(
      ['openid-configuration', 'oauth-authorization-server'].map(async name => {
        const response = await fetch(new URL(`.well-known/${name}`, stage.issuer))
        assert.equal(response.headers.get('access-control-allow-origin'), '*')
        return response.json() as Promise<Record<string, unknown>>
      }),
    )
    assert.deepEqual(one, other)
    assert.equal(one?.['authorization_response_iss_parameter_supported'], true)
    assert.deepEqual(one?.['code_challenge_methods_supported'], ['S256'])
  })

  test('a public client signs a person in with PKCE, and userinfo says what the ID token says', async () => {
    const spa = await stage.spa()
    const { begun, callback, tokens } = await signIn(spa, stage.person(), JO)

    assert.equal(callback.searchParams.get('iss'), stage.issuer)
    assert.equal(callback.searchParams.get('state'), begun.checks.expectedState)
    const claims = tokens.claims()
    assert.ok(claims)
    assert.equal(claims.aud, 'spa')
    assert.match(claims.sub, /^auth0\|[0-9a-f]{24}$/)
    assert.deepEqual(
      { name: claims['name'], given: claims['given_name'], email: claims['email'], verified: claims['email_verified'] },
      { name: 'Jo March', given: 'Jo', email: JO.email, verified: true },
    )
    assert.deepEqual(claims['amr'], ['pwd'])
    assert.equal(claims['acr'], '1')
    assert.equal(claims['nonce'], begun.checks.expectedNonce)
    assert.equal(typeof claims.auth_time, 'number')

    const info = await spa.userinfo(tokens)
    for (const name of ['sub', 'name', 'given_name', 'family_name', 'email', 'email_verified', 'updated_at'])
      assert.equal(info[name], claims[name], name)
    assert.equal(tokens.token_type, 'bearer')
    assert.equal(tokens.expires_in, 3600)
    assert.equal(tokens.scope, 'openid profile email offline_access')
  })

  for (const [method, authentication] of [
    ['client_secret_basic', oidc.ClientSecretBasic(SECRETS.web)],
    ['client_secret_post', oidc.ClientSecretPost(SECRETS.web)],
  ] as const)
    test(`a confidential client authenticates by ${method}`, async () => {
      const web = await stage.web(authentication)
      const { tokens } = await signIn(web, stage.person(), JO)
      assert.equal((await web.userinfo(tokens)).email, JO.email)
    })

  test('a confidential client may leave PKCE out, and its nonce is still checked', async () => {
    const web = await stage.web()
    const begun = await web.begin({ code_challenge: '', code_challenge_method: '' })
    const { pkceCodeVerifier: _, ...checks } = begun.checks
    const callback = await stage.person().signIn(begun.url, JO)
    const tokens = await oidc.authorizationCodeGrant(web.configuration, callback, checks)
    assert.equal(tokens.claims()?.['nonce'], checks.expectedNonce)
  })

  test('somebody new signs up on the way and is signed in', async () => {
    const spa = await stage.spa()
    const begun = await spa.begin()
    const email = `new-${stage.store}@example.com`
    const callback = await stage.person().signUp(begun.url, { email, password: 'yet another passphrase' })
    const claims = (await spa.finish(callback, begun)).claims()
    assert.equal(claims?.['email'], email)
    assert.equal(claims?.['email_verified'], false)
  })

  test('an application of the same person elsewhere gets the same sub without asking again', async () => {
    const person = stage.person()
    const first = await signIn(await stage.spa(), person, JO)
    const web = await stage.web()
    const begun = await web.begin()
    const tokens = await web.finish(departure(await person.visit(begun.url)), begun)
    assert.equal(tokens.claims()?.sub, first.tokens.claims()?.sub)
    assert.equal(tokens.claims()?.['sid'], first.tokens.claims()?.['sid'])
  })

  test('without offline_access there is no refresh token, and the tokens carry the session', async () => {
    const { tokens } = await signIn(await stage.spa(), stage.person(), JO, { scope: 'openid' })
    assert.equal(tokens.refresh_token, undefined)
    assert.match(String(tokens.claims()?.['sid']), /^ses_/)
    assert.equal(tokens.claims()?.['email'], undefined)
  })

  test('without openid there is no ID token, and the access token is of no use at userinfo', async () => {
    const web = await stage.web()
    const begun = await web.begin({ scope: 'read:videos', audience: VIDEOS, nonce: '' })
    const callback = await stage.person().signIn(begun.url, JO)
    const { pkceCodeVerifier, expectedState } = begun.checks
    const tokens = await oidc.authorizationCodeGrant(web.configuration, callback, {
      pkceCodeVerifier,
      ...(expectedState !== undefined && { expectedState }),
    })
    assert.equal(tokens.id_token, undefined)
    assert.equal(decodeJwt(tokens.access_token).aud, VIDEOS)
    await assert.rejects(web.userinfo(tokens), { status: 403 })
  })

  test('a request may be posted as a form from the application, and is answered as one in the query is', async () => {
    const person = stage.person()
    const spa = await stage.spa()
    await signIn(spa, person, JO)
    const begun = await spa.begin()
    const { origin } = new URL(REDIRECT_URI)
    const stop = await person.post(
      new URL('authorize', stage.issuer),
      Object.fromEntries(begun.url.searchParams),
      origin,
    )
    const tokens = await spa.finish(departure(stop), begun)
    assert.equal(tokens.claims()?.['email'], JO.email)
  })

  test('the token endpoint reads JSON as it reads a form', async () => {
    const spa = await stage.spa()
    const begun = await spa.begin()
    const callback = await stage.person().signIn(begun.url, JO)
    const response = await fetch(new URL('oauth/token', stage.issuer), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        grant_type: 'authorization_code',
        client_id: 'spa',
        code: callback.searchParams.get('code'),
        code_verifier: begun.checks.pkceCodeVerifier,
        redirect_uri: REDIRECT_URI,
      }),
    })
    assert.equal(response.status, 200)
    assert.equal(response.headers.get('cache-control'), 'no-store')
    const body = (await response.json()) as Record<string, unknown>
    assert.equal(body['token_type'], 'Bearer')
    assert.equal(decodeJwt(String(body['id_token']))['email'], JO.email)
  })

  test('parameters that nobody knows change nothing', async () => {
    const spa = await stage.spa()
    const { tokens } = await signIn(spa, stage.person(), JO, { 'ext-colour': 'teal', auth0Client: 'eyJ9', claim: 'x' })
    assert.equal((await spa.userinfo(tokens)).email, JO.email)
  })

  test('a code of one person never becomes tokens of another who is signed in elsewhere', async () => {
    const spa = await stage.spa()
    const [jo, ann] = await Promise.all([
      signIn(spa, stage.person(), JO),
      signIn(spa, stage.person(), ANN, { scope: 'openid email' }),
    ])
    assert.notEqual(jo.tokens.claims()?.sub, ann.tokens.claims()?.sub)
    assert.equal((await spa.userinfo(ann.tokens)).email, ANN.email)
  })
})

onEachStage('Refreshing', stage => {
  test('a refresh rotates the token and says again who signed in and when', async () => {
    const spa = await stage.spa()
    const { tokens } = await signIn(spa, stage.person(), JO)
    assert.ok(tokens.refresh_token)
    stage.clock.advance(5 * SECOND)
    const next = await spa.refresh(tokens.refresh_token)
    assert.ok(next.refresh_token)
    assert.notEqual(next.refresh_token, tokens.refresh_token)

    const [before, after] = [tokens.claims(), next.claims()]
    assert.ok(before && after)
    assert.ok(after.iat >= before.iat + 5, 'a new ID token says when it was made')
    assert.equal(after.auth_time, before.auth_time)
    assert.equal(after['nonce'], undefined)
    assert.equal(after['sid'], undefined, 'an offline family outlives the session, and so does what it mints')
    assert.deepEqual([after.iss, after.sub, after.aud], [before.iss, before.sub, before.aud])
    assert.equal((await spa.userinfo(next)).sub, before.sub)
  })

  test('a refresh may ask for less, for that token alone, and never for more', async () => {
    const web = await stage.web()
    const { tokens } = await signIn(web, stage.person(), JO, { audience: VIDEOS, scope: 'openid email offline_access' })
    const less = await web.refresh(tokens.refresh_token ?? '', { scope: 'openid' })
    assert.equal(less.scope, 'openid')
    const whole = await web.refresh(less.refresh_token ?? '')
    assert.equal(whole.scope, 'openid email offline_access')
    await assert.rejects(web.refresh(whole.refresh_token ?? '', { scope: 'openid read:videos' }), {
      error: 'invalid_scope',
    })
  })

  test('a refresh token is of no use to another client, and its own can still use it', async () => {
    const web = await stage.web()
    const { tokens } = await signIn(web, stage.person(), JO)
    const stolen = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token ?? '' }
    const other = await postToken(stage.issuer, { ...stolen, client_id: 'other', client_secret: SECRETS.other })
    assert.deepEqual([other.status, other.body['error']], [400, 'invalid_grant'])
    const nobody = await postToken(stage.issuer, { ...stolen, client_id: 'web' })
    assert.deepEqual([nobody.status, nobody.body['error']], [401, 'invalid_client'])
    assert.ok((await web.refresh(tokens.refresh_token ?? '')).refresh_token)
  })

  test('one character changed anywhere makes a refresh token nobody knows', async () => {
    const spa = await stage.spa()
    const { tokens } = await signIn(spa, stage.person(), JO)
    const token = tokens.refresh_token ?? ''
    const parts = token.split('.')
    assert.equal(parts.length, 4)
    for (const place of parts.keys()) {
      const forged = parts.map((part, index) => (index === place ? changed(part) : part)).join('.')
      await assert.rejects(spa.refresh(forged), { error: 'invalid_grant' }, `part ${place}`)
    }
    assert.ok((await spa.refresh(token)).access_token)
  })
})

/** Another digit for a number, another letter otherwise. */
const changed = (part: string): string => (/^\d+$/.test(part) ? String(Number(part) + 1) : swapFirst(part))
const swapFirst = (text: string): string => (text.startsWith('A') ? 'B' : 'A') + text.slice(1)

onEachStage('A machine', stage => {
  const machine = () => stage.application('machine', { authentication: oidc.ClientSecretBasic(SECRETS.machine) })

  test('gets every scope of its client grant when it asks for none, and those it asks for otherwise', async () => {
    const { configuration } = await machine()
    const whole = await oidc.clientCredentialsGrant(configuration, { audience: VIDEOS })
    assert.equal(whole.scope, 'read:videos write:videos')
    assert.equal(whole.expires_in, 86_400)
    assert.equal(whole.refresh_token, undefined)
    assert.equal(whole.id_token, undefined)
    const claims = decodeJwt(whole.access_token)
    assert.deepEqual([claims.sub, claims.aud, claims.iss], ['machine@clients', VIDEOS, stage.issuer])
    assert.equal(claims['auth_time'], undefined)

    const one = await oidc.clientCredentialsGrant(configuration, { resource: VIDEOS, scope: 'read:videos' })
    assert.equal(decodeJwt(one.access_token)['scope'], 'read:videos')
  })

  test('gets nothing beyond its client grant', async () => {
    const { configuration } = await machine()
    const ask = (parameters: Record<string, string>) => oidc.clientCredentialsGrant(configuration, parameters)
    await assert.rejects(ask({ audience: LEDGER, scope: 'read:videos write:videos' }), { error: 'invalid_scope' })
    await assert.rejects(ask({ audience: 'https://curves.example/api' }), { error: 'unauthorized_client' })
    await assert.rejects(ask({ audience: 'https://nobody.example/' }), { error: 'unauthorized_client' })
    await assert.rejects(ask({}), { error: 'invalid_target' })
    await assert.rejects(ask({ audience: VIDEOS, resource: LEDGER }), { error: 'invalid_target' })
  })

  test('is told apart from people: its token is of no use at userinfo', async () => {
    const { configuration } = await machine()
    const { access_token: token } = await oidc.clientCredentialsGrant(configuration, { audience: VIDEOS })
    assert.equal(decodeProtectedHeader(token).typ, 'at+jwt')
    await assert.rejects(oidc.fetchUserInfo(configuration, token, oidc.skipSubjectCheck), { status: 403 })
  })

  test('needs more than a name: a public client cannot act as itself, even where its settings say so', async () => {
    for (const clientId of ['spa', 'careless']) {
      const { status, body } = await postToken(stage.issuer, {
        grant_type: 'client_credentials',
        client_id: clientId,
        audience: VIDEOS,
      })
      assert.deepEqual([status, body['error']], [400, 'unauthorized_client'], clientId)
    }
  })
})
