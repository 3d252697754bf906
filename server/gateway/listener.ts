/**
 * The port of a gateway: how long a stranger may take over what they send and how much of it there may be, before
 * anything is read of it, and how a port is given up without cutting anybody off. What a request means is for others.
 */
import { once } from 'node:events'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https'
import { type AddressInfo, type Server as PlainServer, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { createServer } from '../kernel/node-http.ts'
import type { Address, Bounds } from './plan.ts'
import { hasBody } from './request-body.ts'

/** Why a connection was ended before it had sent a request. */
export type TurnedAway = 'malformed' | 'header_too_large' | 'too_slow' | 'too_many'

interface ListenerParts {
  readonly bounds: Bounds
  /** PEM, as read. Null: plain HTTP. */
  readonly tls: { readonly cert: string; readonly key: string } | null
  request(request: IncomingMessage, response: ServerResponse): void
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  turnedAway(why: TurnedAway): void
}

/** A port that somebody listens on until now, who read nothing of those that came. */
export interface OpenPort {
  readonly server: PlainServer
  /** Connections that wait, made with `pauseOnConnect`. */
  takeWaiting(): readonly Socket[]
}

export interface Listener {
  readonly server: Server | SecureServer
  /** Upgraded ones included. */
  readonly connections: number
  /** Resolves with the port, which is any free one for 0. */
  listen(where: Address | OpenPort): Promise<number>
  /** Another certificate for connections from now on. */
  present(certificate: { readonly cert: string; readonly key: string }): void
  /**
   * Takes no more connections and resolves when the last is gone: those that are idle go now, the others with the
   * answer that they wait for, and after `grace` milliseconds without it. An upgraded one is its holder's to end.
   */
  close(grace: number): Promise<void>
}

/** How often is looked for who is too slow, in milliseconds: as much later they may be noticed. */
const LOOKS_EVERY = 1000
/** For how long a client is heard that was answered before it had sent all, in milliseconds. */
const LINGERS = 2000
/** How often is looked for connections that became idle while closing. */
const CLOSES_EVERY = 50

export function createListener(parts: ListenerParts): Listener {
  const { bounds, tls } = parts
  /** Of each connection the answer that it carries, or carried last. */
  const answers = new Map<Duplex, ServerResponse | null>()
  let isClosing = false

  const options = {
    headersTimeout: bounds.headerTimeout,
    requestTimeout: bounds.requestTimeout,
    keepAliveTimeout: bounds.idleTimeout,
    connectionsCheckingInterval: LOOKS_EVERY,
    maxHeaderSize: bounds.headerBytes,
    insecureHTTPParser: false,
    requireHostHeader: true,
    rejectNonStandardBodyWrites: true,
    // Of a request without a body nobody waits for the end.
    optimizeEmptyRequests: true,
    // With a body it goes on as a request: the service would wait for the body, and be blamed for it.
    shouldUpgradeCallback: (request: IncomingMessage) => !HTTP.test(request.headers.upgrade ?? '') && !hasBody(request),
  }
  const secure = tls
    ? createSecureServer({ ...options, ...tls, handshakeTimeout: bounds.headerTimeout, ALPNProtocols: ['http/1.1'] })
    : null
  const server = secure ?? createServer(options)
  server.maxConnections = bounds.connections
  // Their bytes are bounded. Beyond a number of them Node would leave the rest out in silence.
  server.maxHeadersCount = 0

  server.on(secure ? 'secureConnection' : 'connection', (socket: Socket) => {
    answers.set(socket, null)
    // So Node ends a connection once its last answer has left.
    socket.destroySoon = () => leave(socket, answers.get(socket)?.req)
    socket.on('close', () => answers.delete(socket))
  })
  server.on('drop', () => parts.turnedAway('too_many'))
  server.on('request', receive)
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    // RFC 9110 §10.1.1: whoever is answered without having been asked for the body may send it or not, and nobody can
    // tell its first bytes from another request.
    response.shouldKeepAlive = false
    receive(request, response)
  })
  // RFC 9110 §10.1.1: an expectation that nobody knows.
  server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) => {
    response.writeHead(417, { connection: 'close', 'content-length': 0 }).end()
  })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // Node no longer listens to it.
    socket.on('error', () => {})
    // RFC 9112 §9.3.2: what is written now would be taken for the answer to what was asked before.
    const before = answers.get(socket)
    if (before && !before.writableFinished) {
      parts.turnedAway('malformed')
      socket.destroy()
      return
    }
    parts.upgrade(request, socket, head)
  })
  // Nothing is tunnelled (RFC 9110 §9.3.6).
  server.on('connect', (_request: IncomingMessage, socket: Duplex) => turnAway(socket, 'malformed'))
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy()
    else turnAway(socket, REASONS[error.code ?? ''] ?? 'malformed')
  })

  function receive(request: IncomingMessage, response: ServerResponse): void {
    // RFC 9112 §6.1, §7: what is in another coding would be passed on as if it were in none.
    if (CODED.test(request.headers['transfer-encoding'] ?? '')) {
      turnAway(request.socket, 'malformed')
      return
    }
    answers.set(request.socket, response)
    if (isClosing) response.shouldKeepAlive = false
    parts.request(request, response)
  }

  /** Says why, unless an answer has begun: in the midst of it that would be a part of it. */
  function turnAway(socket: Duplex, why: TurnedAway): void {
    parts.turnedAway(why)
    const answer = answers.get(socket)
    if (answer?.headersSent && !answer.writableFinished) socket.destroy()
    else socket.end(`HTTP/1.1 ${LINES[why]}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`, () => socket.destroy())
  }

  return {
    server,
    get connections() {
      return answers.size
    },
    async listen(where) {
      if ('server' in where) server.listen(where.server)
      else server.listen(where.port, where.host)
      await once(server, 'listening')
      if ('server' in where)
        for (const socket of where.takeWaiting()) {
          server.emit('connection', socket)
          socket.resume()
        }
      return (server.address() as AddressInfo).port
    },
    present(certificate) {
      secure?.setSecureContext(certificate)
    },
    async close(grace) {
      isClosing = true
      for (const answer of answers.values()) if (answer && !answer.headersSent) answer.shouldKeepAlive = false
      const closed = new Promise(resolve => server.close(resolve))
      const idle = setInterval(() => server.closeIdleConnections(), CLOSES_EVERY)
      const late = setTimeout(() => server.closeAllConnections(), grace)
      await closed
      clearInterval(idle)
      clearTimeout(late)
    },
  }
}

