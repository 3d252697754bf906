import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { type ClientRequest, type IncomingMessage, type RequestOptions, request as send } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { buffer, text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { makeCertificate } from '../../tests/fixtures/certificate.ts'
import { type Edge, type Service, startEdge, startService } from '../../tests/fixtures/edge.ts'

type Options = Omit<Parameters<typeof startEdge>[0], 'targets'>
type Behind = Pick<Service, 'url' | 'open' | 'stop'>

/** A gateway in front of what there is, for the time of a test. */
async function inFront(
  behind: readonly Behind[],
  options: Options,
  run: (edge: Edge, ...behind: readonly Behind[]) => Promise<void>,
): Promise<void> {
  const edge = await startEdge({ ...options, targets: behind.map(({ url }) => ({ url, weight: 1 })) })
  try {
    await run(edge, ...behind)
  } finally {
    await edge.stop()
    for (const service of behind) await service.stop()
  }
}

/** A service that says bytes of its own making to each connection, once it has sent a request's head. */
async function startRaw(speak: (socket: Socket, head: string) => void): Promise<Behind> {
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {})
    let said = ''
    socket.on('data', chunk => {
      said += chunk.toString('latin1')
      if (!said.includes('\r\n\r\n')) return
      speak(socket, said)
      said = ''
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    open: () => sockets.size,
    async stop() {
      for (const socket of sockets) socket.destroy()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

function begin(edge: Edge, path: string, options: RequestOptions = {}): ClientRequest {
  const asking = send(edge.url + path, { agent: false, ...options })
  asking.on('error', () => {})
  return asking
}

async function ask(edge: Edge, path: string, options: RequestOptions = {}, body?: Buffer): Promise<IncomingMessage> {
  const asking = begin(edge, path, options)
  asking.end(body)
  const [answer] = (await once(asking, 'response')) as [IncomingMessage]
  return answer
}

async function refusal(answer: IncomingMessage): Promise<readonly [number | undefined, unknown]> {
  const { reason, request_id } = JSON.parse(await text(answer))
  assert.equal(request_id, answer.headers['x-request-id'])
  return [answer.statusCode, reason]
}

const LARGE = Buffer.alloc(64 * 1024)
/** More than any buffer holds. */
const LONG = Buffer.alloc(900 * 1024)
const HEADLESS = 'HTTP/1.1 200 OK\r\n'

describe('what is carried', () => {
  it('says nothing of the service’s own to other origins where the route says who may read', async () => {
    const said = { 'access-control-allow-origin': 'https://evil.example', 'access-control-allow-credentials': 'true' }
    const service = () => startService((_request, response) => response.writeHead(200, said).end())
    const cors = { origins: ['https://app.example'], credentials: true, maxAgeSeconds: 600 }
    const heard = async (edge: Edge) =>
      Object.keys((await ask(edge, '/')).headers).filter(name => name.startsWith('access-control-'))
    await inFront([await service()], { route: { cors } }, async edge => assert.deepEqual(await heard(edge), []))
    await inFront([await service()], {}, async edge => assert.deepEqual(await heard(edge), Object.keys(said)))
  })

  it('is the request as it was admitted, and the answer as it came', async () => {
    const service = await startService(async (request, response) => {
      response.writeHead(201, { 'x-seen': request.headers['x-sent'], 'set-cookie': ['a=1', 'b=2'] })
      response.end(Buffer.from(`${request.method} ${request.url} ${await text(request)}`))
    })
    await inFront([service], {}, async edge => {
      const sent = Buffer.from('hello')
      const answer = await ask(edge, '/a?b=c', { method: 'POST', headers: { 'x-sent': 'ü' } }, sent)
      assert.equal(answer.statusCode, 201)
      assert.equal(answer.headers['x-seen'], 'ü')
      assert.deepEqual(answer.headers['set-cookie'], ['a=1', 'b=2'])
      assert.match(String(answer.headers['x-request-id']), /^[0-9a-f]{16}$/)
      assert.equal(await text(answer), 'POST /a?b=c hello')
      const [note] = edge.notes
      assert.deepEqual(
        [note?.upstream, note?.target, note?.attempts, note?.status, note?.bytesOut, note?.isAborted],
        ['service', service.url.host, 1, 201, 17, false],
      )
    })
  })

  it('keeps a length that was said, and sends in chunks what has none', async () => {
    const service = await startService((request, response) => {
      request.resume().on('end', () => {
        response.end(`${request.headers['content-length']} ${request.headers['transfer-encoding']}`)
      })
    })
    await inFront([service], {}, async edge => {
      const put = { method: 'PUT' }
      const headers = { 'transfer-encoding': 'chunked' }
      assert.equal(await text(await ask(edge, '/', put, Buffer.from('four'))), '4 undefined')
      assert.equal(await text(await ask(edge, '/', { ...put, headers }, Buffer.from('four'))), 'undefined chunked')
      assert.equal(
        await text(await ask(edge, '/', { method: 'POST', headers: { 'content-length': 0 } })),
        '0 undefined',
      )
      assert.equal(await text(await ask(edge, '/')), 'undefined undefined')
    })
  })

  it('has a body or none as the method and the status say', async () => {
    const service = await startService((request, response) => {
      const status = Number(request.url?.slice(1))
      response.writeHead(status, { etag: '"1"', ...(status === 200 && { 'content-length': 5 }) })
      response.end(status === 200 && request.method !== 'HEAD' ? 'hello' : undefined)
    })
    await inFront([service], {}, async edge => {
      const head = await ask(edge, '/200', { method: 'HEAD' })
      assert.deepEqual([head.headers['content-length'], await text(head)], ['5', ''])
      for (const status of [204, 304]) {
        const empty = await ask(edge, `/${status}`)
        assert.deepEqual([empty.statusCode, empty.headers.etag, await text(empty)], [status, '"1"', ''])
      }
      assert.equal(await text(await ask(edge, '/200')), 'hello')
    })
  })

  it('leaves out what belongs to one connection, trailers and what Connection names', async () => {
    const service = await startRaw(socket => {
      socket.write(
        `${HEADLESS}connection: keep-alive, x-mine\r\nkeep-alive: timeout=9\r\nx-mine: 1\r\nx-yours: 2\r\n` +
          'trailer: x-last\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-last: 3\r\n\r\n',
      )
    })
    await inFront([service], {}, async edge => {
      const answer = await ask(edge, '/', { headers: { connection: 'close' } })
      assert.equal(await text(answer), 'hello')
      const { date, 'x-request-id': id, ...rest } = answer.headers
      assert.deepEqual(rest, { 'x-yours': '2', 'content-length': '5', connection: 'close' })
      assert.deepEqual(answer.rawTrailers, [])
    })
  })

  it('passes early hints on and waits for the answer', async () => {
    const service = await startRaw(socket => {
      socket.write(
        'HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\nlink: anything\r\n\r\n',
      )
      setImmediate(() => socket.write(`${HEADLESS}content-length: 2\r\n\r\nok`))
    })
    await inFront([service], {}, async edge => {
      const asking = begin(edge, '/')
      asking.end()
      const [[hints], [answer]] = await Promise.all([once(asking, 'information'), once(asking, 'response')])
      assert.deepEqual([hints.statusCode, hints.headers.link], [103, '</a.css>, anything'])
      assert.equal(await text(answer), 'ok')
    })
  })

  it('comes as it is sent: the head without a body, then each piece', async () => {
    const pieces = ['data: 1\n\n', 'data: 2\n\n']
    let next = (): void => {}
    const service = await startService((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
      next = () => {
        const piece = pieces.shift()
        if (piece) response.write(piece)
        else response.end()
      }
    })
    await inFront([service], {}, async edge => {
      const answer = await ask(edge, '/')
      for (const piece of [...pieces]) {
        next()
        const [chunk] = await once(answer, 'data')
        assert.equal(String(chunk), piece)
      }
      next()
      await once(answer, 'end')
    })
  })

  it('is sent no faster than it is read, in either direction', async () => {
    const chunk = Buffer.alloc(64 * 1024)
    let produced = 0
    let isFull = (): void => {}
    const full = new Promise<void>(resolve => {
      isFull = resolve
    })
    const service = await startService((request, response) => {
      if (request.method === 'POST') return
      const more = () => {
        while (produced < 256 * 1024 * 1024) {
          produced += chunk.length
          if (!response.write(chunk)) {
            const before = produced
            // Full, and still so when everything between has had its turn many times over.
            setTimeout(() => produced === before && isFull(), 200).unref()
            response.once('drain', more)
            return
          }
        }
        response.end()
      }
      more()
    })
    const route = { maxBody: Number.MAX_SAFE_INTEGER }
    await inFront([service], { route }, async edge => {
      const answer = await ask(edge, '/')
      answer.pause()
      await full
      assert.ok(produced < 64 * 1024 * 1024, `${produced} bytes are on their way to nobody`)
      answer.destroy()

      const uploading = begin(edge, '/', { method: 'POST', headers: { 'transfer-encoding': 'chunked' } })
      let written = 0
      while (written < 64 * 1024 * 1024) {
        written += chunk.length
        if (!uploading.write(chunk) && (await Promise.race([once(uploading, 'drain'), quiet(200)])) === 'quiet') break
      }
      assert.ok(written < 64 * 1024 * 1024, `${written} bytes are on their way to a service that reads none`)
      uploading.destroy()
    })
  })
})

const quiet = (milliseconds: number) =>
  new Promise<'quiet'>(resolve => {
    setTimeout(() => resolve('quiet'), milliseconds).unref()
  })

describe('a body on its way up', () => {
  it('is refused beyond what the route takes, said or not, and the connection is closed', async () => {
    let reached = 0
    const service = await startService((request, response) => {
      reached++
      request.resume().on('end', () => response.end('taken'))
    })
    await inFront([service], { route: { maxBody: 10 } }, async edge => {
      const headers = { 'transfer-encoding': 'chunked', connection: 'keep-alive' }
      assert.equal(await text(await ask(edge, '/', { method: 'POST' }, Buffer.alloc(10))), 'taken')
      const said = await ask(edge, '/', { method: 'POST', headers: { connection: 'keep-alive' } }, Buffer.alloc(11))
      assert.deepEqual(await refusal(said), [413, 'body_too_large'])
      assert.equal(said.headers.connection, 'close')
      assert.equal(reached, 1)
      const unsaid = await ask(edge, '/', { method: 'POST', headers }, Buffer.alloc(11))
      assert.deepEqual(await refusal(unsaid), [413, 'body_too_large'])
      assert.equal(unsaid.headers.connection, 'close')
    })
  })

  it('is asked for only when a service takes it', async () => {
    const service = await startService(async (request, response) => {
      response.end(`${request.headers.expect} ${await text(request)}`)
    })
    await inFront([service], { route: { maxBody: 10 } }, async edge => {
      const expecting = (length: number) => {
        const headers = { expect: '100-continue', 'content-length': length }
        const asking = begin(edge, '/', { method: 'POST', headers })
        asking.flushHeaders()
        return asking
      }
      const taken = expecting(5)
      await once(taken, 'continue')
      taken.end('hello')
      const [answer] = await once(taken, 'response')
      assert.equal(await text(answer), 'undefined hello')

      const tooLarge = expecting(11)
      tooLarge.on('continue', () => assert.fail('nobody wants it'))
      const [refused] = await once(tooLarge, 'response')
      assert.deepEqual(await refusal(refused), [413, 'body_too_large'])
    })
  })

  it('does not keep an answer waiting that came before it was read', async () => {
    const service = await startService((_request, response) => {
      response.writeHead(403, { connection: 'close' }).end('no')
    })
    await inFront([service], {}, async edge => {
      const asking = begin(edge, '/', { method: 'POST', headers: { 'content-length': 1_000_000 } })
      asking.write(Buffer.alloc(500_000))
      const [answer] = await once(asking, 'response')
      assert.deepEqual([answer.statusCode, await text(answer)], [403, 'no'])
      // What is left of it hurts nobody.
      asking.end(Buffer.alloc(500_000))
      await once(asking, 'close')
    })
  })

  it('ends at the service when its client goes', async () => {
    let gone = (): void => {}
    const left = new Promise<void>(resolve => {
      gone = resolve
    })
    const service = await startService(request => {
      request.on('error', gone)
    })
    await inFront([service], {}, async edge => {
      const asking = begin(edge, '/', { method: 'POST', headers: { 'transfer-encoding': 'chunked' } })
      asking.write('half')
      await once(service.server, 'request')
      asking.destroy()
      await left
      assert.equal((edge.notes[0] ?? (await edge.noted())).isAborted, true)
    })
  })
})

describe('a service that fails', () => {
  const failing: Readonly<Record<string, (socket: Socket) => void>> = {
    'answers garbage': socket => socket.end('SSH-2.0-OpenSSH_9.2\r\n'),
    'answers nothing and goes': socket => socket.end(),
    'resets the connection': socket => socket.resetAndDestroy(),
    'switches protocols unasked': socket =>
      socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'),
    'says two lengths': socket => socket.write(`${HEADLESS}content-length: 1\r\ncontent-length: 2\r\n\r\nab`),
    'says a length and chunks': socket =>
      socket.write(`${HEADLESS}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`),
    'answers with a status that is none': socket => socket.write('HTTP/1.1 099 Low\r\ncontent-length: 0\r\n\r\n'),
    'has a header with what may be in none': socket =>
      socket.write(`${HEADLESS}x: a\x7fb\r\ncontent-length: 0\r\n\r\n`),
    'begins a header that never ends': socket => socket.write(`${HEADLESS}x: ${'a'.repeat(128 * 1024)}`),
  }
  for (const [name, speak] of Object.entries(failing)) {
    it(`and ${name} is a bad gateway, with the request's id`, async () => {
      await inFront([await startRaw(speak)], {}, async edge => {
        const answer = await ask(edge, '/', { method: 'POST' })
        assert.deepEqual(await refusal(answer), [502, 'upstream_failed'])
      })
    })
  }

  it('by not being there is a bad gateway', async () => {
    const service = await startRaw(() => {})
    await service.stop()
    await inFront([{ ...service, stop: async () => {} }], {}, async edge => {
      assert.deepEqual(await refusal(await ask(edge, '/')), [502, 'upstream_failed'])
    })
  })

  it('by saying nothing is a timeout', async () => {
    const timeout = { connect: 1000, response: 50, total: 30_000 }
    await inFront([await startRaw(() => {})], { route: { timeout, retries: 0 } }, async (edge, service) => {
      assert.deepEqual(await refusal(await ask(edge, '/')), [504, 'upstream_timeout'])
      await until(() => service?.open() === 0)
    })
  })

  it('by never coming to an end is cut off when the time for the whole is over', async () => {
    const timeout = { connect: 1000, response: 5000, total: 150 }
    const endless = await startRaw(socket => socket.write(`${HEADLESS}content-length: 9\r\n\r\nhalf`))
    await inFront([endless], { route: { timeout } }, async edge => {
      const answer = await ask(edge, '/')
      await assert.rejects(text(answer), /aborted/)
      const [note] = edge.notes.length > 0 ? edge.notes : [await edge.noted()]
      assert.deepEqual([note?.status, note?.decision], [200, 'upstream_timeout'])
    })
  })

  const broken: Readonly<Record<string, string>> = {
    'with a length': 'content-length: 9\r\n\r\nhalf',
    'in chunks': 'transfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n',
    'without either': 'connection: close\r\n\r\nhalf',
  }
  for (const [name, rest] of Object.entries(broken)) {
    it(`in the midst of an answer ${name} never looks whole`, async () => {
      let breakOff = (): void => {}
      const service = await startRaw(socket => {
        breakOff = () => socket.resetAndDestroy()
        socket.write(HEADLESS + rest)
      })
      await inFront([service], {}, async edge => {
        const answer = await ask(edge, '/')
        await once(answer, 'data')
        breakOff()
        await assert.rejects(buffer(answer), /aborted/)
      })
    })
  }
})

describe('what stands still', () => {
  const timeout = { connect: 1000, response: 5000, total: 24 * 60 * 60_000 }
  const minute = 60_000

  it('is cut off after a minute when it is a client that does not read, and the service is let go', async () => {
    let now = 0
    const service = await startService((_request, response) => {
      const more = () => {
        while (response.write(LARGE));
        response.once('drain', more)
      }
      more()
    })
    await inFront([service], { route: { timeout }, clock: () => now }, async edge => {
      const answer = await ask(edge, '/')
      answer.pause()
      // Once everything between is full.
      await quiet(300)
      assert.equal(service.open(), 1)
      now += minute
      await until(() => service.open() === 0)
      const note = edge.notes[0] ?? (await edge.noted())
      assert.deepEqual([note.decision, note.isAborted], ['passed', true])
    })
  })

  it('is cut off after a minute when it is a service, in the midst of its answer or of what it is sent', async () => {
    let now = 0
    const still = await startRaw((socket, head) => {
      if (head.startsWith('GET')) socket.write(`${HEADLESS}content-length: 9\r\n\r\nhalf`)
      else socket.pause()
    })
    const route = { timeout, maxBody: Number.MAX_SAFE_INTEGER }
    await inFront([still], { route, clock: () => now }, async edge => {
      const answer = await ask(edge, '/')
      await once(answer, 'data')
      const broken = assert.rejects(buffer(answer), /aborted/)
      now += minute
      await broken
      assert.equal((edge.notes[0] ?? (await edge.noted())).decision, 'upstream_timeout')

      const uploading = begin(edge, '/', { method: 'POST', headers: { 'transfer-encoding': 'chunked' } })
      const answered = once(uploading, 'response')
      while (uploading.write(LARGE) || (await Promise.race([once(uploading, 'drain'), quiet(300)])) !== 'quiet');
      now += minute
      const [late] = await answered
      assert.deepEqual(await refusal(late), [504, 'upstream_timeout'])
      uploading.destroy()
    })
  })

  it('may, when it is a stream of events', async () => {
    let now = 0
    let tell = (): void => {}
    const service = await startService((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' }).flushHeaders()
      tell = () => response.end('data: at last\n\n')
    })
    await inFront([service], { route: { timeout: { ...timeout, total: minute } }, clock: () => now }, async edge => {
      const answer = await ask(edge, '/')
      now += 60 * minute
      // It was looked at meanwhile.
      await quiet(250)
      tell()
      assert.equal(await text(answer), 'data: at last\n\n')
    })
  })
})

describe('what is tried again', () => {
  it('is what changes nothing by being asked twice, at another target', async () => {
    const [ill, well] = [
      await startRaw(socket => socket.resetAndDestroy()),
      await startService((request, response) => request.resume().on('end', () => response.end('well'))),
    ]
    await inFront([ill, well], {}, async edge => {
      const asked = []
      for (const method of ['PUT', 'PUT', 'POST', 'POST', 'PATCH', 'PATCH'])
        asked.push([method, (await ask(edge, '/', { method })).statusCode])
      assert.deepEqual(
        asked.filter(([, status]) => status !== 200).map(([method]) => method),
        ['POST', 'PATCH'],
      )
    })
  })

  it('is nothing of whose body a byte was sent', async () => {
    const ill = await startRaw((socket, head) => head.includes('hello') && socket.resetAndDestroy())
    await inFront([ill], { route: { retries: 3 } }, async edge => {
      const answer = await ask(edge, '/', { method: 'PUT' }, Buffer.from('hello'))
      assert.deepEqual(await refusal(answer), [502, 'upstream_failed'])
      assert.equal((edge.notes[0] ?? (await edge.noted())).attempts, 1)
    })
  })

  it('is the body too, where the target that failed had none of it', async () => {
    const gone = await startRaw(() => {})
    await gone.stop()
    const well = await startService(async (request, response) => response.end(await buffer(request)))
    await inFront([{ ...gone, stop: async () => {} }, well], {}, async edge => {
      for (let time = 0; time < 4; time++)
        assert.equal((await buffer(await ask(edge, '/', { method: 'PUT' }, LONG))).length, LONG.length)
    })
  })

  it('is no more than the budget', async () => {
    const ill = await startRaw(socket => socket.resetAndDestroy())
    await inFront([ill], { upstream: { retryBudget: 0.1 } }, async edge => {
      for (let time = 0; time < 20; time++) await refusal(await ask(edge, '/'))
      await until(() => edge.notes.length === 20)
      assert.equal(edge.notes.filter(({ attempts }) => attempts > 1).length, 3)
    })
  })
})

describe('a breaker', () => {
  it('spares a target that fails, answers in its place, and lets one request find out whether it is back', async () => {
    let isIll = true
    let now = 1000
    let reached = 0
    const service = await startRaw(socket => {
      reached++
      if (isIll) socket.resetAndDestroy()
      else socket.write(`${HEADLESS}content-length: 4\r\n\r\nwell`)
    })
    const fallback = { status: 503, body: 'busy', contentType: 'text/plain' }
    const breaker = { failures: 3, within: 10_000, open: 5000, fallback }
    await inFront([service], { upstream: { breaker, retryBudget: 0 }, clock: () => now }, async edge => {
      const status = async () => (await ask(edge, '/')).statusCode
      assert.deepEqual([await status(), await status(), await status()], [502, 502, 502])
      const answer = await ask(edge, '/')
      assert.deepEqual(
        [answer.statusCode, answer.headers['content-type'], await text(answer)],
        [503, 'text/plain', 'busy'],
      )
      assert.equal(edge.notes.at(-1)?.decision ?? (await edge.noted()).decision, 'breaker_open')
      assert.equal(reached, 3)
      now += 5000
      assert.deepEqual([await status(), await status()], [502, 503])
      isIll = false
      now += 5000
      assert.deepEqual([await status(), await status()], [200, 200])
      const { host } = service.url
      assert.deepEqual(
        edge.moves.filter(move => move.startsWith('breaker')),
        [
          `breaker open ${host}`,
          `breaker half-open ${host}`,
          `breaker open ${host}`,
          `breaker half-open ${host}`,
          `breaker closed ${host}`,
        ],
      )
    })
  })
})

describe('sockets to a target', () => {
  it('are bounded: what comes meanwhile waits, and what would wait too long is told so', async () => {
    const waiting: (() => void)[] = []
    let served = 0
    const service = await startService((_request, response) => {
      served++
      waiting.push(() => response.end('served'))
    })
    await inFront([service], { upstream: { connections: 1 } }, async edge => {
      const first = ask(edge, '/')
      await once(service.server, 'request')
      const [second, third] = [ask(edge, '/'), ask(edge, '/')]
      const fourth = await ask(edge, '/')
      assert.deepEqual(await refusal(fourth), [503, 'no_target'])
      assert.equal(fourth.headers['retry-after'], '1')
      assert.equal(served, 1)
      for (const asked of [first, second, third]) {
        await until(() => waiting.length > 0)
        waiting.shift()?.()
        assert.equal(await text(await asked), 'served')
      }
      assert.equal(service.open(), 1)
    })
  })

  it('are waited for no longer than for a connection', async () => {
    const service = await startService(() => {})
    const timeout = { connect: 50, response: 5000, total: 30_000 }
    await inFront([service], { upstream: { connections: 1 }, route: { timeout } }, async edge => {
      const first = begin(edge, '/')
      first.end()
      await once(service.server, 'request')
      assert.deepEqual(await refusal(await ask(edge, '/')), [503, 'no_target'])
      first.destroy()
    })
  })

  it('are free again when a client leaves, before and in the midst of an answer', async () => {
    const service = await startService((request, response) => {
      if (request.url === '/') response.end('ok')
      else if (request.url === '/half') response.write('half')
    })
    await inFront([service], { upstream: { connections: 1 } }, async edge => {
      const silent = begin(edge, '/silent')
      silent.end()
      await once(service.server, 'request')
      silent.destroy()
      const half = await ask(edge, '/half')
      half.destroy()
      assert.equal(await text(await ask(edge, '/')), 'ok')
    })
  })
})

describe('a target', () => {
  it('that its check finds ill is not gone to, and nothing is when all are', async () => {
    const isWell = [true, true]
    const services = await Promise.all(
      [0, 1].map(at =>
        startService((request, response) => {
          if (request.url === '/healthz') response.writeHead(isWell[at] ? 204 : 500).end()
          else response.end(`${at}`)
        }),
      ),
    )
    const health = { path: '/healthz', interval: 20, timeout: 1000, healthy: 1, unhealthy: 2 }
    await inFront(services, { upstream: { health } }, async edge => {
      const askTwice = async () => [await text(await ask(edge, '/')), await text(await ask(edge, '/'))].sort().join()
      const moves = (count: number) => until(() => edge.moves.length === count)
      assert.equal(await askTwice(), '0,1')
      isWell[0] = false
      await moves(1)
      assert.equal(await askTwice(), '1,1')
      isWell[1] = false
      await moves(2)
      assert.deepEqual(await refusal(await ask(edge, '/')), [503, 'no_target'])
      isWell[0] = true
      await moves(3)
      assert.equal(await askTwice(), '0,0')
    })
  })

  it('that says nothing to its check in time is ill', async () => {
    const health = { path: '/healthz', interval: 20, timeout: 20, healthy: 1, unhealthy: 1 }
    const silent = await startRaw(() => {})
    await inFront([silent], { upstream: { health } }, async edge => {
      await until(() => edge.moves.includes(`target ill ${silent.url.host}`))
    })
  })

  it('is spoken to by https under its own name, whatever the client called the gateway', async () => {
    const pair = makeCertificate('localhost')
    const before = getCACertificates('default')
    setDefaultCACertificates([...before, pair.cert])
    const names: unknown[] = []
    const server = createSecureServer(pair, (request, response) => {
      response.end(`${request.headers.host} ${request.method}`)
    })
    server.on('secureConnection', ({ servername }) => names.push(servername))
    server.on('upgrade', (request, socket) => {
      socket.end(`HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n${request.headers.host}`)
    })
    await once(server.listen(0, 'localhost'), 'listening')
    const url = new URL(`https://localhost:${(server.address() as AddressInfo).port}`)
    const stop = async () => {
      server.closeAllConnections()
      server.close()
    }
    const service = { url, open: () => 0, stop }
    await inFront([service], {}, async edge => {
      for (const host of ['edge.example', 'another.example'])
        assert.equal(await text(await ask(edge, '/', { headers: { host } })), `${host} GET`)
      const headers = { host: 'edge.example', connection: 'upgrade', upgrade: 'x' }
      const upgrading = begin(edge, '/', { headers })
      upgrading.end()
      const [, socket, head] = await once(upgrading, 'upgrade')
      assert.equal(head + (await text(socket)), 'edge.example')
      socket.destroy()
      // One connection carried both requests.
      assert.deepEqual(names, ['localhost', 'localhost'])
    })
    setDefaultCACertificates(before)
  })
})

describe('undici', () => {
  it('is not loaded, all 28 MiB of it, by a gateway that has forwarded nothing', () => {
    const program = `
      import { createRequire } from 'node:module'
      import ${JSON.stringify(import.meta.resolve('./gateway.ts'))}
      const { cache } = createRequire(${JSON.stringify(import.meta.url)})
      console.log(Object.keys(cache).filter(file => file.includes('/undici/')).length)`
    assert.equal(
      execFileSync(process.execPath, ['--input-type=module', '--eval', program], { encoding: 'utf8' }),
      '0\n',
    )
  })
})

describe('a reload', () => {
  it('keeps what it leaves as it was, and lets what is under way end at what it drops', async () => {
    let finish = (): void => {}
    const [old, next] = [
      await startService((request, response) => {
        if (request.url === '/slow') finish = () => response.end('old')
        else response.end('old')
      }),
      await startService((_request, response) => response.end('new')),
    ]
    await inFront([old], {}, async edge => {
      const slow = ask(edge, '/slow')
      await once(old.server, 'request')
      const [route] = edge.plan.routes
      const [service] = edge.plan.upstreams
      assert.ok(route && service)
      const upstream = { ...service, targets: [{ url: next.url, weight: 1 }] }
      edge.reload({ ...edge.plan, upstreams: [upstream], routes: [{ ...route, upstream }] })
      assert.equal(await text(await ask(edge, '/')), 'new')
      finish()
      assert.equal(await text(await slow), 'old')
      await until(() => old.open() === 0)
    })
    await next.stop()
  })
})

/** What follows from what was sent, as soon as the other side has had its turn. */
async function until(isSo: () => boolean): Promise<void> {
  for (let turn = 0; turn < 500 && !isSo(); turn++) await new Promise(resolve => setTimeout(resolve, 10))
  assert.ok(isSo())
}
