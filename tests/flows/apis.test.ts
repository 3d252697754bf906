/** Tokens as their readers see them: checked by another library, with nothing but the published keys or a shared secret. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import * as oidc from 'openid-client'
import { askSilently, onEachStage, postToken, signIn, userinfoStatus } from './stage.ts'
import { CURVES, EDWARDS, IMPORTED, JO, LEDGER, LEDGER_SECRET, SECRETS, VIDEOS } from './tenant.ts'

const SECRET = new TextEncoder().encode(LEDGER_SECRET)

onEachStage('An access token', stage => {
  const published = () => createRemoteJWKSet(new URL('.well-known/jwks.json', stage.issuer))
  const ask = (audience: string) =>
    stage.spa().then(spa => signIn(spa, stage.person(), JO, { audience, scope: 'openid read:videos' }))

  for (const [audience, algorithm] of [
    [VIDEOS, 'RS256'],
    [CURVES, 'ES256'],
    [EDWARDS, 'EdDSA'],
  ] as const)
    test(`is signed by ${algorithm} for the API that asks for it, with a key of the published set`, async () => {
      const { tokens } = await ask(audience)
      const { payload, protectedHeader } = await jwtVerify(tokens.access_token, published(), {
        issuer: stage.issuer,
        audience,
        algorithms: [algorithm],
        typ: 'at+jwt',
        requiredClaims: ['exp', 'iat', 'jti', 'sub', 'client_id', 'scope', 'auth_time', 'sid'],
      })
      assert.equal(protectedHeader.alg, algorithm)
      assert.equal(payload['client_id'], 'spa')
      assert.equal(payload['scope'], 'openid read:videos')
      assert.equal(await userinfoStatus(stage.issuer, tokens.access_token), 200)
    })

  test('of an HS256 API verifies with its secret, is for that API alone, and of no use at userinfo', async () => {
    const { tokens } = await ask(LEDGER)
    const { payload } = await jwtVerify(tokens.access_token, SECRET, { issuer: stage.issuer, algorithms: ['HS256'] })
    assert.equal(payload.aud, LEDGER)
    assert.equal(await userinfoStatus(stage.issuer, tokens.access_token), 401)
    const { keys } = (await (await fetch(new URL('.well-known/jwks.json', stage.issuer))).json()) as {
      keys: { kty: string }[]
    }
    assert.ok(keys.length > 0 && keys.every(key => key.kty !== 'oct'), 'the secret is not published')
  })

  test('of an HS256 API given to a machine verifies with the same secret', async () => {
    const { body } = await postToken(stage.issuer, {
      grant_type: 'client_credentials',
      client_id: 'machine',
      client_secret: SECRETS.machine,
      audience: LEDGER,
    })
    const { payload } = await jwtVerify(String(body['access_token']), SECRET, { algorithms: ['HS256'] })
    assert.deepEqual([payload.aud, payload.sub], [LEDGER, 'machine@clients'])
  })

  test('of an imported API speaks as Auth0 did: typ JWT, azp in place of client_id', async () => {
    const { tokens } = await ask(IMPORTED)
    const { payload, protectedHeader } = await jwtVerify(tokens.access_token, published(), { audience: IMPORTED })
    assert.deepEqual([protectedHeader.typ, payload['azp'], payload['client_id']], ['JWT', 'spa', undefined])
  })

  test('is for one API: a second one has to be asked for, and what was not granted cannot be', async () => {
    const spa = await stage.spa()
    const { begun, callback } = await signedInSilently()
    await assert.rejects(oidc.authorizationCodeGrant(spa.configuration, callback, begun.checks, { audience: CURVES }), {
      error: 'invalid_target',
    })

    async function signedInSilently() {
      const person = stage.person()
      await signIn(spa, person, JO)
      return askSilently(spa, person, { audience: VIDEOS })
    }
  })

  test('says nothing of the person but who they are', async () => {
    const { tokens } = await ask(VIDEOS)
    const { payload } = await jwtVerify(tokens.access_token, published())
    for (const name of ['email', 'name', 'nickname', 'updated_at']) assert.equal(payload[name], undefined, name)
  })

  test('cut, extended or signed by nobody is refused at userinfo', async () => {
    const { tokens } = await ask(VIDEOS)
    const [header = '', payload = '', signature = ''] = tokens.access_token.split('.')
    const none = Buffer.from(JSON.stringify({ ...decodeProtectedHeader(tokens.access_token), alg: 'none' }))
    for (const forged of [
      `${header}.${payload}.`,
      `${header}.${payload}`,
      `${header}.${payload}.${signature}A`,
      `${none.toString('base64url')}.${payload}.`,
      tokens.id_token ?? '',
    ])
      assert.equal(await userinfoStatus(stage.issuer, forged), 401, forged.slice(0, 20))
    assert.equal(await userinfoStatus(stage.issuer, tokens.access_token), 200)
  })
})

onEachStage('An ID token', stage => {
  for (const [clientId, idTokenAlgorithm] of [
    ['curves', 'ES256'],
    ['edwards', 'EdDSA'],
  ] as const)
    test(`is signed by ${idTokenAlgorithm} for the client that asks for it`, async () => {
      const application = await stage.application(clientId, { idTokenAlgorithm })
      const { tokens } = await signIn(application, stage.person(), JO)
      const { protectedHeader } = await jwtVerify(
        tokens.id_token ?? '',
        createRemoteJWKSet(new URL('.well-known/jwks.json', stage.issuer)),
        { issuer: stage.issuer, audience: clientId },
      )
      assert.equal(protectedHeader.alg, idTokenAlgorithm)
      assert.ok(application.configuration.serverMetadata().id_token_signing_alg_values_supported?.includes('RS256'))
    })

  test('holds the profile for a client that wants it full, and for a minimal one only userinfo does', async () => {
    const [full, minimal] = await Promise.all([stage.spa(), stage.application('minimal')])
    const one = await signIn(full, stage.person(), JO)
    assert.equal(one.tokens.claims()?.['name'], 'Jo March')
    const other = await signIn(minimal, stage.person(), JO)
    for (const name of ['name', 'email', 'email_verified', 'updated_at'])
      assert.equal(other.tokens.claims()?.[name], undefined, name)
    assert.equal(other.tokens.claims()?.sub, one.tokens.claims()?.sub)
    assert.equal((await minimal.userinfo(other.tokens)).name, 'Jo March')
  })
})
