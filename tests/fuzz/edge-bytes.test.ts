/**
 * A sound request to a gateway, of somebody who may and of somebody who may not, with some of its bytes changed: it is
 * refused or it passes as what it is, nobody passes without a token, and the gateway goes on serving.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import { type GatewayStage, setGatewayStage, statusesIn, strangersIn } from '../attacks/gateway-stage.ts'
import { assertHolds } from './budget.ts'

/** What parsers have been found to differ over. */
const NASTY = [
  '\r\n',
  '\n',
  '\r',
  '\0',
  ' ',
  '\t',
  '\x0b',
  ':',
  ',',
  ';',
  '#',
  '%2f',
  '%00',
  '..',
  '\r\n ',
  '\r\n\r\n',
  'Host: b.example\r\n',
  'X-User-Id: admin\r\n',
  'X_User_Id: admin\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding: x\r\n',
  'Content-Length: 3\r\n',
  'Content-Length: 0\r\n',
  'Connection: X-User-Id\r\n',
  'Upgrade: websocket\r\nConnection: Upgrade\r\n',
  'Expect: 100-continue\r\n',
  '0\r\n\r\n',
  'GET /admin/x HTTP/1.1\r\nHost: a.example\r\n\r\n',
  'HTTP/1.0',
  'http://b.example',
]

type Change =
  | { readonly kind: 'insert'; readonly at: number; readonly text: string }
  | { readonly kind: 'remove' | 'repeat'; readonly at: number; readonly length: number }
  | { readonly kind: 'set'; readonly at: number; readonly byte: number }

/** A part of the whole, so that it falls anywhere in a request of any length. */
const place = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true })
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({
    kind: fc.constant('insert' as const),
    at: place,
    text: fc.oneof(fc.constantFrom(...NASTY), fc.string({ unit: 'binary-ascii', maxLength: 8 })),
  }),
  fc.record({
    kind: fc.constantFrom('remove' as const, 'repeat' as const),
    at: place,
    length: fc.integer({ min: 1, max: 40 }),
  }),
  fc.record({ kind: fc.constant('set' as const), at: place, byte: fc.nat(255) }),
)

function changed(request: string, changes: readonly Change[]): string {
  let text = request
  for (const one of changes) {
    // Rather between lines than within one: there most of what matters happens.
    const at = nearLine(text, Math.floor(one.at * text.length))
    if (one.kind === 'insert') text = text.slice(0, at) + one.text + text.slice(at)
    if (one.kind === 'remove') text = text.slice(0, at) + text.slice(at + one.length)
    if (one.kind === 'repeat') text = text.slice(0, at + one.length) + text.slice(at)
    if (one.kind === 'set') text = text.slice(0, at) + String.fromCharCode(one.byte) + text.slice(at + 1)
  }
  return text
}

function nearLine(text: string, at: number): number {
  const line = text.lastIndexOf('\r\n', at)
  return at % 2 === 0 && line >= 0 ? line + 2 : at
}

describe('A request with some of its bytes changed', () => {
  let stage: GatewayStage
  before(async () => {
    stage = await setGatewayStage()
  })
  after(() => stage?.close())

  const requests = (authorization: string) => [
    `GET /videos/1?a=b HTTP/1.1\r\nHost: a.example\r\n${authorization}Connection: close\r\n\r\n`,
    `POST /videos/1 HTTP/1.1\r\nHost: a.example\r\n${authorization}Content-Length: 12\r\nConnection: close\r\n\r\nhello, world`,
    `POST /videos/1 HTTP/1.1\r\nHost: a.example\r\n${authorization}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
  ]
  const mutations = fc.tuple(fc.nat(2), fc.array(change, { minLength: 1, maxLength: 4 }))

  test('reaches no service without a token', () =>
    assertHolds(
      fc.asyncProperty(
        mutations,
        fc.constantFrom('', 'Authorization: Bearer x.y.z\r\n'),
        async ([which, changes], no) => {
          stage.reached.length = 0
          const bytes = changed(requests(no)[which] ?? '', changes)
          const received = await stage.send(bytes)
          assert.ok(
            statusesIn(received).every(status => status >= 400 && status < 500),
            received,
          )
          assert.deepEqual(stage.reached, [])
        },
      ),
    ))

  test('reaches it as whose it is, or not at all', () =>
    assertHolds(
      fc.asyncProperty(mutations, async ([which, changes]) => {
        stage.reached.length = 0
        const bytes = changed(requests(`Authorization: Bearer ${stage.token}\r\n`)[which] ?? '', changes)
        const received = await stage.send(bytes)
        assert.ok(!statusesIn(received).some(status => status >= 500), received)
        assert.deepEqual(strangersIn(stage.reached), [])
      }),
    ))

  test('has left a gateway that serves', async () => {
    const [sound = ''] = requests(`Authorization: Bearer ${stage.token}\r\n`)
    assert.deepEqual(statusesIn(await stage.send(sound, 1)), [200])
  })
})
