/**
 * Hashes in JavaScript, off the event loop: in a worker thread that is started when the first is asked for and ends
 * when none was for a while. How many run at once is the callers' (`hash-queue.ts`); here there are never more threads
 * than it lets run, and whoever comes beyond them waits.
 */
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { SECOND } from '../../kernel/seconds.ts'
import type { Rounds } from './rounds.ts'
import type { Question } from './worker.ts'

const MOST_THREADS = 2
/** Starting one takes some 50 ms and keeping one 10 MiB. */
const IDLE_LIFE = 10 * SECOND

/** Published, a source is JavaScript beside its neighbours. */
const FILE = fileURLToPath(new URL(`./worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url))

interface Thread {
  readonly worker: Worker
  timer: NodeJS.Timeout | undefined
}

const idle: Thread[] = []
const waiting: ((thread: Thread) => void)[] = []
let threads = 0

export async function runOffThread<N extends keyof Rounds>(
  name: N,
  ...given: Parameters<Rounds[N]>
): Promise<ReturnType<Rounds[N]>> {
  const thread = await take()
  try {
    const answer = await ask(thread.worker, { name, given })
    release(thread)
    return answer as ReturnType<Rounds[N]>
  } catch (error) {
    // Whatever state it is in, nobody is to have it.
    await discard(thread)
    throw error
  }
}

async function take(): Promise<Thread> {
  const thread = idle.pop() ?? (threads < MOST_THREADS ? start() : undefined)
  const taken = thread ?? (await new Promise<Thread>(resolve => waiting.push(resolve)))
  clearTimeout(taken.timer)
  // Only while it works does it keep the process alive.
  taken.worker.ref()
  return taken
}

function start(): Thread {
  threads++
  const worker = new Worker(FILE, { name: 'password-hash', env: {}, resourceLimits: { maxOldGenerationSizeMb: 64 } })
  const thread: Thread = { worker, timer: undefined }
  // One that ends while nobody has it tells nobody, and must not be handed out.
  worker
    .on('error', () => {})
    .once('exit', () => {
      const place = idle.indexOf(thread)
      if (place < 0) return
      idle.splice(place, 1)
      clearTimeout(thread.timer)
      threads--
    })
  return thread
}

function release(thread: Thread): void {
  const next = waiting.shift()
  if (next) {
    next(thread)
    return
  }
  thread.worker.unref()
  thread.timer = setTimeout(() => {
    idle.splice(idle.indexOf(thread), 1)
    void discard(thread)
  }, IDLE_LIFE).unref()
  idle.push(thread)
}

async function discard({ worker }: Thread): Promise<void> {
  threads--
  const next = waiting.shift()
  if (next) next(start())
  await worker.terminate()
}

function ask(worker: Worker, question: Question): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  const ended = () => reject(new Error('The thread that hashes ended.'))
  worker.once('message', resolve).once('error', reject).once('exit', ended)
  worker.postMessage(question)
  return promise.finally(() => worker.off('message', resolve).off('error', reject).off('exit', ended))
}
