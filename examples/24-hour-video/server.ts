/**
 * The example application's server: a page and an API on one port. `npm start` runs it beside the identity server;
 * alone it runs as `node examples/24-hour-video/server.ts`, against LATCHKEY_ISSUER.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createApi } from './api.ts'
import { pageHeaders, readAssets } from './assets.ts'
import { createTitles } from './titles.ts'

export interface ExampleOptions {
  /** 0 takes a free one. */
  readonly port: number
  readonly host?: string
  /** With its trailing slash, as tokens carry it. */
  readonly issuer: string
  readonly audience?: string
  readonly clientId?: string
  /** Told of what went wrong here; never of what a caller did wrong. */
  readonly log?: (message: string, error: unknown) => void
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
  audience = 'https://24-hour-video.example/api',
  clientId = '24-hour-video',
  log = console.error,
}: ExampleOptions): Promise<Example> {
  const assets = await readAssets()
  const headers = pageHeaders(issuer)
  const api = createApi({ issuer, audience, titles: createTitles() })
  const config = { issuer, clientId, audience }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '/').split('?', 1)[0] as string
    if (path.startsWith('/api/')) {
      const { status, body, headers: extra } = await api(request, path)
      return sendJson(response, status, body, { ...extra, 'cache-control': 'no-store' })
    }
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return sendJson(response, 405, { error: 'method_not_allowed' }, { allow: 'GET, HEAD' })
    if (path === '/config.json') return sendJson(response, 200, config, { 'cache-control': 'no-cache' })
    const asset = assets.get(path)
    if (!asset) return sendJson(response, 404, { error: 'not_found' })
    const { type, etag, body } = asset
    const isKnown = request.headers['if-none-match'] === etag
    response.writeHead(isKnown ? 304 : 200, { ...headers, etag, 'content-type': type })
    response.end(isKnown || request.method === 'HEAD' ? undefined : body)
  }

  const server = createServer((request, response) => {
    answer(request, response).catch(error => {
      log('the example could not answer', error)
      if (response.headersSent) response.destroy()
      else sendJson(response, 500, { error: 'server_error' })
    })
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

if (import.meta.main) {
  const { LATCHKEY_ISSUER: issuer = 'http://localhost:4000/', PORT: port = '4002' } = process.env
  const example = await startExample({ port: Number(port), issuer })
  console.log(`24-Hour Video is at ${example.url} and signs in at ${issuer}`)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void example.close())
}
