import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { FastifyInstance, InjectOptions } from 'fastify'
import { PageError, ProtocolError, UnavailableError } from '../kernel/errors.ts'
import type { ErrorPage } from './faults.ts'
import { html, type Incoming, json, type Route } from './route.ts'
import { createHttp } from './server.ts'

const SECRET = 'a-secret-of-the-database'
const echo = (incoming: Incoming) =>
  json(200, {
    tenant: incoming.tenant,
    issuer: incoming.issuer,
    method: incoming.method,
    path: incoming.path,
    query: Object.fromEntries(incoming.query.names.map(name => [name, incoming.query.get(name)])),
    body: Object.fromEntries(incoming.body.names.map(name => [name, incoming.body.get(name)])),
    repeated: incoming.body.repeated,
    address: incoming.address,
  })
const breaks = () => {
  throw new Error(SECRET)
}
const isAway = () => {
  throw new UnavailableError(`PostgreSQL at ${SECRET} does not answer`)
}
/** What a page does merely by being asked for, as a sign-out link does. */
let effects = 0
const routes: readonly Route[] = [
  {
    method: 'GET',
    path: '/page',
    speaks: 'pages',
    answer: incoming => {
      effects++
      return echo(incoming)
    },
  },
  { method: 'POST', path: '/page', speaks: 'pages', answer: echo },
  { method: 'GET', path: '/page/:id', speaks: 'pages', answer: echo },
  { method: 'GET', path: '/open', cors: 'open', speaks: 'json', answer: echo },
  { method: 'POST', path: '/open', cors: 'open', speaks: 'json', answer: echo },
  { method: 'GET', path: '/closed', speaks: 'json', answer: echo },
  { method: 'GET', path: '/item/:id', speaks: 'json', answer: echo },
  { method: 'GET', path: '/tree/*', speaks: 'json', answer: echo },
  { method: 'POST', path: '/tree/*', speaks: 'json', answer: echo },
  { method: 'GET', path: '/tree/leaf', speaks: 'json', answer: echo },
  { method: 'POST', path: '/item/new', speaks: 'json', answer: echo },
  { method: 'GET', path: '/any-host', anyHost: true, speaks: 'json', answer: echo },
  { method: 'GET', path: '/routine', isRoutine: true, speaks: 'json', answer: echo },
  { method: 'GET', path: '/routine-failing', isRoutine: true, speaks: 'json', answer: () => json(503, {}) },
  { method: 'GET', path: '/bug', cors: 'open', speaks: 'json', answer: breaks },
  {
    method: 'GET',
    path: '/bug-without-error',
    speaks: 'json',
    answer: () => Promise.reject(),
  },
  {
    method: 'GET',
    path: '/lost-database',
    speaks: 'json',
    answer: () => Promise.reject(Object.assign(new Error(SECRET), { code: 'ECONNRESET' })),
  },
  { method: 'GET', path: '/bug-page', speaks: 'pages', answer: breaks },
  { method: 'GET', path: '/away', cors: 'open', speaks: 'json', answer: isAway },
  { method: 'GET', path: '/away-page', speaks: 'pages', answer: isAway },
  {
    method: 'GET',
    path: '/refused',
    cors: 'open',
    speaks: 'json',
    answer: () => {
      throw new ProtocolError('invalid_client', 'No.', { 'www-authenticate': 'Basic realm="x"' })
    },
  },
  {
    method: 'GET',
    path: '/refused-page',
    speaks: 'pages',
    answer: () => {
      throw new PageError('cross_site_post', 'No.')
    },
  },
  {
    method: 'GET',
    path: '/busy-page',
    speaks: 'pages',
    answer: () => {
      throw new ProtocolError('temporarily_unavailable', 'Later.')
    },
  },
  {
    method: 'GET',
    path: '/cookies',
    speaks: 'json',
    answer: () => ({ ...json(200, {}), cookies: ['a=1', 'b=2'] }),
  },
]

const HOSTS: Readonly<Record<string, { tenant: string; issuer: string }>> = {
  'one.example': { tenant: 'one', issuer: 'https://one.example/' },
  'two.example:8443': { tenant: 'two', issuer: 'https://two.example:8443/' },
}

interface Entry {
  readonly level: string
  readonly fields: Record<string, unknown>
}

const showPage: ErrorPage = async (incoming, error) =>
  html(error.status, `${error.code} for ${incoming.tenant}: ${error.message}`, {})

