import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { describe, it } from 'node:test'
import { callerOf, createKnown, type Edge, factsOf, startEdge } from '../../tests/fixtures/edge.ts'
import { closeFrame, Frames } from './web-socket-frames.ts'

type Options = Omit<Parameters<typeof startEdge>[0], 'targets'>

interface Upgraded {
  readonly request: IncomingMessage
  readonly socket: Socket
  readonly head: Buffer
}

/** What a service does with a connection that it is asked to upgrade. */
type Upgrade = (upgraded: Upgraded) => void

async function inFront(upgrade: Upgrade | null, options: Options, run: (edge: Edge) => Promise<void>): Promise<void> {
  const sockets = new Set<Socket>()
  const server = createServer((_request, response) => response.writeHead(426, { 'x-why': 'no' }).end('not here'))
  server.on('connection', socket => {
    sockets.add(socket.on('error', () => {}))
  })
  if (upgrade) server.on('upgrade', (request, socket, head) => upgrade({ request, socket: socket as Socket, head }))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const edge = await startEdge({ ...options, targets: [{ url: new URL(`http://127.0.0.1:${port}`), weight: 1 }] })
  try {
    await run(edge)
  } finally {
    await edge.stop()
    for (const socket of sockets) socket.destroy()
    server.close()
  }
}

const accept = (key: string | undefined) =>
  createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')

function switched(request: IncomingMessage, ...more: readonly string[]): string {
  const head = [
    'HTTP/1.1 101 Switching Protocols',
    `upgrade: ${request.headers.upgrade}`,
    'connection: Upgrade',
    `sec-websocket-accept: ${accept(request.headers['sec-websocket-key'])}`,
    ...more,
  ]
  return `${head.join('\r\n')}\r\n\r\n`
}

const textFrame = (text: string) => Buffer.concat([Buffer.from([0x81, text.length]), Buffer.from(text)])

/** Answers each small message with itself, in capitals. */
const shouting: Upgrade = ({ request, socket }) => {
  socket.write(switched(request))
  socket.on('data', (frame: Buffer) => {
    if ((frame[0] ?? 0) === 0x88) {
      socket.end(closeFrame(1000, ''))
      return
    }
    const length = (frame[1] ?? 0) & 0x7f
    const key = frame.subarray(2, 6)
    const said = frame.subarray(6, 6 + length).map((byte, at) => byte ^ (key[at % 4] ?? 0))
    socket.write(textFrame(Buffer.from(said).toString().toUpperCase()))
  })
}

const open = (edge: Edge, protocols: string[] = []) => new WebSocket(`ws://127.0.0.1:${edge.port}/live`, protocols)

async function closed(socket: WebSocket): Promise<readonly [number, string]> {
  const [{ code, reason }] = (await once(socket, 'close')) as [CloseEvent]
  return [code, reason]
}

/** Asks for an upgrade by hand. */
function begin(edge: Edge, protocol = 'websocket', more = ''): Socket {
  const socket = connect({ port: edge.port, host: '127.0.0.1', allowHalfOpen: true })
  socket.on('error', () => {})
  socket.write(
    `GET /live HTTP/1.1\r\nhost: edge\r\nconnection: upgrade\r\nupgrade: ${protocol}\r\n` +
      `sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\r\n${more}`,
  )
  return socket
}

/** All that comes until the other side ends, or says no more of its own. */
function heard(socket: Socket): Promise<string> {
  let said = ''
  socket.on('data', chunk => {
    said += chunk.toString('latin1')
  })
  return new Promise(resolve => {
    socket.on('close', () => resolve(said)).on('end', () => resolve(said))
  })
}

async function refused(socket: Socket): Promise<string> {
  const said = await heard(socket)
  socket.destroy()
  return said
}

async function until(isSo: () => boolean): Promise<void> {
  for (let turn = 0; turn < 500 && !isSo(); turn++) await new Promise(resolve => setTimeout(resolve, 10))
  assert.ok(isSo())
}

