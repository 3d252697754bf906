/** Clients that ask and leave, by the thousand: what they leave behind must not be what keeps everybody else from being served. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { startEdge, startService } from '../fixtures/edge.ts'

const CLIENTS = 1000
const AT_ONCE = 50
const CONNECTIONS = 16

const WAYS = ['at once', 'with half an answer', 'with half an answer', 'at once', 'when nothing more fits'] as const
/** More than every buffer between the service and the client holds, so that its socket is waiting when the client goes. */
const LARGE = Buffer.alloc(3 * 1024 * 1024)

test('a thousand clients that leave in the midst of an answer keep no socket, and the next is served', async () => {
  const service = await startService((request, response) => {
    if (request.url === '/small') response.end('served')
    else if (request.url === '/half') response.writeHead(200, { 'content-length': 2 }).write('1')
    else response.writeHead(200, { 'content-length': LARGE.length }).end(LARGE)
  })
  const edge = await startEdge({
    targets: [{ url: service.url, weight: 1 }],
    upstream: { connections: CONNECTIONS },
    route: { timeout: { connect: 20_000, response: 20_000, total: 60_000 } },
  })
  let most = 0
  const watching = setInterval(() => {
    most = Math.max(most, service.open())
  }, 5)

  async function leave(turn: number): Promise<void> {
    const way = WAYS[turn % WAYS.length]
    const socket = connect(edge.port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write(`GET /${way === 'when nothing more fits' ? 'large' : 'half'} HTTP/1.1\r\nhost: edge\r\n\r\n`)
    if (way !== 'at once') await once(socket, 'data')
    if (way === 'when nothing more fits') {
      socket.pause()
      await new Promise(resolve => setTimeout(resolve, 20))
    }
    if (turn % 2 === 0) socket.destroy()
    else socket.resetAndDestroy()
  }
  let left = 0
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (left < CLIENTS) await leave(left++)
    }),
  )
  const answer = await fetch(`${edge.url}/small`)
  assert.equal(await answer.text(), 'served')
  assert.ok(most <= CONNECTIONS + 1, `${most} sockets were open to a service that may have ${CONNECTIONS}`)

  // Nobody holds a place any more.
  const all = await Promise.all(
    Array.from({ length: CONNECTIONS * 2 }, async () => (await fetch(`${edge.url}/small`)).status),
  )
  assert.deepEqual(new Set(all), new Set([200]))
  clearInterval(watching)
  await edge.stop()
  await service.stop()
})
