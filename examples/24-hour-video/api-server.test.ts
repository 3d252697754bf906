import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { io, type Socket } from 'socket.io-client'
import { startApiProcesses } from './api-processes.ts'
import { type ApiServer, startApiServer } from './api-server.ts'
import { createHub, type Hub, joinHub } from './shared.ts'

const ANN = {
  'x-user-id': 'auth0|ann',
  'x-user-scopes': 'openid write:videos',
  'x-token-issued': '1789012345',
  'x-token-expires': '1789015945',
}

/** Both ends of a channel in one process, which carries what a pipe would: text, and later. */
function channel() {
  const heard = { hub: (_: never): void => {}, member: (_: never): void => {} }
  const carry = (to: keyof typeof heard) => (message: object) => {
    const text = JSON.stringify(message)
    setImmediate(() => heard[to](JSON.parse(text) as never))
  }
  const listen = (at: keyof typeof heard) => (listener: (message: never) => void) => {
    heard[at] = listener
  }
  return {
    hub: { send: carry('member'), onMessage: listen('hub') },
    member: { send: carry('hub'), onMessage: listen('member') },
  }
}

describe('the API of the example', () => {
  let hub: Hub
  let one: ApiServer
  let other: ApiServer
  let faults: unknown[]
  let sockets: Socket[]
  /** An identity server that grants a token and ends what people have, or does not. */
  let asked: { url: string; authorization: string | undefined }[]
  let answersWith: number
  let issuer = ''
  const identity = createServer((request: IncomingMessage, response: ServerResponse) => {
    request.resume()
    const { url = '', headers } = request
    asked.push({ url, authorization: headers.authorization })
    const say = (status: number, body: object) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    if (url.startsWith('/.well-known/')) say(200, { issuer, token_endpoint: `${issuer}token` })
    else if (url === '/token') say(200, { access_token: 'machine', token_type: 'Bearer', expires_in: 3600 })
    else if (answersWith === 202) response.writeHead(202).end()
    else say(answersWith, {})
  })

  const start = async () => {
    const { hub: atHub, member } = channel()
    const joined = joinHub(member)
    hub.join(atHub)
    const machine = { issuer, clientId: 'api', clientSecret: 'a secret' }
    const log = (_: string, error: unknown) => faults.push(error)
    return startApiServer({ port: 0, ...machine, shared: await joined, log })
  }
  const ask = (
    server: ApiServer,
    path: string,
    { method = 'GET', headers = {}, body }: { method?: string; headers?: Record<string, string>; body?: string } = {},
  ) => fetch(`http://127.0.0.1:${server.port}${path}`, { method, headers, ...(body !== undefined && { body }) })
  const upload = (server: ApiServer, body: unknown, type = 'application/json', headers: Record<string, string> = ANN) =>
    ask(server, '/api/videos', {
      method: 'POST',
      headers: { 'content-type': type, ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
  const titles = async (server: ApiServer) =>
    ((await (await ask(server, '/api/videos')).json()) as { videos: { title: string }[] }).videos.map(
      film => film.title,
    )
  const watch = (server: ApiServer, film: unknown, headers: Record<string, string> = ANN) => {
    const socket = io(`http://127.0.0.1:${server.port}`, {
      extraHeaders: headers,
      transports: ['websocket'],
      reconnection: false,
      forceNew: true,
    })
    sockets.push(socket)
    socket.on('connect', () => socket.emit('watch', film))
    return socket
  }
  /** Resolves when the socket is told what is awaited, whatever it was told before. */
  const told = (socket: Socket, views: object) =>
    new Promise<void>(resolve => {
      const expected = JSON.stringify(views)
      socket.on('views', now => {
        if (JSON.stringify(now) === expected) resolve()
      })
    })

  before(async () => {
    identity.listen(0, '127.0.0.1')
    await once(identity, 'listening')
    issuer = `http://127.0.0.1:${(identity.address() as AddressInfo).port}/`
  })
  after(() => {
    identity.closeAllConnections()
    identity.close()
  })
  beforeEach(async () => {
    ;[faults, asked, sockets, answersWith] = [[], [], [], 202]
    hub = createHub()
    ;[one, other] = await Promise.all([start(), start()])
  })
  afterEach(async () => {
    for (const socket of sockets) socket.disconnect()
    await Promise.all([one.close(), other.close()])
  })

  test('shows everybody the list, and what one process is given the other has too', async () => {
    const response = await ask(one, '/api/videos')
    assert.deepEqual([response.status, response.headers.get('cache-control')], [200, 'no-store'])
    const added = await upload(one, { title: '  낮과 밤 ' })
    assert.equal(added.status, 201)
    const { id, title } = (await added.json()) as { id: string; title: string }
    assert.match(id, /^(sea|peaks|city|dunes|forest)-[0-9a-f-]{36}$/)
    assert.equal(title, '낮과 밤')
    assert.equal((await titles(one))[0], title)
    await upload(other, { title: 'Later' })
    assert.deepEqual((await titles(other)).slice(0, 2), ['Later', title])
  })

  test('knows nobody whom the gateway did not name, though a route let them pass', async () => {
    for (const response of [
      await upload(one, { title: 'x' }, 'application/json', { authorization: 'Bearer x' }),
      await ask(one, '/api/me'),
      await ask(one, '/api/sign-out-everywhere', { method: 'POST' }),
    ])
      assert.equal(response.status, 401)
    const refused = watch(one, 'sea-ferry', {})
    const error = await new Promise(resolve => refused.once('connect_error', resolve))
    assert.match(String(error), /unauthorized/)
    assert.deepEqual(asked, [])
  })

  test('says what it was told of the caller, however it is written', async () => {
    const headers = { ...ANN, 'x-user-id': 'oidc|%EC%95%88%25' }
    const { answered_by, ...me } = (await (await ask(one, '/api/me', { headers })).json()) as Record<string, unknown>
    assert.equal(answered_by, process.pid)
    assert.deepEqual(me, {
      sub: 'oidc|안%',
      scopes: ['openid', 'write:videos'],
      issued_at: 1_789_012_345,
      expires_at: 1_789_015_945,
    })
  })

  test('takes one line of 1 to 80 characters for a title', async () => {
    const wrong = [
      '',
      '   ',
      'x'.repeat(81),
      'a\nb',
      'a\u0000b',
      'a\u2028b',
      '\u202eevil',
      'a\ud800',
      7,
      null,
      ['x'],
      undefined,
    ]
    for (const title of wrong) {
      const response = await upload(one, { title })
      assert.equal(response.status, 400, JSON.stringify(title))
      assert.equal(((await response.json()) as { error: string }).error, 'invalid_title')
    }
    assert.equal((await upload(one, { title: '🎬'.repeat(80) })).status, 201)
  })

  test('refuses a body that is no small JSON object, and paths and methods that it has not', async () => {
    for (const body of ['', '{', 'null', '7', '"x"']) assert.equal((await upload(one, body)).status, 400, body)
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp', ''])
      assert.equal((await upload(one, '{"title":"x"}', type)).status, 415, type)
    assert.equal((await upload(one, { title: 'x'.repeat(5000) })).status, 413)
    assert.equal((await upload(one, { title: 'fine' }, 'application/json; charset=utf-8')).status, 201)
    for (const path of ['/', '/api/', '/api/constructor', '/api/videos/', '/../api/videos'])
      assert.equal((await ask(one, path)).status, path === '/../api/videos' ? 200 : 404, path)
    const wrong = await ask(one, '/api/me', { method: 'DELETE' })
    assert.deepEqual([wrong.status, wrong.headers.get('allow')], [405, 'GET'])
    assert.equal((await ask(one, '/healthz')).status, 200)
  })

  test('keeps the newest two hundred films', async () => {
    for (let index = 0; index < 205; index++) await upload(index % 2 ? one : other, { title: `Film ${index}` })
    const kept = await titles(one)
    assert.deepEqual([kept.length, kept[0], kept[199]], [200, 'Film 204', 'Film 5'])
  })

  test('signs people out everywhere as itself, and says so when nobody can', async () => {
    const signOut = () => ask(one, '/api/sign-out-everywhere', { method: 'POST', headers: ANN })
    assert.equal((await signOut()).status, 200)
    assert.deepEqual(asked.at(-1), { url: '/api/v2/users/auth0%7Cann/revoke-access', authorization: 'Bearer machine' })
    answersWith = 403
    const refused = await signOut()
    assert.deepEqual([refused.status, refused.headers.get('retry-after')], [503, '2'])
    assert.equal(faults.length, 1)
  })

  test('tells every page how many watch a film, whichever process it is connected to', async () => {
    const [ann, ben] = [watch(one, 'sea-ferry'), watch(other, 'sea-ferry')]
    await Promise.all([told(ann, { 'sea-ferry': 2 }), told(ben, { 'sea-ferry': 2 })])
    ben.emit('watch', 'city-last-tram')
    await told(ann, { 'sea-ferry': 1, 'city-last-tram': 1 })
    const late = watch(other, undefined)
    await told(late, { 'sea-ferry': 1, 'city-last-tram': 1 })
    ann.disconnect()
    await told(ben, { 'city-last-tram': 1 })
  })

  test('counts no film that there is not', async () => {
    const ann = watch(one, 'constructor')
    await new Promise<void>(resolve => ann.once('connect', resolve))
    for (const film of ['x'.repeat(500), 7, { id: 'sea-ferry' }, ['sea-ferry'], null]) ann.emit('watch', film)
    const ben = watch(other, 'sea-ferry')
    await told(ben, { 'sea-ferry': 1 })
  })

  test('is two processes, of which one that dies is started again where it was', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'latchkey-films-'))
    const secretFile = join(folder, 'api.secret')
    writeFileSync(secretFile, 'a secret\n')
    const ends: string[] = []
    const apis = await startApiProcesses({
      ports: [0, 0],
      issuer,
      clientId: 'api',
      secretFile,
      log: sentence => ends.push(sentence),
    })
    try {
      const pidAt = async (url: string | undefined) => {
        const response = await fetch(`${url}/api/me`, { headers: ANN }).catch(() => undefined)
        return response && ((await response.json()) as { answered_by: number }).answered_by
      }
      const [first, second] = await Promise.all(apis.urls.map(pidAt))
      assert.deepEqual(new Set([first, second]), new Set(apis.pids))
      assert.equal(apis.pids.length, 2)
      process.kill(first as number, 'SIGKILL')
      let now: number | undefined
      while (now === undefined || now === first) {
        await new Promise(resolve => setTimeout(resolve, 50))
        now = await pidAt(apis.urls[0])
      }
      assert.equal(await pidAt(apis.urls[1]), second)
      assert.match(ends.join(), /ended with SIGKILL and is started again/)
    } finally {
      const pids = [...apis.pids]
      await apis.close()
      for (const pid of pids) assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' })
      rmSync(folder, { recursive: true })
    }
  })
})
