/** A gateway before a service, beside a real identity server: who gets by, what the service is told, and what ends it. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { freePort } from '../fixtures/free-port.ts'
import { gatewayOf, type Received, type RunningGateway, type Service, startService } from '../fixtures/gateway.ts'
import { type RunningServer, startServer } from '../fixtures/server.ts'

const API = 'https://videos.example/api'
const SECRET = 'a machine remembers every character of it'
const EDGE_SECRET = 'the gateway remembers every character of it'

const tenantFile = (issuer: string) => ({
  clients: [
    { client_id: 'machine', client_secret: SECRET, name: 'A machine', app_type: 'non_interactive' },
    { client_id: 'edge', client_secret: EDGE_SECRET, name: 'The gateway', app_type: 'non_interactive' },
  ],
  resourceServers: [{ identifier: API, name: 'Videos', scopes: [{ value: 'read:videos' }, { value: 'write:videos' }] }],
  clientGrants: [
    { client_id: 'machine', audience: API, scope: ['read:videos'] },
    { client_id: 'edge', audience: `${issuer}api/v2/`, scope: ['read:revocations'] },
  ],
})

let server: RunningServer
let service: Service
let gateway: RunningGateway

const routeFile = (more: object = {}) => ({
  issuers: [{ issuer: server.issuer, client_id: 'edge', client_secret: EDGE_SECRET }],
  audience: API,
  routes: [
    { match: { path: '/public/*' }, access: 'public', upstream: 'service' },
    { match: { path: '/maybe' }, access: 'optional', identity: { 'x-user-id': 'sub' }, upstream: 'service' },
    {
      match: { path: '/videos/*', methods: ['GET', 'POST'] },
      access: { scopes: ['read:videos'] },
      identity: { 'x-user-id': 'sub', 'x-client': 'client_id' },
      upstream: 'service',
    },
    { match: { path: '/uploads' }, access: { scopes: ['write:videos'] }, upstream: 'service' },
  ],
  upstreams: { service: { targets: [{ url: service.url }] } },
  ...more,
})

async function issueToken(issuer = server.issuer): Promise<string> {
  const response = await fetch(`${issuer}oauth/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      grant_type: 'client_credentials',
      client_id: 'machine',
      client_secret: SECRET,
      audience: API,
    }),
  })
  return ((await response.json()) as { access_token: string }).access_token
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const ask = (path: string, init: RequestInit = {}) => fetch(gateway.url + path, init)
const reasonOf = async (response: Response) => ((await response.json()) as { reason: string }).reason

/** As soon as the gateway knows what was revoked, which it asks for when it starts. */
async function untilReady(token: string): Promise<void> {
  while ((await ask('/videos/1', { headers: bearer(token) })).status === 503) await pause(5)
}

