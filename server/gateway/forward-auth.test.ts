import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { describe, test } from 'node:test'
import type { Arrival, Caller, Decision, OwnAnswer } from './exchange.ts'
import { forwardAuth } from './forward-auth.ts'
import type { RoutePlan } from './plan.ts'

const PROXY = '10.0.0.1'
const CHALLENGE = 'insufficient_scope'

interface Asking {
  readonly headers?: Record<string, string>
  readonly path?: string
  readonly query?: string
  readonly method?: string
  readonly from?: string
}

/** What is decided, where a test does not say: that it may pass, as Ann. */
const ANN: Decision = { pass: true, route: {} as RoutePlan, caller: {} as Caller }

async function check(
  { headers = {}, path = '/edge/check', query = '', method = 'GET', from = PROXY }: Asking,
  decision: Decision | Promise<Decision> = ANN,
): Promise<{ answer: OwnAnswer; judged: string | undefined; isUpgrade: boolean | undefined }> {
  let judged: Arrival | undefined
  const endpoint = forwardAuth({
    admit: arrival => {
      judged = arrival
      return decision
    },
    isTrusted: address => address === PROXY,
    identityOf: () => ['x-user-id', 'auth0|ann'],
    identityHeaders: ['x-user-id', 'x-user-email'],
  })
  const arrival = {
    id: 'r1',
    method,
    path,
    query,
    headers,
    address: '192.0.2.1',
    isUpgrade: false,
  } as unknown as Arrival
  const request = { headers, socket: { remoteAddress: from } } as unknown as IncomingMessage
  const answer = await endpoint.answer(arrival, request)
  return {
    answer,
    judged: judged && `${judged.method} ${judged.host} ${judged.path}${judged.query} ${judged.address}`,
    isUpgrade: judged?.isUpgrade,
  }
}

const nginx = (headers: Record<string, string> = {}): Asking => ({
  headers: { host: 'api.example:8080', 'x-original-uri': '/videos/42?a=%2F', 'x-original-method': 'PUT', ...headers },
})
const traefik = (headers: Record<string, string> = {}): Asking => ({
  headers: {
    host: 'edge:4001',
    'x-forwarded-uri': '/videos/42?a=%2F',
    'x-forwarded-method': 'PUT',
    'x-forwarded-host': 'api.example:8080',
    ...headers,
  },
})
const envoy = (headers: Record<string, string> = {}): Asking => ({
  method: 'PUT',
  path: '/edge/check/videos/42',
  query: '?a=%2F',
  headers: { host: 'api.example:8080', ...headers },
})
const ways = { nginx, traefik, envoy }

