/**
 * What attacks on a gateway's socket are played on: the gateway, an issuer whose tokens it believes, and behind it the
 * most careless service there is, which notes every request that it could make out of the bytes it got.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { SECOND } from '../../server/kernel/seconds.ts'
import { type GatewayOptions, gatewayOf, type RunningGateway } from '../fixtures/gateway.ts'
import { AUDIENCE, type KeyPublisher, startKeyPublisher } from '../fixtures/key-publisher.ts'

export const ANN = 'auth0|ann'

export interface Reached {
  readonly method: string
  readonly url: string
  /** Names in lower case, with each of their values. */
  readonly headers: Readonly<Record<string, readonly string[] | undefined>>
  readonly body: string
}

export interface GatewayStage {
  readonly gateway: RunningGateway
  readonly publisher: KeyPublisher
  /** Of Ann, for what is below `/videos/`. */
  readonly token: string
  /** All that came to the service, in its order. */
  readonly reached: Reached[]
  /**
   * All that comes back: until there are so many answers, or, where a test does not say how many, until the gateway hangs
   * up or has nothing more to say. The connection stays open until then, since whoever leaves is not served.
   */
  send(bytes: string | Uint8Array, answers?: number): Promise<string>
  close(): Promise<void>
}

/** Far above what an answer takes, and below the gateway's patience with half a request. */
const ANSWERED_WITHIN = 8 * SECOND
/** Whoever says nothing for so long waits for more of a request. */
const QUIET_AFTER = 100

export async function setGatewayStage(more: object = {}, options: GatewayOptions = {}): Promise<GatewayStage> {
  const reached: Reached[] = []
  const service = createServer({ insecureHTTPParser: true, requireHostHeader: false }, (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', chunk => chunks.push(chunk))
    request.on('end', () => {
      const { method = '', url = '', headersDistinct: headers } = request
      reached.push({ method, url, headers, body: Buffer.concat(chunks).toString('latin1') })
      response.end('ok')
    })
  })
  service.listen(0, '127.0.0.1')
  await once(service, 'listening')
  const publisher = await startKeyPublisher()
  const access = { audience: AUDIENCE, scopes: ['read:videos'] }
  const gateway = await gatewayOf(
    {
      issuers: [{ issuer: publisher.issuer, revocations: false }],
      routes: [
        { match: { path: '/videos/*' }, access, identity: { 'x-user-id': 'sub' }, upstream: 'service' },
        { match: { path: '/admin/*' }, access: { ...access, scopes: ['admin'] }, upstream: 'service' },
      ],
      upstreams: {
        service: { targets: [{ url: `http://127.0.0.1:${(service.address() as AddressInfo).port}` }] },
      },
      ...more,
    },
    options,
  )
  return {
    gateway,
    publisher,
    token: await publisher.token(),
    reached,
    send: (bytes, answers) =>
      new Promise((resolve, reject) => {
        const socket = connect({ host: '127.0.0.1', port: gateway.port })
        let received = ''
        const leave = () => socket.end()
        let quiet = setTimeout(leave, answers === undefined ? QUIET_AFTER : ANSWERED_WITHIN)
        socket.on('data', chunk => {
          received += chunk.toString('latin1')
          if (answers === undefined) {
            clearTimeout(quiet)
            quiet = setTimeout(leave, QUIET_AFTER / 3)
          } else if (statusesIn(received).length >= answers) leave()
        })
        // To be cut off in the middle of a sentence is an answer as well.
        socket.on('error', error => ('code' in error ? resolve(received) : reject(error)))
        socket.on('close', () => {
          clearTimeout(quiet)
          resolve(received)
        })
        socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
      }),
    async close() {
      await gateway.close()
      await publisher.close()
      service.closeAllConnections()
      service.close()
    },
  }
}

/** Of every answer in what came back. */
export const statusesIn = (received: string): readonly number[] =>
  [...received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status))

/** Whatever the service made out was asked by Ann, of what is hers to ask, and told so in one way. */
export function strangersIn(reached: readonly Reached[]): readonly Reached[] {
  return reached.filter(
    ({ url, headers }) => !url.startsWith('/videos/') || JSON.stringify(headers['x-user-id']) !== JSON.stringify([ANN]),
  )
}
