/**
 * `/metrics` on a port of its own, which is nobody's but the operator's. Of several processes the first one answers for
 * all: it asks each of them and adds up.
 */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { OperatorError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import { createServer } from '../kernel/node-http.ts'
import type { Counted, Scraped } from './registry.ts'

export interface Listening {
  readonly port: number
  close(): Promise<void>
}

/** @throws OperatorError where the port cannot be listened on. */
export async function listenForScrapes(
  {
    port,
    host,
    log,
    setting,
  }: {
    readonly port: number
    readonly host: string
    readonly log: Log
    /** What the operator said the port in, for them to be reminded of. */
    readonly setting: string
  },
  metrics: Pick<Scraped<never>, 'text' | 'contentType'>,
  others: () => Promise<readonly Counted[]>,
): Promise<Listening> {
  const server = createServer((request, response) => {
    if (request.method !== 'GET' || request.url?.split('?', 1)[0] !== '/metrics') {
      response.writeHead(404).end()
      return
    }
    others()
      .then(told => metrics.text(told))
      .then(
        body => response.writeHead(200, { 'content-type': metrics.contentType }).end(body),
        error => {
          log.error({ error }, 'metrics could not be told')
          response.writeHead(500).end()
        },
      )
  })
  server.listen(port, host)
  try {
    await once(server, 'listening')
  } catch (error) {
    throw new OperatorError(
      `Port ${port} on ${host}, for metrics, cannot be listened on: ${(error as Error).message}. See ${setting}.`,
      { cause: error },
    )
  }
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.close()
      server.closeAllConnections()
    },
  }
}
