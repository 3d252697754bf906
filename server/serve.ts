/**
 * Running Latchkey for an operator: settings from the environment, a log, signals, the control socket, and what is
 * told on the terminal. What is run is `compose.ts`'s; which command this is, `main.ts`'s.
 */
import { compose, type Latchkey } from './compose.ts'
import { loadSettings } from './config/load.ts'
import type { Settings } from './config/schema.ts'
import { versionOfLatchkey } from './control/version.ts'
import { closeOnSignals } from './kernel/closing.ts'
import { OperatorError } from './kernel/errors.ts'
import { createLog } from './kernel/json-log.ts'
import type { Log } from './kernel/log.ts'
import { sha256 } from './kernel/secrets.ts'
import type { Counted } from './metrics/registry.ts'
import { tryToldOnce, writeToldOnce } from './store/told-once.ts'
import type { Applied } from './tenant-file/apply.ts'
import type { Question, Word } from './workers.ts'

export type Environment = Readonly<Record<string, string | undefined>>

export interface Served {
  readonly latchkey: Latchkey
  readonly log: Log
  /** Where it answers, as this machine reaches it. */
  readonly port: number
  /** Runs before the server closes. */
  onClose(close: () => Promise<void>): void
}

/** Says a sentence to whoever sits at the terminal. */
export type Say = (sentence: string) => void

/**
 * Throws `OperatorError` for what the operator can mend. Ends the process with 0 on SIGTERM and SIGINT, when all is
 * finished. With several workers it is they who listen, each of them a process that begins here as well.
 */
export async function serve(environment: Environment, say: Say = print): Promise<Served> {
  const settings = loadSettings(environment)
  const worker = await workerHere()
  const log = await createLog(settings.logLevel, { pretty: process.stdout.isTTY, worker: worker?.id })
  if (worker) return serveAsWorker(settings, log)

  const teller = process.stdout.isTTY
    ? (_name: string, sentence: string) => say(sentence)
    : tellInFile(settings, file => log.warn({ file }, 'a new secret was written to a file; read it and remove it'))
  const latchkey = await compose(settings, log, { tell: tellAdministrator(teller) })
  const closers: (() => Promise<void>)[] = [latchkey.close]
  let drain = latchkey.drain
  let reload = latchkey.lookForCertificate
  let others = async (): Promise<readonly unknown[]> => []
  let port: number
  try {
    if (settings.apply !== null) {
      // A secret is kept before it is told: one that nobody could be told would be lost.
      if (!process.stdout.isTTY) tryToldOnce(settings.dataFolder)
      await applyAndTell(latchkey.apply(settings.apply), teller, log)
    }
    const scrapes = await openMetricsPort(latchkey, () => others(), log)
    if (scrapes) closers.push(scrapes.close)
    if (settings.workers === 1) port = await listen(latchkey, settings)
    else {
      const workers = await startWorkersOf(settings, environment, log)
      port = workers.port
      drain = workers.stop
      reload = () => workers.signal('SIGHUP')
      others = workers.tell
    }
    closers.unshift((await openControlSocket(latchkey, log)).close)
  } catch (error) {
    for (const one of closers) await one()
    throw error
  }
  // Before the log says so: whoever waits for the line may send a signal at once.
  closeOnSignals(async () => {
    await drain()
    for (const one of closers) await one()
  }, log)
  reloadOnSignal(settings, reload)
  sayListening(latchkey, port, log)
  return { latchkey, log, port, onClose: close => void closers.unshift(close) }
}

/** One of several on the port. What is wrong is told to the process that started it, which may give up or try again. */
async function serveAsWorker(settings: Settings, log: Log): Promise<Served> {
  const tell = (word: Word) => new Promise<void>(resolve => process.send?.(word, () => resolve()))
  try {
    const latchkey = await compose(settings, log, { isWorker: true })
    const port = await listen(latchkey, settings)
    closeOnSignals(async () => {
      await latchkey.drain()
      await latchkey.close()
    }, log)
    reloadOnSignal(settings, latchkey.lookForCertificate)
    const { metrics } = latchkey
    if (metrics)
      process.on('message', async ({ tell: question }: Question) => tell({ question, told: await metrics.tell() }))
    await tell({ listening: port })
    return { latchkey, log, port, onClose: () => {} }
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error
    await tell({ fault: error.message })
    process.exit(1)
  }
}