describe('what another proxy asks', () => {
  for (const [name, way] of Object.entries(ways))
    test(`in the way of ${name} is judged as if it had come here`, async () => {
      const { answer, judged } = await check(way())
      assert.equal(judged, 'PUT api.example /videos/42?a=%2F 192.0.2.1')
      assert.deepEqual(answer, {
        status: 200,
        headers: { 'x-user-id': 'auth0|ann', 'x-user-email': '', 'cache-control': 'no-store' },
        about: ANN,
      })
    })

  test('of a WebSocket is judged as one, though the proxy does not pass Upgrade on', async () => {
    for (const [name, way] of Object.entries(ways)) {
      assert.equal((await check(way({ 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' }))).isUpgrade, true, name)
      assert.equal((await check(way())).isUpgrade, false, name)
    }
  })

  test('of somebody whom no credential was asked of says so of every header, so that none of a client’s is left', async () => {
    const { answer } = await check(nginx(), { pass: true, route: {} as RoutePlan, caller: null })
    assert.deepEqual(answer.headers, { 'x-user-id': '', 'x-user-email': '', 'cache-control': 'no-store' })
  })

  test('counts only if it comes from a listed proxy, whatever it says', async () => {
    for (const [name, way] of Object.entries(ways)) {
      const { answer, judged } = await check({ ...way({ 'x-forwarded-for': PROXY }), from: '198.51.100.7' })
      assert.equal(answer.status, 403, name)
      assert.equal(judged, undefined, name)
    }
  })

  test('in two ways is not judged: one of them may be the client’s', async () => {
    for (const asking of [
      nginx({ 'x-forwarded-uri': '/public' }),
      nginx({ 'x-forwarded-method': 'GET' }),
      nginx({ 'x-forwarded-host': 'other.example' }),
      traefik({ 'x-original-uri': '/public' }),
      traefik({ 'x-original-method': 'GET' }),
      envoy({ 'x-original-uri': '/public' }),
      envoy({ 'x-forwarded-uri': '/public' }),
      envoy({ 'x-forwarded-host': 'other.example' }),
    ]) {
      const { answer, judged } = await check(asking)
      assert.ok(answer.status === 400 || answer.status === 403, JSON.stringify(asking))
      assert.equal(judged, undefined, JSON.stringify(asking))
    }
  })

  test('without saying all of it is not judged', async () => {
    for (const asking of [
      {},
      nginx({ 'x-original-method': '' }),
      nginx({ host: '' }),
      nginx({ 'x-original-method': 'GET, PUT' }),
      traefik({ 'x-forwarded-host': '' }),
      traefik({ 'x-forwarded-host': 'api.example, other.example' }),
      traefik({ 'x-forwarded-method': 'put' }),
    ])
      assert.equal((await check(asking)).judged, undefined, JSON.stringify(asking))
  })

  test('for a path that may be read in two ways is not judged', async () => {
    for (const path of [
      '/a/../admin',
      '/a//b',
      '/a%2Fb',
      '/a;b',
      '/a%252Fb',
      'videos',
      'http://api.example/videos',
      '',
    ])
      for (const asking of [nginx({ 'x-original-uri': path }), traefik({ 'x-forwarded-uri': path })])
        assert.equal((await check(asking)).judged, undefined, path)
  })
})

describe('what another proxy is answered', () => {
  const refused: Decision = {
    pass: false,
    route: null,
    refusal: { code: CHALLENGE, challenge: { scope: 'write:videos' } },
  }
  const because = (code: 'no_credential' | 'no_route' | 'too_many_requests' | 'revocations_stale'): Decision => ({
    pass: false,
    route: null,
    refusal: { code },
  })

  test('is what a client would be, with its challenge', async () => {
    for (const way of [traefik, envoy]) {
      const { answer } = await check(way(), Promise.resolve(refused))
      assert.equal(answer.status, 403)
      assert.match(String(answer.headers['www-authenticate']), /error="insufficient_scope".+scope="write:videos"/)
      assert.equal((await check(way(), because('too_many_requests'))).answer.status, 429)
    }
  })

  test('is of nginx’s two words, and beside it what it is', async () => {
    for (const [code, status, told] of [
      ['no_credential', 401, '401'],
      ['no_route', 403, '404'],
      ['too_many_requests', 403, '429'],
      ['revocations_stale', 403, '503'],
    ] as const) {
      const { answer } = await check(nginx(), because(code))
      assert.deepEqual([answer.status, answer.headers['x-edge-status']], [status, told], code)
    }
    const { answer } = await check(nginx({ 'x-original-uri': '/a/../b' }))
    assert.deepEqual([answer.status, answer.headers['x-edge-status']], [403, '400'])
  })

  test('is never leave to go on because we would have answered ourselves', async () => {
    const preflight: Decision = { pass: false, route: null, answer: { status: 204, headers: {} } }
    for (const way of Object.values(ways)) assert.equal((await check(way(), preflight)).answer.status, 403)
  })

  test('is the way to sign in, as each of them can tell it', async () => {
    const invitation: Decision = {
      pass: false,
      route: null,
      answer: { status: 302, headers: { location: '/sign-in' } },
    }
    assert.equal((await check(traefik(), invitation)).answer.status, 302)
    const { answer } = await check(nginx(), invitation)
    assert.deepEqual([answer.status, answer.headers['location']], [401, '/sign-in'])
  })
})
