/**
 * Request smuggling: bytes that the gateway and the service behind it, or a proxy before it, would cut into requests in
 * two ways, so that a second request rides in the first one's body past every rule. And bytes that mean one thing to
 * whoever judges and another to whoever serves: two hosts, two tokens, a name with a space in it.
 */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { type GatewayStage, setGatewayStage, statusesIn, strangersIn } from './gateway-stage.ts'

describe('Bytes that are read in two ways', () => {
  let stage: GatewayStage
  before(async () => {
    stage = await setGatewayStage()
  })
  beforeEach(() => {
    stage.reached.length = 0
  })
  after(() => stage?.close())

  const bearer = () => `Authorization: Bearer ${stage.token}`
  const head = (...lines: readonly string[]) => `${lines.join('\r\n')}\r\n\r\n`
  /** A sound request of Ann's, but for what is added to it. */
  const sound = (method: string, ...lines: readonly string[]) =>
    head(`${method} /videos/1 HTTP/1.1`, 'Host: a.example', bearer(), ...lines)
  const INNER = 'GET /admin/smuggled HTTP/1.1\r\nHost: a.example\r\nX-User-Id: admin\r\n\r\n'
  const CHUNKED = `0\r\n\r\n${INNER}`

  async function assertNothingPasses(bytes: string, what: string): Promise<void> {
    const received = await stage.send(bytes)
    for (const status of statusesIn(received)) assert.ok(status >= 400 && status < 500, `${what}: ${received}`)
    assert.deepEqual(stage.reached, [], what)
  }
  /** Refused, with Ann's token and without. */
  async function assertRefused(cases: Readonly<Record<string, string>>): Promise<void> {
    for (const [what, bytes] of Object.entries(cases)) {
      await assertNothingPasses(bytes, what)
      await assertNothingPasses(bytes.replace(/Authorization: Bearer [^\r\n]+\r\n/g, ''), `${what}, without a token`)
    }
  }

  test('a sound request passes, or nothing here would prove anything', async () => {
    assert.deepEqual(statusesIn(await stage.send(sound('GET', 'Connection: close'), 1)), [200])
    assert.equal(stage.reached.length, 1)
    assert.deepEqual(strangersIn(stage.reached), [])
  })

  test('with a length and chunks, in either order, is refused (CL.TE, TE.CL)', () =>
    assertRefused({
      'length first': sound('POST', `Content-Length: ${CHUNKED.length}`, 'Transfer-Encoding: chunked') + CHUNKED,
      'chunks first': sound('POST', 'Transfer-Encoding: chunked', 'Content-Length: 4') + CHUNKED,
      'a length of nothing': sound('POST', 'Content-Length: 0', 'Transfer-Encoding: chunked') + CHUNKED,
    }))

  test('with chunks that only some would recognise is refused (TE.TE)', () =>
    assertRefused(
      Object.fromEntries(
        [
          'Transfer-Encoding: xchunked',
          'Transfer-Encoding : chunked',
          'Transfer-Encoding: chunked, identity',
          'Transfer-Encoding: identity, chunked, gzip',
          'Transfer-Encoding: chunked\r\nTransfer-Encoding: x',
          'Transfer-Encoding: x\r\nTransfer-Encoding: chunked, x',
          'Transfer-Encoding:\x0bchunked',
          'Transfer-Encoding: "chunked"',
          ' Transfer-Encoding: chunked',
          'X: x\nTransfer-Encoding: chunked',
          'X: x\rTransfer-Encoding: chunked',
          'Transfer-Encoding\r\n : chunked',
          'Transfer-Encoding: \r\n chunked',
          'Transfer_Encoding: chunked\r\nTransfer-Encoding: cow',
          'Transfer-Encoding: chunked;x=y',
          'Transfer-Encoding: ',
          'Transfer-Encoding: identity',
        ].map(line => [line, sound('POST', `Content-Length: ${CHUNKED.length}`, line) + CHUNKED]),
      ),
    ))

  test('with two lengths, or one that is none, is refused', () =>
    assertRefused(
      Object.fromEntries(
        [
          'Content-Length: 5\r\nContent-Length: 6',
          'Content-Length: 5\r\nContent-Length: 5',
          'Content-Length: 5, 5',
          'Content-Length: +5',
          'Content-Length: -5',
          'Content-Length: 0x5',
          'Content-Length: 5 5',
          'Content-Length: 1_0',
          'Content-Length: 5e0',
          'Content-Length: ',
          'Content-Length: 99999999999999999999999',
          'Content-Length : 5',
          'Content-Length: 5\r\n Content-Length: 6',
          'Content-Length:\x005',
        ].map(line => [line, `${sound('POST', line)}hello${INNER}`]),
      ),
    ))

  test('in chunks that are none is refused, and nothing after them is a request', async () => {
    const post = sound('POST', 'Transfer-Encoding: chunked')
    for (const body of [
      `0x5\r\nhello\r\n0\r\n\r\n${INNER}`,
      `5 \r\nhello\r\n0\r\n\r\n${INNER}`,
      `-1\r\n${INNER}`,
      `FFFFFFFFFFFFFFFFF\r\n${INNER}`,
      `5\nhello\n0\n\n${INNER}`,
      `5\r\nhelloXX0\r\n\r\n${INNER}`,
      `5;x=${'y'.repeat(100_000)}\r\nhello\r\n0\r\n\r\n${INNER}`,
      `5;x=\ny\r\nhello\r\n0\r\n\r\n${INNER}`,
      `\r\n5\r\nhello\r\n0\r\n\r\n${INNER}`,
    ]) {
      stage.reached.length = 0
      await stage.send(post + body)
      assert.deepEqual(strangersIn(stage.reached), [], JSON.stringify(body.slice(0, 60)))
    }
  })

  test('after the last chunk is nobody’s: a trailer does not say who is calling', async () => {
    const body = '5\r\nhello\r\n0\r\nX-User-Id: admin\r\nAuthorization: Bearer junk\r\nHost: b.example\r\n\r\n'
    await stage.send(sound('POST', 'Transfer-Encoding: chunked', 'Trailer: X-User-Id', 'Connection: close') + body, 1)
    assert.equal(stage.reached.length, 1)
    assert.deepEqual(strangersIn(stage.reached), [])
    assert.equal(stage.reached[0]?.body, 'hello')
  })

  test('on folded lines, or lines that end otherwise, is refused', () =>
    assertRefused({
      'a folded header': sound('GET', 'X-Note: one\r\n two'),
      'a folded token': head('GET /videos/1 HTTP/1.1', 'Host: a.example', `Authorization: Bearer\r\n ${stage.token}`),
      'a folded first header': `GET /videos/1 HTTP/1.1\r\n Host: a.example\r\n${bearer()}\r\n\r\n`,
      'bare line feeds': sound('GET').replaceAll('\r\n', '\n'),
      'a bare line feed in a header': sound('GET', 'X-Note: one\nX-User-Id: admin'),
      'a bare carriage return': sound('GET', 'X-Note: one\rX-User-Id: admin'),
      'a bare carriage return at the end': `GET /videos/1 HTTP/1.1\r\nHost: a.example\r\n${bearer()}\r\n\r`,
      'nothing in a header': sound('GET', 'X-Note: one\0two'),
      'nothing in a name': sound('GET', 'X-User\0-Id: admin'),
      'a header without a name': sound('GET', ': admin'),
      'a header without a colon': sound('GET', 'X-User-Id admin'),
      'a space before the colon': sound('GET', 'X-User-Id : admin'),
      'a control character in a name': sound('GET', 'X-User-Id\x0b: admin'),
    }))

  test('that says twice who asks, or whom, is refused', () =>
    assertRefused({
      'two hosts': sound('GET', 'Host: b.example'),
      'the same host twice': sound('GET', 'Host: a.example'),
      'two hosts in one': sound('GET').replace('Host: a.example', 'Host: a.example, b.example'),
      'a host with a path': sound('GET').replace('Host: a.example', 'Host: a.example/b'),
      'a host with a user': sound('GET').replace('Host: a.example', 'Host: x@a.example'),
      'no host': sound('GET').replace('Host: a.example\r\n', ''),
      'two tokens': sound('GET', bearer()),
      'another authorization': sound('GET', 'Authorization: Basic YTpi'),
      'a token twice in one': sound('GET').replace(bearer(), `${bearer()}, Bearer ${stage.token}`),
      'two identities': sound('GET', 'X-User-Id: admin', 'x-user-id: root'),
    }))

  test('whose target is no path is refused', () =>
    assertRefused(
      Object.fromEntries(
        [
          'http://a.example/videos/1',
          'http://b.example/videos/1',
          '//b.example/videos/1',
          'a.example:80',
          '*',
          'videos/1',
          '/videos/1#/admin/x',
          '/videos/1%00',
          '/videos/1%0d%0aX-User-Id:%20admin',
          '/videos\\1',
          '/videos/1\x00',
          '/videos/1\x7f',
          '/videos/\xe9',
          '/videos/1?a b',
          '/videos/1?a#b',
        ].map(target => [target, sound('GET', 'Connection: close').replace('/videos/1', target)]),
      ),
    ))

  test('in another version of HTTP, or none, is refused', () =>
    assertRefused({
      'HTTP/0.9': 'GET /videos/1\r\n',
      'HTTP/0.9 with headers': `GET /videos/1\r\nHost: a.example\r\n${bearer()}\r\n\r\n`,
      'HTTP/2 by its preface': `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${'\0'.repeat(40)}`,
      'HTTP/2.0': sound('GET').replace('HTTP/1.1', 'HTTP/2.0'),
      'HTTP/1.10': sound('GET').replace('HTTP/1.1', 'HTTP/1.10'),
      'http/1.1': sound('GET').replace('HTTP/1.1', 'http/1.1'),
      ICY: sound('GET').replace('HTTP/1.1', 'ICY/1.1'),
      'no space': sound('GET').replace(' HTTP/1.1', 'HTTP/1.1'),
      'a tab': sound('GET').replace('GET /', 'GET\t/'),
      'a space first': ` ${sound('GET')}`,
      TLS: '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
    }))

  test('that would tunnel, or have everything told back, is refused', () =>
    assertRefused({
      CONNECT: `CONNECT service:80 HTTP/1.1\r\nHost: service:80\r\n${bearer()}\r\n\r\n${INNER}`,
      'CONNECT to a path': sound('CONNECT') + INNER,
      TRACE: sound('TRACE', 'Connection: close'),
      'a method in small letters': sound('get'),
      'a method nobody knows': sound('BREW'),
    }))

  test('too long or too many is refused', () =>
    assertRefused({
      'a long header': sound('GET', `X-Long: ${'x'.repeat(200_000)}`),
      'many headers': sound('GET', ...Array.from({ length: 20_000 }, (_, at) => `X-${at}: ${at}`)),
      'a long target': sound('GET').replace('/videos/1', `/videos/${'1'.repeat(100_000)}`),
      'a long method': sound('X'.repeat(100_000)),
    }))

  test('after a refusal is not a request: neither what was pipelined, nor the body that nobody read', async () => {
    const again = sound('GET', 'Connection: close')
    const refused = {
      'bytes that are none': `GARBAGE\r\n\r\n${again}`,
      'two lengths': `${sound('POST', 'Content-Length: 5', 'Content-Length: 6')}hello${again}`,
      'a request without a token': `${head('POST /videos/1 HTTP/1.1', 'Host: a.example', `Content-Length: ${INNER.length}`)}${INNER}`,
      'chunks without a token': `${head('POST /videos/1 HTTP/1.1', 'Host: a.example', 'Transfer-Encoding: chunked')}${INNER.length.toString(16)}\r\n${INNER}\r\n0\r\n\r\n`,
      'a body announced and not asked for': `${head('POST /videos/1 HTTP/1.1', 'Host: a.example', 'Expect: 100-continue', `Content-Length: ${INNER.length}`)}${INNER}`,
      'an expectation that nobody knows': sound('POST', 'Expect: 200-ok', `Content-Length: ${INNER.length}`) + INNER,
    }
    for (const [what, bytes] of Object.entries(refused)) await assertNothingPasses(bytes, what)
  })

  test('of several requests in a row are each judged alone', async () => {
    const anonymous = head('GET /videos/2 HTTP/1.1', 'Host: a.example')
    const received = await stage.send(sound('GET') + anonymous + sound('GET') + anonymous.replace('videos', 'admin'), 4)
    assert.deepEqual(statusesIn(received), [200, 401, 200, 401])
    assert.deepEqual(
      stage.reached.map(({ url }) => url),
      ['/videos/1', '/videos/1'],
    )
  })

  test('do not talk the gateway out of what it says itself', async () => {
    for (const lines of [
      ['X-User-Id: admin'],
      ['x_user_id: admin', 'X.User.Id: admin'],
      ['Connection: close, X-User-Id, Host, Content-Length'],
      ['Connection: X-User-Id', 'X-User-Id: admin'],
      ['X-Forwarded-For: 10.0.0.1', 'Forwarded: for=10.0.0.1', 'X-Real-IP: 10.0.0.1', 'X_Forwarded_For: 10.0.0.1'],
      ['X-Original-URL: /admin/x', 'X-Rewrite-URL: /admin/x', 'X-HTTP-Method-Override: DELETE'],
      ['Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__', 'Connection: Upgrade, HTTP2-Settings'],
      ['Upgrade: websocket, h2c', 'Connection: Upgrade'],
      ['Upgrade: x', 'Upgrade: x,HTTP/2.0, h2c', 'Connection: Upgrade'],
      ['TE: trailers', 'Keep-Alive: timeout=1', 'Proxy-Authorization: Basic YTpi'],
    ]) {
      stage.reached.length = 0
      const received = await stage.send(sound('GET', ...lines), 1)
      assert.deepEqual(statusesIn(received), [200], lines.join())
      assert.deepEqual(strangersIn(stage.reached), [], lines.join())
      const told = JSON.stringify(stage.reached)
      for (const said of ['admin', '10.0.0.1', 'DELETE', 'h2c', 'YTpi'])
        assert.ok(!told.includes(said), `${said}: ${told}`)
    }
  })

  test('have left a gateway that serves', async () => {
    assert.deepEqual(statusesIn(await stage.send(sound('GET', 'Connection: close'), 1)), [200])
  })
})
