/**
 * How long a body may take to arrive. Node has one limit for every request, and a file of a gigabyte takes longer than a
 * form may: so the server's own is generous, and ours is here. Headers have Node's.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { HOUR, SECOND } from '../kernel/seconds.ts'

/** Of a form or a document, from its headers on; and of a stream between two chunks. */
const PATIENCE = 15 * SECOND
/** Of a stream from its first byte to its last: whoever sends a byte in time for ever is not uploading. */
export const LONGEST_UPLOAD = HOUR

const waited = new WeakMap<IncomingMessage, NodeJS.Timeout>()
const readAsItComes = new WeakSet<IncomingMessage>()

/** Ends the connection of whoever does not send a whole body in time, whether anybody reads it or not. */
export function endWhenSlow(request: IncomingMessage, response: ServerResponse): void {
  // What came over no connection (`inject`) is whole.
  if (!hasBody(request) || !(request.socket instanceof Socket)) return
  // Nearly every body comes with its headers, and is there once they have been read: nothing need wait for that one.
  queueMicrotask(() => {
    if (!request.complete && !readAsItComes.has(request)) wait(request, response)
  })
}

function wait(request: IncomingMessage, response: ServerResponse): void {
  const timer = setTimeout(() => {
    if (!request.complete) end(request, response)
  }, PATIENCE)
  timer.unref()
  waited.set(request, timer)
  request.once('close', () => clearTimeout(timer))
}

/** The body as it comes. From now on it may take for as long as it goes on coming; who stops is disconnected. */
export function readSlowly(request: IncomingMessage): Readable {
  readAsItComes.add(request)
  clearTimeout(waited.get(request))
  const { socket } = request
  socket.setTimeout(PATIENCE)
  request.once('close', () => socket.setTimeout(0))
  return request
}

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0

function end(request: IncomingMessage, response: ServerResponse): void {
  const { socket } = request
  if (!response.headersSent && socket.writable)
    socket.write('HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
  socket.destroySoon()
}
