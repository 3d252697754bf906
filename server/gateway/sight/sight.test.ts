import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Log } from '../../kernel/log.ts'
import { EDGE_CATALOGUE } from '../../metrics/edge-catalogue.ts'
import type { Arrival, Note } from '../exchange.ts'
import { openSight } from './sight.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const TOKEN = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl'

const arrival = (headers: Arrival['headers'] = {}): Arrival =>
  ({
    id: 'r1',
    method: 'GET',
    path: `/videos/${TOKEN}`,
    query: `?access_token=${TOKEN}&code=the-code`,
    headers: { authorization: `Bearer ${TOKEN}`, cookie: '__Host-edge=the-session', ...headers },
    rawHeaders: ['Authorization', `Bearer ${TOKEN}`],
    address: '192.0.2.1',
  }) as unknown as Arrival

const passed: Note = {
  route: 'GET /videos/*',
  decision: 'passed',
  subject: 'auth0|ann',
  client: 'app',
  upstream: 'videos',
  target: '127.0.0.1:5001',
  attempts: 2,
  status: 200,
  bytesOut: 43,
  isAborted: false,
  upstreamMs: 3.1234,
}
const refused: Note = {
  ...passed,
  route: '',
  decision: 'no_route',
  subject: null,
  client: null,
  upstream: null,
  target: null,
  attempts: 0,
  status: 404,
  upstreamMs: null,
}

function noting() {
  const lines: { level: string; fields: Record<string, unknown>; message: string }[] = []
  const at = (level: string) => (fields: object, message: string) =>
    // As it is written: what is undefined is left out.
    void lines.push({ level, fields: JSON.parse(JSON.stringify(fields)), message })
  const log: Log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
  return { lines, log }
}

const all = { metrics: null, accessLog: { passed: 1 } }

describe('the access log', () => {
  test('tells of each request what is needed to find it again, and of nobody more than who they are', async () => {
    const { lines, log } = noting()
    const sight = await openSight(all, log)
    sight.answered(arrival({ traceparent: `00-${TRACE}-00f067aa0ba902b7-01` }), passed, 5.04)
    sight.answered(arrival(), refused, 0.26)
    assert.deepEqual(
      lines.map(({ fields }) => fields),
      [
        {
          request: 'r1',
          trace: TRACE,
          method: 'GET',
          route: 'GET /videos/*',
          decision: 'passed',
          status: 200,
          ms: 5,
          bytes: 43,
          address: '192.0.2.1',
          sub: 'auth0|ann',
          client: 'app',
          upstream: 'videos',
          target: '127.0.0.1:5001',
          attempts: 2,
          upstream_ms: 3.1,
        },
        { request: 'r1', method: 'GET', decision: 'no_route', status: 404, ms: 0.3, bytes: 43, address: '192.0.2.1' },
      ],
    )
    for (const secret of [TOKEN, 'the-code', 'the-session', '/videos/eyJ'])
      assert.ok(!JSON.stringify(lines).includes(secret), secret)
  })

  test('writes the part of those that passed that the file wants, and every other one', async () => {
    const { lines, log } = noting()
    const sight = await openSight({ ...all, accessLog: { passed: 0.1 } }, log)
    for (let count = 0; count < 100; count += 1) sight.answered(arrival(), passed, 1)
    assert.equal(lines.length, 10)
    for (const note of [refused, { ...passed, status: 502 }, { ...passed, isAborted: true }])
      sight.answered(arrival(), note, 1)
    assert.equal(lines.length, 13)
  })

  test('and the log of what becomes of upstreams, whoever is asked for metrics', async () => {
    const { lines, log } = noting()
    const sight = await openSight(all, log)
    sight.breakerMoved('videos', 'one', 'open')
    sight.breakerMoved('videos', 'one', 'closed')
    sight.targetMoved('videos', 'one', 'ill')
    sight.targetMoved('videos', 'one', 'well')
    assert.deepEqual(
      lines.map(({ level }) => level),
      ['warn', 'info', 'warn', 'info'],
    )
  })
})

describe('the metrics of a gateway', () => {
  test('count what was decided, and tell what is held when they are asked', async t => {
    const { log } = noting()
    const sight = await openSight({ ...all, metrics: { host: '127.0.0.1', port: 0 } }, log)
    t.after(() => sight.close())
    sight.reads(() => ({
      requests: 2,
      connections: 3,
      upgrades: 1,
      revocations: [{ issuer: 'https://id.example/', age: 1500, position: 42 }],
    }))
    sight.answered(arrival(), passed, 5)
    sight.answered(arrival(), { ...passed, isAborted: true }, 5)
    sight.answered(arrival(), refused, 0.2)
    sight.lookedUp('hit')
    sight.lookedUp('hit')
    sight.lookedUp('miss')
    sight.breakerMoved('videos', 'one', 'open')
    sight.breakerMoved('videos', 'one', 'half-open')
    sight.targetMoved('videos', 'one', 'ill')
    sight.reloaded('refused')
    const ask = async () => (await fetch(`http://127.0.0.1:${sight.metricsPort}/metrics`)).text()
    await ask()
    const text = await ask()
    for (const line of [
      'latchkey_edge_requests_total{route="GET /videos/*",decision="passed",status="200"} 2',
      'latchkey_edge_requests_total{route="none",decision="no_route",status="404"} 1',
      'latchkey_edge_requests_aborted_total{route="GET /videos/*"} 1',
      'latchkey_edge_request_seconds_bucket{le="0.005",route="GET /videos/*"} 2',
      'latchkey_edge_upstream_seconds_bucket{le="0.0025",upstream="videos"} 0',
      'latchkey_edge_upstream_seconds_bucket{le="0.005",upstream="videos"} 2',
      'latchkey_edge_retries_total{upstream="videos"} 2',
      'latchkey_edge_token_lookups_total{outcome="hit"} 2',
      'latchkey_edge_token_lookups_total{outcome="miss"} 1',
      'latchkey_edge_breaker_state{upstream="videos",target="one"} 1',
      'latchkey_edge_breaker_opened_total{upstream="videos",target="one"} 1',
      'latchkey_edge_target_up{upstream="videos",target="one"} 0',
      'latchkey_edge_revocation_age_seconds{issuer="https://id.example/"} 1.5',
      'latchkey_edge_revocation_position{issuer="https://id.example/"} 42',
      'latchkey_edge_requests_open 2',
      'latchkey_edge_connections_open 3',
      'latchkey_edge_upgrades_open 1',
      'latchkey_edge_reloads_total{outcome="refused"} 1',
    ])
      assert.ok(text.split('\n').includes(line), `${line} in\n${text}`)
    for (const name of Object.keys(EDGE_CATALOGUE)) assert.match(text, new RegExp(`^# TYPE ${name} `, 'm'))
    for (const stranger of ['auth0|ann', '192.0.2.1', TOKEN]) assert.ok(!text.includes(stranger), stranger)
  })

  test('that cannot be told where the file says end the start with that line of the file', async t => {
    const { log } = noting()
    const sight = await openSight({ ...all, metrics: { host: '127.0.0.1', port: 0 } }, log)
    t.after(() => sight.close())
    await assert.rejects(
      openSight({ ...all, metrics: { host: '127.0.0.1', port: sight.metricsPort ?? 0 } }, log),
      /^OperatorError: Port \d+ on 127\.0\.0\.1, for metrics, .+`metrics` in the route file/,
    )
  })
})
