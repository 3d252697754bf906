/**
 * Work that comes back: each job says when it is next wanted, never runs twice at once, and a failure is logged
 * and tried again. The list of jobs is `compose.ts`'s.
 */
import type { Clock, Instant } from './clock.ts'
import type { Log } from './log.ts'
import { HOUR, MINUTE } from './seconds.ts'

export interface Job {
  readonly name: string
  /** Does what is due, and answers when to run again; undefined for in an hour. */
  readonly run: () => Promise<Instant | undefined>
}

export interface Jobs {
  /** Waits for what is under way, and begins nothing more. */
  stop(): Promise<void>
}

/** Between the start and the first round: requests come first. */
const FIRST_AFTER = 5000
/** However near the next time is: requests come between two rounds, and a purge still outruns whoever fills a table. */
const SHORTEST_PAUSE = 20

export function startJobs(jobs: readonly Job[], clock: Clock, log: Log): Jobs {
  const timers = new Set<NodeJS.Timeout>()
  const running = new Set<Promise<void>>()
  let stopped = false

  const schedule = (job: Job, pause: number): void => {
    if (stopped) return
    const timer = setTimeout(() => {
      timers.delete(timer)
      const round = carryOut(job).finally(() => running.delete(round))
      running.add(round)
    }, pause)
    timer.unref()
    timers.add(timer)
  }

  const carryOut = async (job: Job): Promise<void> => {
    let next: Instant | undefined
    try {
      next = await job.run()
    } catch (error) {
      log.error({ job: job.name, error }, 'a job failed and will be tried again')
      next = clock() + MINUTE
    }
    schedule(job, Math.min(HOUR, Math.max(SHORTEST_PAUSE, (next ?? Number.POSITIVE_INFINITY) - clock())))
  }

  for (const job of jobs) schedule(job, FIRST_AFTER)
  return {
    async stop() {
      stopped = true
      for (const timer of timers) clearTimeout(timer)
      await Promise.all(running)
    },
  }
}
