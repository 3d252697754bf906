/**
 * The server's end of the control socket: takes commands one at a time and answers each. Whoever may connect may do
 * anything, so that is the owner of the data alone. What the operations are is the caller's business.
 */
import { once } from 'node:events'
import { chmodSync, linkSync, lstatSync, mkdtempSync, renameSync, rmSync, unlinkSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { OperatorError } from '../kernel/errors.ts'
import { newSortableId } from '../kernel/ids.ts'
import type { JsonObject, JsonValue } from '../kernel/json.ts'
import type { Log } from '../kernel/log.ts'
import { SECOND } from '../kernel/seconds.ts'
import { isRequest, lineOf, type Reply, type Request, readLine } from './messages.ts'
import { atShortPath, connect, isNobody, SOCKET_NAME } from './place.ts'

export interface ControlOptions {
  /** The data folder. It exists. */
  readonly folder: string
  readonly version: string
  /** As in a request: SHA-256 of the database's URL, null for the embedded one. */
  readonly database: string | null
  readonly operate: (operation: string, given: JsonObject) => Promise<JsonValue>
  readonly log: Log
}

export interface Control {
  /** Refuses what has not begun, and gives what has a few seconds to end and be answered. */
  close(): Promise<void>
}

/** A command sends its line at once. */
const REQUEST_WITHIN = 10 * SECOND
const CLOSE_GRACE = 5 * SECOND
/** Connections that have not asked yet. Whoever holds one in silence must not keep commands out: the oldest makes room. */
const MOST_SILENT = 32
/** Each holds its request, which may have megabytes. */
const MOST_WAITING = 32

/**
 * A server without its socket is still a server: when there can be none, the log says why, and commands are told
 * that another process has the data.
 */
export async function openControl(options: ControlOptions): Promise<Control> {
  const { folder, log } = options
  const sockets = new Set<Socket>()
  const conversations = createConversations(options)
  const server = createServer({ allowHalfOpen: true }, socket => {
    sockets.add(socket.once('close', () => sockets.delete(socket)))
    void conversations.serve(socket)
  })
  let remove: () => void
  try {
    remove = await listenIn(folder, server)
  } catch (error) {
    server.close()
    log.warn({ reason: (error as Error).message }, `commands cannot reach this server: it has no ${SOCKET_NAME}`)
    return { close: async () => {} }
  }
  return {
    async close() {
      remove()
      conversations.end()
      const closed = once(server, 'close')
      server.close()
      await Promise.race([closed, pause(CLOSE_GRACE, undefined, { ref: false })])
      for (const socket of sockets) socket.destroy()
    },
  }
}

function createConversations({ version, database, operate, log }: Omit<ControlOptions, 'folder'>) {
  const silent = new Set<Socket>()
  let waiting = 0
  let isClosing = false
  let last: Promise<unknown> = Promise.resolve()

  const refusal = (request: unknown): Reply | undefined => {
    if (isClosing) return fault('closing', 'The server is closing. Nothing was done.')
    if (!isRequest(request)) return fault('malformed', 'This is not a request of the latchkey command.')
    if (request.version !== version)
      return fault(
        'other-version',
        `The running server is Latchkey ${version}, and this command is ${request.version}. Restart the server with the same version, or use its own command; nothing was done.`,
      )
    if (request.database !== null && request.database !== database)
      return fault(
        'other-database',
        'LATCHKEY_DATABASE_URL names another database than the one of the server that runs in LATCHKEY_DATA. Unset it, or set LATCHKEY_DATA to another folder; nothing was done.',
      )
    return undefined
  }

  async function carryOut({ operation, given }: Request): Promise<Reply> {
    const id = newSortableId()
    try {
      const result = await operate(operation, given)
      log.info({ request: id, operation }, 'done for an operator')
      return { result }
    } catch (error) {
      if (error instanceof OperatorError) return fault('refused', error.message)
      log.error({ request: id, operation, error }, 'an operation failed')
      return fault('unexpected', `The server failed at this; its log has the cause under the request ${id}.`)
    }
  }

  /** In turn, so that two commands never meet half-way. */
  async function answer(request: unknown): Promise<Reply> {
    if (waiting === MOST_WAITING) return BUSY
    waiting++
    const turn = last.then(() => refusal(request) ?? carryOut(request as Request)).finally(() => waiting--)
    last = turn
    return turn
  }

  async function listenTo(socket: Socket): Promise<unknown> {
    const [oldest] = silent
    if (oldest && silent.size === MOST_SILENT) {
      silent.delete(oldest)
      sayLast(oldest, BUSY)
    }
    silent.add(socket)
    const tooSlow = setTimeout(() => socket.destroy(), REQUEST_WITHIN)
    try {
      return await readLine(socket)
    } finally {
      clearTimeout(tooSlow)
      silent.delete(socket)
    }
  }

  return {
    end: () => {
      isClosing = true
    },
    async serve(socket: Socket): Promise<void> {
      // Whoever leaves before the answer has left: what was begun is finished all the same.
      socket.on('error', () => {})
      try {
        const request = await listenTo(socket)
        // Nothing was said: somebody asked only whether anybody is here.
        sayLast(socket, request === undefined ? undefined : await answer(request))
      } catch {
        sayLast(socket, fault('malformed', 'The request could not be read.'))
      }
    },
  }
}

/** What the other side hears before the connection ends, if it still listens. */
function sayLast(socket: Socket, reply: Reply | undefined): void {
  if (reply && socket.writable) socket.write(lineOf(reply))
  // Not before it is handed over; and without waiting for the rest of what was too long to read.
  socket.end(() => socket.destroy())
}

const fault = (code: Extract<Reply, { fault: object }>['fault']['code'], sentence: string): Reply => ({
  fault: { code, sentence },
})

const BUSY = fault('busy', 'The server has too many commands waiting. Nothing was done; try again in a moment.')

/**
 * Listens in a folder that nobody else may enter and gives the socket its mode there, before it gets its name: at no
 * instant can another user connect. Answers what takes the name away again, if it is still ours by then.
 */
async function listenIn(folder: string, server: Server): Promise<() => void> {
  const own = mkdtempSync(join(folder, 'control-'))
  try {
    await atShortPath(own, 'new', async path => {
      server.listen(path)
      await once(server, 'listening')
    })
    const made = join(own, 'new')
    chmodSync(made, 0o600)
    const { ino } = lstatSync(made)
    await putInPlace(folder, made, own)
    return () => {
      const name = join(folder, SOCKET_NAME)
      if (lstatSync(name, { throwIfNoEntry: false })?.ino === ino) unlinkSync(name)
    }
  } finally {
    rmSync(own, { recursive: true })
  }
}

/** Each round that fails means that another server came between; more than a few do not start in one instant. */
const ATTEMPTS = 5

async function putInPlace(folder: string, made: string, own: string): Promise<void> {
  const name = join(folder, SOCKET_NAME)
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    // A link never replaces what is there.
    if (succeeds(() => linkSync(made, name), 'EEXIST')) return
    const found = lstatSync(name, { throwIfNoEntry: false })
    if (!found) continue
    if (!found.isSocket()) throw new OperatorError(`${name} is not a socket. Move it away.`)
    if (await isAlive(folder, SOCKET_NAME)) break
    // Whoever was killed left it, unless another server that starts at this very moment has put its own there by now.
    if (lstatSync(name, { throwIfNoEntry: false })?.ino !== found.ino) continue
    // Moved and not removed: if it came in between these two calls after all, it is put back.
    if (!succeeds(() => renameSync(name, join(own, 'old')), 'ENOENT')) continue
    if (lstatSync(join(own, 'old')).ino !== found.ino) succeeds(() => linkSync(join(own, 'old'), name), 'EEXIST')
  }
  throw new OperatorError(`Another server answers at ${name}; commands go to that one.`)
}

async function isAlive(folder: string, name: string): Promise<boolean> {
  const connected = await connect(folder, name)
  if ('socket' in connected) connected.socket.destroy()
  return 'socket' in connected || !isNobody(connected.code)
}

/** False when the system refuses with that code. */
function succeeds(act: () => void, unless: string): boolean {
  try {
    act()
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === unless) return false
    throw error
  }
}
