/**
 * A port that is listened on before there is anything behind it: what serves it is loaded when the first connection comes,
 * and takes the port over with all who wait. Of those who start everything many never ask the gateway, which need not
 * take up memory for them.
 */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { OpenPort } from '../server/gateway/listener.ts'

export interface PortOnDemand extends OpenPort {
  readonly port: number
  /**
   * What to do at the first connection, which may have come already. Whoever `open` answers has taken the port. When it
   * fails all who wait are cut off, `failed` is told, and the next connection tries again.
   */
  serveBy(open: () => Promise<{ close(): Promise<void> }>, failed: (error: unknown) => void): void
  close(): Promise<void>
}

const LOCAL = '127.0.0.1'
const MOST_WAITING = 1000

/** Rejects if the port is taken. 0 takes a free one. */
export async function portOnDemand(port: number): Promise<PortOnDemand> {
  const waiting = new Set<Socket>()
  let begin: (() => void) | undefined
  let opening: Promise<{ close(): Promise<void> } | undefined> | undefined

  const server = createServer({ pauseOnConnect: true }, socket => {
    waiting.add(socket)
    socket.on('error', () => {}).on('close', () => waiting.delete(socket))
    begin?.()
  })
  server.maxConnections = MOST_WAITING
  server.listen(port, LOCAL)
  await once(server, 'listening')

  function cutOff(): void {
    for (const socket of waiting) socket.destroy()
    waiting.clear()
  }

  return {
    port: (server.address() as AddressInfo).port,
    server,
    takeWaiting() {
      const taken = [...waiting]
      waiting.clear()
      return taken
    },
    serveBy(open, failed) {
      begin = () => {
        opening ??= open().catch(error => {
          opening = undefined
          cutOff()
          failed(error)
          return undefined
        })
      }
      if (waiting.size > 0) begin()
    },
    async close() {
      begin = undefined
      const opened = await opening
      if (opened) return opened.close()
      server.close()
      cutOff()
      return undefined
    },
  }
}
