/**
 * Several processes on one port: started, watched, started again when they die, and stopped. The first process does what
 * is to be done once (it migrates, applies, runs the jobs and listens to commands); what each of the others does is
 * `serve.ts`'s.
 */
import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { OperatorError } from './kernel/errors.ts'
import type { Log } from './kernel/log.ts'
import { SECOND } from './kernel/seconds.ts'

/** What a worker tells the first process: where it listens, or why it cannot. */
export type Word =
  | { readonly listening: number }
  | { readonly fault: string }
  | { readonly told: unknown; readonly question: number }

export interface Workers {
  /** Where they listen. */
  readonly port: number
  signal(signal: NodeJS.Signals): void
  /** What each says of itself. One that does not answer soon is left out. */
  tell(): Promise<readonly unknown[]>
  /** Tells each to finish what it is at, and waits until the last has ended. */
  stop(): Promise<void>
}

/** What the first process asks of a worker, which answers with the same number. */
export type Question = { readonly tell: number }

const ANSWER_WITHIN = 2 * SECOND

/** Before one that died is started again; twice as long each time it dies young. */
const FIRST_PAUSE = 100
const LONGEST_PAUSE = 30 * SECOND
/** Whoever lived that long did not die of how it was started. */
const GROWN_UP = 30 * SECOND

/** Answers when all listen. @throws OperatorError with what the first that could not says of it. */
export async function startWorkers(
  count: number,
  environment: Readonly<Record<string, string | undefined>>,
  log: Log,
): Promise<Workers> {
  // Whatever started this process, a worker is `latchkey serve`.
  const main = fileURLToPath(new URL(`./main${extname(import.meta.filename)}`, import.meta.url))
  cluster.setupPrimary({ exec: main, args: ['serve'] })
  let isStopping = false
  let deaths = 0
  const alive = new Set<Worker>()

  const fork = (): Worker => {
    const worker = cluster.fork(environment)
    const began = Date.now()
    alive.add(worker)
    worker.on('error', error => log.error({ worker: worker.id, error }, 'a worker could not be spoken to'))
    worker.once('exit', (code, signal) => {
      alive.delete(worker)
      if (isStopping) return
      deaths = Date.now() - began >= GROWN_UP ? 1 : deaths + 1
      const pause = Math.min(FIRST_PAUSE * 2 ** (deaths - 1), LONGEST_PAUSE)
      log.error({ worker: worker.id, code, signal, startsIn: pause }, 'a worker died and is started again')
      setTimeout(() => {
        if (!isStopping) fork().on('message', sayFault)
      }, pause)
    })
    return worker
  }
  const sayFault = (word: Partial<{ fault: string }>): void => {
    if (word.fault !== undefined) log.error({ reason: word.fault }, 'a worker could not start')
  }

  const stop = async (): Promise<void> => {
    isStopping = true
    const ended = [...alive].map(worker => once(worker, 'exit'))
    for (const worker of alive) worker.process.kill('SIGTERM')
    await Promise.all(ended)
  }

  try {
    const ports = await Promise.all(Array.from({ length: count }, () => listening(fork())))
    return {
      port: ports[0] as number,
      tell: () => askEach(alive),
      signal: name => {
        for (const worker of alive) worker.process.kill(name)
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

let questions = 0

async function askEach(workers: ReadonlySet<Worker>): Promise<readonly unknown[]> {
  const question: Question = { tell: questions++ }
  const told = await Promise.all(
    [...workers].map(
      worker =>
        new Promise<unknown>(resolve => {
          const end = (answer?: unknown) => {
            clearTimeout(timer)
            worker.off('message', hear)
            worker.off('exit', gone)
            resolve(answer)
          }
          const hear = (word: Partial<{ told: unknown; question: number }>) => {
            if (word.question === question.tell) end(word.told)
          }
          const gone = () => end()
          const timer = setTimeout(gone, ANSWER_WITHIN)
          worker.on('message', hear)
          worker.on('exit', gone)
          if (worker.isConnected()) worker.send(question)
          else end()
        }),
    ),
  )
  return told.filter(answer => answer !== undefined)
}

function listening(worker: Worker): Promise<number> {
  return new Promise((resolve, reject) => {
    worker.on('message', (word: Partial<{ listening: number; fault: string }>) => {
      if (word.fault !== undefined) reject(new OperatorError(word.fault))
      if (word.listening !== undefined) resolve(word.listening)
    })
    worker.once('exit', (code, signal) =>
      reject(new OperatorError(`A worker ended before it listened (${signal ?? code}); what it said is above.`)),
    )
  })
}
