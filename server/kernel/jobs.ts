/**
 * Work that comes back: each job says when it is next wanted, may be woken before, never runs twice at once, and a
 * failure is logged and tried again. The list of jobs is `compose.ts`'s.
 */
import type { Clock, Instant } from './clock.ts'
import type { Log } from './log.ts'
import type { Meter } from './meter.ts'
import { HOUR, MINUTE, SECOND } from './seconds.ts'

export interface Job {
  readonly name: string
  /** Does what is due, and answers when to run again; undefined for in an hour. */
  readonly run: () => Promise<Instant | undefined>
}

export interface Jobs {
  /** There is something to do: runs now, or once more if it is running already, since that round may have looked before. */
  wake(job: Job): void
  /** Waits for what is under way, and begins nothing more. */
  stop(): Promise<void>
}

/** Between the start and the first round: requests come first. */
const FIRST_AFTER = 5 * SECOND
/** Between the first rounds of two jobs, so that requests come between them too, then and whenever they come back. */
const APART = SECOND
/** However near the next time is: requests come between two rounds, and a purge still outruns whoever fills a table. */
const SHORTEST_PAUSE = 20

export function startJobs(jobs: readonly Job[], clock: Clock, log: Log, meter?: Meter): Jobs {
  /** One timer a job, which is gone while the job runs. */
  const timers = new Map<Job, NodeJS.Timeout>()
  const running = new Map<Job, Promise<void>>()
  const wokenMeanwhile = new Set<Job>()
  let stopped = false

  const schedule = (job: Job, pause: number): void => {
    if (stopped) return
    clearTimeout(timers.get(job))
    const timer = setTimeout(() => {
      timers.delete(job)
      running.set(job, carryOut(job))
    }, pause)
    timer.unref()
    timers.set(job, timer)
  }

  const carryOut = async (job: Job): Promise<void> => {
    const began = performance.now()
    let next: Instant | undefined
    try {
      next = await job.run()
      meter?.jobRan(job.name, performance.now() - began, 'done')
    } catch (error) {
      meter?.jobRan(job.name, performance.now() - began, 'failed')
      log.error({ job: job.name, error }, 'a job failed and will be tried again')
      next = clock() + MINUTE
    }
    running.delete(job)
    if (wokenMeanwhile.delete(job)) next = clock()
    schedule(job, Math.min(HOUR, Math.max(SHORTEST_PAUSE, (next ?? Number.POSITIVE_INFINITY) - clock())))
  }

  for (const [place, job] of jobs.entries()) schedule(job, FIRST_AFTER + place * APART)
  return {
    wake(job) {
      if (running.has(job)) wokenMeanwhile.add(job)
      else schedule(job, 0)
    },
    async stop() {
      stopped = true
      for (const timer of timers.values()) clearTimeout(timer)
      await Promise.all(running.values())
    },
  }
}
