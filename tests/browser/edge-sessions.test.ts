/**
 * A plain web page behind the gateway, in Chromium: it has no SDK, and neither has its service. Signing in and out leads
 * through the hosted pages; what browsers themselves say of a request keeps other sites out.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { after, before, describe, test } from 'node:test'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { launchBrowser } from '../fixtures/browser.ts'
import { ANN, type EdgeStage, setEdgeStage } from '../fixtures/edge-stage.ts'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const PATIENCE = 15_000
/** RFC 6455 §1.3. */
const WEBSOCKET_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/** What the service shows: who asked, a form, and a way out. */
const pageOf = (user: string) => `<!doctype html><html lang="en"><meta charset="utf-8"><title>Notes</title>
<link rel="icon" href="data:,"><h1>Notes of ${user}</h1>
<form method="post" action="/pages/notes"><button>Add a note</button></form>
<form method="post" action="/edge/sign-out"><button>Sign out</button></form></html>`

describe('A plain page behind the gateway, in Chromium,', () => {
  let stage: EdgeStage
  let elsewhere: Server
  let chromium: Browser
  let context: BrowserContext
  let page: Page
  const asked: string[] = []

  before(async () => {
    stage = await setEdgeStage({
      serve(request, response) {
        asked.push(`${request.method} ${request.url}`)
        const user = String(request.headers['x-user-email'] ?? 'nobody')
        response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(pageOf(user))
      },
    })
    stage.service.server.on('upgrade', (request: IncomingMessage, socket: Duplex) => {
      const accept = createHash('sha1')
        .update(`${request.headers['sec-websocket-key']}${WEBSOCKET_GUID}`)
        .digest('base64')
      socket.on('error', () => {})
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`,
      )
      socket.on('data', () => socket.end())
    })
    // Another site in the eyes of a browser: an address is no name.
    elsewhere = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' })
      response.end(`<!doctype html><html lang="en"><title>elsewhere</title><link rel="icon" href="data:,">
<form method="post" action="${stage.url}/pages/notes"><button>Win a prize</button></form>
<a href="${stage.url}/pages/notes">Read</a></html>`)
    })
    await new Promise<void>(resolve => elsewhere.listen(0, '127.0.0.1', resolve))
    chromium = await launchBrowser()
    context = await chromium.newContext({ reducedMotion: 'reduce', locale: 'en-GB' })
    context.setDefaultTimeout(PATIENCE)
    page = await context.newPage()
  })
  after(async () => {
    await chromium?.close()
    elsewhere?.close()
    elsewhere?.closeAllConnections()
    await stage?.close()
  })

  const at = (path: string) => `${stage.url}${path}`
  async function signIn(): Promise<void> {
    await page.getByLabel('E-mail').fill(ANN.email)
    await page.getByLabel('Password', { exact: true }).fill(ANN.password)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.waitForURL(`${stage.url}/**`)
  }
  const heading = () => page.getByRole('heading', { level: 1 }).textContent()

  test('sends a person to sign in, and shows them the page they wanted', async () => {
    await page.goto(at('/pages/notes?of=today'))
    await signIn()
    assert.equal(page.url(), at('/pages/notes?of=today'))
    assert.equal(await heading(), `Notes of ${ANN.email}`)
    const cookies = (await context.cookies(stage.url)).filter(({ name }) => name.startsWith('latchkey.edge'))
    assert.deepEqual(
      cookies.map(({ name, httpOnly, sameSite, expires }) => ({ name, httpOnly, sameSite, expires })),
      [{ name: 'latchkey.edge', httpOnly: true, sameSite: 'Lax', expires: -1 }],
    )
    assert.equal(await page.evaluate("document.cookie.includes('latchkey.edge')"), false)
  })

  test('posts its own forms, and fetches what it needs', async () => {
    await page.getByRole('button', { name: 'Add a note' }).click()
    await page.waitForURL(at('/pages/notes'))
    assert.equal(asked.at(-1), 'POST /pages/notes')
    assert.equal(await page.evaluate(async () => (await fetch('/pages/more', { method: 'DELETE' })).status), 200)
  })

  test('takes a link from another site, and none of its forms', async () => {
    const { port } = elsewhere.address() as AddressInfo
    await page.goto(`http://127.0.0.1:${port}/`)
    await page.getByRole('link', { name: 'Read' }).click()
    await page.waitForURL(at('/pages/notes'))
    assert.equal(await heading(), `Notes of ${ANN.email}`)
    await page.goto(`http://127.0.0.1:${port}/`)
    const before = asked.length
    const answered = page.waitForResponse(at('/pages/notes'))
    await page.getByRole('button', { name: 'Win a prize' }).click()
    assert.equal((await answered).status(), 401, 'a Lax cookie is not sent with it')
    assert.equal(asked.length, before)
  })

  test('opens a socket of its own, which no page of another site can', async () => {
    const opens = (url: string) =>
      page.evaluate(
        `new Promise(resolve => {
          const socket = new WebSocket(${JSON.stringify(url)})
          socket.onopen = () => { socket.close(); resolve('open') }
          socket.onerror = () => resolve('refused')
        })`,
      )
    const socket = at('/pages/socket').replace('http:', 'ws:')
    await page.goto(at('/pages/notes'))
    assert.equal(await opens(socket), 'open')
    await page.goto(`http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/`)
    assert.equal(await opens(socket), 'refused')
  })

  test('signs out where a button of its own says so, or the gateway’s page, here and at the identity server', async () => {
    for (const [path, name] of [
      ['/pages/notes', 'Sign out'],
      ['/edge/sign-out', 'Yes, sign out'],
    ] as const) {
      await page.goto(at('/pages/notes'))
      if (await page.getByLabel('E-mail').isVisible()) await signIn()
      await page.goto(at(path))
      await page.getByRole('button', { name, exact: true }).click()
      await page.waitForURL(at('/'))
      await page.goto(at('/pages/notes'))
      await page.getByLabel('E-mail').waitFor()
    }
  })

  test('asks whoever comes by a link whether to sign out, on a page that everybody can use', async () => {
    for (const [path, title] of [
      ['/edge/sign-out', 'Do you want to sign out?'],
      ['/edge/callback?state=x', 'This sign-in is over'],
    ] as const) {
      await page.goto(at(path))
      assert.equal(await heading(), title)
      await page.evaluate(axe)
      const violations = await page.evaluate('axe.run().then(({ violations }) => violations.map(({ id }) => id))')
      assert.deepEqual(violations, [], path)
    }
  })
})