const findHost = async (host: string) => HOSTS[host]

function serve({ trustedProxies = [] as readonly string[], errorPage = showPage, find = findHost } = {}) {
  const entries: Entry[] = []
  const write = (level: string) => (fields: object) => void entries.push({ level, fields: { ...fields } })
  const { app } = createHttp({
    routes,
    findHost: find,
    isClientOrigin: async (tenant, origin) => tenant === 'one' && origin === 'https://app.example',
    errorPage,
    trustedProxies,
    tls: null,
    log: { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') },
  })
  const ask = (options: InjectOptions) =>
    app.inject({ ...options, headers: { host: 'one.example', ...options.headers } })
  return { app, ask, entries, faults: () => entries.filter(entry => entry.level === 'error') }
}

const FORM = { 'content-type': 'application/x-www-form-urlencoded' }
const JSON_BODY = { 'content-type': 'application/json' }

describe('which tenant a request is for', () => {
  const { ask } = serve()

  for (const [host, tenant] of [
    ['one.example', 'one'],
    ['ONE.example', 'one'],
    ['two.example:8443', 'two'],
  ] as const)
    test(`${host} is ${tenant}, with the issuer as stored`, async () => {
      const answer = await ask({ url: '/closed', headers: { host } })
      assert.equal(answer.json().tenant, tenant)
      assert.equal(answer.json().issuer, HOSTS[host.toLowerCase()]?.issuer)
    })

  test('tells browsers to come by https for good where the issuer does, but not for all ports of localhost', async () => {
    const headerAt = async (issuer: string) =>
      (await serve({ find: async () => ({ tenant: 'one', issuer }) }).ask({ url: '/closed' })).headers[
        'strict-transport-security'
      ]
    for (const issuer of ['https://one.example/', 'https://localhost.example/', 'https://my-localhost:4000/'])
      assert.equal(await headerAt(issuer), 'max-age=31536000', issuer)
    for (const issuer of [
      'https://localhost/',
      'https://localhost:4000/',
      'https://a.localhost/',
      'http://one.example/',
    ])
      assert.equal(await headerAt(issuer), undefined, issuer)
  })

  for (const host of ['two.example', 'one.example:1', 'evil.example', 'one.example.evil.example'])
    test(`${host} is nobody's: 421`, async () => {
      const answer = await ask({ url: '/closed', headers: { host } })
      assert.equal(answer.statusCode, 421)
      assert.doesNotMatch(answer.body, /evil/)
    })

  test('a host that is nobody’s is still asked by the machines that watch', async () => {
    const answer = await ask({ url: '/any-host', headers: { host: '10.0.0.7:4000' } })
    assert.equal(answer.statusCode, 200)
    assert.equal(answer.json().tenant, '')
  })

  test('is not asked by the machines that watch: this process lives, whatever its database does', async () => {
    const { ask: askBroken } = serve({ find: breaks })
    assert.equal((await askBroken({ url: '/closed' })).statusCode, 500)
    for (const host of ['one.example', '10.0.0.7:4000'])
      assert.equal((await askBroken({ url: '/any-host', headers: { host } })).statusCode, 200)
  })

  test('is not a stranger’s to say by X-Forwarded-Host or X-Forwarded-For', async () => {
    const headers = { 'x-forwarded-host': 'two.example:8443', 'x-forwarded-for': '198.51.100.9' }
    const answer = await ask({ url: '/closed', headers })
    assert.equal(answer.json().tenant, 'one')
    assert.equal(answer.json().address, '127.0.0.1')
  })

  test('is a trusted proxy’s to say, and no other proxy’s', async () => {
    const headers = { 'x-forwarded-host': 'two.example:8443', 'x-forwarded-for': '203.0.113.5, 198.51.100.9' }
    const trusting = serve({ trustedProxies: ['127.0.0.1'] })
    const heard = await trusting.ask({ url: '/closed', headers })
    assert.equal(heard.json().tenant, 'two')
    assert.equal(heard.json().address, '198.51.100.9')
    const distrusting = serve({ trustedProxies: ['10.0.0.1'] })
    assert.equal((await distrusting.ask({ url: '/closed', headers })).json().tenant, 'one')
  })

  test('is said by a proxy that is not listed: it is named once, strangers keep none from being named, and no header is repeated', async () => {
    const { ask: askBehind, entries } = serve({ trustedProxies: ['10.0.0.0/8'] })
    const warned = () => entries.filter(({ level }) => level === 'warn').map(({ fields }) => fields)
    const by = (remoteAddress: string, headers: Readonly<Record<string, string>>) =>
      askBehind({ url: '/closed', remoteAddress, headers })
    const claimed = { 'x-forwarded-for': '203.0.113.5' }
    for (const peer of ['10.1.2.3', '::ffff:10.1.2.3']) await by(peer, claimed)
    await by('192.168.0.1', {})
    assert.deepEqual(warned(), [])
    for (let stranger = 0; stranger < 20; stranger++) await by(`1.1.1.${stranger}`, claimed)
    assert.equal(warned().length, 5)
    for (const peer of ['192.168.0.1', '::ffff:192.168.0.1', '192.168.0.1', '1.1.1.1']) await by(peer, claimed)
    await by('fd00::1', { forwarded: 'for=203.0.113.5' })
    assert.deepEqual(warned().slice(5), [
      { peer: '192.168.0.1', header: 'x-forwarded-for' },
      { peer: 'fd00::1', header: 'forwarded' },
    ])
    assert.doesNotMatch(JSON.stringify(warned()), /203\.0\.113/)
  })
})

describe('what is read of a request', () => {
  const { ask } = serve()

  test('a form becomes parameters, and its repetitions are seen', async () => {
    const answer = await ask({ method: 'POST', url: '/open', headers: FORM, payload: 'a=1&b=x+y&a=2' })
    assert.deepEqual(answer.json().body, { a: '1', b: 'x y' })
    assert.deepEqual(answer.json().repeated, ['a'])
  })

  test('a JSON object becomes parameters, also with a charset', async () => {
    const headers = { 'content-type': 'application/json; charset=utf-8' }
    const answer = await ask({ method: 'POST', url: '/open', headers, payload: '{"a":"1"}' })
    assert.deepEqual(answer.json().body, { a: '1' })
  })

  test('no body is no parameters', async () => {
    assert.deepEqual((await ask({ method: 'POST', url: '/open' })).json().body, {})
    assert.deepEqual((await ask({ method: 'POST', url: '/open', headers: JSON_BODY, payload: '' })).json().body, {})
  })

  test('the query is parameters, and no path is decoded twice', async () => {
    assert.deepEqual((await ask({ url: '/item/a%252Fb?x=%2541' })).json(), {
      ...(await ask({ url: '/item/x' })).json(),
      path: { id: 'a%2Fb' },
      query: { x: '%41' },
    })
  })

  const unreadable = [
    ['{"a":', JSON_BODY, 400, 'JSON that ends too soon'],
    ['{"a":"1","a":"2"}', JSON_BODY, 400, 'JSON that says a name twice'],
    ['[]', JSON_BODY, 400, 'JSON that is not an object'],
    ['{"a":1}', JSON_BODY, 400, 'a parameter that is not text'],
    [Array(101).fill('a=1').join('&'), FORM, 400, 'more than a hundred parameters'],
    [`a=${'x'.repeat(64 * 1024)}`, FORM, 413, 'more than 64 KiB'],
    ['<a/>', { 'content-type': 'text/xml' }, 415, 'XML'],
    ['a=1', { 'content-type': 'text/plain' }, 415, 'a form that says it is text, which needs no preflight'],
    ['a=1', { 'content-type': 'multipart/form-data; boundary=x' }, 415, 'multipart'],
    ['a=1', { 'content-type': 'x' }, 415, 'a type that is none'],
  ] as const
  for (const [payload, headers, status, why] of unreadable) {
    test(`${why}: ${status}, as invalid_request that a script of any origin may read`, async () => {
      const answer = await ask({ method: 'POST', url: '/open', headers, payload })
      assert.equal(answer.statusCode, status)
      assert.equal(answer.json().error, 'invalid_request')
      assert.equal(answer.headers['access-control-allow-origin'], '*')
    })

    test(`${why}, sent to a page: ${status}, as a page`, async () => {
      const answer = await ask({ method: 'POST', url: '/page', headers, payload })
      assert.equal(answer.statusCode, status)
      assert.match(answer.body, /^malformed_request for one: /)
      assert.equal(answer.headers['access-control-allow-origin'], undefined)
    })

    test(`${why}, sent to nobody’s host: 421, before anything else`, async () => {
      for (const url of ['/open', '/page'])
        assert.equal(
          (await ask({ method: 'POST', url, headers: { ...headers, host: 'evil.example' }, payload })).statusCode,
          421,
        )
    })
  }

  test('more than a hundred parameters in a query are told as the route speaks', async () => {
    const query = Array(101).fill('a=1').join('&')
    const page = await ask({ url: `/page?${query}` })
    assert.equal(page.statusCode, 400)
    assert.match(page.body, /^malformed_request for one: More than 100 parameters/)
    const program = await ask({ url: `/open?${query}` })
    assert.equal(program.statusCode, 400)
    assert.equal(program.json().error, 'invalid_request')
    assert.equal(program.headers['access-control-allow-origin'], '*')
  })

  test('a body of exactly 64 KiB is read', async () => {
    const payload = `a=${'x'.repeat(64 * 1024 - 2)}`
    assert.equal((await ask({ method: 'POST', url: '/open', headers: FORM, payload })).statusCode, 200)
  })

  for (const url of ['/%ff', '/item/%zz', '/item/%ff', '/item/%c3%28?a=b'])
    test(`${url} cannot be decoded: 400, as a page where one is asked for`, async () => {
      const program = await ask({ url })
      assert.equal(program.statusCode, 400)
      assert.equal(program.json().error, 'invalid_request')
      const person = await ask({ url, headers: { accept: 'text/html,*/*;q=0.8' } })
      assert.equal(person.statusCode, 400)
      assert.match(person.body, /^malformed_request for one: /)
      assert.equal((await ask({ url, headers: { host: 'evil.example' } })).statusCode, 421)
    })

  test('what cannot be decoded in a query is the endpoint’s to judge', async () =>
    assert.equal((await ask({ url: '/item/x?a=%ff#%ff' })).statusCode, 200))

  test('a part of a path that is longer than any id of ours is refused before anybody looks for it', async () => {
    assert.equal((await ask({ url: `/item/${'x'.repeat(128)}` })).statusCode, 200)
    const program = await ask({ url: `/item/${'x'.repeat(129)}` })
    assert.equal(program.statusCode, 400)
    assert.equal(program.json().error, 'invalid_request')
    const page = await ask({ url: `/page/${'x'.repeat(129)}` })
    assert.equal(page.statusCode, 400)
    assert.match(page.body, /^malformed_request for one: /)
  })
})

describe('what is answered', () => {
  const { ask } = serve()

  for (const url of ['/', '/nothing', '/OPEN', '/open/', '//open', '/open/../closed/x'])
    test(`${url} is nothing here: 404`, async () => {
      const answer = await ask({ url })
      assert.equal(answer.statusCode, 404)
      assert.equal(answer.json().error, 'not_found')
    })

  for (const [method, url, allow] of [
    ['DELETE', '/open', 'GET, HEAD, POST, OPTIONS'],
    ['TRACE', '/open', 'GET, HEAD, POST, OPTIONS'],
    ['PUT', '/item/one?x=/', 'GET, HEAD'],
    ['PUT', '/page', 'GET, POST'],
    ['OPTIONS', '/closed', 'GET, HEAD'],
    ['TRACE', '/tree/branch/twig?x=/', 'GET, HEAD, POST'],
    ['POST', '/tree/leaf', 'GET, HEAD'],
    ['TRACE', '/tree/leaf', 'GET, HEAD'],
    ['GET', '/item/new', 'POST'],
  ] as const)
    test(`${method} ${url} is told which methods there are (RFC 9110 §15.5.6), as the path speaks`, async () => {
      const answer = await ask({ method: method as 'GET', url })
      assert.deepEqual([answer.statusCode, answer.headers['allow']], [405, allow])
      assert.equal(answer.headers['access-control-allow-origin'], url === '/open' ? '*' : undefined)
      if (url === '/page') assert.match(answer.body, /^method_not_allowed for one: /)
      else assert.equal(answer.json().error, 'method_not_allowed')
    })

  test('a wrong method is told on every host where the path answers on every host, and else on those of tenants', async () => {
    const at = async (url: string) => (await ask({ method: 'DELETE', url, headers: { host: '10.0.0.7' } })).statusCode
    assert.deepEqual([await at('/any-host'), await at('/open')], [405, 421])
  })

  test('HEAD is GET without its body', async () => {
    const [head, get] = [await ask({ method: 'HEAD', url: '/open' }), await ask({ url: '/open' })]
    assert.equal(head.statusCode, 200)
    assert.equal(head.body, '')
    assert.equal(head.headers['content-type'], get.headers['content-type'])
  })

  test('HEAD is not for pages, since asking for one may do something', async () => {
    const before = effects
    await ask({ url: '/page' })
    assert.equal(effects, before + 1)
    assert.equal((await ask({ method: 'HEAD', url: '/page' })).statusCode, 405)
    assert.equal(effects, before + 1)
  })

  test('a body that came over no connection, and that nobody read, is not waited for', async t => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    assert.equal((await ask({ method: 'PUT', url: '/open', payload: { a: 'b' } })).statusCode, 405)
    t.mock.timers.tick(60_000)
  })

  test('every cookie has a header of its own', async () =>
    assert.deepEqual((await ask({ url: '/cookies' })).headers['set-cookie'], ['a=1', 'b=2']))

  test('a preflight is answered for what is open, and for nothing else', async () => {
    const headers = { origin: 'https://app.example', 'access-control-request-method': 'POST' }
    const open = await ask({ method: 'OPTIONS', url: '/open', headers })
    assert.equal(open.statusCode, 204)
    assert.equal(open.headers['access-control-allow-origin'], '*')
    const closed = await ask({ method: 'OPTIONS', url: '/closed', headers })
    assert.equal(closed.statusCode, 405)
    assert.equal(closed.headers['access-control-allow-origin'], undefined)
  })

  test('no script of another origin reads what is not open', async () =>
    assert.equal((await ask({ url: '/closed' })).headers['access-control-allow-origin'], undefined))

  test('an error of an open route can be read by a script of any origin', async () => {
    for (const url of ['/refused', '/bug'])
      assert.equal((await ask({ url })).headers['access-control-allow-origin'], '*', url)
    const misdirected = await ask({ url: '/open', headers: { host: 'evil.example' } })
    assert.equal(misdirected.headers['access-control-allow-origin'], '*')
  })

  test('an error of ours is told with its status, its headers and no cache', async () => {
    const answer = await ask({ url: '/refused' })
    assert.equal(answer.statusCode, 401)
    assert.deepEqual(answer.json(), { error: 'invalid_client', error_description: 'No.' })
    assert.equal(answer.headers['www-authenticate'], 'Basic realm="x"')
    assert.equal(answer.headers['cache-control'], 'no-store')
  })

  test('a person is shown a page', async () => {
    const answer = await ask({ url: '/refused-page' })
    assert.equal(answer.statusCode, 403)
    assert.equal(answer.body, 'cross_site_post for one: No.')
    assert.match((await ask({ url: '/busy-page' })).body, /^busy /)
  })
})

