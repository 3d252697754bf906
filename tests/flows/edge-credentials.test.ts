/**
 * API keys and encrypted tokens from the identity server that issued them to the gateway that takes them: who gets by, what
 * the service is told, and that what is ended ends there by the revocation log, long before anything is asked about again.
 */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { isEncrypted } from '@latchkey/sdk/verify'
import type { CreatedApiKey } from '../../server/operations/api-keys.ts'
import { API, askToken, MACHINE, tenantFile } from '../attacks/stage.ts'
import { freePort } from '../fixtures/free-port.ts'
import { gatewayOf, type Received, type RunningGateway, type Service, startService } from '../fixtures/gateway.ts'
import { applyTo, type RunningServer, startServer } from '../fixtures/server.ts'

const EDGE = { client_id: 'edge', client_secret: 'the secret of the gateway' } as const
const SECRET_API = 'https://secret.example/api'
const ANN = { email: 'ann.edge@example.com', password: 'a lighthouse in the fog' }
const SCOPES = [{ value: 'read:videos' }, { value: 'introspect:tokens' }]

describe('At the edge', () => {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-edge-keys-'))
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  let server: RunningServer
  let service: Service
  let gateway: RunningGateway

  before(async () => {
    const port = await freePort()
    const issuer = `http://localhost:${port}/`
    const grant = (client_id: string, audience: string, scope: string[]) => ({ client_id, audience, scope })
    server = await startServer({
      store: 'sqlite',
      environment: { LATCHKEY_PORT: `${port}`, LATCHKEY_ISSUER: issuer },
      tenantFile: {
        clients: [
          ...tenantFile.clients.filter(({ client_id }) => client_id === MACHINE.client_id),
          { ...EDGE, name: 'The gateway', app_type: 'non_interactive' },
        ],
        resourceServers: [
          { identifier: API, name: 'Videos', scopes: SCOPES },
          {
            ...{ identifier: SECRET_API, name: 'Secrets', scopes: SCOPES },
            token_encryption: {
              format: 'compact-nested-jwe',
              encryption_key: {
                ...{ alg: 'ECDH-ES', kid: 'edge' },
                pem: publicKey.export({ format: 'pem', type: 'spki' }).toString(),
              },
            },
          },
        ],
        clientGrants: [
          grant(EDGE.client_id, `${issuer}api/v2/`, ['read:revocations']),
          grant(EDGE.client_id, API, ['introspect:tokens']),
          grant(MACHINE.client_id, API, ['read:videos']),
          grant(MACHINE.client_id, SECRET_API, ['read:videos']),
        ],
        users: [{ ...ANN, email_verified: true }],
      },
    })
    service = await startService()
    const file = join(folder, 'api.pem')
    writeFileSync(file, privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 })
    const route = (path: string, credentials: readonly string[], audience = API) => ({
      match: { path },
      access: { audience, scopes: ['read:videos'] },
      identity: { 'x-user-id': 'sub', 'x-client': 'client_id' },
      credentials,
      upstream: 'service',
    })
    gateway = await gatewayOf({
      issuers: [{ issuer, ...EDGE }],
      decryption_keys: [{ file, kid: 'edge' }],
      routes: [
        route('/keys/*', ['api-key', 'bearer']),
        route('/opaque/*', ['opaque']),
        route('/tokens/*', ['bearer']),
        route('/secrets/*', ['bearer'], SECRET_API),
      ],
      upstreams: { service: { targets: [{ url: service.url }] } },
    })
    // As soon as it knows what was revoked.
    while ((await use('/tokens/x', await issued(API))).status === 503) await pause(5)
  })
  after(async () => {
    await gateway?.close()
    await service?.close()
    await server?.close()
    rmSync(folder, { recursive: true })
  })

  const operate = <T>(name: string, given: object): Promise<T> =>
    server.latchkey.operate(name, { tenant: 'default', ...given }) as Promise<T>
  const createKey = (given: object = {}) =>
    operate<CreatedApiKey>('api-keys create', {
      ...{ client: MACHINE.client_id, user: null, audience: API, name: 'A key', scopes: ['read:videos'], days: null },
      ...given,
    })
  const issued = async (audience: string): Promise<string> =>
    String((await askToken(server, { grant_type: 'client_credentials', ...MACHINE, audience })).json()['access_token'])

  const use = (path: string, token: string) =>
    fetch(`${gateway.url}${path}`, { headers: { authorization: `Bearer ${token}` } })
  const told = async (response: Response) => (await response.json()) as Received & { readonly reason?: string }
  /** The first answer that is no longer a passage, within a time in which nothing is asked about again. */
  async function refusal(path: string, token: string): Promise<string | undefined> {
    const deadline = Date.now() + 10_000
    let response = await use(path, token)
    while (response.status === 200 && Date.now() < deadline) response = await use(path, token)
    return (await told(response)).reason
  }

  describe('an API key', () => {
    test('gets by as a header of its own and as a bearer token, and the service is told whose it is', async () => {
      const { key } = await createKey()
      const alone = await fetch(`${gateway.url}/keys/x`, { headers: { 'x-api-key': key } })
      for (const response of [alone, await use('/keys/x', key)]) {
        assert.equal(response.status, 200)
        const { headers } = await told(response)
        assert.deepEqual([headers['x-user-id'], headers['x-client']], ['machine@clients', 'machine'])
      }
    })

    test('of a person stands for them', async () => {
      const { key, user } = await createKey({ user: ANN.email })
      assert.equal((await told(await use('/keys/x', key))).headers['x-user-id'], user)
    })

    test('is none where the route takes none, nor one for another API', async () => {
      const { key } = await createKey()
      for (const path of ['/tokens/x', '/opaque/x', '/secrets/x'])
        assert.equal((await use(path, key)).status, 401, path)
    })

    test('ends with what ends it at the identity server, by the log', async () => {
      for (const [given, end] of [
        [{}, ({ id }: CreatedApiKey) => operate('api-keys revoke', { key: id })],
        [{ user: ANN.email }, () => operate('users block', { user: ANN.email })],
        [{}, () => operate('clients revoke', { client: MACHINE.client_id })],
      ] as const) {
        const made = await createKey(given)
        assert.equal((await use('/keys/x', made.key)).status, 200)
        await end(made)
        assert.equal(await refusal('/keys/x', made.key), 'token_revoked')
      }
      const { key } = await createKey()
      assert.equal((await use('/keys/x', key)).status, 200, 'what is made afterwards is another')
    })
  })

  describe('an encrypted token', () => {
    test('is opened, believed for what is signed inside, and passed on', async () => {
      const token = await issued(SECRET_API)
      assert.equal(isEncrypted(token), true)
      const response = await use('/secrets/x', token)
      assert.equal(response.status, 200)
      assert.equal((await told(response)).headers['x-client'], 'machine')
      assert.equal((await use('/tokens/x', token)).status, 401, 'at another API')
      assert.equal((await use('/secrets/x', `${token.slice(0, -4)}AAAA`)).status, 401)
    })

    test('ends by what is inside, though nobody on the way could read it', async () => {
      const token = await issued(SECRET_API)
      assert.equal((await use('/secrets/x', token)).status, 200)
      await operate('clients revoke', { client: MACHINE.client_id })
      assert.equal(await refusal('/secrets/x', token), 'token_revoked')
      assert.equal((await use('/secrets/x', await issued(SECRET_API))).status, 200)
    })

    test('of a key that the gateway does not have is refused, and signed ones pass when the API goes back to them', async () => {
      const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })
      const encryption = (token_encryption: object | null) =>
        applyTo(server.latchkey, {
          resourceServers: [{ identifier: SECRET_API, name: 'Secrets', scopes: SCOPES, token_encryption }],
        })
      await encryption({ encryption_key: { alg: 'ECDH-ES', kid: 'edge', jwk: other } })
      assert.equal((await use('/secrets/x', await issued(SECRET_API))).status, 401)
      await encryption(null)
      assert.equal((await use('/secrets/x', await issued(SECRET_API))).status, 200)
    })
  })
})
