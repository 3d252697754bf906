/** What only its issuer can read, at a gateway that asks it: opaque tokens of another issuer than ours, and our API keys. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { MINUTE } from '../../server/kernel/seconds.ts'
import type { CreatedApiKey } from '../../server/operations/api-keys.ts'
import { EdgeBrowser, type Page, send } from '../fixtures/edge-browser.ts'
import { type EdgeStage, MACHINE, setEdgeStage } from '../fixtures/edge-stage.ts'
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

describe('An API key at the edge', () => {
  let stage: EdgeStage
  before(async () => {
    stage = await setEdgeStage()
  })
  after(() => stage?.close())

  const make = async (): Promise<CreatedApiKey> => {
    const wanted = { client: MACHINE.client_id, user: null, audience: API, name: 'Import', days: null }
    const given = { tenant: 'default', ...wanted, scopes: ['read:videos'] }
    return (await stage.server.latchkey.operate('api-keys create', given)) as CreatedApiKey
  }
  const use = (headers: Readonly<Record<string, string>>, path = '/keys/x') => send(`${stage.url}${path}`, { headers })

  test('passes in either header, and goes on to no service that did not ask for it', async () => {
    const { key } = await make()
    for (const headers of [{ 'x-api-key': key }, { authorization: `Bearer ${key}` }]) {
      const page = await use(headers)
      assert.equal(page.status, 200, page.body)
      const told = page.json()['headers'] as Record<string, string>
      assert.equal(told['x-user-id'], `${MACHINE.client_id}@clients`)
      assert.ok(!JSON.stringify(told).includes(key))
    }
    assert.equal((await use({ 'x-api-key': key, authorization: `Bearer ${key}` })).status, 400)
  })

  test('is a key where keys are taken, and nothing anywhere else', async () => {
    const { key } = await make()
    for (const path of ['/tokens/x', '/opaque/x', '/once/x'])
      assert.equal((await use({ authorization: `Bearer ${key}` }, path)).status, 401, path)
    const token = await stage.machineToken()
    for (const headers of [{ 'x-api-key': token }, { authorization: `Bearer ${token}` }])
      assert.equal((await use(headers)).status, 401)
  })

  test('ends when it is revoked, and not when somebody asks about it again', async () => {
    const { key } = await make()
    assert.equal((await use({ 'x-api-key': key })).status, 200)
    await stage.server.latchkey.operate('api-keys revoke', { tenant: 'default', key })
    const began = Date.now()
    let page = await use({ 'x-api-key': key })
    while (page.status === 200 && Date.now() - began < 20_000) page = await use({ 'x-api-key': key })
    assert.equal(page.json()['reason'], 'token_revoked', 'the log says so before the issuer is asked again')
    assert.equal((await use({ 'x-api-key': key })).status, 401)
  })
})
