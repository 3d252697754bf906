/**
 * One path for the gateway and another for the service behind it: spelled so that a public route matches and something
 * else is reached, or said in a header that the service believes. What a route was chosen by is all that goes on.
 */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import express, { type Express, type Request, type Response } from 'express'
import fc from 'fast-check'
import { gatewayOf, type Received, type RunningGateway, type Service, startService } from '../fixtures/gateway.ts'
import { AUDIENCE, type KeyPublisher, startKeyPublisher } from '../fixtures/key-publisher.ts'

/** Where only who has a token gets: nothing that is sent without one may be read as being below it. */
const GUARDED = '/admin'

/** How services read a path, each in its own way: what is guarded has to stay so by all of them. */
const READINGS: Readonly<Record<string, (path: string) => string>> = {
  'as it is': path => path,
  'as a URL': path => new URL(path, 'http://service.example').pathname,
  decoded: path => decodeURIComponent(path),
  'decoded, then as a URL': path => new URL(decodeURIComponent(path), 'http://service.example').pathname,
  'decoded twice': path => decodeURIComponent(decodeURIComponent(path)),
  'with slashes merged': path => path.replaceAll(/\/+/g, '/'),
  'with backslashes turned': path => decodeURIComponent(path).replaceAll('\\', '/'),
  'without path parameters': path => new URL(path.replaceAll(/;[^/]*/g, ''), 'http://service.example').pathname,
  'without path parameters, decoded before': path =>
    new URL(decodeURIComponent(path).replaceAll(/;[^/]*/g, ''), 'http://service.example').pathname,
  'up to a NUL': path => decodeURIComponent(path).split('\0')[0] ?? '',
}

