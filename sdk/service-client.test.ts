import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, beforeEach, describe, test } from 'node:test'
import {
  createBreaker,
  createMachineToken,
  createServiceClient,
  del,
  get,
  type MachineToken,
  patch,
  post,
  put,
  ServiceError,
  type ServiceErrorCode,
} from './service-client.ts'

interface Film {
  readonly id: string
  readonly title: string
}

interface Videos {
  list(query?: { readonly page?: number; readonly tag?: readonly string[] }): Promise<Film[]>
  read(film: { readonly id: string }): Promise<Film>
  upload(film: { readonly title: string }): Promise<Film>
  rename(film: { readonly id: string; readonly title: string }): Promise<Film>
  replace(film: { readonly id: string; readonly film: Film; readonly notify?: boolean }): Promise<undefined>
  remove(film: { readonly id: string }): Promise<undefined>
  titles(): Promise<readonly string[]>
}

const operations = {
  list: get('/videos'),
  read: get('/videos/{id}'),
  upload: post('/videos'),
  rename: patch('/videos/{id}'),
  replace: put('/videos/{id}', { body: 'film' }),
  remove: del('/videos/{id}'),
  titles: get('/videos', { read: body => (body as Film[]).map(({ title }) => title) }),
}

const FILM: Film = { id: 'sea', title: 'The sea' }
const TOKEN = 'the-token-of-a-machine'

type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => unknown

