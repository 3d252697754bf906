/**
 * Running the server for an operator: settings from the environment, a log, signals, and what is told on the
 * terminal. What is run is `compose.ts`'s; which command this is, `main.ts`'s.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { compose, type Latchkey } from './compose.ts'
import { loadSettings } from './config/load.ts'
import type { Settings } from './config/schema.ts'
import { OperatorError } from './kernel/errors.ts'
import { createLog } from './kernel/json-log.ts'
import type { Log } from './kernel/log.ts'
import type { Applied } from './tenant-file/apply.ts'

export type Environment = Readonly<Record<string, string | undefined>>

export interface Served {
  readonly latchkey: Latchkey
  readonly log: Log
  /** Where it answers, as this machine reaches it. */
  readonly port: number
  /** Runs before the server closes. */
  onClose(close: () => Promise<void>): void
}

/** Throws `OperatorError` for what the operator can mend. Ends the process with 0 on SIGTERM and SIGINT, when all is finished. */
export async function serve(environment: Environment, say: Say = print): Promise<Served> {
  const { latchkey, log, settings, teller } = await open(environment, say)
  let port: number
  try {
    if (settings.apply !== null) await applyAndTell(latchkey.apply(settings.apply), teller, log)
    port = await listen(latchkey, settings)
  } catch (error) {
    await latchkey.close()
    throw error
  }
  // Before the log says so: whoever waits for the line may send a signal at once.
  const closers: (() => Promise<void>)[] = [latchkey.close]
  closeOnSignals(closers, log)
  log.info({ issuer: settings.issuer, host: settings.host, port }, 'listening')
  return { latchkey, log, port, onClose: close => void closers.unshift(close) }
}

/** For commands: everything opened without a port, the work done, everything closed. */
export async function openOnce(
  environment: Environment,
  work: (latchkey: Latchkey, tell: (applied: Promise<Applied>) => Promise<void>) => Promise<void>,
): Promise<void> {
  const { latchkey, log, teller } = await open(environment, print)
  try {
    await work(latchkey, applied => applyAndTell(applied, teller, log))
  } finally {
    await latchkey.close()
  }
}

/** Says a sentence to whoever sits at the terminal. */
export type Say = (sentence: string) => void

const print: Say = sentence => void process.stdout.write(`${sentence}\n`)

/** Tells a secret that was made here, once. `name` is a file's. */
type Teller = (name: string, sentence: string) => void

async function open(environment: Environment, say: Say) {
  const settings = loadSettings(environment)
  const log = await createLog(settings.logLevel, { pretty: process.stdout.isTTY })
  const teller = process.stdout.isTTY
    ? (_name: string, sentence: string) => say(sentence)
    : createFileTeller(settings, log)
  const tell = ({ email, password }: { email: string; password: string }) =>
    teller('first-administrator', `The first administrator is ${email} with the password ${password}`)
  return { settings, log, teller, latchkey: await compose(settings, log, { tell }) }
}

async function applyAndTell(applying: Promise<Applied>, teller: Teller, log: Log): Promise<void> {
  const { changes, secrets, warnings } = await applying
  for (const warning of warnings) log.warn({}, warning)
  for (const { kind, id, change } of changes) log.info({ kind, id }, `tenant file: ${change}`)
  for (const { id, name, secret } of secrets) teller(`client-${id}`, `The secret of ${name} (${id}) is ${secret}`)
}

/** Nobody is watching: a file that only its owner reads. Never the log. */
const createFileTeller = ({ dataFolder }: Settings, log: Log): Teller => {
  return (name, sentence) => {
    const folder = join(dataFolder, 'told-once')
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const file = join(folder, `${encodeURIComponent(name)}.txt`)
    writeFileSync(file, `${sentence}\n`, { mode: 0o600 })
    log.info({ file }, 'a new secret was written to a file; read it and remove it')
  }
}

async function listen(latchkey: Latchkey, { port, host }: Settings): Promise<number> {
  try {
    return await latchkey.listen()
  } catch (error) {
    const { code, syscall, message } = error as NodeJS.ErrnoException
    if (code === 'EADDRINUSE')
      throw new OperatorError(
        `Port ${port} on ${host} is taken by another process. Stop that one, or set LATCHKEY_PORT.`,
      )
    if (syscall === 'listen' || syscall === 'getaddrinfo')
      throw new OperatorError(
        `Port ${port} on ${host} cannot be listened on: ${message}. See LATCHKEY_HOST and LATCHKEY_PORT.`,
      )
    throw error
  }
}

/** A terminal sends SIGINT to the whole group and npm passes it on again, so a second signal means nothing more. */
function closeOnSignals(closers: readonly (() => Promise<void>)[], log: Log): void {
  let closing = false
  const close = async (signal: string) => {
    if (closing) return
    closing = true
    log.info({ signal }, 'closing')
    for (const one of closers) await one()
    process.exit(0)
  }
  process.on('SIGTERM', close)
  process.on('SIGINT', close)
}
