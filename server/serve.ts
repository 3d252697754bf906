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
export async function serve(environment: Environment): Promise<Served> {
  const { latchkey, log, settings } = await open(environment)
  if (settings.apply !== null) await applyAndTell(latchkey.apply(settings.apply), settings, log)
  const port = await listen(latchkey, settings)
  const closers: (() => Promise<void>)[] = [latchkey.close]
  closeOnSignals(closers, log)
  // Last: whoever reads it may stop the server in the same instant.
  log.info({ issuer: settings.issuer, host: settings.host, port }, 'listening')
  return { latchkey, log, port, onClose: close => void closers.unshift(close) }
}

/** For commands: everything opened without a port, the work done, everything closed. */
export async function openOnce(
  environment: Environment,
  work: (latchkey: Latchkey, tell: (applied: Promise<Applied>) => Promise<void>) => Promise<void>,
): Promise<void> {
  const { latchkey, log, settings } = await open(environment)
  try {
    await work(latchkey, applied => applyAndTell(applied, settings, log))
  } finally {
    await latchkey.close()
  }
}

async function open(environment: Environment) {
  const settings = loadSettings(environment)
  const log = await createLog(settings.logLevel, { pretty: process.stdout.isTTY })
  const tell = ({ email, password }: { email: string; password: string }) =>
    tellSecret(settings, 'first-administrator', `The first administrator: ${email} with the password ${password}`, log)
  return { settings, log, latchkey: await compose(settings, log, { tell }) }
}

async function applyAndTell(applying: Promise<Applied>, settings: Settings, log: Log): Promise<void> {
  const { changes, secrets, warnings } = await applying
  for (const warning of warnings) log.warn({ file: 'tenant file' }, warning)
  for (const change of changes) log.info({ ...change }, 'tenant file applied')
  for (const { id, name, secret } of secrets)
    tellSecret(settings, `client-${id}`, `The secret of ${name} (${id}): ${secret}`, log)
}

/** Once, to somebody who is watching; otherwise to a file that only the owner reads. Never to the log. */
function tellSecret(settings: Settings, name: string, sentence: string, log: Log): void {
  if (process.stdout.isTTY) return void process.stdout.write(`${sentence}\n`)
  const folder = join(settings.dataFolder, 'told-once')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const file = join(folder, `${name}.txt`)
  writeFileSync(file, `${sentence}\n`, { mode: 0o600 })
  log.info({ file }, 'a new secret was written to a file; read it and remove it')
}

async function listen(latchkey: Latchkey, { port, host }: Settings): Promise<number> {
  try {
    return await latchkey.listen()
  } catch (error) {
    await latchkey.close()
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    throw new OperatorError(`Port ${port} on ${host} is taken by another process. Stop that one, or set LATCHKEY_PORT.`)
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
