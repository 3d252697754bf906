/** Access tokens that only their API can read: issued, opened as an API does it, and what becomes of one that comes back. */
import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { remoteKeys } from '@latchkey/sdk/jwks'
import {
  accessToken,
  createVerifier,
  type EncryptionAlgorithm,
  importDecryptionKey,
  importSecret,
  isEncrypted,
  type JWK,
  keySet,
} from '@latchkey/sdk/verify'
import { compactDecrypt, decodeProtectedHeader } from 'jose'
import {
  ANN,
  API,
  API_SECRET_A,
  askToken,
  askUserinfo,
  CookieJarBrowser,
  claimsOf,
  MACHINE,
  refreshing,
  SECRET_API_A,
  tenantFile,
  tokensFor,
  WEB,
} from '../attacks/stage.ts'
import { applyTo, type RunningServer, startServer } from '../fixtures/server.ts'

const GUARD = { client_id: 'guard', client_secret: 'the secret of the guard' } as const

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const next = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const pemOf = (key: KeyObject) => key.export({ format: 'pem', type: 'spki' }).toString()
const encryptedTo = (alg: EncryptionAlgorithm, key: KeyObject, kid: string) => ({
  format: 'compact-nested-jwe',
  encryption_key: { name: 'The API’s', alg, kid, pem: pemOf(key) },
})
const privateKey = (alg: EncryptionAlgorithm, key: KeyObject, kid: string) =>
  importDecryptionKey(key.export({ format: 'jwk' }) as JWK, { alg, kid })

