/**
 * Made-up tokens, without end, at a gateway that has to ask their issuer: so that it asks for nothing else, forgets the
 * tokens it knows, or lets one through in the confusion.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { type Page, send } from '../fixtures/edge-browser.ts'
import { gatewayOf, type RunningGateway, type Service, startService } from '../fixtures/gateway.ts'
import { AT_ISSUER, type OpaqueIssuer, startOpaqueIssuer } from '../fixtures/opaque-issuer.ts'

const API = 'https://videos.example/api'
const FLOOD = 400
/** Of the loopback network, each of which is another caller's. */
const [ATTACKER, OTHER] = ['127.0.0.2', '127.0.0.3']

describe('Made-up tokens at the edge', () => {
  let issuer: OpaqueIssuer
  let service: Service
  let gateway: RunningGateway
  before(async () => {
    issuer = await startOpaqueIssuer()
    service = await startService()
    gateway = await gatewayOf({
      issuers: [{ issuer: issuer.issuer, ...AT_ISSUER, revocations: false }],
      routes: [
        { match: { path: '/*' }, access: { audience: API }, credentials: ['opaque', 'api-key'], upstream: 'service' },
      ],
      upstreams: { service: { targets: [{ url: service.url }] } },
    })
  })
  after(async () => {
    await gateway?.close()
    await service?.close()
    await issuer?.close()
  })

  const use = (token: string, localAddress = OTHER): Promise<Page> =>
    send(`http://127.0.0.1:${gateway.port}/x`, { headers: { authorization: `Bearer ${token}` }, localAddress })
  const statuses = (pages: readonly Page[]) => new Set(pages.map(({ status }) => status))

  test('are asked about so many at once, and keep nobody else waiting or out', async () => {
    const known = await issuer.token(API)
    assert.equal((await use(known)).status, 200)
    const unknown = await issuer.token(API)
    const before = issuer.asked
    const release = issuer.hold()
    const flood = Promise.all(Array.from({ length: FLOOD }, (_, index) => use(`made-up-${index}`, ATTACKER)))
    // What is beyond an attacker's places is answered without asking.
    while (issuer.asked === before) await pause(5)
    assert.equal((await use(known)).status, 200, 'what is known is known')
    const own = use(unknown)
    await pause(50)
    assert.ok(issuer.asked - before <= 33, `${issuer.asked - before} were asked about at once`)
    release()
    assert.equal((await own).status, 200)
    const pages = await flood
    assert.deepEqual(statuses(pages), new Set([401, 503]))
    assert.ok(pages.filter(({ status }) => status === 401).length <= 64 + 32)
    assert.ok(pages.every(({ status, headers }) => status === 401 || headers['retry-after']))
    assert.ok(issuer.asked - before <= 64 + 32 + 1)
    const after = issuer.asked
    assert.equal((await use(known)).status, 200)
    assert.equal(issuer.asked, after, 'the flood pushed nothing out')
  })

  test('are asked about once when they are the same', async () => {
    const before = issuer.asked
    const pages = await Promise.all(Array.from({ length: 50 }, () => use('the-same-made-up', ATTACKER)))
    assert.deepEqual(statuses(pages), new Set([401]))
    assert.equal(issuer.asked, before + 1)
  })

  test('are not asked about when they are no tokens at all, or somebody else’s kind', async () => {
    const before = issuer.asked
    for (const token of ['a b', '"quoted"', 'x'.repeat(5000), 'ünicode'])
      assert.equal((await use(encodeURI(token) === token ? token : `${encodeURI(token)}"`)).status, 401)
    const headers = { 'x-api-key': 'of somebody else' }
    assert.equal((await send(`http://127.0.0.1:${gateway.port}/x`, { headers })).status, 401)
    assert.equal(issuer.asked, before)
  })

  test('pass as nothing, also as an API key of an issuer that has none', async () => {
    assert.equal((await use('lk_made-up')).status, 401)
    const token = await issuer.token(API)
    const headers = { 'x-api-key': `lk_${token}` }
    assert.equal((await send(`http://127.0.0.1:${gateway.port}/x`, { headers })).status, 401)
  })
})
