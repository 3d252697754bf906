/** Other proxies that ask the gateway: nginx and Caddy as they are, by the files in `docs/forward-auth`; Traefik and Envoy by what they send. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request as ask } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { silentLog } from '../../server/kernel/log.ts'
import { SECOND } from '../../server/kernel/seconds.ts'
import { findCaddy, findNginx } from '../../tools/prerequisites.ts'
import { freePort } from '../fixtures/free-port.ts'
import { gatewayOf, type RunningGateway, type Service, startService } from '../fixtures/gateway.ts'
import { AUDIENCE, type KeyPublisher, startKeyPublisher } from '../fixtures/key-publisher.ts'

const ANN = 'auth0|ann'

interface Told {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

/** Names, paths and methods go out as they are given. */
async function send(
  port: number,
  path: string,
  headers: Record<string, string | string[]> = {},
  method = 'GET',
): Promise<Told> {
  const asked = ask({ host: '127.0.0.1', port, path, method, headers, agent: false }).end()
  const [answer] = await once(asked, 'response')
  return { status: answer.statusCode, headers: answer.headers, body: await text(answer) }
}

const PROXIES = { nginx: startNginx, caddy: startCaddy } as const

for (const [name, start] of Object.entries(PROXIES))
  describe(`${name} that asks the gateway`, () => {
    let publisher: KeyPublisher
    let service: Service
    let gateway: RunningGateway
    let proxy: { port: number; stop(): Promise<void> }
    let token: string
    before(async () => {
      publisher = await startKeyPublisher()
      service = await startService()
      gateway = await gatewayOf(routeFile(publisher.issuer))
      proxy = await start(gateway.port, Number(new URL(service.url).port))
      token = await publisher.token()
    })
    after(async () => {
      await proxy?.stop()
      await gateway?.close()
      await service?.close()
      await publisher?.close()
    })
    const last = () => service.received.at(-1)
    const bearer = (more: Record<string, string | string[]> = {}) => ({ authorization: `Bearer ${token}`, ...more })
    /** What the service got of it, if anything. */
    async function reaching(path: string, headers: Record<string, string | string[]> = {}, method = 'GET') {
      const before = service.received.length
      const answer = await send(proxy.port, path, headers, method)
      return { answer, reached: service.received.slice(before) }
    }

    test('lets through whom the gateway would, and tells the service who it is', async () => {
      const { answer } = await reaching('/videos/42?a=b', bearer())
      assert.equal(answer.status, 200)
      assert.equal(last()?.url, '/videos/42?a=b')
      assert.equal(last()?.headers['x-user-id'], ANN)
      assert.equal((await reaching('/public/1')).answer.status, 200)
      assert.equal(last()?.headers['x-user-id'] || undefined, undefined)
    })

    test('asks for the method of the request, not for its own', async () => {
      assert.equal((await reaching('/videos/42', bearer(), 'DELETE')).answer.status, 403)
      assert.equal(
        (
          await reaching(
            '/videos/42',
            { authorization: `Bearer ${await publisher.token({ scope: 'write:videos' })}` },
            'DELETE',
          )
        ).answer.status,
        200,
      )
    })

    test('tells the client why not, and the service nothing', async () => {
      for (const [path, headers, status] of [
        ['/videos/42', {}, 401],
        ['/videos/42', { authorization: 'Bearer junk.junk.junk' }, 401],
        ['/admin', bearer(), 403],
        ['/nowhere', bearer(), 404],
        ['/videos/%2e%2e/admin', bearer(), 400],
        ['/limited/', bearer(), 200],
        ['/limited/', bearer(), 429],
      ] as const) {
        const { answer, reached } = await reaching(path, headers)
        assert.equal(answer.status, status, path)
        assert.equal(reached.length, status === 200 ? 1 : 0, path)
        if (status === 401) assert.match(String(answer.headers['www-authenticate']), /^Bearer realm="edge"/)
        if (status === 429) assert.match(String(answer.headers['retry-after']), /^\d+$/)
      }
      const challenged = await send(proxy.port, '/admin', bearer())
      assert.match(String(challenged.headers['www-authenticate']), /error="insufficient_scope"/)
    })

    test('overwrites what a client says of who it is, and of what is asked', async () => {
      for (const header of ['x-user-id', 'X-USER-ID', 'x_user_id']) {
        await reaching('/public/1', { [header]: 'admin' })
        assert.ok(!JSON.stringify(last()).includes('admin'), header)
        await reaching('/videos/42', bearer({ [header]: 'admin' }))
        assert.ok(!JSON.stringify(last()).includes('admin'), header)
      }
      for (const smuggled of [
        { 'x-original-uri': '/public/1' },
        { 'x-original-uri': '/public/1', 'x-original-method': 'GET' },
        { 'x-forwarded-uri': '/public/1' },
        { 'x-forwarded-uri': '/public/1', 'x-forwarded-method': 'GET', 'x-forwarded-host': 'public.example' },
        { 'x-forwarded-host': 'public.example' },
        { 'x-forwarded-for': '10.9.9.9' },
        { 'x-http-method-override': 'DELETE' },
      ] as Record<string, string>[]) {
        const without = await reaching('/videos/42', smuggled)
        assert.equal(without.answer.status, 401, JSON.stringify(smuggled))
        assert.equal(without.reached.length, 0)
        const { answer } = await reaching('/videos/42', bearer(smuggled))
        assert.equal(answer.status, 200, JSON.stringify(smuggled))
      }
      // An address range that is let in by its address alone.
      assert.equal((await reaching('/internal/1', { 'x-forwarded-for': '10.9.9.9' })).answer.status, 403)
    })

    test('does not lead from outside to the question itself', async () => {
      for (const path of ['/edge/check', '/edge/check/videos/42']) {
        const { answer, reached } = await reaching(path, { 'x-original-uri': '/public/1', 'x-original-method': 'GET' })
        assert.equal(answer.status, 404, path)
        assert.equal(reached.length, 0)
      }
    })

    test('forwards what was judged, however the path is spelled', async () => {
      const spelled = [
        '/videos/../admin',
        '/videos/%2e%2e/admin',
        '/videos/%2E%2E%2Fadmin',
        '/videos//admin',
        '//admin',
        '/videos/..;/admin',
        '/videos/%252e%252e/admin',
        '/videos/..%5cadmin',
        '/videos\\..\\admin',
        '/%61dmin',
        '/admin%00',
        '/admin/',
        '/public/../admin',
        '/public/%2e%2e/admin',
        '/public/..%2fadmin',
        '/public/%2e%2e%2fadmin',
        '/public/x;/../../admin',
        '/public/./../admin',
        '/public/#/../../admin',
        '/public/?/../../admin',
        '/public/%3f/../../admin',
        '/vide%6fs/42',
        '/videos/%e4%bd%a0',
        '/public/%c0%ae%c0%ae/admin',
      ]
      for (const path of spelled)
        for (const headers of [{}, bearer()]) {
          const { reached } = await reaching(path, headers)
          for (const one of reached) {
            // As the most careless service would read it.
            const read = careless(one.url)
            const isPublic = read.startsWith('/public/')
            const isVideo = read.startsWith('/videos/') && 'authorization' in headers
            assert.ok(isPublic || isVideo, `${path} reached ${one.url}, which may be ${read}`)
          }
        }
    })
  })

