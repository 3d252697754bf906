import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { connect, type Socket } from 'node:net'
import { describe, it } from 'node:test'
import { createListener, type Listener } from './listener.ts'
import type { Bounds } from './plan.ts'

const BOUNDS: Bounds = {
  headerBytes: 4096,
  headerTimeout: 300,
  requestTimeout: 600,
  idleTimeout: 5000,
  connections: 4,
}

interface Stage {
  readonly listener: Listener
  /** Why connections were turned away, in that order. */
  readonly turned: string[]
  open(): Socket
}

async function listening(answer: RequestListener, run: (stage: Stage) => Promise<void>, grace = 1000): Promise<void> {
  const turned: string[] = []
  const sockets: Socket[] = []
  const listener = createListener({
    bounds: BOUNDS,
    tls: null,
    request: answer,
    upgrade: (_request, socket) => socket.end('HTTP/1.1 426 Upgrade Required\r\n\r\n'),
    turnedAway: why => turned.push(why),
  })
  const port = await listener.listen({ host: '127.0.0.1', port: 0 })
  const open = () => {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    sockets.push(socket)
    return socket
  }
  try {
    await run({ listener, turned, open })
  } finally {
    for (const socket of sockets) socket.destroy()
    await listener.close(grace)
  }
}

/** All that comes until the connection ends. */
function heard(socket: Socket): Promise<string> {
  let said = ''
  socket.on('data', chunk => {
    said += chunk
  })
  return new Promise(resolve => socket.on('close', () => resolve(said)))
}

const GET = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'
const hello: RequestListener = (_request, response) => response.end('hello')

describe('who is turned away', () => {
  const malformed: Readonly<Record<string, string>> = {
    'what is no HTTP': 'hello\r\n\r\n',
    'a length and chunks':
      'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    'two lengths': 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\na',
    'a coding that is not chunked': 'POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n',
    'a coding within chunks': 'POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
    'a header that goes on in the next line': 'GET / HTTP/1.1\r\nhost: a\r\nx: 1\r\n 2\r\n\r\n',
    'lines that end in a bare LF': 'GET / HTTP/1.1\nhost: a\n\n',
    'a space before the colon': 'GET / HTTP/1.1\r\nhost : a\r\n\r\n',
    'a tunnel': 'CONNECT a:80 HTTP/1.1\r\nhost: a\r\n\r\n',
    'a NUL in a value': 'GET / HTTP/1.1\r\nhost: a\r\nx: \0\r\n\r\n',
    'no host': 'GET / HTTP/1.1\r\n\r\n',
  }
  for (const [name, bytes] of Object.entries(malformed)) {
    it(`is ${name}`, async () => {
      const reached: RequestListener = () => assert.fail('it was taken for a request')
      await listening(reached, async ({ open }) => {
        const socket = open()
        socket.write(bytes, 'latin1')
        const said = await heard(socket)
        assert.match(said, /^HTTP\/1\.1 400 Bad Request\r\n/)
        assert.match(said, /connection: close/i)
      })
    })
  }

  it('is a header that is too large', async () => {
    await listening(hello, async ({ open, turned }) => {
      const socket = open()
      socket.write(`GET / HTTP/1.1\r\nhost: a\r\nx: ${'a'.repeat(5000)}\r\n\r\n`)
      assert.match(await heard(socket), /^HTTP\/1\.1 431 /)
      assert.deepEqual(turned, ['header_too_large'])
    })
  })

  it('is whoever takes too long over a header, or says nothing at all', async () => {
    await listening(hello, async ({ open, turned }) => {
      const [slow, silent] = [open(), open()]
      slow.write('GET / HTTP/1.1\r\nhost: a\r\nx')
      const said = await Promise.all([heard(slow), heard(silent)])
      for (const one of said) assert.match(one, /^HTTP\/1\.1 408 /)
      assert.deepEqual(turned, ['too_slow', 'too_slow'])
    })
  })

  it('is whoever takes too long over a body, after what it was answered', async () => {
    const answer: RequestListener = (request, response) => {
      request.resume().on('error', () => {})
      response.write('half')
    }
    await listening(answer, async ({ open, turned }) => {
      const socket = open()
      socket.write('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nslow')
      const said = await heard(socket)
      assert.match(said, /^HTTP\/1\.1 200 OK\r\n/)
      // In the midst of an answer another one would be a part of it.
      assert.doesNotMatch(said, /408/)
      assert.deepEqual(turned, ['too_slow'])
    })
  })

  it('is who comes when there are as many as may', async () => {
    await listening(hello, async ({ open, turned }) => {
      const first = Array.from({ length: BOUNDS.connections }, open)
      for (const socket of first) {
        socket.write(GET)
        await once(socket, 'data')
      }
      assert.equal(await heard(open()), '')
      assert.deepEqual(turned, ['too_many'])
    })
  })

  it('is not who offers another version of HTTP, nor whose expectation is unknown without being told so', async () => {
    await listening(hello, async ({ open }) => {
      const offering = open()
      offering.write('GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade, close\r\nupgrade: h2c\r\n\r\n')
      assert.match(await heard(offering), /hello/)
      const expecting = open()
      expecting.write('GET / HTTP/1.1\r\nhost: a\r\nexpect: miracles\r\n\r\n')
      assert.match(await heard(expecting), /^HTTP\/1\.1 417 /)
    })
  })
})