describe('a WebSocket', () => {
  it('is carried both ways, and ends with the word of either side', async () => {
    await inFront(shouting, {}, async edge => {
      const socket = open(edge)
      await once(socket, 'open')
      socket.send('hello')
      const [{ data }] = (await once(socket, 'message')) as [MessageEvent]
      assert.equal(data, 'HELLO')
      socket.close(1000)
      assert.deepEqual(await closed(socket), [1000, ''])
      const note = edge.notes[0] ?? (await edge.noted())
      assert.deepEqual([note.status, note.decision, note.bytesOut], [101, 'passed', 11])
    })
  })

  it('loses nothing of what either side says along with its head', async () => {
    const eager: Upgrade = ({ request, socket, head }) => {
      socket.write(Buffer.concat([Buffer.from(switched(request)), textFrame('first')]))
      let said = head.toString()
      const answer = () => said.includes('eager') && socket.end(textFrame(`heard ${said}`))
      socket.on('data', chunk => {
        said += chunk
        answer()
      })
      answer()
    }
    await inFront(eager, {}, async edge => {
      const said = await heard(begin(edge, 'websocket', 'eager'))
      assert.ok(said.endsWith(`${textFrame('first').toString('latin1')}${textFrame('heard eager').toString('latin1')}`))
    })
  })

  it('is answered the protocol that the service chose, or else the one under which the token came', async () => {
    const cases: readonly (readonly [offered: string[], chosen: string, expected: string])[] = [
      [['bearer', 'token'], '', 'bearer'],
      [['chat', 'bearer', 'token'], 'chat', 'chat'],
      [['chat', 'bearer', 'token'], '', 'bearer'],
      [['chat'], 'chat', 'chat'],
    ]
    let chosen = ''
    const choosing: Upgrade = ({ request, socket }) =>
      socket.write(switched(request, ...(chosen ? [`sec-websocket-protocol: ${chosen}`] : [])))
    await inFront(choosing, {}, async edge => {
      for (const [offered, choice, expected] of cases) {
        chosen = choice
        const socket = open(edge, offered)
        await once(socket, 'open')
        assert.equal(socket.protocol, expected)
        socket.close()
      }
    })
  })

  it('is refused like any other request, and what a service answers instead is passed on', async () => {
    await inFront(null, {}, async edge => {
      const said = await refused(begin(edge))
      assert.match(said, /^HTTP\/1\.1 426 /)
      assert.match(said, /x-request-id: [0-9a-f]{16}\r\nx-why: no\r\n/)
      assert.match(said, /not here/)
    })
    const resetting: Upgrade = ({ socket }) => socket.resetAndDestroy()
    await inFront(resetting, {}, async edge => assert.match(await refused(begin(edge)), /^HTTP\/1\.1 502 /))
    const timeout = { connect: 50, response: 50, total: 1000 }
    await inFront(
      () => {},
      { route: { timeout } },
      async edge => assert.match(await refused(begin(edge)), /^HTTP\/1\.1 504 /),
    )
  })

  it('is tried at another target where one is not there', async () => {
    const gone = createServer()
    await once(gone.listen(0, '127.0.0.1'), 'listening')
    const { port } = gone.address() as AddressInfo
    await new Promise(resolve => gone.close(resolve))
    const service = createServer()
    service.on('upgrade', (request, socket, head) => shouting({ request, socket: socket as Socket, head }))
    await once(service.listen(0, '127.0.0.1'), 'listening')
    const targets = [port, (service.address() as AddressInfo).port].map(at => ({
      url: new URL(`http://127.0.0.1:${at}`),
      weight: 1,
    }))
    const edge = await startEdge({ targets })
    for (let time = 0; time < 2; time++) {
      const socket = open(edge)
      await once(socket, 'open')
      socket.close()
      await closed(socket)
    }
    await until(() => edge.notes.length === 2)
    assert.deepEqual(edge.notes.map(({ attempts }) => attempts).sort(), [1, 2])
    await edge.stop()
    service.close()
  })

  it('takes a place at its target, and gives it back', async () => {
    await inFront(shouting, { upstream: { connections: 1 } }, async edge => {
      const first = open(edge)
      await once(first, 'open')
      assert.match(await refused(begin(edge)), /^HTTP\/1\.1 503 .*no_target/s)
      first.close()
      await until(() => edge.notes.length === 2)
      const second = open(edge)
      await once(second, 'open')
    })
  })
})