describe('a client of a service', () => {
  let server: Server
  let origin: string
  let now: number
  let pauses: number[]
  let seen: { method: string; url: string; headers: IncomingMessage['headers']; body: string }[]
  let handle: Handler

  const json = (response: ServerResponse, body: unknown, status = 200, headers: Record<string, string> = {}) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
  const say =
    (status: number, headers: Record<string, string> = {}, body: unknown = {}): Handler =>
    (_, response) =>
      json(response, body, status, headers)
  /** Each in turn, and the last for ever. */
  const inTurn = (...handlers: Handler[]): Handler => {
    let turn = 0
    return (...given) => handlers[Math.min(turn++, handlers.length - 1)]?.(...given)
  }
  const well: Handler = (_, response) => json(response, [FILM])
  const hang: Handler = () => {}
  const reset: Handler = request => request.socket.resetAndDestroy()

  const client = (options: object = {}) =>
    createServiceClient<Videos>({
      url: `${origin}/`,
      operations,
      clock: () => now,
      random: () => 0.5,
      pause: async milliseconds => {
        pauses.push(milliseconds)
        now += milliseconds
      },
      ...options,
    })
  const failing =
    (code: ServiceErrorCode, facts: Partial<ServiceError> = {}) =>
    (error: unknown) => {
      assert.ok(error instanceof ServiceError, String(error))
      const told = Object.fromEntries(Object.keys(facts).map(name => [name, error[name as keyof ServiceError]]))
      assert.deepEqual({ code: error.code, ...told }, { code, ...facts })
      return true
    }

  before(async () => {
    server = createServer(async (request, response) => {
      let body = ''
      for await (const chunk of request) body += chunk
      const { method = '', url = '', headers } = request
      seen.push({ method, url, headers, body })
      handle(request, response, body)
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  after(() => {
    server.closeAllConnections()
    server.close()
  })
  beforeEach(() => {
    now = 0
    pauses = []
    seen = []
    handle = well
  })

  describe('turns its one argument', () => {
    test('into path, query and body, by the row of the operation', async () => {
      const videos = client()
      await videos.list({ page: 2, tag: ['a b', 'c&d'] })
      await videos.list()
      await videos.read({ id: 'a/b?c' })
      await videos.upload({ title: 'Night' })
      await videos.rename({ id: 'sea', title: 'Day' })
      await videos.replace({ id: 'sea', film: FILM, notify: false })
      await videos.remove({ id: '한' })
      assert.deepEqual(
        seen.map(({ method, url, body }) => [method, url, body]),
        [
          ['GET', '/videos?page=2&tag=a+b&tag=c%26d', ''],
          ['GET', '/videos', ''],
          ['GET', '/videos/a%2Fb%3Fc', ''],
          ['POST', '/videos', '{"title":"Night"}'],
          ['PATCH', '/videos/sea', '{"title":"Day"}'],
          ['PUT', '/videos/sea?notify=false', JSON.stringify(FILM)],
          ['DELETE', '/videos/%ED%95%9C', ''],
        ],
      )
    })

    test('into no path that leads elsewhere', async () => {
      for (const id of ['', '.', '..', null, {}] as string[])
        await assert.rejects(client().read({ id }), TypeError, JSON.stringify(id))
      assert.equal(seen.length, 0)
    })
  })

  test('answers what the service answers, read as its row says', async () => {
    assert.deepEqual(await client().list(), [FILM])
    assert.deepEqual(await client().titles(), ['The sea'])
    handle = (_, response) => response.writeHead(204).end()
    assert.equal(await client().remove({ id: 'sea' }), undefined)
  })

  test('says whose request it serves: the trace and the request id go on, and without one it has its own', async () => {
    const on = {
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      'x-request-id': 'of-the-caller',
      authorization: 'not to be passed on',
    }
    await client().list({}, { on })
    await client().list({}, { on: { traceparent: ['two', 'of them'], 'x-request-id': 'a b' } })
    const [known, unknown] = seen.map(({ headers }) => headers) as [IncomingMessage['headers'], typeof on]
    assert.equal(known['traceparent'], on.traceparent)
    assert.equal(known['x-request-id'], 'of-the-caller')
    assert.equal(known.authorization, undefined)
    assert.equal(unknown.traceparent, undefined)
    assert.match(unknown['x-request-id'], /^[0-9a-f-]{36}$/)
  })

  describe('tells what went wrong', () => {
    test('with the status, and with what the service wrote', async () => {
      const problem = { type: 'https://videos.example/too-long', title: 'Too long', detail: '81 characters' }
      handle = say(422, { 'content-type': 'application/problem+json' }, problem)
      await assert.rejects(client().upload({ title: 'x' }), failing('answered', { status: 422, problem, tries: 1 }))
      handle = (_, response) => response.writeHead(404).end('<h1>Not here</h1>')
      await assert.rejects(
        client().read({ id: 'x' }),
        failing('answered', { status: 404, problem: undefined, message: 'read answered 404' }),
      )
    })

    test('of answers that are none: a redirect, HTML, half a body, one without end', async () => {
      const retry = false
      handle = say(302, { location: `${origin}/elsewhere` })
      await assert.rejects(client().list(), failing('answered', { status: 302 }))
      handle = (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<p>[]</p>')
      await assert.rejects(client().list(), failing('bad_answer', { status: 200 }))
      handle = (_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end('[{')
      await assert.rejects(client().list(), failing('bad_answer'))
      handle = (request, response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': 100 }).write('[')
        setImmediate(() => request.socket.resetAndDestroy())
      }
      await assert.rejects(client({ retry }).list(), failing('bad_answer', { tries: 1 }))
      handle = (_, response) => {
        response.writeHead(200, { 'content-type': 'application/json' })
        const more = () => response.write('[1],'.repeat(1000)) && setImmediate(more)
        more()
        response.on('drain', more)
      }
      await assert.rejects(client({ longestAnswer: 10_000 }).list(), failing('bad_answer'))
      handle = say(200, {}, { not: 'a list' })
      await assert.rejects(client().titles(), failing('bad_answer'))
      assert.ok(!seen.some(({ url }) => url === '/elsewhere'))
    })

    test('of bytes that are no HTTP, and of nobody there', async () => {
      handle = request => request.socket.end('\u0000\u0001 garbage\r\n\r\n')
      await assert.rejects(client({ retry: false }).list(), failing('unreachable'))
      const nobody = createServer()
      await new Promise<void>(resolve => nobody.listen(0, '127.0.0.1', resolve))
      const url = `http://127.0.0.1:${(nobody.address() as AddressInfo).port}`
      await new Promise(resolve => nobody.close(resolve))
      // Nothing arrived, so that even what must not be done twice may be tried again.
      await assert.rejects(client({ url }).upload({ title: 'x' }), failing('unreachable', { tries: 3 }))
    })

    test('without the token, also where a service repeats what it was sent', async () => {
      const token = { get: async () => TOKEN, forget: () => {} }
      handle = (request, response) => json(response, { sent: request.headers }, 400)
      for (const videos of [client({ token }), client({ token, url: `${origin}/x/` })])
        await assert.rejects(videos.list(), error => {
          for (let told: unknown = error; told instanceof Error; told = told.cause)
            assert.ok(!`${told.message} ${told.stack} ${JSON.stringify(told)}`.includes(TOKEN))
          return failing('answered', { status: 400, problem: undefined })(error)
        })
    })
  })

  describe('gives up', () => {
    test('on an answer that does not begin, and on a body that does not end', async () => {
      handle = hang
      const timeout = { answer: 50, total: 10_000 }
      await assert.rejects(client().upload({ title: 'x' }, { timeout }), failing('timeout', { tries: 1 }))
      handle = (_, response) => {
        response.writeHead(200, { 'content-type': 'application/json' }).write('[')
      }
      await assert.rejects(client().list({}, { timeout: { answer: 10_000, total: 100 } }), failing('timeout'))
    })

    test('at once when its caller does, with the caller’s reason', async () => {
      handle = hang
      const leaving = new AbortController()
      const call = client().list({}, { signal: leaving.signal })
      const reason = new Error('the page was left')
      while (seen.length === 0) await new Promise(resolve => setTimeout(resolve, 5))
      leaving.abort(reason)
      await assert.rejects(call, reason)
      await assert.rejects(client().list({}, { signal: leaving.signal }), reason)
      assert.equal(seen.length, 1)
    })

    test('when the time for everything is over during a pause or while a token is waited for', async () => {
      handle = say(503)
      const pause = (_: number, signal: AbortSignal) =>
        new Promise<void>((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      const timeout = { total: 50 }
      await assert.rejects(
        client({ pause, clock: () => 0, retry: { firstPause: 1 } }).list({}, { timeout }),
        failing('timeout'),
      )
      const token = { get: () => new Promise<string>(() => {}), forget: () => {} }
      await assert.rejects(client({ token }).list({}, { timeout }), failing('timeout', { tries: 0 }))
    })
  })

  describe('tries again', () => {
    test('what may be done twice, after a reset, a hang, 502, 503 or 504, with pauses that grow', async () => {
      for (const once of [reset, say(502), say(503), say(504)]) {
        handle = inTurn(once, well)
        assert.deepEqual(await client().list(), [FILM])
      }
      pauses = []
      handle = reset
      await assert.rejects(client({ retry: { tries: 5 } }).list(), failing('unreachable', { tries: 5 }))
      assert.deepEqual(pauses, [50, 100, 200, 400])
      handle = inTurn(hang, well)
      assert.deepEqual(await client({ timeout: { answer: 50 } }).list(), [FILM])
    })

    test('nothing that may not, unless its caller or its row says so', async () => {
      for (const once of [reset, say(503, { 'retry-after': '1' })]) {
        seen = []
        handle = inTurn(once, say(201, {}, FILM))
        await assert.rejects(client().upload({ title: 'x' }), ServiceError)
        assert.equal(seen.length, 1)
        handle = inTurn(once, say(201, {}, FILM))
        assert.deepEqual(await client().upload({ title: 'x' }, { isIdempotent: true }), FILM)
        handle = inTurn(once, say(201, {}, FILM))
        const rows = { ...operations, upload: post('/videos', { isIdempotent: true }) }
        assert.deepEqual(await client({ operations: rows }).upload({ title: 'x' }), FILM)
      }
    })

    test('nothing that was answered: an error of the service, a refusal, half a body', async () => {
      for (const status of [400, 401, 403, 404, 409, 429, 500, 501]) {
        seen = []
        handle = say(status)
        await assert.rejects(client().list(), failing('answered', { status, tries: 1 }))
        assert.equal(seen.length, 1)
      }
    })

    test('as late as the service asks, or not at all where that is too long', async () => {
      for (const status of [429, 503]) {
        pauses = []
        handle = inTurn(say(status, { 'retry-after': '1' }), well)
        assert.deepEqual(await client().list(), [FILM])
        assert.deepEqual(pauses, [1050])
        handle = inTurn(say(status, { 'retry-after': '60' }), well)
        await assert.rejects(client().list(), failing('answered', { status, tries: 1, retryAfterSeconds: 60 }))
      }
    })

    test('no more often than a fifth of its calls, once ten are used up', async () => {
      handle = say(503)
      const videos = client({ breaker: false })
      for (let count = 0; count < 100; count++) await assert.rejects(videos.list(), ServiceError)
      const again = seen.length - 100
      assert.ok(again >= 10 + 19 && again <= 10 + 20, `${again}`)
    })
  })

  describe('leaves a service alone', () => {
    test('that fails too often, then tries it with one call', async () => {
      const videos = client({ retry: false, breaker: { failures: 3, open: 1000 } })
      handle = say(500)
      for (let count = 0; count < 3; count++) await assert.rejects(videos.list(), failing('answered'))
      await assert.rejects(videos.list(), failing('breaker_open', { tries: 0, retryAfterSeconds: 1 }))
      assert.equal(seen.length, 3)
      now += 1000
      handle = hang
      const trial = videos.list({}, { timeout: { answer: 100 } })
      while (seen.length === 3) await new Promise(resolve => setTimeout(resolve, 5))
      await assert.rejects(videos.list(), failing('breaker_open'))
      await assert.rejects(trial, failing('timeout'))
      await assert.rejects(videos.list(), failing('breaker_open'))
      now += 1000
      handle = well
      assert.deepEqual(await videos.list(), [FILM])
      assert.equal(seen.length, 5)
    })

    test('whichever way it fails, and for no fault of the caller', async () => {
      for (const failure of [say(500), reset, hang, (_: unknown, response: ServerResponse) => response.end('<p>')]) {
        const breaker = createBreaker({ failures: 1 })
        handle = failure
        await assert.rejects(client({ retry: false, breaker }).list({}, { timeout: { answer: 50 } }), ServiceError)
        assert.equal(breaker.state, 'open')
      }
      const breaker = createBreaker({ failures: 1 })
      const videos = client({ retry: false, breaker })
      for (const status of [400, 401, 403, 404, 429]) {
        handle = say(status)
        await assert.rejects(videos.list(), ServiceError)
      }
      handle = hang
      const leaving = new AbortController()
      const call = videos.list({}, { signal: leaving.signal })
      setTimeout(() => leaving.abort(), 20)
      await assert.rejects(call, { name: 'AbortError' })
      assert.equal(breaker.state, 'closed')
    })

    test('unless a call says otherwise; a breaker may be shared', async () => {
      const breaker = createBreaker({ failures: 1, clock: () => now })
      const [one, other] = [client({ breaker }), client({ breaker })]
      handle = say(500)
      await assert.rejects(one.list(), failing('answered'))
      await assert.rejects(other.list(), failing('breaker_open'))
      handle = well
      assert.deepEqual(await other.list({}, { breaker: false }), [FILM])
      assert.deepEqual(await other.list({}, { breaker: createBreaker() }), [FILM])
    })
  })

  describe('with a token of its own', () => {
    let granted: number
    const machine = () =>
      createMachineToken({
        issuer: `${origin}/`,
        tokenEndpoint: `${origin}/token`,
        clientId: 'machine',
        clientSecret: 'secret',
        audience: 'https://videos.example/',
        clock: () => now,
      })
    /** A service that takes what `takes` says of the token, beside the endpoint that grants them. */
    const service =
      (takes: (token: string) => boolean): Handler =>
      (request, response) => {
        if (request.url === '/token') {
          granted += 1
          return json(response, { access_token: `token-${granted}`, token_type: 'Bearer', expires_in: 3600 })
        }
        if (takes(request.headers.authorization ?? '')) return json(response, [FILM])
        return json(response, {}, 401, { 'www-authenticate': 'Bearer realm="x", error="invalid_token"' })
      }
    beforeEach(() => {
      granted = 0
    })

    test('sixty-four calls at once fetch one', async () => {
      handle = service(token => token === 'Bearer token-1')
      const videos = client({ token: machine() })
      await Promise.all(Array.from({ length: 64 }, () => videos.list()))
      assert.equal(granted, 1)
      assert.equal(seen.length, 65)
    })

    test('one that is refused is replaced once for all, whatever the method, and never in a circle', async () => {
      handle = service(() => true)
      const videos = client({ token: machine() })
      await videos.list()
      now += 2000
      handle = service(token => token === 'Bearer token-2')
      await Promise.all(Array.from({ length: 64 }, () => videos.upload({ title: 'x' })))
      assert.equal(granted, 2)
      now += 2000
      seen = []
      handle = service(() => false)
      await assert.rejects(videos.list(), failing('answered', { status: 401, tries: 2 }))
      assert.equal(seen.filter(({ url }) => url === '/videos').length, 2)
      // The third is too young to be forgotten, and is not tried twice.
      await assert.rejects(videos.list(), failing('answered', { status: 401, tries: 1 }))
      assert.equal(granted, 3)
    })

    test('two that are refused are enough, however many others there are to be had', async () => {
      handle = service(() => false)
      let count = 0
      const token: MachineToken = { get: async () => `another-${count++}`, forget: () => {} }
      await assert.rejects(client({ token }).list(), failing('answered', { status: 401, tries: 2 }))
    })

    test('another 401 is the service’s answer, and no reason to fetch one', async () => {
      handle = (request, response) =>
        request.url === '/token' ? service(() => true)(request, response, '') : json(response, {}, 401)
      await assert.rejects(client({ token: machine() }).list(), failing('answered', { status: 401, tries: 1 }))
      assert.equal(granted, 1)
    })

    test('while there is none nobody is called, and the breaker learns nothing', async () => {
      handle = say(503)
      const breaker = createBreaker({ failures: 1 })
      const token: MachineToken = machine()
      await assert.rejects(client({ token, breaker }).list(), failing('no_token', { tries: 0 }))
      assert.deepEqual(
        seen.map(({ url }) => url),
        ['/token'],
      )
      assert.equal(breaker.state, 'closed')
    })
  })

  test('is checked against its interface by the compiler', () => {
    const videos = client()
    const wrong = () => {
      // @ts-expect-error there is no such operation
      videos.play()
      // @ts-expect-error a title is a text
      videos.upload({ title: 7 })
      // @ts-expect-error the path names what the argument has not
      createServiceClient<Pick<Videos, 'list'>>({ url: origin, operations: { list: get('/videos/{id}') } })
      // @ts-expect-error an operation has no row
      createServiceClient<Pick<Videos, 'list'>>({ url: origin, operations: {} })
      const titles = get('/videos', { read: () => 7 })
      // @ts-expect-error what is read is not what the interface answers
      createServiceClient<Pick<Videos, 'titles'>>({ url: origin, operations: { titles } })
    }
    assert.equal(typeof wrong, 'function')
    assert.throws(() => client({ url: 'http://videos.example/' }), TypeError)
  })
})
