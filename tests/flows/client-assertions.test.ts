/** Clients that sign to say who they are, on the unmodified openid-client: by a key that is registered, published, or imported from Auth0, and by a secret. */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { importPKCS8 } from 'jose'
import * as oidc from 'openid-client'
import { discoverApplication } from '../fixtures/application.ts'
import { createPerson } from '../fixtures/person.ts'
import { applyTo, onEachStore, type RunningServer, startServer } from '../fixtures/server.ts'
import { JO, REDIRECT_URI } from './tenant.ts'

const SECRET = 'known to both, and never sent by either'

/** As `openssl` and Auth0's dashboard have it: a key pair in PEM. */
async function makeKey(alg: 'ES256' | 'RS256' | 'PS256' | 'EdDSA') {
  const { publicKey, privateKey } =
    alg === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : alg === 'EdDSA'
        ? generateKeyPairSync('ed25519')
        : generateKeyPairSync('rsa', { modulusLength: 2048 })
  return {
    jwk: { ...publicKey.export({ format: 'jwk' }), kid: alg } as Record<string, unknown>,
    pem: publicKey.export({ format: 'pem', type: 'spki' }) as string,
    key: await importPKCS8(privateKey.export({ format: 'pem', type: 'pkcs8' }) as string, alg),
  }
}

onEachStore('A client that signs', store => {
  let server: RunningServer
  let published: Record<string, unknown>[] = []
  const host = createServer((_request, response) => response.end(JSON.stringify({ keys: published })))
  const keys = {} as Record<'ES256' | 'RS256' | 'PS256' | 'EdDSA', Awaited<ReturnType<typeof makeKey>>>

  const client = (client_id: string, rest: object) => ({
    client_id,
    name: client_id,
    app_type: 'regular_web',
    callbacks: [REDIRECT_URI],
    ...rest,
  })
  const byKey = { token_endpoint_auth_method: 'private_key_jwt' }

  before(async () => {
    for (const alg of ['ES256', 'RS256', 'PS256', 'EdDSA'] as const) keys[alg] = await makeKey(alg)
    host.listen(0, '127.0.0.1')
    await once(host, 'listening')
    const jwks_uri = `http://127.0.0.1:${(host.address() as AddressInfo).port}/jwks.json`
    const registered = { keys: Object.values(keys).map(({ jwk }) => jwk) }
    server = await startServer({
      store,
      environment: { LATCHKEY_EGRESS_ALLOW: '127.0.0.1' },
      tenantFile: {
        clients: [
          client('registered', { ...byKey, jwks: registered }),
          client('published', { ...byKey, jwks_uri }),
          client('imported', {
            client_authentication_methods: {
              private_key_jwt: { credentials: [{ credential_type: 'public_key', pem: keys.RS256.pem, alg: 'RS256' }] },
            },
          }),
          client('secretive', { token_endpoint_auth_method: 'client_secret_jwt', client_secret: SECRET }),
        ],
        users: [{ ...JO, email_verified: true }],
      },
    })
  })
  after(async () => {
    await server?.close()
    host.close()
  })

  async function signsIn(clientId: string, authentication: oidc.ClientAuth): Promise<void> {
    const application = await discoverApplication(server.issuer, {
      clientId,
      authentication,
      redirectUri: REDIRECT_URI,
    })
    const begun = await application.begin()
    const callback = await createPerson(server.issuer).signIn(begun.url, JO)
    const tokens = await application.finish(callback, begun)
    assert.equal((await application.userinfo(tokens))['email'], JO.email)
    const refreshed = await application.refresh(tokens.refresh_token ?? '')
    assert.ok(refreshed.access_token)
  }

  for (const alg of ['ES256', 'RS256', 'PS256', 'EdDSA'] as const)
    test(`with a registered key, ${alg}, gets its tokens and more of them`, () =>
      signsIn('registered', oidc.PrivateKeyJwt({ key: keys[alg].key, kid: alg })))

  test('with a registered key and no name for it', () => signsIn('registered', oidc.PrivateKeyJwt(keys.ES256.key)))

  test('with Auth0’s credential in PEM', () => signsIn('imported', oidc.PrivateKeyJwt(keys.RS256.key)))

  test('with its secret', () => signsIn('secretive', oidc.ClientSecretJwt(SECRET)))

  test('with a key that it publishes', async () => {
    published = [keys.ES256.jwk]
    await signsIn('published', oidc.PrivateKeyJwt({ key: keys.ES256.key, kid: 'ES256' }))
  })

  test('with a key that was taken from it is refused from then on', async () => {
    await applyTo(server.latchkey, { clients: [client('registered', { ...byKey, jwks: { keys: [keys.EdDSA.jwk] } })] })
    await assert.rejects(signsIn('registered', oidc.PrivateKeyJwt({ key: keys.ES256.key, kid: 'ES256' })), {
      error: 'invalid_client',
    })
  })

  test('finds in discovery how it may', async () => {
    const metadata = (await (await fetch(new URL('.well-known/openid-configuration', server.issuer))).json()) as Record<
      string,
      readonly string[]
    >
    for (const method of ['private_key_jwt', 'client_secret_jwt'])
      assert.ok(metadata['token_endpoint_auth_methods_supported']?.includes(method))
    for (const alg of ['RS256', 'PS256', 'ES256', 'EdDSA', 'HS256'])
      assert.ok(metadata['token_endpoint_auth_signing_alg_values_supported']?.includes(alg))
  })
})
