import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import { endWhenSlow, readSlowly } from './slow-bodies.ts'

/** A server whose bodies nobody reads, or somebody does; `request` is sent to it, and time is the test's. */
async function stage(t: TestContext, request: string, { isRead = false } = {}) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const server = createServer({ connectionsCheckingInterval: 1_000_000 }, (incoming, response) => {
    endWhenSlow(incoming, response)
    if (isRead) readSlowly(incoming).resume()
    incoming.on('error', () => {})
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  socket.on('error', () => {})
  const received = once(server, 'request')
  socket.write(request)
  await received
  return { socket, pass: (seconds: number) => t.mock.timers.tick(seconds * 1000) }
}

const HALF = 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345'

describe('a body that does not come', () => {
  test('ends the connection after 15 seconds, with a word', async t => {
    const { socket, pass } = await stage(t, HALF)
    const answer = once(socket, 'data')
    pass(14)
    assert.equal(socket.closed, false)
    pass(1)
    assert.match(String(await answer), /^HTTP\/1.1 408 /)
    if (!socket.closed) await once(socket, 'close')
  })

  test('is of no concern once it is there', async t => {
    const { socket, pass } = await stage(t, `${HALF}67890`)
    await new Promise(setImmediate)
    pass(60)
    await new Promise(setImmediate)
    assert.equal(socket.closed, false)
    socket.destroy()
  })

  test('may take for longer where it is read as it comes', async t => {
    const { socket, pass } = await stage(t, HALF, { isRead: true })
    pass(16)
    await new Promise(setImmediate)
    assert.equal(socket.closed, false)
    socket.destroy()
  })
})
