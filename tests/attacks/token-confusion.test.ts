/**
 * One token taken for another: an ID token for an access token, one API's for another's, or one that a holder of a
 * shared secret made up. Each is well made; each has to be refused where it does not belong. What one tenant gave and
 * another is shown is `second-tenant.test.ts`.
 */
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { after, before, test } from 'node:test'
import { accessToken, createVerifier, importPublicKey, importSecret, keySet } from '@latchkey/sdk/verify'
import { onEachStore, type RunningServer, startServer } from '../fixtures/server.ts'
import {
  ANN,
  API,
  API_SECRET_A,
  API_SECRET_B,
  askToken,
  askUserinfo,
  authorizePath,
  CookieJarBrowser,
  claimsOf,
  codeOf,
  follow,
  LEGACY_API,
  OTHER_SPA,
  queryOf,
  redemption,
  SECRET_API_A,
  SECRET_API_B,
  SPA,
  signIn,
  type Tokens,
  tenantFile,
  tokensFor,
} from './stage.ts'

const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** Signed with a shared secret, or with nothing, whatever it says. */
function forge(header: object, claims: object, secret: string | Uint8Array | null): string {
  const input = `${base64url(header)}.${base64url(claims)}`
  return `${input}.${secret === null ? '' : createHmac('sha256', secret).update(input).digest('base64url')}`
}

const headerOf = (token: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString())