describe('a gateway', () => {
  before(async () => {
    const port = await freePort()
    const issuer = `http://localhost:${port}/`
    server = await startServer({
      store: 'sqlite',
      environment: { LATCHKEY_PORT: `${port}`, LATCHKEY_ISSUER: issuer },
      tenantFile: tenantFile(issuer),
    })
    service = await startService()
    gateway = await gatewayOf(routeFile())
    await untilReady(await issueToken())
  })
  after(async () => {
    await gateway.close()
    await service.close()
    await server.close()
  })

  test('lets anybody by on a public route, and nobody where there is none', async () => {
    assert.equal((await ask('/public/x')).status, 200)
    const response = await ask('/nothing')
    assert.equal(response.status, 404)
    assert.equal(await reasonOf(response), 'no_route')
    assert.equal((await ask('/videos/1', { method: 'DELETE' })).status, 404)
  })

  test('lets a caller by whose token has the scope, and tells the service who it is', async () => {
    const token = await issueToken()
    const response = await ask('/videos/1?a=b', {
      headers: { ...bearer(token), 'x-user-id': 'admin', X_Client: 'admin' },
    })
    const received = (await response.json()) as Received
    assert.equal(received.url, '/videos/1?a=b')
    assert.equal(received.headers['x-user-id'], 'machine@clients')
    assert.equal(received.headers['x-client'], 'machine')
    assert.equal(received.headers.authorization, `Bearer ${token}`)
    assert.ok(!received.rawHeaders.some(name => /^x_client$/i.test(name)))
    assert.equal(received.headers['x-request-id'], response.headers.get('x-request-id'))
    assert.equal(received.headers['x-forwarded-for'], '127.0.0.1')
  })

  test('passes a body on, and what the service answers', async () => {
    const body = 'x'.repeat(300_000)
    const response = await ask('/videos/1', { method: 'POST', headers: bearer(await issueToken()), body })
    assert.equal(((await response.json()) as Received).body, body)
  })

  test('tells whoever sent no token from one whose token is not good, and from one it is not good enough', async () => {
    const nobody = await ask('/videos/1')
    assert.equal(nobody.status, 401)
    assert.equal(nobody.headers.get('www-authenticate'), 'Bearer realm="edge", scope="read:videos"')
    const wrong = await ask('/videos/1', { headers: bearer('a.b.c') })
    assert.equal(wrong.status, 401)
    assert.match(wrong.headers.get('www-authenticate') ?? '', /error="invalid_token"/)
    const weak = await ask('/uploads', { headers: bearer(await issueToken()) })
    assert.equal(weak.status, 403)
    assert.match(weak.headers.get('www-authenticate') ?? '', /error="insufficient_scope".*scope="write:videos"/)
  })

  test('says nothing of who is calling where nobody is, whatever the client says', async () => {
    const anonymous = (await (await ask('/maybe', { headers: { 'x-user-id': 'admin' } })).json()) as Received
    assert.equal(anonymous.headers['x-user-id'], undefined)
    const known = (await (await ask('/maybe', { headers: bearer(await issueToken()) })).json()) as Received
    assert.equal(known.headers['x-user-id'], 'machine@clients')
    assert.equal((await ask('/maybe', { headers: bearer('a.b.c') })).status, 401)
  })

  test('refuses a token from the moment that it is given back', async () => {
    const token = await issueToken()
    assert.equal((await ask('/videos/1', { headers: bearer(token) })).status, 200)
    const form = new URLSearchParams({ token, client_id: 'machine', client_secret: SECRET })
    assert.equal((await fetch(`${server.issuer}oauth/revoke`, { method: 'POST', body: form })).status, 200)
    const deadline = Date.now() + 2000
    let response = await ask('/videos/1', { headers: bearer(token) })
    while (response.status === 200 && Date.now() < deadline)
      response = await ask('/videos/1', { headers: bearer(token) })
    assert.equal(await reasonOf(response), 'token_revoked')
    assert.equal((await ask('/videos/1', { headers: bearer(await issueToken()) })).status, 200)
  })

  test('goes by another file from one request to the next, and by the one before where that cannot be used', async () => {
    const token = await issueToken()
    const [, , , ...others] = routeFile().routes
    await gateway.follow(routeFile({ routes: others }))
    assert.equal((await ask('/videos/1', { headers: bearer(token) })).status, 404)
    await assert.rejects(gateway.follow(routeFile({ routes: 'none' })), /routes/)
    assert.equal((await ask('/uploads', { headers: bearer(token) })).status, 403)
    await gateway.follow(routeFile())
    assert.equal((await ask('/videos/1', { headers: bearer(token) })).status, 200)
  })

  test('drops no request when it goes by another file', async () => {
    const token = await issueToken()
    // What is revoked has to be heard of anew.
    const elsewhere = { issuers: routeFile().issuers.map(one => ({ ...one, algorithms: ['RS256', 'ES256'] })) }
    let isOver = false
    const statuses = new Map<number, number>()
    const callers = Array.from({ length: 8 }, async () => {
      while (!isOver) {
        const { status } = await ask('/videos/1', { headers: bearer(token) })
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
      }
    })
    for (let times = 0; times < 10; times++) {
      await gateway.follow(routeFile(times % 2 ? {} : elsewhere))
      await pause(10)
    }
    isOver = true
    await Promise.all(callers)
    assert.deepEqual([...statuses.keys()], [200])
  })

  test('serves on while the identity server is away, for as long as the route says, and again when it is back', async () => {
    const token = await issueToken()
    const [, , videos] = routeFile().routes
    await gateway.follow(routeFile({ routes: [{ ...videos, on_stale: { after: '1500ms', do: 'deny' } }] }))
    assert.equal((await ask('/videos/1', { headers: bearer(token) })).status, 200)
    await server.latchkey.close()
    assert.equal((await ask('/videos/1', { headers: bearer(token) })).status, 200)
    let response = await ask('/videos/1', { headers: bearer(token) })
    while (response.status === 200) {
      await pause(50)
      response = await ask('/videos/1', { headers: bearer(token) })
    }
    assert.equal(response.status, 503)
    assert.equal(response.headers.get('retry-after'), '2')
    assert.equal(await reasonOf(response), 'revocations_stale')
    server = await server.restart()
    await untilReady(token)
    assert.equal((await ask('/videos/1', { headers: bearer(token) })).status, 200)
    await gateway.follow(routeFile())
  })

  test('that starts while the identity server is away says so, and serves once it is there', async () => {
    const token = await issueToken()
    await server.latchkey.close()
    const lonely = await gatewayOf(routeFile())
    const asked = () => fetch(`${lonely.url}/videos/1`, { headers: bearer(token) })
    const response = await asked()
    assert.equal(response.status, 503)
    assert.equal(await reasonOf(response), 'keys_unavailable')
    assert.equal((await fetch(`${lonely.url}/public/x`)).status, 200)
    server = await server.restart()
    while ((await asked()).status === 503) await pause(50)
    assert.equal((await asked()).status, 200)
    await lonely.close()
  })

  test('tells a service that cannot be reached from one that answers nonsense, with the id of the request', async () => {
    const garbage = await startService((request, response) => {
      response.socket?.end('nonsense\r\n\r\n')
      request.resume()
    })
    const file = routeFile({ upstreams: { service: { targets: [{ url: garbage.url }] } } })
    const broken = await gatewayOf(file)
    const response = await fetch(`${broken.url}/public/x`)
    assert.equal(response.status, 502)
    const { reason, request_id } = (await response.json()) as { reason: string; request_id: string }
    assert.equal(reason, 'upstream_failed')
    assert.equal(request_id, response.headers.get('x-request-id'))
    await garbage.close()
    if (garbage.server.listening) await once(garbage.server, 'close')
    assert.equal((await fetch(`${broken.url}/public/x`)).status, 502)
    await broken.close()
  })
})
