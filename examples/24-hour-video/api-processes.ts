/**
 * The processes of the API: started, kept going, and ended with the one that calls this. What they agree on is kept
 * here (`shared.ts`).
 */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { createHub } from './shared.ts'

const PROGRAM = fileURLToPath(new URL('api-server.ts', import.meta.url))
/** Before one that died is started again, in milliseconds. */
const PAUSE = 500
/** How long one may take to end before it is cut off. */
const PATIENCE = 2000

export interface ApiProcessesOptions {
  /** One for each process; 0 takes a free one. */
  readonly ports: readonly number[]
  readonly issuer: string
  /** The machine client as which people are signed out everywhere. */
  readonly clientId: string
  /** A file, so that the secret stands in nobody's environment. */
  readonly secretFile: string
  /** What else the processes find in their environment. */
  readonly environment?: Readonly<Record<string, string>>
  readonly log?: (message: string, error?: unknown) => void
}

export interface ApiProcesses {
  /** In the order of `ports`. */
  readonly urls: readonly string[]
  /** Of those that run now. */
  readonly pids: readonly number[]
  close(): Promise<void>
}

/** Resolves once all of them listen. Rejects, with none of them left, if one does not get that far. */
export async function startApiProcesses(options: ApiProcessesOptions): Promise<ApiProcesses> {
  const { ports, issuer, clientId, secretFile, environment = {}, log = console.error } = options
  const hub = createHub()
  const running = new Set<ChildProcess>()
  let isClosing = false

  function start(port: number): Promise<number> {
    const child = fork(PROGRAM, {
      env: {
        ...process.env,
        ...environment,
        PORT: `${port}`,
        LATCHKEY_ISSUER: issuer,
        CLIENT_ID: clientId,
        CLIENT_SECRET_FILE: secretFile,
      },
      execArgv: [],
    })
    running.add(child)
    const leave = hub.join({
      send: message => {
        // One that is about to end hears no more, which is nobody's fault.
        if (child.connected) child.send(message, () => {})
      },
      onMessage: listener => child.on('message', listener as (message: unknown) => void),
    })
    return new Promise((resolve, reject) => {
      let listensOn: number | undefined
      child.on('message', (message: { said?: string; port?: number }) => {
        if (message.said !== 'listening' || message.port === undefined) return
        listensOn = message.port
        resolve(listensOn)
      })
      child.once('exit', (code, signal) => {
        running.delete(child)
        leave()
        if (listensOn === undefined) return reject(new Error(`a process of the API ended with ${signal ?? code}`))
        if (isClosing) return
        log(`a process of the API ended with ${signal ?? code} and is started again`)
        const again = listensOn
        setTimeout(() => keep(again), PAUSE).unref()
      })
    })
  }

  /** One that had been there: whoever is in its way may leave again. */
  function keep(port: number): void {
    if (isClosing) return
    start(port).catch(error => {
      log('a process of the API does not start', error)
      setTimeout(() => keep(port), PAUSE).unref()
    })
  }

  async function close(): Promise<void> {
    isClosing = true
    await Promise.all(
      Array.from(running, child => {
        const ended = new Promise(resolve => child.once('exit', resolve))
        child.kill('SIGTERM')
        setTimeout(() => child.kill('SIGKILL'), PATIENCE).unref()
        return ended
      }),
    )
  }

  try {
    const listening = await Promise.all(ports.map(start))
    return {
      urls: listening.map(port => `http://127.0.0.1:${port}`),
      get pids() {
        return Array.from(running, ({ pid }) => pid as number)
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}
