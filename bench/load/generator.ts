/**
 * A load generator, as whoever measures sees it: a process of its own, so that what is measured shares neither a thread
 * nor, where there are two, a processor with it. The other side is `generate.ts`.
 */
import { type Core, startWorker } from '../processes.ts'
import type { Scenario } from './scenarios.ts'

export interface Job {
  readonly host: string
  readonly port: number
  readonly scenario: Scenario
  /** Connections, each of which has one request under way. */
  readonly inFlight: number
  /** Milliseconds between two turns of a connection; none unless told. */
  readonly pause?: number
}

/**
 * For so long, or so many turns in all, one after another on each connection. Or for so long at a pace: each turn has its
 * time, and what it takes counts from then on, so that one that has to wait for others is not forgiven the wait.
 */
export type Limit =
  | { readonly milliseconds: number }
  | { readonly turns: number }
  | { readonly milliseconds: number; readonly perSecond: number }

export interface Done {
  readonly turns: number
  readonly milliseconds: number
  /** Of each turn, in milliseconds and in no order. */
  readonly times: readonly number[]
  /** The body of the last answer, for whoever looks whether it is sound. */
  readonly sample: string
}

export interface Generator {
  run(limit: Limit): Promise<Done>
  stop(): Promise<void>
}

export type Order = { readonly job: Job } | { readonly limit: Limit }

export async function startGenerator(job: Job, core: Core): Promise<Generator> {
  const worker = startWorker<Order, Done | 'ready'>(new URL('generate.ts', import.meta.url), core)
  await worker.ask({ job })
  return { run: limit => worker.ask({ limit }) as Promise<Done>, stop: worker.stop }
}
