/**
 * Sockets through a gateway, with the clients and servers that applications use, beside a real identity server: Socket.IO
 * over both of its transports and two processes of a service, and a WebSocket of a browser's kind. A token that is given
 * back ends them.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { Server as SocketServer } from 'socket.io'
import { type ManagerOptions, connect as openSocket, type Socket, type SocketOptions } from 'socket.io-client'
import { freePort } from '../fixtures/free-port.ts'
import { gatewayOf, type RunningGateway, type Service, startService } from '../fixtures/gateway.ts'
import { type RunningServer, startServer } from '../fixtures/server.ts'

const API = 'https://videos.example/api'
const SECRET = 'a machine remembers every character of it'
const EDGE_SECRET = 'the gateway remembers every character of it'
const CLIENTS = 8

let server: RunningServer
let gateway: RunningGateway
let services: readonly (Service & { readonly io: SocketServer })[]

async function startSocketService(name: string) {
  const service = await startService((_request, response) => response.end())
  const io = new SocketServer(service.server)
  io.on('connection', socket => {
    socket.on('where', answer => answer(name))
  })
  return { ...service, io }
}

async function issueToken(): Promise<string> {
  const form = { grant_type: 'client_credentials', client_id: 'machine', client_secret: SECRET, audience: API }
  const response = await fetch(`${server.issuer}oauth/token`, { method: 'POST', body: new URLSearchParams(form) })
  return ((await response.json()) as { access_token: string }).access_token
}

async function giveBack(token: string): Promise<void> {
  const body = new URLSearchParams({ token, client_id: 'machine', client_secret: SECRET })
  assert.equal((await fetch(`${server.issuer}oauth/revoke`, { method: 'POST', body })).status, 200)
}

function open(token: string, options: Partial<ManagerOptions & SocketOptions>): Socket {
  return openSocket(gateway.url, {
    extraHeaders: { authorization: `Bearer ${token}` },
    reconnection: false,
    forceNew: true,
    ...options,
  })
}

const where = (socket: Socket): Promise<string> => socket.timeout(5000).emitWithAck('where')

describe('sockets through a gateway', () => {
  before(async () => {
    const port = await freePort()
    const issuer = `http://localhost:${port}/`
    server = await startServer({
      store: 'sqlite',
      environment: { LATCHKEY_PORT: `${port}`, LATCHKEY_ISSUER: issuer },
      tenantFile: {
        clients: [
          { client_id: 'machine', client_secret: SECRET, name: 'A machine', app_type: 'non_interactive' },
          { client_id: 'edge', client_secret: EDGE_SECRET, name: 'The gateway', app_type: 'non_interactive' },
        ],
        resourceServers: [{ identifier: API, name: 'Videos', scopes: [{ value: 'read:videos' }] }],
        clientGrants: [
          { client_id: 'machine', audience: API, scope: ['read:videos'] },
          { client_id: 'edge', audience: `${issuer}api/v2/`, scope: ['read:revocations'] },
        ],
      },
    })
    services = [await startSocketService('one'), await startSocketService('two')]
    gateway = await gatewayOf({
      issuers: [{ issuer, client_id: 'edge', client_secret: EDGE_SECRET }],
      routes: [{ match: { path: '/*' }, access: { audience: API, scopes: ['read:videos'] }, upstream: 'live' }],
      upstreams: { live: { balance: { 'sticky-query': 'sid' }, targets: services.map(({ url }) => ({ url })) } },
    })
    const token = await issueToken()
    const headers = { authorization: `Bearer ${token}` }
    while ((await fetch(`${gateway.url}/ready`, { headers })).status === 503) await pause(5)
  })

  after(async () => {
    for (const { io, close } of services) {
      io.disconnectSockets(true)
      await close()
    }
    await gateway.close()
    await server.close()
  })

  for (const transports of [['polling'], ['websocket'], ['polling', 'websocket']] as const) {
    test(`stay with the process that they began with over ${transports.join(', then ')}`, async () => {
      const token = await issueToken()
      const sockets = Array.from({ length: CLIENTS }, () => open(token, { transports: [...transports] }))
      await Promise.all(sockets.map(socket => once(socket as never, 'connect')))
      const first = await Promise.all(sockets.map(where))
      assert.deepEqual(new Set(first), new Set(['one', 'two']))
      for (let time = 0; time < 3; time++) assert.deepEqual(await Promise.all(sockets.map(where)), first)
      if (transports.length === 2)
        for (const { io } of sockets)
          if (io.engine.transport.name !== 'websocket') await once(io.engine as never, 'upgrade')
      for (const socket of sockets) socket.disconnect()
    })
  }

  test('are refused without a token, and with one that was given back', async () => {
    const token = await issueToken()
    await giveBack(token)
    for (const transports of [['polling'], ['websocket']])
      for (const extraHeaders of [{}, { authorization: `Bearer ${token}` }]) {
        const socket = open(token, { transports, extraHeaders })
        await new Promise(resolve => socket.on('connect_error', resolve))
        assert.equal(socket.connected, false)
      }
  })

  for (const transports of [['polling'], ['websocket']])
    test(`end over ${transports} when the token is given back, and others do not`, async () => {
      const [token, another] = [await issueToken(), await issueToken()]
      const [socket, other] = [open(token, { transports }), open(another, { transports })]
      await Promise.all([once(socket as never, 'connect'), once(other as never, 'connect')])
      // A poll is watched from its second second on.
      if (transports[0] === 'polling') await pause(1300)
      const ended = once(socket as never, 'disconnect')
      await giveBack(token)
      const began = performance.now()
      await ended
      assert.ok(performance.now() - began < 10_000, 'it went on')
      assert.ok(['one', 'two'].includes(await where(other)))
      other.disconnect()
    })

  test('end with 4401 for a browser, which sends its token as a protocol', async () => {
    const token = await issueToken()
    const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`, [
      'bearer',
      token,
    ])
    await once(socket, 'message')
    assert.equal(socket.protocol, 'bearer')
    const ended = once(socket, 'close') as Promise<[CloseEvent]>
    await giveBack(token)
    const [{ code, reason }] = await ended
    assert.deepEqual([code, reason], [4401, 'token_revoked'])
  })
})