describe('An encrypted access token', () => {
  let server: RunningServer
  const apis = tenantFile.resourceServers.map(api => ({
    ...api,
    scopes: [...api.scopes, { value: 'introspect:tokens' }],
    token_encryption:
      api.identifier === API || api.identifier === SECRET_API_A
        ? encryptedTo('RSA-OAEP-256', rsa.publicKey, 'first')
        : null,
  }))

  before(async () => {
    server = await startServer({
      store: 'sqlite',
      tenantFile: {
        ...tenantFile,
        resourceServers: apis,
        clients: [...tenantFile.clients, { ...GUARD, name: 'Guard', app_type: 'non_interactive' }],
        clientGrants: [
          ...tenantFile.clientGrants,
          { client_id: GUARD.client_id, audience: API, scope: ['introspect:tokens'] },
          { client_id: MACHINE.client_id, audience: SECRET_API_A, scope: ['read:videos'] },
        ],
      },
    })
  })
  after(() => server?.close())

  const machineToken = async (audience = API): Promise<string> => {
    const answer = await askToken(server, { grant_type: 'client_credentials', ...MACHINE, audience })
    assert.equal(answer.status, 200, answer.body)
    return String(answer.json()['access_token'])
  }
  /** As the API does it, with the keys that the issuer publishes. */
  const verifier = async () =>
    createVerifier({
      keys: remoteKeys({ issuer: server.issuer, algorithms: ['RS256'] }),
      algorithms: ['RS256'],
      profile: accessToken({ issuer: server.issuer, audience: API }),
      decryptionKeys: [
        await privateKey('RSA-OAEP-256', rsa.privateKey, 'first'),
        await privateKey('ECDH-ES', next.privateKey, 'second'),
      ],
    })
  /** By another library than the verifier. */
  const opened = async (token: string, key = rsa.privateKey): Promise<string> =>
    Buffer.from((await compactDecrypt(token, key)).plaintext).toString()
  const post = (path: string, form: Record<string, string>) =>
    new CookieJarBrowser(server).post(path, form, { origin: undefined, 'sec-fetch-site': undefined })

  test('is a signed one inside an encrypted one, which its API opens and believes', async () => {
    const token = await machineToken()
    assert.deepEqual(decodeProtectedHeader(token), {
      ...{ alg: 'RSA-OAEP-256', enc: 'A256GCM', kid: 'first', typ: 'at+jwt', cty: 'JWT' },
    })
    const { claims, header } = await (await verifier())(token)
    assert.deepEqual([claims.sub, claims.aud, header.alg, header.typ], ['machine@clients', API, 'RS256', 'at+jwt'])
    assert.deepEqual(claimsOf(await opened(token)), claims)
    for (const secret of ['machine@clients', String(claims['jti'])])
      assert.ok(!token.split('.').some(part => Buffer.from(part, 'base64url').includes(secret)))
  })

  test('for a person is for the API alone, also with openid, and the ID token vouches for it as it is', async () => {
    const tokens = await tokensFor(server, ANN, {
      client: WEB,
      audience: API,
      scope: 'openid offline_access read:videos',
    })
    const { claims } = await (await verifier())(tokens.access_token)
    assert.deepEqual([claims.aud, claims['scope']], [API, 'openid offline_access read:videos'])
    const hash = createHash('sha256').update(tokens.access_token).digest().subarray(0, 16).toString('base64url')
    assert.equal(claimsOf(tokens.id_token)['at_hash'], hash)
    // Neither outside nor inside: the API must not hold what opens the person's profile.
    for (const token of [tokens.access_token, await opened(tokens.access_token)])
      assert.equal((await askUserinfo(server, token)).status, 401)
    const other = await tokensFor(server, ANN, { client: WEB, scope: 'openid' })
    assert.equal(isEncrypted(other.access_token), false)
    assert.equal((await askUserinfo(server, other.access_token)).status, 200)
  })

  test('is asked about by what is inside: the API’s client opens it first', async () => {
    const token = await machineToken()
    const ask = async (asked: string, client: Record<string, string>) =>
      (await post('/oauth/introspect', { ...client, token: asked })).json()['active']
    assert.deepEqual([await ask(token, GUARD), await ask(token, MACHINE)], [false, false])
    assert.equal(await ask(await opened(token), GUARD), true)
  })

  test('ends with its refresh token, and is not said to be revoked when nobody could tell which one it is', async () => {
    const { access_token, refresh_token } = await tokensFor(server, ANN, {
      ...{ client: WEB, audience: API, scope: 'openid offline_access read:videos' },
    })
    const inner = await opened(access_token)
    const isActive = async () => (await post('/oauth/introspect', { ...GUARD, token: inner })).json()['active']
    const refused = await post('/oauth/revoke', { ...WEB, token: access_token })
    assert.deepEqual([refused.status, refused.json()['error']], [400, 'unsupported_token_type'])
    assert.equal(await isActive(), true)

    const refreshed = (await askToken(server, refreshing(WEB, refresh_token))).json() as Record<string, string>
    assert.equal(isEncrypted(refreshed['access_token'] ?? ''), true)
    assert.equal((await post('/oauth/revoke', { ...WEB, token: refreshed['refresh_token'] ?? '' })).status, 200)
    assert.equal(await isActive(), false)
    const { jti } = claimsOf(inner)
    const log = await server.latchkey.store.revocations.after(0, 1000)
    assert.ok(log.some(({ kind, id }) => kind === 'authorization' && id === String(jti).split('.')[0]))
  })

  test('of an API that shares a secret is signed with it inside', async () => {
    const verify = createVerifier({
      keys: keySet([
        {
          ...(await importSecret(Buffer.from(API_SECRET_A), { alg: 'HS256', audience: SECRET_API_A })),
          kid: decodeProtectedHeader(await opened(await machineToken(SECRET_API_A))).kid,
        },
      ]),
      algorithms: ['HS256'],
      profile: accessToken({ issuer: server.issuer, audience: SECRET_API_A }),
      decryptionKeys: [await privateKey('RSA-OAEP-256', rsa.privateKey, 'first')],
    })
    assert.equal((await verify(await machineToken(SECRET_API_A))).claims.aud, SECRET_API_A)
  })

  test('is encrypted to another key from the moment that the file names one, and an API with both opens both', async () => {
    const verify = await verifier()
    const before = await machineToken()
    const renamed = (token_encryption: object | null) =>
      applyTo(server.latchkey, {
        resourceServers: apis.map(api => (api.identifier === API ? { ...api, token_encryption } : api)),
      })
    await renamed(encryptedTo('ECDH-ES', next.publicKey, 'second'))
    const later = await machineToken()
    assert.equal(decodeProtectedHeader(later).kid, 'second')
    await renamed(null)
    const plain = await machineToken()
    assert.equal(isEncrypted(plain), false)
    for (const token of [before, later, plain]) assert.equal((await verify(token)).claims.sub, 'machine@clients')

    await assert.rejects(
      renamed({ format: 'compact-nested-jwe', encryption_key: { alg: 'RSA1_5', pem: pemOf(rsa.publicKey) } }),
      /token_encryption\.encryption_key\.alg must be one of/,
    )
  })
})
