/** Bytes on a socket that no client would send: the server answers with 4xx or hangs up, soon, and goes on serving others. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import { SECOND } from '../../server/kernel/seconds.ts'
import { type RunningServer, startServer } from '../fixtures/server.ts'
import { TENANT_FILE } from '../flows/tenant.ts'
import { assertHolds } from './budget.ts'

/** Far above what an answer takes, and below the server's own patience with half a request. */
const ANSWERED_WITHIN = 10 * SECOND

describe('Bytes that no client would send', () => {
  let server: RunningServer
  before(async () => {
    server = await startServer({ store: 'sqlite', tenantFile: TENANT_FILE })
  })
  after(() => server?.close())

  /** All that comes back until the server hangs up. The sender's half is closed once all is sent. */
  const send = (bytes: Uint8Array): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port: Number(new URL(server.issuer).port) })
      let received = ''
      socket.setTimeout(ANSWERED_WITHIN, () => socket.destroy(new Error(`nothing came back but: ${received}`)))
      socket.on('data', chunk => {
        received += chunk.toString('latin1')
      })
      // To be cut off in the middle of a sentence is an answer as well.
      socket.on('error', error => ('code' in error ? resolve(received) : reject(error)))
      socket.on('close', () => resolve(received))
      socket.end(bytes)
    })

  async function assertRefused(bytes: Uint8Array): Promise<void> {
    const received = await send(bytes)
    if (received !== '') assert.match(received, /^HTTP\/1\.1 (2|3|4)\d\d /)
    assert.doesNotMatch(received, /HTTP\/1\.1 5\d\d/)
  }

  const host = () => new URL(server.issuer).host
  const line = fc.constantFrom(
    'GET / ',
    'POST /oauth/token ',
    'GET /authorize?',
    'OPTIONS * ',
    'BREW /pot ',
    'GET http://x/ ',
  )

  test('are no request, and are refused', () =>
    assertHolds(fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), assertRefused)))

  test('in the request line and the headers, too long or too many of them too, are refused', () =>
    assertHolds(
      fc.asyncProperty(
        line,
        fc.uint8Array({ maxLength: 60 }),
        fc.array(fc.tuple(fc.uint8Array({ maxLength: 20 }), fc.uint8Array({ maxLength: 60 })), { maxLength: 5 }),
        fc.constantFrom(0, 0, 0, 7000, 40_000),
        fc.constantFrom(0, 0, 0, 3000),
        async (start, more, headers, long, many) => {
          const lines = [
            Buffer.concat([Buffer.from(start), more, Buffer.from(' HTTP/1.1')]),
            Buffer.from(`host: ${host()}`),
            Buffer.from('connection: close'),
            Buffer.from(`x-long: ${'x'.repeat(long)}`),
            ...Array.from({ length: many }, (_, place) => Buffer.from(`x-${place}: ${place}`)),
            ...headers.map(([name, value]) => Buffer.concat([name, Buffer.from(': '), value])),
          ]
          await assertRefused(
            Buffer.concat(lines.flatMap(one => [one, Buffer.from('\r\n')]).concat(Buffer.from('\r\n'))),
          )
        },
      ),
    ))

  test('in a body, of whatever length it is said to be, are refused', () =>
    assertHolds(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 300 }),
        fc.constantFrom(
          'content-length: 10',
          'content-length: -1',
          'content-length: 99999999',
          'transfer-encoding: chunked',
        ),
        fc.constantFrom('application/json', 'application/x-www-form-urlencoded', 'x'),
        async (bytes, length, type) => {
          const head = `POST /oauth/token HTTP/1.1\r\nhost: ${host()}\r\nconnection: close\r\ncontent-type: ${type}\r\n${length}\r\n\r\n`
          await assertRefused(Buffer.concat([Buffer.from(head), bytes]))
        },
      ),
    ))

  test('have left a server that answers', async () => {
    assert.equal((await fetch(new URL('.well-known/openid-configuration', server.issuer))).status, 200)
  })
})