describe('a bug', () => {
  test('is told as server_error with an id, logged once under that id, and described to nobody else', async () => {
    const { ask, faults } = serve()
    const answer = await ask({ url: '/bug' })
    assert.equal(answer.statusCode, 500)
    assert.equal(answer.json().error, 'server_error')
    assert.doesNotMatch(answer.body, new RegExp(SECRET))
    assert.equal(faults().length, 1)
    const { error, request } = faults()[0]?.fields ?? {}
    assert.ok(error instanceof Error && error.message === SECRET)
    assert.ok(answer.json().error_description.includes(request))
  })

  test('of a page is shown as a page that says nothing of it', async () => {
    const { ask, faults } = serve()
    const answer = await ask({ url: '/bug-page' })
    assert.equal(answer.statusCode, 500)
    assert.match(answer.body, /^unexpected for one/)
    assert.doesNotMatch(answer.body, new RegExp(SECRET))
    assert.equal(faults().length, 1)
  })

  test('of the error page is logged too, and the fault told without a page', async () => {
    const { ask, faults } = serve({ errorPage: breaks })
    const broken = await ask({ url: '/bug-page' })
    assert.equal(broken.statusCode, 500)
    assert.equal(broken.json().error, 'server_error')
    assert.doesNotMatch(broken.body, new RegExp(SECRET))
    assert.equal(faults().length, 2)
    const refused = await ask({ url: '/refused-page' })
    assert.equal(refused.statusCode, 403)
    assert.equal(refused.json().error, 'cross_site_post')
  })

  test('that throws no error at all is a bug like any other', async () => {
    const { ask, faults } = serve()
    assert.equal((await ask({ url: '/bug-without-error' })).statusCode, 500)
    assert.equal(faults().length, 1)
  })

  test('that resembles a client that left is a bug all the same', async () => {
    const { ask, faults } = serve()
    assert.equal((await ask({ url: '/lost-database' })).statusCode, 500)
    assert.equal(faults().length, 1)
  })

  test('is the only thing logged as an error: what a client does wrong is not', async () => {
    const { ask, faults } = serve()
    await ask({ url: '/refused' })
    await ask({ url: '/refused-page' })
    await ask({ method: 'POST', url: '/open', headers: JSON_BODY, payload: '{' })
    await ask({ method: 'POST', url: '/open', headers: { 'content-type': 'text/xml' }, payload: '<a/>' })
    assert.deepEqual(faults(), [])
  })
})

