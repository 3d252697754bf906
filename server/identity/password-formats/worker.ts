/** The worker thread's side of `off-thread.ts`: one question at a time, one answer each. */
import { parentPort } from 'node:worker_threads'
import { rounds } from './rounds.ts'

export interface Question {
  readonly name: keyof typeof rounds
  readonly given: readonly unknown[]
}

parentPort?.on('message', ({ name, given }: Question) => {
  const compute = rounds[name] as (...given: readonly unknown[]) => unknown
  parentPort?.postMessage(compute(...given))
})
