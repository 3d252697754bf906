/** The SDK's client of a service, with a token of this server's, before a service that verifies with the SDK. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { remoteKeys } from '@latchkey/sdk/jwks'
import {
  createMachineToken,
  createServiceClient,
  get,
  type MachineTokenOptions,
  post,
  ServiceError,
} from '@latchkey/sdk/service-client'
import { accessToken, createVerifier, requireScopes, VerificationError } from '@latchkey/sdk/verify'
import { makeClientKey } from '../fixtures/client-assertion.ts'
import { type RunningServer, startServer } from '../fixtures/server.ts'
import { SECRETS, TENANT_FILE, VIDEOS } from './tenant.ts'

interface Videos {
  whoAmI(): Promise<{ readonly sub: string }>
  upload(film: { readonly title: string }): Promise<{ readonly sub: string }>
}

describe('A service that calls another', () => {
  const key = makeClientKey()
  const algorithms = ['RS256'] as const
  let server: RunningServer
  let verify: ReturnType<typeof createVerifier>
  let requests: string[]

  const service = createServer(async (request, response) => {
    try {
      const token = await verify(request.headers.authorization?.replace('Bearer ', '') ?? '')
      requireScopes(token, request.method === 'GET' ? 'read:videos' : 'write:videos')
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ sub: token.claims.sub }))
    } catch (error) {
      const code = error instanceof VerificationError ? error.code : String(error)
      const [status, said] = code === 'insufficient_scope' ? [403, code] : [401, 'invalid_token']
      response.writeHead(status, { 'www-authenticate': `Bearer error="${said}"` }).end()
    }
  })
  /** A verifier that has fetched no keys yet. */
  const freshVerifier = () =>
    createVerifier({
      keys: remoteKeys({ issuer: server.issuer, algorithms }),
      algorithms,
      profile: accessToken({ issuer: server.issuer, audience: VIDEOS }),
    })
  const counted = (address: string, options: RequestInit) => {
    requests.push(new URL(address).pathname)
    return fetch(address, options)
  }
  const videosAs = (changes: Partial<MachineTokenOptions>) =>
    createServiceClient<Videos>({
      url: `http://127.0.0.1:${(service.address() as AddressInfo).port}`,
      operations: { whoAmI: get('/me'), upload: post('/videos') },
      token: createMachineToken({
        issuer: server.issuer,
        clientId: 'machine',
        ...(!changes.clientKey && { clientSecret: SECRETS.machine }),
        audience: VIDEOS,
        fetch: counted as typeof fetch,
        ...changes,
      }),
    })

  before(async () => {
    const signer = {
      client_id: 'signer',
      name: 'Signer',
      app_type: 'non_interactive',
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [key.jwk] },
    }
    server = await startServer({
      store: 'sqlite',
      tenantFile: {
        ...TENANT_FILE,
        clients: [...TENANT_FILE.clients, signer],
        clientGrants: [
          ...TENANT_FILE.clientGrants,
          { client_id: 'signer', audience: VIDEOS, scope: ['read:videos', 'write:videos'] },
        ],
      },
    })
    requests = []
    verify = freshVerifier()
    service.listen(0, '127.0.0.1')
    await once(service, 'listening')
  })
  after(async () => {
    service.close()
    service.closeAllConnections()
    await server?.close()
  })

  test('does so as itself, whichever way it proves that, with one token for sixty-four calls', async () => {
    const clientKey = { ...key.privateKey.export({ format: 'jwk' }), kid: 'one', alg: 'ES256' }
    for (const [changes, sub] of [
      [{}, 'machine@clients'],
      [{ secretIn: 'body' }, 'machine@clients'],
      [{ clientId: 'signer', clientKey }, 'signer@clients'],
    ] as const) {
      requests = []
      const videos = videosAs(changes)
      const answers = await Promise.all(Array.from({ length: 64 }, () => videos.whoAmI()))
      assert.deepEqual(new Set(answers.map(answer => answer.sub)), new Set([sub]))
      assert.deepEqual(requests, ['/.well-known/openid-configuration', '/oauth/token'])
    }
  })

  test('has no more than it asked for, and is told what is missing', async () => {
    const videos = videosAs({ scope: 'read:videos' })
    assert.ok(await videos.whoAmI())
    await assert.rejects(videos.upload({ title: 'Night' }), { code: 'answered', status: 403 })
  })

  test('that is not known, or asks for what it was not granted, is refused by name and without its secret', async () => {
    for (const [changes, said] of [
      [{ clientSecret: 'a secret that is wrong' }, 'invalid_client'],
      [{ audience: 'https://elsewhere.example/' }, /./],
    ] as const)
      await assert.rejects(videosAs(changes).whoAmI(), error => {
        assert.ok(error instanceof ServiceError)
        assert.equal(error.code, 'no_token')
        const { code, error: told, message } = error.cause as { code: string; error: string; message: string }
        assert.equal(code, 'refused')
        assert.match(told, new RegExp(said))
        assert.ok(!`${error.message} ${message}`.includes('a secret'))
        return true
      })
  })

  test('whose token was signed with a key that has been revoked fetches another and is answered', async () => {
    let now = 0
    const videos = videosAs({ clock: () => now })
    await videos.whoAmI()
    const token = requests.length
    const [{ kid } = { kid: '' }] = (
      (await (await fetch(new URL('.well-known/jwks.json', server.issuer))).json()) as { keys: { kid: string }[] }
    ).keys
    await server.latchkey.operate('keys revoke', { tenant: 'default', key: kid })
    verify = freshVerifier()
    now = 10_000
    assert.ok(await videos.upload({ title: 'Night' }))
    assert.deepEqual(requests.slice(token), ['/oauth/token'])
  })
})
