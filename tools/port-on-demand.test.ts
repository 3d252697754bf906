import assert from 'node:assert/strict'
import { get } from 'node:http'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { createListener, type OpenPort } from '../server/gateway/listener.ts'
import { type PortOnDemand, portOnDemand } from './port-on-demand.ts'

const BOUNDS = {
  headerBytes: 16_384,
  headerTimeout: 10_000,
  requestTimeout: 10_000,
  idleTimeout: 5000,
  connections: 100,
}

describe('a port with nothing behind it yet', () => {
  let port: PortOnDemand
  let opened: number
  let failures: unknown[]

  const ask = () =>
    new Promise<number | undefined>((resolve, reject) => {
      get({ port: port.port, host: '127.0.0.1', agent: false }, answer => {
        answer.resume().on('end', () => resolve(answer.statusCode))
      }).on('error', reject)
    })
  /** As a gateway does. */
  async function open(at: OpenPort) {
    opened += 1
    const listener = createListener({
      bounds: BOUNDS,
      tls: null,
      request: (_, response) => void response.end(),
      upgrade: (_, socket) => socket.destroy(),
      turnedAway: () => {},
    })
    assert.equal(await listener.listen(at), port.port)
    return { close: () => listener.close(1000) }
  }

  beforeEach(async () => {
    ;[opened, failures] = [0, []]
    port = await portOnDemand(0)
  })
  afterEach(() => port.close())

  test('loads nothing for nobody, and then once for all who wait, none of whom is refused', async () => {
    const early = [ask(), ask()]
    await new Promise(resolve => setTimeout(resolve, 50))
    assert.equal(opened, 0)
    const late: Promise<number | undefined>[] = []
    port.serveBy(
      async () => {
        for (let count = 0; count < 20; count++) {
          late.push(ask())
          await new Promise(resolve => setImmediate(resolve))
        }
        return open(port)
      },
      error => failures.push(error),
    )
    assert.deepEqual(await Promise.all(early), [200, 200])
    assert.deepEqual(new Set(await Promise.all([...late, ask()])), new Set([200]))
    assert.deepEqual([opened, failures], [1, []])
  })

  test('cuts off who waits for what cannot be loaded, and tries again for the next', async () => {
    const failure = new Error('the route file has a fault')
    let isBroken = true
    port.serveBy(
      async () => {
        if (isBroken) throw failure
        return open(port)
      },
      error => failures.push(error),
    )
    await assert.rejects(ask(), { code: 'ECONNRESET' })
    assert.deepEqual(failures, [failure])
    isBroken = false
    assert.equal(await ask(), 200)
  })

  test('is given up whether or not anybody came', async () => {
    await port.close()
    await assert.rejects(ask(), { code: 'ECONNREFUSED' })
    port = await portOnDemand(0)
    port.serveBy(
      () => open(port),
      error => failures.push(error),
    )
    assert.equal(await ask(), 200)
    await port.close()
    await assert.rejects(ask(), { code: 'ECONNREFUSED' })
    port = await portOnDemand(0)
  })

  test('that is taken is an error', async () => {
    await assert.rejects(portOnDemand(port.port), { code: 'EADDRINUSE' })
  })
})
