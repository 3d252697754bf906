/**
 * Where the control socket lies: `control.sock` in the data folder. What is said over it is `messages.ts`; who
 * listens there, `listen.ts`.
 */
import { once } from 'node:events'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { connect as connectTo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const SOCKET_NAME = 'control.sock'

/** In bytes: `sun_path` holds 104 on macOS and 108 on Linux, the last of them a zero. */
const LONGEST_ADDRESS = 103

/**
 * Calls `use` with a path to the socket that is short enough to bind or connect to. Where the folder's is not, it
 * leads through a link that only this user can follow, and that is gone when `use` is done: it is needed no longer
 * than the system call.
 */
export async function atShortPath<T>(folder: string, name: string, use: (path: string) => Promise<T>): Promise<T> {
  const path = join(folder, name)
  if (Buffer.byteLength(path) <= LONGEST_ADDRESS) return use(path)
  const way = mkdtempSync(join(tmpdir(), 'latchkey-'))
  try {
    symlinkSync(folder, join(way, 'd'))
    return await use(join(way, 'd', name))
  } finally {
    rmSync(way, { recursive: true })
  }
}

/** A connection, or the system's code of why there is none. */
export type Connected = { readonly socket: Socket } | { readonly code: string }

export const connect = (folder: string, name = SOCKET_NAME): Promise<Connected> =>
  atShortPath(folder, name, async path => {
    const socket = connectTo(path)
    try {
      await once(socket, 'connect')
      return { socket }
    } catch (error) {
      socket.destroy()
      return { code: (error as NodeJS.ErrnoException).code ?? 'unknown' }
    }
  })

/** Nothing is there, or what was left by a server that ended without a word. */
export const isNobody = (code: string): boolean => ['ENOENT', 'ENOTDIR', 'ECONNREFUSED'].includes(code)
