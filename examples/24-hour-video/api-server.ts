/**
 * A process of the example's API, behind the gateway: `api-processes.ts` starts two of them and talks to each. It is
 * reached from this machine alone (callers.ts says why that matters).
 */
import { readFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAccounts } from './accounts.ts'
import { createApi } from './api.ts'
import { serveLive } from './live.ts'
import { type Channel, joinHub, type Shared } from './shared.ts'

/** How long a request may go on after the end was asked for, in milliseconds. */
const GRACE = 500

export interface ApiServerOptions {
  /** 0 takes a free one. */
  readonly port: number
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  readonly shared: Shared
  readonly log?: (message: string, error: unknown) => void
}

export interface ApiServer {
  readonly port: number
  close(): Promise<void>
}

/** Starts listening. Rejects if the port is taken. */
export async function startApiServer({
  port,
  shared,
  log = console.error,
  ...machine
}: ApiServerOptions): Promise<ApiServer> {
  const api = createApi({ films: shared, accounts: createAccounts(machine), log })
  const server = createServer((request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0] as string
    if (path === '/healthz') return sendJson(response, 200, { status: 'ok' })
    api(request, path)
      .then(({ status, body, headers }) => sendJson(response, status, body, headers))
      .catch(error => {
        log('the API could not answer', error)
        if (response.headersSent) response.destroy()
        else sendJson(response, 500, { error: 'server_error', message: 'something went wrong here' })
      })
  })
  const live = serveLive(server, shared)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      setTimeout(() => server.closeAllConnections(), GRACE).unref()
      await live.close()
    },
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
    'cache-control': 'no-store',
    ...headers,
  })
  response.end(JSON.stringify(body))
}

/** To whoever started this process. */
const parent: Channel = {
  send: message => process.send?.(message),
  onMessage: listener => process.on('message', listener as (message: unknown) => void),
}

if (import.meta.main) {
  // Ctrl-C reaches every process of the terminal; the one that started this ends it, once its own work is done.
  process.on('SIGINT', () => {})
  const {
    PORT = '0',
    LATCHKEY_ISSUER: issuer = '',
    CLIENT_ID: clientId = '',
    CLIENT_SECRET_FILE: file = '',
  } = process.env
  const shared = await joinHub(parent)
  const server = await startApiServer({
    port: Number(PORT),
    issuer,
    clientId,
    clientSecret: readFileSync(file, 'utf8').trim(),
    shared,
  })
  process.send?.({ said: 'listening', port: server.port })
  const end = () => server.close().then(() => process.exit(0))
  process.once('SIGTERM', end)
  process.once('disconnect', end)
}