describe('what the server stands on, while it is away,', () => {
  test('is told to a program with when to ask again, in a sentence to the log, and to nobody by its name', async () => {
    const { ask, faults } = serve()
    const answer = await ask({ url: '/away' })
    assert.equal(answer.statusCode, 503)
    assert.equal(answer.json().error, 'temporarily_unavailable')
    assert.match(String(answer.headers['retry-after']), /^[1-9]\d?$/)
    assert.equal(answer.headers['access-control-allow-origin'], '*')
    assert.doesNotMatch(answer.body, new RegExp(SECRET))
    assert.deepEqual(
      faults().map(({ fields }) => fields),
      [{ request: answer.headers['x-request-id'], reason: `PostgreSQL at ${SECRET} does not answer` }],
    )
  })

  test('is told to a person on the page that says so', async () => {
    const answer = await serve().ask({ url: '/away-page' })
    assert.equal(answer.statusCode, 503)
    assert.match(answer.body, /^busy for one/)
    assert.ok(answer.headers['retry-after'])
  })

  test('is told alike when not even the tenant can be found, on a page of nobody’s', async () => {
    const { ask } = serve({ find: async () => isAway() })
    const page = await ask({ url: '/page' })
    assert.deepEqual([page.statusCode, page.body.split(':')[0]], [503, 'busy for '])
    const answer = await ask({ url: '/open' })
    assert.deepEqual([answer.statusCode, answer.json().error], [503, 'temporarily_unavailable'])
    assert.equal((await ask({ url: '/any-host' })).statusCode, 200)
  })
})

