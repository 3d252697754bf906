/** Tokens that only their issuer can read, at a gateway that asks it: oidc-provider, which is not ours. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { MINUTE } from '../../server/kernel/seconds.ts'
import { EdgeBrowser, type Page, send } from '../fixtures/edge-browser.ts'
import { freePort } from '../fixtures/free-port.ts'
import { gatewayOf, type RunningGateway, type Service, startService } from '../fixtures/gateway.ts'
import { AT_ISSUER, type OpaqueIssuer, startOpaqueIssuer } from '../fixtures/opaque-issuer.ts'
import { createTestClock, type TestClock } from '../fixtures/test-clock.ts'

const API = 'https://videos.example/api'

describe('An opaque token at the edge', () => {
  let issuer: OpaqueIssuer
  let service: Service
  let gateway: RunningGateway
  let clock: TestClock
  before(async () => {
    const port = await freePort()
    issuer = await startOpaqueIssuer({ callback: `http://localhost:${port}/edge/callback` })
    service = await startService()
    clock = createTestClock()
    const route = (path: string, credentials: readonly string[], rest: object = {}) => ({
      match: { path },
      access: { audience: API, scopes: ['read:videos'] },
      identity: { 'x-client': 'client_id', 'x-user-id': 'sub' },
      credentials,
      upstream: 'service',
      ...rest,
    })
    gateway = await gatewayOf(
      {
        listen: `127.0.0.1:${port}`,
        issuers: [{ issuer: issuer.issuer, ...AT_ISSUER, revocations: false }],
        session: { ...AT_ISSUER, keys: ['A'.repeat(43)], audience: API, scope: 'openid offline_access read:videos' },
        routes: [
          route('/opaque/*', ['opaque', 'bearer']),
          route('/more/*', ['opaque'], { access: { audience: API, scopes: ['write:videos'] } }),
          route('/pages/*', ['session']),
        ],
        upstreams: { service: { targets: [{ url: service.url }] } },
      },
      { clock: clock.now },
    )
  })
  after(async () => {
    await gateway?.close()
    await service?.close()
    await issuer?.close()
  })

  const use = (token: string, path = '/opaque/x'): Promise<Page> =>
    send(`${gateway.url}${path}`, { headers: { authorization: `Bearer ${token}` } })
  const outcome = ({ status, json }: Page) => (status === 200 ? 'passed' : json()['reason'])

  test('passes with what its issuer says of it, and is asked about once a minute', async () => {
    const token = await issuer.token(API)
    const before = issuer.asked
    const pages = await Promise.all(Array.from({ length: 20 }, () => use(token)))
    assert.deepEqual(new Set(pages.map(outcome)), new Set(['passed']))
    const [page] = pages as [Page]
    assert.equal((page.json()['headers'] as Record<string, string>)['x-client'], AT_ISSUER.client_id)
    assert.equal(issuer.asked, before + 1)
    clock.advance(MINUTE)
    assert.equal(outcome(await use(token)), 'passed')
    assert.equal(issuer.asked, before + 2)
  })

  test('is judged by each route, whatever another route made of it', async () => {
    const token = await issuer.token(API)
    assert.equal(outcome(await use(token)), 'passed')
    assert.equal(outcome(await use(token, '/more/x')), 'insufficient_scope')
    assert.equal(outcome(await use(await issuer.token('https://other.example/api'))), 'wrong_audience')
  })

  test('is refused a minute after it was taken back, at the latest', async () => {
    const token = await issuer.token(API)
    assert.equal(outcome(await use(token)), 'passed')
    await issuer.revoke(token)
    clock.advance(MINUTE)
    assert.equal(outcome(await use(token)), 'invalid_token')
  })

  test('that nobody issued is refused with 401', async () => {
    const page = await use('made-up')
    assert.equal(page.status, 401)
    assert.match(String(page.headers['www-authenticate']), /error="invalid_token"/)
  })

  test('is what a browser session may hold as well', async () => {
    const browser = new EdgeBrowser()
    const page = await browser.visit(`${gateway.url}/pages/x`)
    assert.equal(page.status, 200, page.body)
    assert.equal((page.json()['headers'] as Record<string, string>)['x-user-id'], 'ann')
  })

  test('is refused with 503 while its issuer is away, if it is not known', async () => {
    const [known, unknown] = [await issuer.token(API), await issuer.token(API)]
    assert.equal(outcome(await use(known)), 'passed')
    await issuer.leave()
    assert.equal(outcome(await use(known)), 'passed')
    const page = await use(unknown)
    assert.equal(page.status, 503)
    assert.equal(outcome(page), 'introspection_unavailable')
    assert.ok(page.headers['retry-after'])
    clock.advance(MINUTE)
    assert.equal(outcome(await use(known)), 'introspection_unavailable')
  })
})