onEachStore('A token in the wrong place', store => {
  let server: RunningServer
  let ann: CookieJarBrowser

  before(async () => {
    server = await startServer({ store, tenantFile })
    ann = new CookieJarBrowser(server)
    await signIn(ann, ANN)
  })
  after(() => server?.close())

  const annsTokens = (changes: { scope?: string; audience?: string } = {}): Promise<Tokens> =>
    tokensFor(server, ANN, changes)

  async function assertRefusedAtUserinfo(token: string, said: string): Promise<void> {
    const reply = await askUserinfo(server, token)
    assert.ok([401, 403].includes(reply.status), `${said}: ${reply.status}`)
    assert.ok(!reply.body.includes(ANN.email), said)
  }

  test('an access token with openid is good at /userinfo, or none of the rest would prove anything', async () => {
    for (const changes of [{}, { audience: API, scope: 'openid email read:videos' }]) {
      const reply = await askUserinfo(server, (await annsTokens(changes)).access_token)
      assert.equal(reply.json()['email'], ANN.email)
    }
  })

  test('an ID token opens nothing at /userinfo', async () => {
    await assertRefusedAtUserinfo((await annsTokens()).id_token, 'ID token')
  })

  test('a token for an API opens nothing at /userinfo', async () => {
    const forApi = await annsTokens({ audience: API, scope: 'read:videos email' })
    assert.equal(claimsOf(forApi.access_token)['aud'], API)
    await assertRefusedAtUserinfo(forApi.access_token, 'without openid')
    const shared = await annsTokens({ audience: SECRET_API_A, scope: 'openid email read:videos' })
    assert.equal(headerOf(shared.access_token)['alg'], 'HS256')
    assert.equal(claimsOf(shared.access_token)['aud'], SECRET_API_A)
    await assertRefusedAtUserinfo(shared.access_token, 'of an API with a shared secret')
  })

  test('an access token as id_token_hint does not stand for the application’s word: the person is asked', async () => {
    const { access_token, id_token } = await annsTokens()
    const browser = new CookieJarBrowser(server)
    await signIn(browser, ANN)
    const ask = (id_token_hint: string) => browser.get(`/oidc/logout?${queryOf({ id_token_hint })}`)
    assert.match((await ask(access_token)).location ?? '', /^\/sign-out\//)
    const legacy = (await annsTokens({ audience: LEGACY_API, scope: 'openid email read:videos' })).access_token
    assert.equal(headerOf(legacy)['typ'], 'JWT')
    assert.match((await ask(legacy)).location ?? '', /^\/sign-out\//)
    assert.match((await ask(forge({ alg: 'none' }, claimsOf(id_token), null))).location ?? '', /^\/sign-out\//)
    const silent = await follow(browser, authorizePath(SPA, { prompt: 'none' }))
    assert.ok(silent.searchParams.has('code'), 'the session went on')
  })

  test('whoever knows the secret of one API can make no token for /userinfo', async () => {
    const real = (await annsTokens({ audience: SECRET_API_A, scope: 'openid email read:videos' })).access_token
    const good = (await annsTokens()).access_token
    const { kid } = headerOf(real)
    const audience = `${server.issuer}userinfo`
    for (const aud of [audience, [SECRET_API_A, audience], [audience, SECRET_API_A]])
      for (const header of [
        { alg: 'HS256', typ: 'at+jwt', kid },
        { alg: 'HS256', typ: 'at+jwt', kid: headerOf(good)['kid'] },
        { alg: 'HS256', typ: 'at+jwt' },
        { alg: 'RS256', typ: 'at+jwt', kid },
      ])
        await assertRefusedAtUserinfo(
          forge(header, { ...claimsOf(good), aud }, API_SECRET_A),
          JSON.stringify({ header, aud }),
        )
  })

  test('whoever knows the secret of one API can make no token for another', async () => {
    const real = (await annsTokens({ audience: SECRET_API_A, scope: 'read:videos' })).access_token
    const kid = String(headerOf(real)['kid'])
    const keyA = await importSecret(Buffer.from(API_SECRET_A), { alg: 'HS256', audience: SECRET_API_A, kid })
    const keyB = await importSecret(Buffer.from(API_SECRET_B), { alg: 'HS256', audience: SECRET_API_B, kid: 'b' })
    const verifierOf = (audience: string, keys: Parameters<typeof keySet>[0]) =>
      createVerifier({
        keys: keySet(keys),
        algorithms: ['HS256'],
        profile: accessToken({ issuer: server.issuer, audience }),
      })
    await verifierOf(SECRET_API_A, [keyA, keyB])(real)

    for (const keys of [[keyB], [keyA, keyB]]) {
      const verify = verifierOf(SECRET_API_B, keys)
      await assert.rejects(verify(real), { name: 'VerificationError' })
      for (const aud of [SECRET_API_B, [SECRET_API_A, SECRET_API_B], [SECRET_API_B, SECRET_API_A]])
        for (const name of [kid, 'b', undefined]) {
          const token = forge({ alg: 'HS256', typ: 'at+jwt', kid: name }, { ...claimsOf(real), aud }, API_SECRET_A)
          await assert.rejects(verify(token), { name: 'VerificationError' }, `${aud} under ${name}`)
        }
    }
  })

  test('whoever knows the secret of one API can make no token for any audience but its own', async () => {
    const real = (await annsTokens({ audience: SECRET_API_A, scope: 'read:videos' })).access_token
    const { kid } = headerOf(real)
    const { keys } = (await new CookieJarBrowser(server).get('/.well-known/jwks.json')).json() as {
      keys: Parameters<typeof importPublicKey>[0][]
    }
    // The most trusting of verifiers: it knows every key there is, and takes any algorithm.
    const known = await Promise.all([
      ...keys.map(jwk => importPublicKey(jwk)),
      importSecret(Buffer.from(API_SECRET_A), { alg: 'HS256', audience: SECRET_API_A, kid: String(kid) }),
      importSecret(Buffer.from(API_SECRET_B), { alg: 'HS256', audience: SECRET_API_B, kid: 'b' }),
    ])
    const verifierOf = (audience: string) =>
      createVerifier({
        keys: keySet(known),
        algorithms: ['RS256', 'HS256'],
        profile: accessToken({ issuer: server.issuer, audience }),
      })
    await verifierOf(SECRET_API_A)(forge({ alg: 'HS256', typ: 'at+jwt', kid }, claimsOf(real), API_SECRET_A))

    const { issuer } = server
    for (const audience of [API, LEGACY_API, SECRET_API_B, `${issuer}userinfo`, `${issuer}api/v2/`, SPA.client_id])
      for (const aud of [audience, [SECRET_API_A, audience], [audience, SECRET_API_A]])
        for (const named of [kid, 'b', keys[0]?.kid, undefined]) {
          const token = forge({ alg: 'HS256', typ: 'at+jwt', kid: named }, { ...claimsOf(real), aud }, API_SECRET_A)
          await assert.rejects(verifierOf(audience)(token), { name: 'VerificationError' }, `${aud} under ${named}`)
        }
  })

  test('whoever knows the secret of one API can sign nobody out with an ID token of their making', async () => {
    const { id_token } = await annsTokens()
    const real = (await annsTokens({ audience: SECRET_API_A, scope: 'read:videos' })).access_token
    const browser = new CookieJarBrowser(server)
    await signIn(browser, ANN)
    for (const kid of [headerOf(real)['kid'], headerOf(id_token)['kid'], undefined])
      for (const aud of [SPA.client_id, SECRET_API_A, [SPA.client_id, SECRET_API_A]]) {
        const forged = forge({ alg: 'HS256', typ: 'JWT', kid }, { ...claimsOf(id_token), aud }, API_SECRET_A)
        const reply = await browser.get(`/oidc/logout?${queryOf({ id_token_hint: forged })}`)
        assert.match(reply.location ?? '', /^\/sign-out\//, 'the person is asked')
      }
    assert.ok((await follow(browser, authorizePath(SPA, { prompt: 'none' }))).searchParams.has('code'))
  })

  test('a token without a signature, or signed with the public key as a secret, opens nothing', async () => {
    const good = (await annsTokens()).access_token
    const { keys } = (await new CookieJarBrowser(server).get('/.well-known/jwks.json')).json() as {
      keys: Record<string, string>[]
    }
    const [jwk = {}] = keys
    const { kid } = headerOf(good)
    for (const alg of ['none', 'None', 'NONE', 'nOnE', ''])
      for (const typ of ['at+jwt', 'JWT'])
        await assertRefusedAtUserinfo(forge({ alg, typ, kid }, claimsOf(good), null), `alg ${alg}`)
    const [header, payload] = good.split('.')
    await assertRefusedAtUserinfo(`${header}.${payload}.`, 'the signature left out')
    for (const secret of [JSON.stringify(jwk), String(jwk['n']), Buffer.from(String(jwk['n']), 'base64url'), ''])
      await assertRefusedAtUserinfo(forge({ alg: 'HS256', typ: 'at+jwt', kid }, claimsOf(good), secret), 'HS256')
  })

  test('a token is believed by the key named in its own header only if that is ours', async () => {
    const good = (await annsTokens()).access_token
    const claims = claimsOf(good)
    const mine = await crypto.subtle.generateKey(
      { name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' },
      true,
      ['sign', 'verify'],
    )
    const jwk = await crypto.subtle.exportKey('jwk', mine.publicKey)
    for (const header of [
      { jwk },
      { jwk, kid: undefined },
      { jku: 'https://evil.example/jwks.json' },
      { x5c: ['evil'] },
      {},
    ]) {
      const input = `${base64url({ alg: 'RS256', typ: 'at+jwt', kid: headerOf(good)['kid'], ...header })}.${base64url(claims)}`
      const signature = await crypto.subtle.sign('RSASSA-PKCS1-v1_5', mine.privateKey, Buffer.from(input))
      await assertRefusedAtUserinfo(`${input}.${Buffer.from(signature).toString('base64url')}`, JSON.stringify(header))
    }
  })

  test('a host that no tenant has answers nothing, whatever is sent with it', async () => {
    const { access_token } = await annsTokens()
    for (const issuer of ['http://unknown.example/', 'http://localhost/', 'http://other.example:81/'])
      assert.equal((await askUserinfo(server, access_token, { issuer })).status, 421, issuer)
  })

  test('a code for one client is not the other’s, even where everything else is the same', async () => {
    const code = codeOf(await follow(ann, authorizePath(SPA)))
    assert.equal((await askToken(server, redemption(OTHER_SPA, code))).json()['error'], 'invalid_grant')
  })
})
