/** Clients that ask and leave, by the thousand: what they leave behind must not be what keeps everybody else from being served. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { startEdge, startService } from '../fixtures/edge.ts'

const CLIENTS = 1000
const AT_ONCE = 50
const CONNECTIONS = 16

/** More than every buffer between the service and the client holds, so that its socket is waiting when the client goes. */
const LARGE = Buffer.alloc(8 * 1024 * 1024)

test('a thousand clients that leave in the midst of an answer keep no socket, and the next is served', async () => {
  const service = await startService((request, response) => {
    if (request.url === '/small') response.end('served')
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

  async function leave(way: number): Promise<void> {
    const socket = connect(edge.port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write('GET /large HTTP/1.1\r\nhost: edge\r\n\r\n')
    // Some as soon as they have asked, some with the head, and some when nothing more fits on the way.
    if (way > 0) await once(socket, 'data')
    if (way > 1) {
      socket.pause()
      await new Promise(resolve => setTimeout(resolve, 20))
    }
    if (way % 2 === 0) socket.destroy()
    else socket.resetAndDestroy()
  }
  let left = 0
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (left < CLIENTS) await leave(left++ % 4)
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
