/** Somebody sends half a request and waits: that must not keep a server from closing, nor hold the lock on its data. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { SECOND } from '../../server/kernel/seconds.ts'
import { startServer } from '../fixtures/server.ts'

test('a server that closes waits for the grace it gives, and not for whoever never finishes', async t => {
  const server = await startServer({ store: 'sqlite', closeGrace: 100 })
  const socket = connect(Number(new URL(server.issuer).port), '127.0.0.1')
  t.after(() => socket.destroy())
  socket.on('error', () => {})
  await once(socket, 'connect')
  const { host } = new URL(server.issuer)
  socket.write(
    `POST /oauth/token HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{`,
  )
  // A whole exchange on another connection: by then the server has read the half.
  await (await fetch(new URL('.well-known/jwks.json', server.issuer))).arrayBuffer()

  const ended = once(socket, 'close')
  const began = performance.now()
  await server.close()
  assert.ok(performance.now() - began < 5 * SECOND)
  await ended
})
