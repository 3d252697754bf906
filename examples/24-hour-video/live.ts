/**
 * How many watch which film, told to everybody who is signed in, over Socket.IO. Whoever comes has passed the gateway,
 * which also ends the connection when their access does; here nobody is asked for a token.
 */
import type { Server as HttpServer } from 'node:http'
import { Server, type Socket } from 'socket.io'
import { callerOf } from './callers.ts'
import type { Shared, Views } from './shared.ts'

/** What a page says: the film that it shows, or none. */
interface FromPage {
  watch(film: unknown): void
}

interface ToPage {
  views(views: Views): void
}

/** Nothing that a page has to say is longer. */
const MAXIMUM_MESSAGE = 1024

export interface Live {
  close(): Promise<void>
}

export function serveLive(server: HttpServer, shared: Shared): Live {
  const io = new Server<FromPage, ToPage>(server, {
    serveClient: false,
    maxHttpBufferSize: MAXIMUM_MESSAGE,
    // The gateway speaks for it to pages of other origins.
    cors: { origin: false },
  })
  const watched = new Map<Socket, string>()

  const tell = () => shared.watching(count(watched.values()))
  const isFilm = (film: unknown): film is string => shared.list().some(({ id }) => id === film)

  io.use(({ handshake }, next) => next(callerOf(handshake.headers) ? undefined : new Error('unauthorized')))
  io.on('connection', socket => {
    socket.emit('views', shared.views())
    socket.on('watch', film => {
      if (isFilm(film)) watched.set(socket, film)
      else if (!watched.delete(socket)) return
      tell()
    })
    socket.on('disconnect', () => {
      if (watched.delete(socket)) tell()
    })
  })
  shared.onViews(views => io.emit('views', views))

  return { close: () => io.close() }
}

function count(films: Iterable<string>): Views {
  const views: Record<string, number> = {}
  for (const film of films) views[film] = (views[film] ?? 0) + 1
  return views
}