describe('the log', () => {
  test('says what went wrong with a request by its code, and nothing of what was sent', async () => {
    const { ask, entries } = serve()
    for (const [url, told] of [
      ['/refused', 'invalid_client'],
      ['/nothing', 'not_found'],
      ['/bug', 'server_error'],
      ['/open', undefined],
    ] as const) {
      await ask({ url })
      assert.equal(entries.at(-1)?.fields['told'], told, url)
    }
  })

  test('has a line of a routine question only for whoever looks closely, unless it went wrong', async () => {
    const { ask, entries } = serve()
    await ask({ url: '/routine' })
    assert.equal(entries.at(-1)?.level, 'debug')
    await ask({ url: '/routine-failing' })
    assert.equal(entries.at(-1)?.level, 'info')
  })

  test('and the answer name a request alike, so that somebody can read out what is to be looked up', async () => {
    const { ask, entries } = serve()
    for (const url of ['/open', '/refused', '/bug', '/nothing', '/%zz']) {
      const answer = await ask({ url })
      assert.match(String(answer.headers['x-request-id']), /^[0-9a-f-]{36}$/, url)
      assert.equal(entries.at(-1)?.fields['request'], answer.headers['x-request-id'], url)
    }
    const misdirected = await ask({ url: '/open', headers: { host: 'evil.example' } })
    assert.equal(entries.at(-1)?.fields['request'], misdirected.headers['x-request-id'])
  })

  test('names the route and not the URL, whose path holds tickets and whose query holds codes', async () => {
    const { ask, entries } = serve()
    await ask({ url: '/item/ticket-secret?code=code-secret' })
    await ask({ url: '/nothing/ticket-secret?code=code-secret' })
    const text = JSON.stringify(entries)
    assert.equal(entries.length, 2)
    assert.match(text, /\/item\/:id/)
    assert.doesNotMatch(text, /ticket-secret|code-secret/)
  })
})

