/**
 * The service behind a gateway in the soak: it says who it was told is calling and what it was sent, dribbles, streams
 * events and echoes over WebSockets. Asked at `/sockets` from beside the gateway, it says how many connections it holds.
 *
 * A process of its own, told its port by `BENCH_PORT`; it is killed and started again.
 */
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'

/** As much as a client that leaves has not read. */
const PIECES = 20
const PIECE = 'x'.repeat(4096)
const BETWEEN_PIECES = 20
const EVENTS = 5

const server = createServer((request, response) => {
  const { url = '', method } = request
  const who = request.headers['x-user-id'] ?? null
  if (url === '/sockets')
    return void server.getConnections((_error, count) => void response.end(JSON.stringify({ count })))
  if (url.endsWith('/long') || url.endsWith('/events')) {
    const isEvents = url.endsWith('/events')
    response.writeHead(200, { 'content-type': isEvents ? 'text/event-stream' : 'application/octet-stream' })
    let left = isEvents ? EVENTS : PIECES
    const timer = setInterval(() => {
      response.write(isEvents ? `data: ${who}\n\n` : PIECE)
      left -= 1
      if (left > 0) return
      clearInterval(timer)
      response.end()
    }, BETWEEN_PIECES)
    response.on('close', () => clearInterval(timer))
    return
  }
  const digest = createHash('sha256')
  request.on('data', chunk => digest.update(chunk))
  request.on('end', () => {
    const sent = method === 'POST' ? digest.digest('hex') : null
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ url, who, sent }))
  })
})

/** RFC 6455 §1.3. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const TEXT = 0x81
const CLOSE = 0x88

server.on('upgrade', (request, socket) => {
  const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}${GUID}`).digest('base64')
  const who = Buffer.from(String(request.headers['x-user-id']))
  socket.on('error', () => {})
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  )
  socket.write(Buffer.concat([Buffer.from([TEXT, who.length]), who]))
  // Whatever is said, it is goodbye.
  socket.on('data', () => socket.end(Buffer.from([CLOSE, 0])))
  socket.on('end', () => socket.end())
})

server.listen(Number(process.env['BENCH_PORT']), '127.0.0.1')