describe('an upgrade', () => {
  const UPGRADE = 'GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade, close\r\nupgrade: websocket\r\n'

  it('with a body is a request, which nobody waits for the body of in vain', async () => {
    await listening(hello, async ({ open }) => {
      for (const body of ['content-length: 5\r\n\r\nhello', 'transfer-encoding: chunked\r\n\r\n0\r\n\r\n']) {
        const asking = open()
        asking.write(UPGRADE + body)
        assert.match(await heard(asking), /^HTTP\/1\.1 200 .+hello/s)
      }
      const asking = open()
      asking.write(`${UPGRADE}content-length: 0\r\n\r\n`)
      assert.match(await heard(asking), /^HTTP\/1\.1 426 /)
    })
  })

  it('is not answered before what was asked before it', async () => {
    const never: RequestListener = () => {}
    await listening(never, async ({ open, turned }) => {
      const asking = open()
      asking.write(`${GET}${UPGRADE}\r\n`)
      assert.equal(await heard(asking), '')
      assert.deepEqual(turned, ['malformed'])
    })
    await listening(hello, async ({ open }) => {
      const asking = open()
      asking.write(GET)
      await once(asking, 'data')
      asking.write(`${UPGRADE}\r\n`)
      assert.match(await heard(asking), /HTTP\/1\.1 426 /)
    })
  })
})

describe('an answer', () => {
  it('reaches a client that is still sending', async () => {
    const refuse: RequestListener = (_request, response) => {
      response.writeHead(413, { connection: 'close', 'content-length': 9 }).end('too large')
    }
    await listening(refuse, async ({ open }) => {
      const socket = open()
      const length = 4 * 1024 * 1024
      socket.write(`POST / HTTP/1.1\r\nhost: a\r\ncontent-length: ${length}\r\n\r\n`)
      // Nothing is read before all is sent.
      socket.pause()
      await new Promise(resolve => socket.write(Buffer.alloc(length), resolve))
      assert.match(await heard(socket.resume()), /^HTTP\/1\.1 413 .*too large$/s)
    })
  })
})

describe('a port that is given up', () => {
  it('ends what is idle at once, and every other connection with its answer', async () => {
    const answers: (() => void)[] = []
    const answer: RequestListener = (request, response) => {
      if (request.url === '/') response.end('hello')
      else answers.push(() => response.end('at last'))
    }
    await listening(answer, async ({ listener, open }) => {
      const [idle, busy] = [open(), open()]
      idle.write(GET)
      await once(idle, 'data')
      busy.write('GET /slow HTTP/1.1\r\nhost: a\r\n\r\n')
      await once(listener.server, 'request')
      const closed = listener.close(60_000)
      await heard(idle)
      answers[0]?.()
      const said = await heard(busy)
      assert.match(said, /connection: close/i)
      assert.match(said, /at last/)
      await closed
      assert.equal(await heard(open()), '')
    })
  })

  it('waits no longer than it is told to', async () => {
    await listening(
      () => {},
      async ({ listener, open }) => {
        const socket = open()
        socket.write(GET)
        await once(listener.server, 'request')
        const ended = heard(socket)
        await listener.close(20)
        assert.equal(await ended, '')
      },
    )
  })
})
