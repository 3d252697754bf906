/**
 * One token taken for another: an ID token for an access token, one API's for another's, one tenant's for another's,
 * or one that a holder of a shared secret made up. Each is well made; each has to be refused where it does not belong.
 */
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { after, before, test } from 'node:test'
import { accessToken, createVerifier, importPublicKey, importSecret, keySet } from '@latchkey/sdk/verify'
import { hashPassword } from '../../server/identity/password-hash.ts'
import { createUser, DATABASE_CONNECTION, DATABASE_STRATEGY } from '../../server/identity/users.ts'
import { onEachStore, type RunningServer, startServer } from '../fixtures/server.ts'
import {
  ANN,
  API,
  API_SECRET_A,
  API_SECRET_B,
  askToken,
  askUserinfo,
  authorizePath,
  CALLBACK,
  CookieJarBrowser,
  claimsOf,
  codeOf,
  follow,
  LEGACY_API,
  OTHER_SPA,
  queryOf,
  redemption,
  refreshing,
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

const OTHER = { tenant: 'other', host: 'other.example', issuer: 'http://other.example/' } as const

onEachStore('A token in the wrong place', store => {
  let server: RunningServer
  let ann: CookieJarBrowser

  before(async () => {
    server = await startServer({ store, tenantFile })
    await makeOtherTenant(server)
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

  test('nothing of one tenant is good in another, in either direction', async () => {
    const here = { issuer: server.issuer }
    const there = { issuer: OTHER.issuer }
    const OFFLINE = 'openid email offline_access'

    for (const [home, abroad] of [
      [here, there],
      [there, here],
    ] as const) {
      const browser = new CookieJarBrowser(server, home)
      const callback = await signIn(browser, ANN, authorizePath(SPA, { scope: OFFLINE }))
      assert.equal(callback.searchParams.get('iss'), home.issuer)
      const code = codeOf(callback)

      const stolen = await askToken(server, redemption(SPA, code), abroad)
      assert.deepEqual([stolen.status, stolen.json()['error']], [400, 'invalid_grant'])
      const tokens = (await askToken(server, redemption(SPA, code), home)).json() as unknown as Tokens
      assert.equal(claimsOf(tokens.access_token)['iss'], home.issuer)

      assert.equal((await askUserinfo(server, tokens.access_token, home)).json()['email'], ANN.email)
      const told = await askUserinfo(server, tokens.access_token, abroad)
      assert.equal(told.status, 401)
      const refreshed = await askToken(server, refreshing(SPA, tokens.refresh_token), abroad)
      assert.deepEqual([refreshed.status, refreshed.json()['error']], [400, 'invalid_grant'])
      assert.equal((await askToken(server, refreshing(SPA, tokens.refresh_token), home)).status, 200)

      const traveller = new CookieJarBrowser(server, abroad)
      for (const [name, value] of browser.cookies) traveller.cookies.set(name, value)
      const silent = await follow(traveller, authorizePath(SPA, { prompt: 'none' }))
      assert.equal(silent.searchParams.get('error'), 'login_required')
      const login = (await new CookieJarBrowser(server, home).get(authorizePath())).location ?? ''
      assert.equal((await traveller.get(login)).status, 400)
      const hint = await traveller.get(`/oidc/logout?${queryOf({ id_token_hint: tokens.id_token })}`)
      assert.equal(hint.location, '/signed-out')
      assert.ok((await follow(browser, authorizePath(SPA, { prompt: 'none' }))).searchParams.has('code'))

      // The keys are apart too, not only the names: with the issuer's name alone nobody gets in.
      const published = async (issuer: string) =>
        (await new CookieJarBrowser(server, { issuer }).get('/.well-known/jwks.json')).json()['keys'] as Parameters<
          typeof importPublicKey
        >[0][]
      const foreignKeys = await Promise.all((await published(abroad.issuer)).map(jwk => importPublicKey(jwk)))
      const verify = createVerifier({
        keys: keySet(foreignKeys),
        algorithms: ['RS256'],
        profile: accessToken({ issuer: home.issuer, audience: `${home.issuer}userinfo` }),
      })
      await assert.rejects(verify(tokens.access_token), { name: 'VerificationError' })
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

/** A second tenant in the same store, with a client and a person of the same names. */
async function makeOtherTenant({ latchkey }: RunningServer): Promise<void> {
  const { tenant, host, issuer } = OTHER
  const createdAt = Date.now()
  const passwordHash = await hashPassword(ANN.password)
  await latchkey.store.transaction(async transaction => {
    await transaction.tenants.create({ id: tenant, name: 'Other', settings: {}, createdAt })
    assert.equal(await transaction.tenants.putHost({ host, tenant, issuer }), 'put')
    const connection = { tenant, id: 'con_other', name: DATABASE_CONNECTION, strategy: DATABASE_STRATEGY, options: {} }
    await transaction.connections.create(connection)
    const person = { email: ANN.email, emailVerified: true, passwordHash }
    assert.notEqual(await createUser(transaction, connection, person, Date.now), 'taken')
    await transaction.clients.create({
      tenant,
      id: SPA.client_id,
      epoch: 0,
      metadata: { name: 'spa', app_type: 'spa', callbacks: [CALLBACK] },
      sealedSecret: null,
      createdAt,
      updatedAt: createdAt,
    })
  })
}
