/**
 * The example application's page, which is files and nothing else: it asks the API through the gateway. `npm start` runs
 * all of it.
 */
import type { ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { LOCK_PAGE, LOCK_SCRIPT, lockScript, pageHeaders, readAssets } from './assets.ts'

export interface ExampleOptions {
  /** 0 takes a free one. */
  readonly port: number
  readonly host?: string
  /** With its trailing slash, as tokens carry it. */
  readonly issuer: string
  /** Where the page finds the API: the gateway's origin. */
  readonly api: string
  readonly audience?: string
  readonly clientId?: string
  /** Of the page with Lock, which gives passwords to the issuer itself. */
  readonly lockClientId?: string
}

export interface Example {
  readonly url: string
  close(): Promise<void>
}

/** How long a request may go on after `close` before its connection is cut, in milliseconds. */
const GRACE = 500

/** Starts listening. Rejects if the port is taken or a file of the page is missing. */
export async function startExample({
  port,
  host = '127.0.0.1',
  issuer,
  api,
  audience = 'https://24-hour-video.example/api',
  clientId = '24-hour-video',
  lockClientId = '24-hour-video-lock',
}: ExampleOptions): Promise<Example> {
  const assets = await readAssets()
  const headers = pageHeaders(issuer, api)
  const lockHeaders = pageHeaders(issuer, api, { withLock: true })
  const config = { issuer, clientId, lockClientId, audience, api }

  // By its import Node would load what is behind `fetch` as well, into the process of everything else.
  const { createServer } = process.getBuiltinModule('node:http')
  const server = createServer(async (request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0] as string
    const asset = path === LOCK_SCRIPT ? await lockScript().catch(() => undefined) : assets.get(path)
    if (request.method !== 'GET' && request.method !== 'HEAD')
      sendJson(response, 405, { error: 'method_not_allowed' }, { allow: 'GET, HEAD' })
    else if (path === '/config.json') sendJson(response, 200, config, { 'cache-control': 'no-cache' })
    else if (!asset) sendJson(response, 404, { error: 'not_found' })
    else {
      const { type, etag, body } = asset
      const isKnown = request.headers['if-none-match'] === etag
      const policy = path === LOCK_PAGE ? lockHeaders : headers
      response.writeHead(isKnown ? 304 : 200, { ...policy, etag, 'content-type': type })
      response.end(isKnown || request.method === 'HEAD' ? undefined : body)
    }
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })

  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}/`,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        setTimeout(() => server.closeAllConnections(), GRACE).unref()
      }),
  }
}

function sendJson(
  response: ServerResponse,
  status: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'x-content-type-options': 'nosniff',
    ...headers,
  })
  response.end(JSON.stringify(body))
}