describe('on a socket', () => {
  let app: FastifyInstance
  let entries: readonly Entry[]
  let port: number
  before(async () => {
    const served = serve()
    app = served.app
    entries = served.entries
    await app.listen({ port: 0, host: '127.0.0.1' })
    port = (app.server.address() as { port: number }).port
  })
  after(() => app.close())

  const say = async (request: string): Promise<string> => {
    const socket = connect(port, '127.0.0.1')
    let heard = ''
    socket.setEncoding('utf8').on('data', part => (heard += part))
    socket.write(request)
    await once(socket, 'close')
    return heard
  }

  test('a request without a Host is for no tenant', async () =>
    assert.match(await say('GET /closed HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 421 /))

  test('a Host that is sent twice is refused', async () =>
    assert.match(
      await say('GET /closed HTTP/1.1\r\nHost: one.example\r\nHost: two.example:8443\r\nConnection: close\r\n\r\n'),
      /^HTTP\/1\.1 400 /,
    ))

  const asked = (line: string, host = 'one.example') =>
    say(`${line} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)

  test('a target that names a host of its own is refused, whichever it names', async () => {
    for (const target of [
      'http://evil.example/closed',
      'http://one.example/closed',
      'HTTPS://one.example/closed',
      'http://evil.example',
      'http://evil.example?a=b',
      'http://evil.example:80/%ff',
      'http:///closed',
    ])
      for (const method of ['GET', 'POST', 'OPTIONS'])
        assert.match(await asked(`${method} ${target}`), /^HTTP\/1\.1 400 /, `${method} ${target}`)
    assert.match(await asked('GET http://one.example/closed', 'evil.example'), /^HTTP\/1\.1 421 /)
  })

  test('a target that is a host and a port, or an asterisk, is no path of ours', async () => {
    for (const line of ['GET evil.example:80', 'POST one.example:443', 'GET *', 'GET closed', 'OPTIONS **'])
      assert.match(await asked(line), /^HTTP\/1\.1 400 /, line)
    assert.doesNotMatch(await asked('CONNECT one.example:443'), /^HTTP\/1\.1 2/)
  })

  test('a question about the server as a whole is read, and answered that there is nothing', async () => {
    assert.match(await asked('OPTIONS *'), /^HTTP\/1\.1 404 .*"error":"not_found"/s)
    assert.match(await asked('OPTIONS *', 'evil.example'), /^HTTP\/1\.1 421 /)
  })

  test('a target of a path goes where it says', async () => {
    assert.match(await asked('GET /closed?to=http://evil.example/'), /^HTTP\/1\.1 200 /)
    assert.match(await asked('GET //evil.example/closed'), /^HTTP\/1\.1 404 /)
  })

  test('a body that nobody reads does not become the next request', async () => {
    const body = 'GET /any-host HTTP/1.1\r\nHost: x\r\n\r\n'
    const heard = await say(
      `POST /open HTTP/1.1\r\nHost: evil.example\r\nContent-Length: ${body.length}\r\n\r\n${body}` +
        'GET /closed HTTP/1.1\r\nHost: one.example\r\nConnection: close\r\n\r\n',
    )
    assert.deepEqual(heard.match(/^HTTP\/1\.1 \d+/gm), ['HTTP/1.1 421', 'HTTP/1.1 200'])
  })

  test('a client that leaves within its body is no failure of ours', async () => {
    const known = entries.length
    const received = once(app.server, 'request')
    const socket = connect(port, '127.0.0.1')
    socket.write(
      `POST /open HTTP/1.1\r\nHost: one.example\r\nContent-Type: ${FORM['content-type']}\r\nContent-Length: 100\r\n\r\na=`,
    )
    const [request] = await received
    const left = new Promise(resolve => request.once('close', resolve))
    socket.destroy()
    await left
    await setTimeout(20)
    assert.deepEqual(entries.slice(known), [])
  })
})

test('loads no compiler of schemas, which no route of ours has', async () => {
  // In a process of its own: what other tests load is loaded in this one.
  const script = `
    import { createRequire } from 'node:module'
    const { createHttp } = await import(${JSON.stringify(new URL('./server.ts', import.meta.url).href)})
    const log = Object.fromEntries(['debug', 'info', 'warn', 'error'].map(level => [level, () => {}]))
    const routes = [{ method: 'GET', path: '/', speaks: 'json', answer: () => ({ status: 200 }) }]
    const { app } = createHttp({ routes, findHost: async () => {}, errorPage: async () => {}, trustedProxies: [], tls: null, log })
    await app.ready()
    console.log(Object.keys(createRequire(import.meta.url).cache).join('\\n'))`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script])
  assert.match(stdout, /\/node_modules\/fastify\//)
  assert.doesNotMatch(stdout, /\/node_modules\/ajv\//)
})