describe('a socket whose token is over', () => {
  it('is closed with 4401 when the token is revoked, and so at the service', async () => {
    const known = createKnown()
    const facts = factsOf('one')
    let gone = 0
    const counting: Upgrade = upgraded => {
      upgraded.socket.on('end', () => gone++)
      shouting(upgraded)
    }
    await inFront(
      counting,
      { caller: request => callerOf(known, request.url === '/live' ? facts : factsOf('another')) },
      async edge => {
        const one = open(edge)
        const another = new WebSocket(`ws://127.0.0.1:${edge.port}/other`)
        await Promise.all([once(one, 'open'), once(another, 'open')])
        const ended = closed(one)
        known.revoke(facts)
        assert.deepEqual(await ended, [4401, 'token_revoked'])

        await until(() => gone === 1)
        assert.equal((edge.notes[0] ?? (await edge.noted())).decision, 'token_revoked')

        another.send('still here')
        const [{ data }] = (await once(another, 'message')) as [MessageEvent]
        assert.equal(data, 'STILL HERE')
      },
    )
    assert.equal(known.listeners(), 0)
  })

  it('never opens when that was while the service was asked', async () => {
    const known = createKnown()
    const facts = factsOf('one')
    const slow: Upgrade = upgraded => {
      known.revoke(facts)
      shouting(upgraded)
    }
    await inFront(slow, { caller: () => callerOf(known, facts) }, async edge => {
      assert.deepEqual(await closed(open(edge)), [4401, 'token_revoked'])
    })
  })

  it('is closed when the token expires, and when nobody has heard of revocations for too long, as the route says', async () => {
    let now = 1_000_000
    const clocks = { clock: () => now, wallClock: () => now }
    await inFront(shouting, { caller: () => callerOf(null, factsOf('one'), 1010), ...clocks }, async edge => {
      const socket = open(edge)
      await once(socket, 'open')
      const ended = closed(socket)
      now = 1_016_000
      assert.deepEqual(await ended, [4401, 'token_expired'])
    })
    for (const action of ['deny', 'allow'] as const) {
      const known = createKnown()
      const route = { onStale: { after: 60_000, do: action } }
      await inFront(shouting, { caller: () => callerOf(known), route, ...clocks }, async edge => {
        const socket = open(edge)
        await once(socket, 'open')
        const ended = closed(socket)
        known.grow(60_001)
        now += 2000
        if (action === 'deny') assert.deepEqual(await ended, [4401, 'revocations_stale'])
        else {
          socket.send('still here')
          await once(socket, 'message')
        }
      })
    }
  })

  it('is closed when a reload leaves its issuer out, though the route lets pass what nobody hears of', async () => {
    const known = createKnown()
    const caller = callerOf(known)
    const route = { onStale: { after: 60_000, do: 'allow' as const } }
    await inFront(shouting, { caller: () => caller, route }, async edge => {
      const socket = open(edge)
      await once(socket, 'open')
      edge.reload(edge.plan, [caller.issuer])
      socket.send('still here')
      await once(socket, 'message')
      const ended = closed(socket)
      edge.reload(edge.plan, [])
      assert.deepEqual(await ended, [4401, 'invalid_token'])
      // Admitted by the rules before, and open after those of now.
      assert.deepEqual(await closed(open(edge)), [4401, 'invalid_token'])
    })
    assert.equal(known.listeners(), 0)
  })

  it('is closed by what is revoked after a reload that changed how its issuer is asked', async () => {
    const [former, latter] = [createKnown(), createKnown()]
    const facts = factsOf('one')
    let caller = callerOf(former, facts)
    const { plan } = caller.issuer
    const changed = { ...caller.issuer, plan: { ...plan, client: { id: 'edge', secret: 'new' } }, revocations: latter }
    const route = { onStale: { after: 60_000, do: 'allow' as const } }
    await inFront(shouting, { caller: () => caller, route }, async edge => {
      const socket = open(edge)
      await once(socket, 'open')
      edge.reload(edge.plan, [changed])
      socket.send('still here')
      await once(socket, 'message')
      assert.deepEqual([former.listeners(), latter.listeners()], [0, 1])
      const ended = closed(socket)
      latter.revoke(facts)
      assert.deepEqual(await ended, [4401, 'token_revoked'])

      // With other keys, perhaps, than what it sent was verified with.
      caller = { ...caller, facts: factsOf('another') }
      const another = open(edge)
      await once(another, 'open')
      const dropped = closed(another)
      edge.reload(edge.plan, [{ ...changed, plan: { ...plan, url: 'https://elsewhere.example/' } }])
      assert.deepEqual(await dropped, [4401, 'invalid_token'])
    })
    assert.equal(latter.listeners(), 0)
  })

  it('is cut off in the midst of a frame, where a last word would be a part of it', async () => {
    const known = createKnown()
    const facts = factsOf('one')
    const half: Upgrade = ({ request, socket }) => socket.write(`${switched(request)}\x81\x0ahalf`, 'latin1')
    await inFront(half, { caller: () => callerOf(known, facts) }, async edge => {
      const socket = begin(edge)
      const said = heard(socket)
      await until(() => socket.bytesRead > 0)
      await new Promise(resolve => setTimeout(resolve, 20))
      known.revoke(facts)
      assert.match(await said, /half$/)
    })
  })

  it('is another protocol’s too, and an answer that goes on', async () => {
    const known = createKnown()
    const facts = factsOf('one')
    const raw: Upgrade = ({ request, socket }) => socket.write(`${switched(request)}raw`)
    await inFront(raw, { caller: () => callerOf(known, facts) }, async edge => {
      const socket = begin(edge, 'something')
      const said = heard(socket)
      await once(socket, 'data')
      known.revoke(facts)
      assert.doesNotMatch(await said, /\x88/)
    })
  })

  it('sends who polls away with 401, and breaks off an answer that has begun', async () => {
    const known = createKnown()
    const facts = factsOf('one')
    let now = 0
    const server = createServer((request, response) => {
      if (request.url === '/stream') response.write('data: 1\n\n')
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    const edge = await startEdge({
      targets: [{ url, weight: 1 }],
      caller: () => callerOf(known, facts),
      clock: () => now,
    })
    const [poll, stream] = [fetch(`${edge.url}/poll`), await fetch(`${edge.url}/stream`)]
    now += 1000
    await until(() => known.listeners() === 1)
    await new Promise(resolve => setTimeout(resolve, 150))
    known.revoke(facts)
    const answer = await poll
    assert.deepEqual([answer.status, JSON.parse(await answer.text()).reason], [401, 'token_revoked'])
    await assert.rejects(stream.text())
    await until(() => known.listeners() === 0)
    await edge.stop()
    server.closeAllConnections()
    server.close()
  })
})

describe('an end', () => {
  it('of one direction is not that of the other', async () => {
    const patient: Upgrade = ({ request, socket }) => {
      socket.write(switched(request))
      socket.resume().on('end', () => socket.end('the rest'))
    }
    await inFront(patient, {}, async edge => {
      const socket = begin(edge, 'something')
      await once(socket, 'data')
      const said = heard(socket)
      socket.end()
      assert.equal(await said, 'the rest')
    })
    let heardAll = ''
    const ending: Upgrade = ({ request, socket }) => {
      socket.on('data', chunk => {
        heardAll += chunk
      })
      socket.end(switched(request))
    }
    await inFront(ending, {}, async edge => {
      const socket = begin(edge, 'something')
      await heard(socket)
      socket.end('the rest')
      await until(() => heardAll === 'the rest')
    })
  })

  it('is told apart from a break: a service that resets is no service that has finished', async () => {
    const breaking: Upgrade = ({ request, socket }) => {
      socket.write(switched(request))
      setTimeout(() => socket.resetAndDestroy(), 20)
    }
    await inFront(breaking, {}, async edge => {
      const socket = begin(edge)
      await heard(socket)
      await until(() => edge.notes.length === 1)
    })
  })

  it('of the gateway sends sockets away with 1001', async () => {
    await inFront(shouting, {}, async edge => {
      const socket = open(edge)
      await once(socket, 'open')
      const ended = closed(socket)
      await edge.forwarder.stop()
      assert.deepEqual(await ended, [1001, 'closing'])
    })
  })
})

describe('frames', () => {
  it('are told apart however they are cut up', () => {
    const long = Buffer.concat([Buffer.from([0x82, 126, 0x01, 0x00]), Buffer.alloc(256)])
    const longer = Buffer.concat([Buffer.from([0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]), Buffer.alloc(65_536)])
    const masked = Buffer.from([0x81, 0x82, 1, 2, 3, 4, 5, 6])
    const all = Buffer.concat([textFrame('hello'), textFrame(''), long, longer, masked, textFrame('end')])
    const ends = [7, 9, 269, 65_815, 65_823, 65_828]
    for (const size of [1, 2, 3, 7, 1000, all.length]) {
      const frames = new Frames()
      for (let at = 0; at < all.length; at += size) {
        frames.pass(all.subarray(at, at + size))
        assert.equal(frames.isBetween, ends.includes(Math.min(at + size, all.length)), `${size} at ${at}`)
      }
    }
  })

  it('end with the one that closes', () => {
    const frames = new Frames()
    frames.pass(closeFrame(1000, 'bye'))
    assert.deepEqual([frames.isBetween, frames.isClosed], [true, true])
  })
})