const CODED = /^(?!chunked$)./i

/**
 * RFC 9110 §7.8: another version of HTTP is offered beside a request that is as good in this one. At any place of the list:
 * a service that chose it would be spoken to from then on without anybody who looks at what is asked.
 */
const HTTP = /(?:^|,)\s*(?:h2c|http\/|tls\/)/i

/**
 * A client that is answered before it has sent all has to be heard for a while: what came for a connection that is gone
 * makes its system throw away the answer too, before it was read (RFC 9112 §9.6).
 */
function leave(socket: Socket, request: IncomingMessage | undefined): void {
  if (!request || request.complete || request.destroyed || socket.destroyed) {
    Socket.prototype.destroySoon.call(socket)
    return
  }
  socket.end()
  request.resume()
  const late = setTimeout(() => socket.destroy(), LINGERS).unref()
  socket.on('end', () => socket.destroy()).on('close', () => clearTimeout(late))
}

const LINES: Readonly<Record<TurnedAway, string>> = {
  malformed: '400 Bad Request',
  too_slow: '408 Request Timeout',
  header_too_large: '431 Request Header Fields Too Large',
  too_many: '503 Service Unavailable',
}

/** By what Node says of it. */
const REASONS: Readonly<Record<string, TurnedAway>> = {
  HPE_HEADER_OVERFLOW: 'header_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'too_slow',
}