/** Decoded twice, with every slash a slash, dots followed and parameters dropped. */
function careless(url: string): string {
  let [path = ''] = url.split('?')
  for (let time = 0; time < 2; time += 1)
    path = path.replace(/%([\da-f]{2})/gi, (_, digits) => String.fromCharCode(Number.parseInt(digits, 16)))
  return new URL(
    `http://x${
      path
        .replaceAll('\\', '/')
        .replaceAll(/;[^/]*/g, '')
        .replaceAll(/\/+/g, '/')
        .split('#')[0]
    }`,
  ).pathname
}

describe('proxies that are known by what they send', () => {
  let publisher: KeyPublisher
  let gateway: RunningGateway
  let token: string
  before(async () => {
    publisher = await startKeyPublisher()
    gateway = await gatewayOf(routeFile(publisher.issuer))
    token = await publisher.token()
  })
  after(async () => {
    await gateway?.close()
    await publisher?.close()
  })

  /** Traefik 2 and 3: a GET with the client's headers and these, in the place of those it came with. */
  const traefik = (uri: string, method: string, headers: Record<string, string> = {}) =>
    send(gateway.port, '/edge/check', {
      ...headers,
      host: `127.0.0.1:${gateway.port}`,
      'x-forwarded-method': method,
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'api.example',
      'x-forwarded-uri': uri,
      'x-forwarded-for': '192.0.2.7',
    })
  /** Envoy with `path_prefix: /edge/check`: the request's own method, path, Host and Authorization. */
  const envoy = (uri: string, method: string, headers: Record<string, string> = {}) =>
    send(
      gateway.port,
      `/edge/check${uri}`,
      { ...headers, host: 'api.example', 'content-length': '0', 'x-forwarded-for': '192.0.2.7' },
      method,
    )

  for (const [name, way] of Object.entries({ traefik, envoy }))
    test(`${name} is told who is calling, or why not`, async () => {
      const authorization = `Bearer ${token}`
      const passed = await way('/videos/42?a=b', 'GET', { authorization })
      assert.deepEqual([passed.status, passed.headers['x-user-id']], [200, ANN])
      const open = await way('/public/1', 'GET')
      assert.deepEqual([open.status, open.headers['x-user-id']], [200, ''], 'what a client sends is overwritten')
      assert.equal((await way('/videos/42', 'GET')).status, 401)
      const denied = await way('/videos/42', 'DELETE', { authorization })
      assert.equal(denied.status, 403)
      assert.match(String(denied.headers['www-authenticate']), /scope="write:videos"/)
      assert.equal((await way('/nowhere', 'GET', { authorization })).status, 404)
      assert.equal((await way('/public/..%2fadmin', 'GET')).status, 400)
      assert.equal((await way('/internal/1', 'GET')).status, 403, 'the client’s address counts, and not the proxy’s')
    })

  test('and an address that is no proxy of the file is told nothing', async t => {
    const other = await gatewayOf({ ...routeFile(publisher.issuer), trusted_proxies: ['192.0.2.99'] })
    t.after(() => other.close())
    for (const [path, headers] of [
      ['/edge/check', { 'x-original-uri': '/public/1', 'x-original-method': 'GET', 'x-forwarded-for': '192.0.2.99' }],
      ['/edge/check/public/1', { 'x-real-ip': '192.0.2.99' }],
    ] as const)
      assert.equal((await send(other.port, path, headers)).status, 403, path)
  })

  test('are told of in the log as if their requests had come here', async t => {
    const lines: object[] = []
    const log = { ...silentLog, info: (fields: object) => void lines.push(fields) }
    const other = await gatewayOf(routeFile(publisher.issuer), { log })
    t.after(() => other.close())
    await send(other.port, '/edge/check/videos/42', { authorization: `Bearer ${token}` })
    await send(other.port, '/edge/check/videos/42')
    assert.partialDeepStrictEqual(lines, [
      { route: 'GET /videos/*', decision: 'passed', sub: ANN, status: 200 },
      { route: 'GET /videos/*', decision: 'no_credential', status: 401 },
    ])
  })

  test('where the file does not say so there is nothing to ask', async t => {
    const { forward_auth: _, ...file } = routeFile(publisher.issuer)
    const other = await gatewayOf(file)
    t.after(() => other.close())
    assert.equal((await send(other.port, '/edge/check/public/1')).status, 404)
  })
})