/** Which worker this process is; undefined in every other. Only a process that was started as one loads what it takes. */
async function workerHere(): Promise<{ readonly id: number } | undefined> {
  if (!process.send) return undefined
  return (await import('node:cluster')).default.worker
}

/** Undefined where nobody asked for metrics. */
async function openMetricsPort({ metrics, settings }: Latchkey, others: () => Promise<readonly unknown[]>, log: Log) {
  const { metricsPort: port, metricsHost: host } = settings
  if (!metrics || port === null) return undefined
  const { listenForScrapes } = await import('./metrics/listen.ts')
  const scrapes = await listenForScrapes(
    { port, host, log, setting: 'LATCHKEY_METRICS_PORT' },
    metrics,
    others as () => Promise<readonly Counted[]>,
  )
  log.info({ port: scrapes.port, host }, 'metrics are told')
  return scrapes
}

const startWorkersOf = async ({ workers }: Settings, environment: Environment, log: Log) =>
  (await import('./workers.ts')).startWorkers(workers, environment, log)

/** On a terminal it says that the terminal is gone, and ends the process as ever. */
function reloadOnSignal({ tls }: Settings, reload: () => void): void {
  if (tls === 'files' && !process.stdout.isTTY) process.on('SIGHUP', reload)
}

function sayListening({ settings, store, caFile }: Latchkey, port: number, log: Log): void {
  const { issuer, host, workers } = settings
  const shared = { version: versionOfLatchkey(), database: store.dialect, issuer, host, port }
  log.info({ ...shared, ...(workers > 1 && { workers }), ...(caFile && { trust: caFile }) }, 'listening')
}

/** For a command where no server answers: everything opened without a port, the work done, everything closed. */
export async function openOnce<T>(settings: Settings, work: (latchkey: Latchkey) => Promise<T>): Promise<T> {
  // Standard output is the command's answer, and of the log only what needs somebody is worth a line beside it.
  const level = settings.logLevel === 'debug' || settings.logLevel === 'info' ? 'warn' : settings.logLevel
  const log = await createLog(level, { pretty: process.stderr.isTTY, to: 2 })
  const say: Say = sentence => void process.stderr.write(`${sentence}\n`)
  const teller = process.stderr.isTTY
    ? (_name: string, sentence: string) => say(sentence)
    : tellInFile(settings, file => say(`A new secret was written to ${file}; read it and remove it.`))
  const tell = tellAdministrator(teller)
  const latchkey = await compose(settings, log, { isServer: false, tell })
  try {
    return await work(latchkey)
  } finally {
    await latchkey.close()
  }
}

const print: Say = sentence => void process.stdout.write(`${sentence}\n`)

/** Tells a secret that was made here, once. `name` is a file's. */
type Teller = (name: string, sentence: string) => void

/** Where nobody watches, a file that only its owner reads; `note` says which. */
const tellInFile =
  ({ dataFolder }: Settings, note: (file: string) => void): Teller =>
  (name, sentence) =>
    note(writeToldOnce(dataFolder, name, sentence))

const tellAdministrator =
  (teller: Teller) =>
  ({ email, password }: { email: string; password: string }): void =>
    teller('first-administrator', `The first administrator is ${email} with the password ${password}`)

async function applyAndTell(applying: Promise<Applied>, teller: Teller, log: Log): Promise<void> {
  const { changes, secrets, warnings } = await applying
  for (const warning of warnings) log.warn({}, warning)
  for (const { kind, id, change } of changes) log.info({ kind, id }, `tenant file: ${change}`)
  for (const { id, name, secret } of secrets) teller(`client-${id}`, `The secret of ${name} (${id}) is ${secret}`)
}

async function openControlSocket({ settings, operate }: Latchkey, log: Log) {
  const { openControl } = await import('./control/listen.ts')
  return openControl({
    folder: settings.dataFolder,
    version: versionOfLatchkey(),
    database: settings.databaseUrl === null ? null : sha256(settings.databaseUrl),
    operate,
    log,
  })
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
