/**
 * Another site's page that has the browser of a signed-in person send something to the edge: the browser sends the
 * session along. And the session's cookies where they are nobody's business: in a service.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { EdgeBrowser } from '../fixtures/edge-browser.ts'
import { ANN, type EdgeStage, setEdgeStage } from '../fixtures/edge-stage.ts'

/** What browsers say of a request that a page of another site causes. */
const ELSEWHERE: readonly Readonly<Record<string, string>>[] = [
  { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' },
  { 'sec-fetch-site': 'same-site', origin: 'http://sibling.localhost' },
  { 'sec-fetch-site': 'none' },
  { 'sec-fetch-site': 'cross-site' },
  { origin: 'https://evil.example' },
  { origin: 'null' },
  // An old browser that says nothing, and what hides where it comes from.
  {},
]

const UPGRADE = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
}

describe('A page of another site, in the browser of somebody who is signed in at the edge,', () => {
  let stage: EdgeStage
  let victim: EdgeBrowser
  before(async () => {
    stage = await setEdgeStage()
    victim = stage.browser()
    await victim.signIn(`${stage.url}/pages/home`, ANN)
  })
  after(() => stage?.close())

  const reached = () => stage.service.received.length

  test('changes nothing with their session', async () => {
    const before = reached()
    for (const headers of ELSEWHERE)
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND']) {
        const page = await victim.step(`${stage.url}/pages/x`, { method, headers })
        assert.equal(page.status, 403, `${method} ${JSON.stringify(headers)}`)
        assert.equal(page.json()['reason'], 'cross_site')
      }
    assert.equal(reached(), before)
  })

  test('opens no socket with their session', async () => {
    for (const headers of ELSEWHERE) {
      const page = await victim.step(`${stage.url}/pages/socket`, { headers: { ...UPGRADE, ...headers } })
      assert.equal(page.status, 403, JSON.stringify(headers))
    }
  })

  test('signs nobody out', async () => {
    for (const headers of ELSEWHERE) {
      const page = await victim.step(`${stage.url}/edge/sign-out`, { method: 'POST', headers })
      assert.equal(page.status, 403, JSON.stringify(headers))
      assert.deepEqual(page.cookies, [])
    }
    await victim.visit(`${stage.url}/edge/sign-out`)
    assert.equal((await victim.fetch(`${stage.url}/pages/x`)).status, 200)
  })

  test('frames none of the gateway’s own pages', async () => {
    const { headers } = await victim.visit(`${stage.url}/edge/sign-out`)
    assert.match(String(headers['content-security-policy']), /frame-ancestors 'none'/)
    assert.match(String(headers['content-security-policy']), /default-src 'none'/)
  })

  test('cannot do with a token in their session’s place what it could not do with the session', async () => {
    const page = await victim.step(`${stage.url}/either/x`, {
      method: 'POST',
      headers: { authorization: `Bearer ${await stage.machineToken()}`, origin: 'https://evil.example' },
    })
    assert.equal(page.status, 400, 'two credentials are one too many')
  })

  test('a service is sent no cookie that opens a session, on any route', async () => {
    victim.cookies.set('other', '1')
    for (const [name, value] of [
      ['__Host-latchkey.edge', 'x'],
      ['__Secure-latchkey.session', 'x'],
      ['Latchkey.edge', 'x'],
      ['latchkey.edge-sign-in.x', 'x'],
    ] as const)
      victim.cookies.set(name, value)
    for (const path of ['/public/x', '/open/x', '/pages/x']) {
      const page = await victim.fetch(`${stage.url}${path}`)
      assert.equal(page.status, 200)
      assert.equal((page.json()['headers'] as Record<string, string>)['cookie'], 'other=1', path)
    }
  })
})