function routeFile(issuer: string) {
  const access = { audience: AUDIENCE, scopes: ['read:videos'] }
  const identity = { 'x-user-id': 'sub' }
  const upstream = 'nobody'
  return {
    issuers: [{ issuer, revocations: false }],
    forward_auth: true,
    trusted_proxies: ['127.0.0.1', '::1'],
    routes: [
      { match: { path: '/videos/*', methods: ['GET'] }, access, identity, upstream },
      {
        match: { path: '/videos/*', methods: ['DELETE'] },
        access: { ...access, scopes: ['write:videos'] },
        identity,
        upstream,
      },
      { match: { path: '/admin' }, access: { ...access, scopes: ['admin'] }, identity, upstream },
      { match: { path: '/limited/*' }, access, limits: [{ per: 'identity', requests: 1, within: '1h' }], upstream },
      { match: { path: '/internal/*' }, access: { internal: { addresses: ['10.0.0.0/8'] } }, upstream },
      { match: { path: '/public/*' }, access: 'public', upstream },
    ],
    // Nothing is forwarded by it: that is the proxy's.
    upstreams: { nobody: { targets: [{ url: 'http://127.0.0.1:9' }] } },
  }
}

/** A documented file with the addresses of this test in the place of its own. */
async function placed(file: string, edge: number, service: number): Promise<{ content: string; port: number }> {
  const port = await freePort()
  const content = readFileSync(new URL(`../../docs/forward-auth/${file}`, import.meta.url), 'utf8')
  const places: Record<string, number> = { 4001: edge, 5001: service, 8080: port }
  return { content: content.replaceAll(/(?<=127\.0\.0\.1:)\d+/g, said => `${places[said] ?? said}`), port }
}

async function startNginx(edge: number, service: number) {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-nginx-'))
  const { content, port } = await placed('nginx.conf', edge, service)
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(kind => `${kind}_temp_path ${folder};`)
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
     events {}
     http { access_log off; ${temporary.join(' ')}\n${content} }`,
  )
  return started(findNginx(), ['-e', join(folder, 'error.log'), '-c', join(folder, 'nginx.conf')], folder, port)
}

async function startCaddy(edge: number, service: number) {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-caddy-'))
  const { content, port } = await placed('Caddyfile', edge, service)
  writeFileSync(join(folder, 'Caddyfile'), content)
  return started(findCaddy(), ['run', '--adapter', 'caddyfile', '--config', join(folder, 'Caddyfile')], folder, port)
}

const STARTS_WITHIN = 30 * SECOND

/** Stops with this process, too. */
async function started(program: string | undefined, args: readonly string[], folder: string, port: number) {
  if (!program) throw new Error('There is no proxy to test with: run `node tools/prerequisites.ts`')
  const leash = process.platform === 'linux' ? ['setpriv', '--pdeathsig', 'KILL'] : []
  const [command = '', ...rest] = [...leash, program, ...args]
  const child: ChildProcess = spawn(command, rest, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: process.env['PATH'], HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
  })
  let complaints = ''
  child.stderr?.setEncoding('utf8').on('data', chunk => {
    complaints = (complaints + chunk).slice(-2000)
  })
  for (const deadline = Date.now() + STARTS_WITHIN; !(await listens(port)); await pause(20))
    if (child.exitCode !== null || Date.now() > deadline) throw new Error(`${program} did not start:\n${complaints}`)
  return {
    port,
    async stop() {
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const listens = (port: number): Promise<boolean> =>
  new Promise(resolve => {
    const probe = connect({ host: '127.0.0.1', port })
    probe.on('connect', () => resolve(true)).on('error', () => resolve(false))
    probe.on('connect', () => probe.destroy())
  })
