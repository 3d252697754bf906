/**
 * Processes of a measurement, each on the processor it is given: whoever is measured on the first, whoever asks on the
 * second, where Linux and two of them are at hand. They die with whoever measures.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { SECOND } from '../server/kernel/seconds.ts'

/** The number of a processor, or null for whichever is free. */
export type Core = number | null

interface Cores {
  /** Of whoever is measured: the product, its peer, the bare call. */
  readonly measured: Core
  /** Of whoever asks, and of a database server. */
  readonly asking: Core
}

export const cores: Cores = chooseCores()

function chooseCores(): Cores {
  if (process.platform !== 'linux' || availableParallelism() < 2) return { measured: null, asking: null }
  const status = readFileSync('/proc/self/status', 'utf8')
  const [, list = ''] = /^Cpus_allowed_list:\s+(\S+)$/m.exec(status) ?? []
  const allowed = list.split(',').flatMap(range => {
    const [first = 0, last = first] = range.split('-').map(Number)
    return Array.from({ length: last - first + 1 }, (_, place) => first + place)
  })
  return { measured: allowed[0] ?? null, asking: allowed[1] ?? null }
}

/** The command that runs another on that processor, for as long as this process lives. */
export const pinnedTo = (core: Core): readonly string[] =>
  core === null ? [] : ['setpriv', '--pdeathsig', 'KILL', 'taskset', '--cpu-list', String(core)]

interface ServerOptions {
  readonly file: string
  readonly args?: readonly string[]
  /** Node's own. */
  readonly flags?: readonly string[]
  readonly environment: Readonly<Record<string, string>>
}

/** A start slower than this is a hang, and is reported as one. */
const STARTS_WITHIN = 30 * SECOND
const LOOKS_EVERY = 20

/** A program of Node's own. */
export const startServerProcess = (
  { file, args = [], flags = [], environment }: ServerOptions,
  answersAt: URL,
  core: Core,
): Promise<ChildProcess> => startProgram([process.execPath, ...flags, file, ...args], environment, answersAt, core)

/**
 * Resolves once it answers at that URL; rejects with what it complained of when it ends instead. What it logs goes
 * nowhere: a pipe would be read by this process, at the cost of those that are measured.
 */
export async function startProgram(
  command: readonly string[],
  environment: Readonly<Record<string, string>>,
  answersAt: URL,
  core: Core,
): Promise<ChildProcess> {
  const [program = '', ...rest] = [...pinnedTo(core), ...command]
  const child = spawn(program, rest, {
    env: { PATH: process.env['PATH'], ...environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let complaints = ''
  child.stderr.setEncoding('utf8').on('data', text => {
    complaints = (complaints + text).slice(-4000)
  })
  const deadline = performance.now() + STARTS_WITHIN
  while (!(await answers(answersAt))) {
    if (hasEnded(child) || performance.now() > deadline) {
      child.kill('SIGKILL')
      throw new Error(`${command.join(' ')} did not start:\n${complaints}`)
    }
    await pause(LOOKS_EVERY)
  }
  child.on('exit', code => code && console.error(`${command.join(' ')} ended by itself:\n${complaints}`))
  return child
}

async function answers(url: URL): Promise<boolean> {
  try {
    const response = await fetch(url)
    await response.arrayBuffer()
    return response.status === 200
  } catch {
    return false
  }
}

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null

export async function stopProcess(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (hasEnded(child)) return
  const exited = once(child, 'exit')
  child.kill(signal)
  await exited
}

/** Linux counts in hundredths of a second towards programs (`USER_HZ`). */
const TICK = SECOND / 100

/** Of all its threads since it began, in milliseconds; NaN where Linux is not there to ask. */
export function processorTimeOf(pid: number): number {
  if (process.platform !== 'linux') return Number.NaN
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name in the second field may hold blanks; user and system time are the 14th and 15th.
  const [user, system] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
  return (Number(user) + Number(system)) * TICK
}

/** A process that is asked one thing after another, and answers. */
export interface Worker<Asked, Told> {
  ask(question: Asked): Promise<Told>
  stop(): Promise<void>
}

type Message<Told> = { readonly told: Told } | { readonly failed: string }

export function startWorker<Asked extends object, Told>(
  file: URL,
  core: Core,
  { flags = [], environment = {} }: Partial<Pick<ServerOptions, 'flags' | 'environment'>> = {},
): Worker<Asked, Told> {
  const [program = '', ...args] = [...pinnedTo(core), process.execPath, ...flags, fileURLToPath(file)]
  const child = spawn(program, args, {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const ended = once(child, 'exit').then(() => ({ failed: `${fileURLToPath(file)} ended` }))
  return {
    async ask(question) {
      const answered = once(child, 'message').then(([message]) => message as Message<Told>)
      child.send(question)
      const message = await Promise.race([answered, ended])
      if ('failed' in message) throw new Error(message.failed)
      return message.told
    },
    stop: () => stopProcess(child, 'SIGKILL'),
  }
}

/** The worker's side. */
export function answerParent<Asked, Told>(answer: (question: Asked) => Promise<Told>): void {
  process.on('message', question => {
    answer(question as Asked).then(
      told => process.send?.({ told }),
      (error: Error) => process.send?.({ failed: `${error.stack}` }),
    )
  })
}
