/**
 * The example application's page, which is files and nothing else: it asks the API through the gateway. `npm start` runs
 * all of it.
 */
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pageHeaders, readAssets } from './assets.ts'

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
}: ExampleOptions): Promise<Example> {
  const assets = await readAssets()
  const headers = pageHeaders(issuer, api)
  const config = { issuer, clientId, audience, api }

  const server = createServer((request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0] as string
    const asset = assets.get(path)
    if (request.method !== 'GET' && request.method !== 'HEAD')
      sendJson(response, 405, { error: 'method_not_allowed' }, { allow: 'GET, HEAD' })
    else if (path === '/config.json') sendJson(response, 200, config, { 'cache-control': 'no-cache' })
    else if (!asset) sendJson(response, 404, { error: 'not_found' })
    else {
      const { type, etag, body } = asset
      const isKnown = request.headers['if-none-match'] === etag
      response.writeHead(isKnown ? 304 : 200, { ...headers, etag, 'content-type': type })
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
