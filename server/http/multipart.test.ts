/** Forms of several parts, as a client sends them and as somebody does who means harm. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { PassThrough, Readable } from 'node:stream'
import { after, before, describe, test } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { type Form, FormFault, readForm } from './multipart.ts'
import { html, type Incoming, json } from './route.ts'
import { createHttp } from './server.ts'

const BOUNDARY = 'between-the-parts'
const part = (disposition: string, content: string, more = '') =>
  `--${BOUNDARY}\r\nContent-Disposition: form-data; ${disposition}\r\n${more}\r\n${content}\r\n`
const file = (content: string, name = 'users') => part(`name="${name}"; filename="u.json"`, content)
const field = (name: string, value: string) => part(`name="${name}"`, value)
const END = `--${BOUNDARY}--\r\n`

/** A file of at most a hundred bytes, and what was taken of it. */
async function read(
  body: string | Readable,
  headers: Record<string, string> = {},
  take?: Form['take'],
): Promise<{ fields: Record<string, string>; taken: string }> {
  const taken: Buffer[] = []
  const sent: Record<string, string> = { 'content-type': `multipart/form-data; boundary=${BOUNDARY}`, ...headers }
  const stream = typeof body === 'string' ? Readable.from([Buffer.from(body)]) : body
  const fields = await readForm(
    { stream: () => stream, header: name => sent[name] },
    {
      file: 'users',
      fields: ['connection_id', 'upsert'],
      largest: 100,
      take: take ?? (async chunk => void taken.push(chunk)),
    },
  )
  return { fields: Object.fromEntries(fields), taken: Buffer.concat(taken).toString() }
}

const refused = (body: string | Readable, message: RegExp, headers = {}) =>
  assert.rejects(read(body, headers), error => error instanceof FormFault && message.test(error.message))

describe('a form with a file', () => {
  test('is read whatever the order of its parts', async () => {
    const [users, connection] = [file('[{}]'), field('connection_id', 'con_1')]
    for (const parts of [users + connection, connection + users])
      assert.deepEqual(await read(parts + END), { fields: { connection_id: 'con_1' }, taken: '[{}]' })
  })

  test('comes no faster than it is taken', async () => {
    const body = new PassThrough()
    let [now, most] = [0, 0]
    const done = read(body, {}, async () => {
      now += 1
      most = Math.max(most, now)
      await new Promise(setImmediate)
      now -= 1
    })
    body.write(`--${BOUNDARY}\r\nContent-Disposition: form-data; name="users"; filename="u"\r\n\r\n`)
    for (let times = 0; times < 90; times++) {
      body.write('x')
      await new Promise(setImmediate)
    }
    body.end(`\r\n${END}`)
    await done
    assert.equal(most, 1)
  })

  const tooMany = Array.from({ length: 500 }, (_, index) => field(`f${index}`, 'x')).join('')
  for (const [what, body, message] of [
    ['no file', field('upsert', 'true') + END, /no file called users/],
    ['a file of another name', file('[]', 'people') + END, /one file, called users/],
    ['two files', file('[]') + file('[]') + END, /one file, called users/],
    ['a field nobody knows', file('[]') + field('admin', 'true') + END, /no others/],
    ['a field called __proto__', file('[]') + field('__proto__', 'true') + END, /no others/],
    ['a field twice', file('[]') + field('upsert', 'true') + field('upsert', 'false') + END, /upsert is there twice/],
    ['a field of a megabyte', file('[]') + field('upsert', 'x'.repeat(2 ** 20)) + END, /longer than/],
    ['five hundred fields', tooMany + file('[]') + END, /no others|more parts/],
    [
      'headers of a megabyte',
      part(`name="users"; filename="u"`, '[]', `X-Long: ${'x'.repeat(2 ** 20)}\r\n`),
      /ends before|no file/,
    ],
    ['a file that is too large', file('x'.repeat(101)) + END, /larger than 100 bytes/],
    ['an end in the middle of the file', file('[]').slice(0, -4), /ends before|ended early/],
    ['an end before the last boundary', file('[]'), /ends before|ended early/],
    ['no part at all', '[{}]', /ends before|no file|ended early/],
    ['nothing', '', /ends before|no file|ended early/],
  ] as const)
    test(`with ${what} is refused`, () => refused(body, message))

  test('that cannot fit is refused before it is sent', () =>
    refused(new Readable({ read: () => assert.fail('it was read') }), /larger/, { 'content-length': '10000000' }))
  test('without a boundary, compressed or of another type is refused', async () => {
    await refused(file('[]') + END, /boundary/, { 'content-type': 'multipart/form-data' })
    await refused(file('[]') + END, /compressed/, { 'content-encoding': 'gzip' })
    const other = readForm(
      { stream: null, header: () => 'application/json' },
      { file: 'users', fields: [], largest: 1, take: async () => {} },
    )
    await assert.rejects(other, /multipart/)
  })

  test('whose taker fails is read no further, and the failure is the taker’s', async () => {
    const body = new PassThrough()
    const failing = read(body, {}, async () => {
      throw new RangeError('the disk is full')
    })
    body.write(file('[').slice(0, -2))
    await assert.rejects(failing, RangeError)
    // Whatever else comes is let go.
    for (let times = 0; times < 100; times++) body.write(Buffer.alloc(64 * 1024))
    assert.ok(body.readableLength < 1024 * 1024)
    body.end()
  })
})

describe('a route that takes JSON of any kind', () => {
  let app: FastifyInstance
  let port = 0
  let begun = 0
  before(async () => {
    const answer = async (incoming: Incoming) => {
      if (incoming.header('authorization') === undefined) return json(401, {})
      begun += 1
      const form = { file: 'users', fields: [], largest: 100, take: async () => {} }
      const error = await readForm(incoming, form).catch(error => error)
      return json(error instanceof FormFault && error.isTooLarge ? 413 : 200, {})
    }
    const http = createHttp({
      routes: [
        { method: 'POST', path: '/upload', takes: 'json', speaks: 'json', answer },
        { method: 'POST', path: '/other', speaks: 'json', answer },
      ],
      findHost: async () => ({ tenant: 'default', issuer: 'http://localhost/' }),
      isClientOrigin: async () => false,
      errorPage: async () => html(400, '', {}),
      trustedProxies: [],
      tls: null,
      log: { debug() {}, info() {}, warn() {}, error() {} },
    })
    app = http.app
    await app.listen({ port: 0, host: '127.0.0.1' })
    port = (app.server.address() as AddressInfo).port
  })
  after(() => app.close())

  /** Sends it and nothing more, and answers the first line of what comes back. */
  async function statusOf(path: string, body: string, headers = ''): Promise<string> {
    const socket = connect(port, '127.0.0.1')
    socket.write(
      `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=${BOUNDARY}\r\nContent-Length: 100000\r\n${headers}\r\n${body}`,
    )
    const [answer] = (await once(socket, 'data')) as [Buffer]
    socket.destroy()
    return answer.toString().split('\r\n')[0] ?? ''
  }

  test('says no before anything of the body is read', async () => {
    assert.match(await statusOf('/upload', file('[')), /401/)
    assert.equal(begun, 0)
  })
  test('is the only kind that takes a form of several parts', async () =>
    assert.match(await statusOf('/other', file('['), 'Authorization: yes\r\n'), /415/))
  test('tells what is too large while it is still being sent', async () =>
    assert.match(await statusOf('/upload', file('x'.repeat(200)), 'Authorization: yes\r\n'), /413/))
})
