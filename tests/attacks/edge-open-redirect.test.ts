/** A link to the sign-in that leads to another site afterwards, or writes a header of its own. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { ANN, type EdgeStage, setEdgeStage } from '../fixtures/edge-stage.ts'

const PLACES = [
  'https://evil.example/',
  '//evil.example/',
  '///evil.example/',
  '/\\evil.example/',
  '\\\\evil.example/',
  '/\t/evil.example/',
  '/%0d%0a/evil.example',
  '/.//evil.example/',
  '/a/..//evil.example/',
  'javascript:alert(1)',
  'data:text/html,x',
  '/x\r\nset-cookie: planted=1',
  '',
]

describe('A sign-in at the edge', () => {
  let stage: EdgeStage
  before(async () => {
    stage = await setEdgeStage()
  })
  after(() => stage?.close())

  /** Of every redirect on the way that the gateway says itself. */
  async function placesOn(url: string): Promise<readonly string[]> {
    const browser = stage.browser()
    const said: string[] = []
    const step = browser.step.bind(browser)
    browser.step = async (where, options) => {
      const page = await step(where, options)
      assert.ok(!page.cookies.some(cookie => cookie.startsWith('planted')))
      const { location } = page.headers
      if (location !== undefined && page.url.origin === stage.url) said.push(new URL(location, page.url).origin)
      return page
    }
    const page = await browser.visit(url)
    if (page.body.includes('type="password"'))
      await browser.submit(page, { username: ANN.email, password: ANN.password })
    return said
  }

  const ours = () => [stage.url, new URL(stage.issuer).origin]

  test('leads to a path of this host, whatever the link says', async () => {
    for (const place of PLACES) {
      const origins = await placesOn(`${stage.url}/edge/sign-in?return_to=${encodeURIComponent(place)}`)
      assert.ok(
        origins.every(origin => ours().includes(origin)),
        `${place}: ${origins}`,
      )
    }
  })

  test('leads to a path of this host, whatever page was asked for', async () => {
    for (const path of ['/pages//evil.example/', '//evil.example/', '/\\evil.example', '/pages/%5c%5cevil.example']) {
      const origins = await placesOn(`${stage.url}${path}`).catch(() => [])
      assert.ok(
        origins.every(origin => ours().includes(origin)),
        `${path}: ${origins}`,
      )
    }
  })

  test('is for the host that was asked, which the identity server has to know', async () => {
    const browser = stage.browser()
    const { headers } = await browser.step(`${stage.url}/edge/sign-in`, { headers: { host: 'evil.example' } })
    const asked = new URL(String(headers.location))
    assert.equal(asked.origin, new URL(stage.issuer).origin)
    const page = await browser.visit(asked)
    assert.equal(page.status, 400, 'it is shown there, and nobody is sent to a stranger')
  })

  test('is not made longer or other by what stands beside in the link', async () => {
    for (const query of [
      'return_to=/a&return_to=//evil.example',
      'return_to=/a&redirect_uri=https://evil.example/',
      'max_age=-1',
      'max_age=1e9',
      'acr_values=%22%0d%0a',
    ]) {
      const { headers } = await stage.browser().step(`${stage.url}/edge/sign-in?${query}`)
      const { location } = headers
      if (location === undefined) continue
      assert.equal(new URL(location).searchParams.get('redirect_uri'), `${stage.url}/edge/callback`, query)
      assert.ok(!location.includes('evil'), query)
    }
  })
})
