/** Whoever speaks HTTP where HTTPS is spoken is told so. Otherwise the connection ends without a word. */
import type { Server } from 'node:https'
import { Writable } from 'node:stream'

const SENTENCE = 'This port speaks HTTPS. Begin the address with https://.\n'

const ANSWER = [
  'HTTP/1.1 400 Bad Request',
  'content-type: text/plain; charset=utf-8',
  'cache-control: no-store',
  `content-length: ${Buffer.byteLength(SENTENCE)}`,
  'connection: close',
  '',
  SENTENCE,
].join('\r\n')

export function answerPlainHttp(server: Server): void {
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code !== 'ERR_SSL_HTTP_REQUEST') return
    // What lies beneath has no public name. Without it, the connection ends as any that is no TLS.
    const beneath: unknown = Reflect.get(socket, '_parent')
    if (beneath instanceof Writable && beneath.writable) beneath.end(ANSWER, () => beneath.destroy())
  })
}
