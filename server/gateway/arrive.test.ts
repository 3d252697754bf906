import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { describe, test } from 'node:test'
import { addressesIn } from '../kernel/ip-ranges.ts'
import { createArrive, isRefusal } from './arrive.ts'
import type { Arrival } from './exchange.ts'

const arrive = createArrive({ isTrusted: addressesIn(['10.0.0.0/8']), saidOnce: new Set(['x-user-id']) })

interface Sent {
  readonly url?: string
  readonly from?: string
  readonly encrypted?: boolean
  readonly method?: string
  readonly httpVersionMajor?: number
}

/** As Node's parser leaves it: of headers that are said twice the first, or both joined. */
function arriveWith(
  rawHeaders: readonly string[],
  { url = '/a', from = '192.0.2.1', encrypted = false, method = 'GET', httpVersionMajor = 1 }: Sent = {},
) {
  const headers: Record<string, string> = {}
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const [name = '', value = ''] = [rawHeaders[at]?.toLowerCase(), rawHeaders[at + 1]]
    headers[name] ??= value
  }
  const request = { rawHeaders, headers, method, url, httpVersionMajor, socket: { remoteAddress: from, encrypted } }
  return arrive(request as unknown as IncomingMessage, 'id', 1)
}

const codeOf = (...sent: Parameters<typeof arriveWith>) => {
  const arrived = arriveWith(...sent)
  return isRefusal(arrived) ? arrived.code : undefined
}
const arrivalOf = (...sent: Parameters<typeof arriveWith>) => {
  const arrived = arriveWith(...sent)
  assert.ok(!isRefusal(arrived))
  return arrived satisfies Arrival
}

describe('what arrives', () => {
  test('with Host, Authorization or an identity header said twice is refused, in whatever case', () => {
    for (const name of ['Host', 'authorization', 'X-User-Id'])
      for (const other of [name, name.toUpperCase()])
        assert.equal(codeOf(['Host', 'a.example', name, 'one', other, 'one']), 'malformed_request', name)
    assert.equal(codeOf(['Host', 'a.example', 'Accept', 'a', 'Accept', 'b']), undefined)
  })

  test('with a target that is none of ours is refused', () => {
    for (const url of ['http://b.example/a', '*', 'a', ''])
      assert.equal(codeOf(['Host', 'a'], { url }), 'malformed_request', url)
    for (const url of ['//b.example/a', '/a#b', '/a/../b'])
      assert.equal(codeOf(['Host', 'a'], { url }), 'bad_path', url)
  })

  test('in another version of HTTP, or to be told back, is refused', () => {
    assert.equal(codeOf([], { httpVersionMajor: 0 }), 'malformed_request')
    assert.equal(codeOf([], { httpVersionMajor: 2 }), 'malformed_request')
    assert.equal(codeOf([], { method: 'TRACE' }), 'malformed_request')
  })

  test('with a Host that is none is refused', () => {
    for (const host of ['a b', 'a/b', 'a@b', 'a:b', 'a:123456', 'a,b', '-a', 'a_b', '[::1', 'a\\b', '%61'])
      assert.equal(codeOf(['Host', host]), 'malformed_request', host)
  })

  test('is of the host that it names, in lower case, with its port aside', () => {
    const named = (host: string) => {
      const { host: name, authority } = arrivalOf(['Host', host])
      return [name, authority]
    }
    assert.deepEqual(named('API.Example:8443'), ['api.example', 'api.example:8443'])
    assert.deepEqual(named('api.example.'), ['api.example', 'api.example'])
    assert.deepEqual(named('[2001:DB8::1]:80'), ['[2001:db8::1]', '[2001:db8::1]:80'])
    assert.deepEqual(arrivalOf([]).host, '')
  })

  test('is from where its connection is, whatever it says of itself', () => {
    const said = ['Host', 'a', 'X-Forwarded-For', '127.0.0.1', 'X-Forwarded-Proto', 'https']
    assert.equal(arrivalOf(said).address, '192.0.2.1')
    assert.equal(arrivalOf(said).isSecure, false)
    assert.equal(arrivalOf(said, { encrypted: true }).isSecure, true)
    assert.equal(arrivalOf(said, { from: '::ffff:192.0.2.9' }).address, '192.0.2.9')
  })

  test('through trusted proxies is from whom the first of them saw, and no further', () => {
    const through = (forwarded: string, from = '10.0.0.1') =>
      arrivalOf(['Host', 'a', 'X-Forwarded-For', forwarded], { from }).address
    assert.equal(through('192.0.2.7'), '192.0.2.7')
    assert.equal(through('192.0.2.7, 10.0.0.2'), '192.0.2.7')
    assert.equal(through('127.0.0.1, 192.0.2.7'), '192.0.2.7')
    assert.equal(through('127.0.0.1, 192.0.2.7, 10.0.0.2'), '192.0.2.7')
    for (const port of ['192.0.2.7:50123', '192.0.2.7:1, 10.0.0.2:2']) assert.equal(through(port), '192.0.2.7')
    for (const six of ['[2001:db8::1]:443', '[2001:db8::1]']) assert.equal(through(six), '2001:db8::1')
    assert.equal(arrivalOf(['Host', 'a'], { from: '10.0.0.1' }).address, '10.0.0.1')
    assert.equal(through('10.0.0.3'), '10.0.0.3')
    assert.equal(through('2001:db8::1'), '2001:db8::1')
    assert.equal(arrivalOf(['Host', 'a', 'X-Forwarded-Proto', 'https'], { from: '10.0.0.1' }).isSecure, true)
    assert.equal(arrivalOf(['Host', 'a'], { from: '10.0.0.1' }).isSecure, false)
  })

  test('of which a proxy does not say from whom it is, is from nobody, and not from the proxy', () => {
    for (const said of [
      'unknown',
      '',
      '127.0.0.1, unknown, 10.0.0.2',
      '192.0.2.7:',
      '1.2.3.4.5:80',
      '127.0.0.1,',
      '_a',
    ])
      assert.equal(arrivalOf(['Host', 'a', 'X-Forwarded-For', said], { from: '10.0.0.1' }).address, '', said)
  })

  test('is told to services as having come by whom it came, of which only a trusted proxy has a say', () => {
    const said = ['Host', 'a', 'X-Forwarded-For', '192.0.2.7']
    assert.equal(arrivalOf(said, { from: '10.0.0.1' }).forwardedFor, '192.0.2.7, 10.0.0.1')
    assert.equal(arrivalOf(said).forwardedFor, '192.0.2.1')
  })

  test('is an upgrade when both headers say so', () => {
    assert.equal(arrivalOf(['Host', 'a', 'Upgrade', 'websocket', 'Connection', 'keep-alive, Upgrade']).isUpgrade, true)
    assert.equal(arrivalOf(['Host', 'a', 'Upgrade', 'websocket']).isUpgrade, false)
    assert.equal(arrivalOf(['Host', 'a', 'Connection', 'upgrade']).isUpgrade, false)
  })
})