/** By each reading, and by all of them lower-case: some services do not tell `/Admin` from `/admin`. */
const reachesGuarded = (read: string): boolean => /^\/*admin(?:\/|$)/i.test(read)

describe('A request that the gateway and a service could read differently', () => {
  let keys: KeyPublisher
  let service: Service
  /** Behind a prefix of its own, with nothing to guard. */
  let aside: Service
  let gateway: RunningGateway
  let behind: Express
  /** By a router of another make, with its own reading of paths. */
  let routedTo: string[] = []

  before(async () => {
    keys = await startKeyPublisher()
    behind = express()
    behind.use(GUARDED, (_request, response) => {
      routedTo.push('guarded')
      response.end('guarded')
    })
    const received: Received[] = []
    const server = await startService((request, response) => {
      const { method = '', url = '', headers, rawHeaders } = request
      received.push({ method, url, headers, rawHeaders, body: '' })
      behind(request as Request, response as Response, () =>
        response.writeHead(200, { 'content-type': 'application/json' }).end('{}'),
      )
    })
    service = { ...server, received }
    aside = await startService()
    gateway = await gatewayOf({
      issuers: [{ issuer: keys.issuer }],
      audience: AUDIENCE,
      routes: [
        { match: { path: `${GUARDED}/*` }, access: 'required', identity: { 'x-user-id': 'sub' }, upstream: 'service' },
        { match: { path: GUARDED }, access: 'required', upstream: 'service' },
        { match: { path: '/public/*' }, access: 'public', upstream: 'service' },
        { match: { path: '/api/*' }, access: 'public', strip_prefix: '/api', upstream: 'aside' },
        { match: { path: '/films/:id/run:purge' }, access: 'required', upstream: 'service' },
        { match: { host: 'all.example', path: '/*' }, access: 'public', upstream: 'service' },
      ],
      upstreams: { service: { targets: [{ url: service.url }] }, aside: { targets: [{ url: aside.url }] } },
    })
  })
  after(async () => {
    await gateway?.close()
    await service?.close()
    await aside?.close()
    await keys?.close()
  })

  /** Byte for byte, as no client library would. */
  async function send(
    target: string,
    headers: readonly string[] = [],
    host = 'a.example',
  ): Promise<{ status: number; sent?: Received }> {
    const before = service.received.length
    const socket = connect(gateway.port, '127.0.0.1')
    const lines = [`GET ${target} HTTP/1.1`, `Host: ${host}`, 'Connection: close', ...headers, '', '']
    socket.write(Buffer.from(lines.join('\r\n'), 'latin1'))
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(await text(socket))?.[1])
    assert.ok(status >= 200, `${target} is answered`)
    const sent = service.received[before]
    return { status, ...(sent && { sent }) }
  }

  const assertNotReached = ({ sent }: { sent?: Received }, target: string): void => {
    if (!sent) return
    const path = sent.url.split('?')[0] ?? ''
    for (const [how, read] of Object.entries(READINGS)) {
      let found = ''
      assert.doesNotThrow(() => {
        found = read(path)
      }, `${target} was forwarded as ${path}, which cannot be read ${how}`)
      assert.ok(!reachesGuarded(found), `${target} was forwarded as ${path}, which is ${found} ${how}`)
    }
  }

  const TARGETS = [
    '/public/../admin/keys',
    '/public/./../admin/keys',
    '/public/%2e%2e/admin/keys',
    '/public/.%2E/admin/keys',
    '/public/..%2fadmin/keys',
    '/public/%2e%2e%2fadmin',
    '/public/..%5cadmin',
    '/public/..\\admin',
    '/public\\..\\admin',
    '/public/..;/admin/keys',
    '/public/..;a=b/admin',
    '/public/;/../admin',
    '/public/%3b/../admin',
    '/public/%252e%252e/admin',
    '/public/%25%32%65%25%32%65/admin',
    '/public/%252e%252e%252fadmin',
    '/public/%c0%ae%c0%ae/admin',
    '/public/%e0%80%ae./admin',
    '/public/%u002e%u002e/admin',
    '/public/..%00/admin',
    '/public/..%0d%0a/admin',
    '/public/..%ff/admin',
    '//admin/keys',
    '/./admin',
    '///admin',
    '/%2fadmin',
    '/public//..//admin',
    '/public#/../admin',
    '/public/x?/../../admin',
    '/public/x%3f/../../admin',
    '/public/x%23/../../admin',
    '/public/\t../admin',
    'http://a.example/admin',
    'http://a.example/public/../admin',
    'https:/admin',
    'admin',
    '*',
    '/api//admin',
    '/api/admin/../admin',
    '/api/%2e/admin',
  ]
  for (const target of TARGETS)
    test(`by its path, ${JSON.stringify(target)}, reaches nothing that is guarded`, async () => {
      routedTo = []
      const answer = await send(target)
      assertNotReached(answer, target)
      assert.deepEqual(routedTo, [])
    })

  test('is forwarded as it was matched, however else it is spelled', async () => {
    for (const [target, forwarded] of [
      ['/%70ublic/%7euser', '/public/~user'],
      ['/public/caf%c3%a9', '/public/caf%C3%A9'],
      ['/public/x?a=/../../admin', '/public/x?a=/../../admin'],
    ] as const)
      assert.equal((await send(target)).sent?.url, forwarded)
    await send('/%61pi/x')
    assert.equal(aside.received.at(-1)?.url, '/x')
    assert.equal((await send('/%61dmin/keys')).status, 401, 'what is guarded is so in every spelling')
    assert.equal((await send('/admin/')).status, 401)
  })

  test('in other letters, or in escapes of what needs none, does not get by a route for all the rest', async () => {
    routedTo = []
    for (const target of ['/ADMIN/keys', '/Admin', '/%41dmin/x', '/films/1/run%3Apurge', '/Films/1/RUN:purge']) {
      const { status, sent } = await send(target, [], 'all.example')
      assert.deepEqual([status, sent], [400, undefined], target)
    }
    assert.deepEqual(routedTo, [])
    for (const target of ['/Films/1', '/a%3Ab', '/films/ADMIN', '/administrators/A'])
      assert.equal((await send(target, [], 'all.example')).sent?.url, target)
    assert.equal((await send('/admin/KEYS', [], 'all.example')).status, 401)
  })

  test('made of whatever pieces two parsers were seen to differ on, reaches nothing that is guarded', async () => {
    const piece = fc.constantFrom(
      ...[
        'public',
        'admin',
        'api',
        '..',
        '.',
        '/',
        '//',
        '\\',
        ';',
        ';a=b',
        '?',
        '#',
        '%',
        '%2e',
        '%2E%2e',
        '%2f',
        '%5c',
      ],
      ...['%252e', '%252f', '%25', '%3b', '%00', '%0a', '%c0%ae', '%ff', '%u002e', 'é', '~', '*', ':', '@', '%61dmin'],
    )
    const target = fc.array(piece, { minLength: 1, maxLength: 8 }).map(pieces => `/${pieces.join('')}`)
    await fc.assert(
      fc.asyncProperty(target, async sent => {
        routedTo = []
        assertNotReached(await send(sent), sent)
        assert.deepEqual(routedTo, [], sent)
      }),
      { numRuns: 300, examples: TARGETS.map(one => [one]) },
    )
  })

  test('by a header that names another path, method or host, names none to the service', async () => {
    const said = [
      ...[
        'X-Original-URL',
        'X-Rewrite-URL',
        'X-Original-URI',
        'X-Forwarded-Uri',
        'X-Forwarded-Path',
        'X-Forwarded-Prefix',
      ],
      ...[
        'X_Original_URL',
        'X-Envoy-Original-Path',
        'X-Forwarded-Method',
        'X-HTTP-Method-Override',
        'X-Method-Override',
      ],
      ...['X-Forwarded-Host', 'X-Forwarded-Server', 'Forwarded', 'x.forwarded.uri'],
    ]
    const { status, sent } = await send(
      '/public/x',
      said.map(name => `${name}: /admin/keys`),
    )
    assert.equal(status, 200)
    const values = Object.values(sent?.headers ?? {}).flat()
    assert.deepEqual(
      values.filter(value => value?.includes('admin')),
      [],
    )
    assert.equal(sent?.headers['x-forwarded-host'], 'a.example')
  })

  test('by a header that says who is calling, or from where, says it to nobody', async () => {
    const forged = ['X-User-Id: root', 'x_user_id: root', 'X.User.Id: root', 'X-USER_ID: root']
    for (const target of ['/public/x', '/admin/keys'])
      for (const one of forged) {
        const { sent } = await send(target, [one, `Authorization: Bearer ${await keys.token({ sub: 'ann' })}`])
        assert.ok(!JSON.stringify(sent?.rawHeaders).includes('root'), one)
        assert.equal(sent?.headers['x-user-id'], target === '/public/x' ? undefined : 'ann')
      }
    const { sent } = await send('/public/x', [
      'X-Forwarded-For: 10.0.0.1',
      'X-Real-IP: 10.0.0.1',
      'X-Forwarded-Proto: https',
    ])
    assert.deepEqual(
      [sent?.headers['x-forwarded-for'], sent?.headers['x-forwarded-proto'], sent?.headers['x-real-ip']],
      ['127.0.0.1', 'http', undefined],
    )
  })

  test('by the name of a header of ours in Connection, is told who is calling all the same', async () => {
    const { sent } = await send('/admin/keys', [
      'Connection: x-user-id, x-forwarded-for',
      `Authorization: Bearer ${await keys.token({ sub: 'ann' })}`,
    ])
    assert.equal(sent?.headers['x-user-id'], 'ann')
    assert.equal(sent?.headers['x-forwarded-for'], '127.0.0.1')
  })

  test('by asking for another proxy, is not asked about by strangers', async () => {
    const { status } = await send('/edge/check', ['X-Forwarded-Uri: /public/x', 'X-Forwarded-Method: GET'])
    assert.equal(status, 404, 'the file does not have it')
  })
})
