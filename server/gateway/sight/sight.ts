/** What is told of a running gateway: a line of the log for each request, what became of its upstreams, and metrics where the file wants them. */
import type { Log } from '../../kernel/log.ts'
import type { Sight } from '../edge.ts'
import type { EdgePlan } from '../plan.ts'
import { createAccessLog } from './access-log.ts'
import type { EdgeMetrics, EdgeReadings } from './edge-metrics.ts'

export interface OpenSight extends Sight {
  /** Where metrics are told; null: nowhere. */
  readonly metricsPort: number | null
  /** A route file was read again. */
  reloaded(outcome: 'applied' | 'refused'): void
  /** Asked at each scrape. */
  reads(source: () => EdgeReadings): void
  close(): Promise<void>
}

/** Stays for as long as the process runs: where metrics are told is not changed by a reload. */
export async function openSight(plan: Pick<EdgePlan, 'metrics' | 'accessLog'>, log: Log): Promise<OpenSight> {
  const metrics: EdgeMetrics | undefined =
    plan.metrics === null ? undefined : await (await import('./edge-metrics.ts')).openEdgeMetrics(plan.metrics, log)
  const writeLine = createAccessLog(log, plan.accessLog.passed)

  return {
    metricsPort: metrics?.port ?? null,
    answered(arrival, note, milliseconds) {
      writeLine(arrival, note, milliseconds)
      metrics?.answered(arrival, note, milliseconds)
    },
    lookedUp: outcome => metrics?.lookedUp(outcome),
    turnedAway: why => metrics?.turnedAway(why),
    breakerMoved(upstream, target, state) {
      const level = state === 'open' ? 'warn' : 'info'
      log[level]({ upstream, target, breaker: state }, 'a breaker moved')
      metrics?.breakerMoved(upstream, target, state)
    },
    targetMoved(upstream, target, state) {
      if (state === 'ill') log.warn({ upstream, target }, 'a target fails its health checks, and gets no requests')
      else log.info({ upstream, target }, 'a target is well')
      metrics?.targetMoved(upstream, target, state)
    },
    reloaded: outcome => metrics?.reloaded(outcome),
    reads: source => metrics?.reads(source),
    close: async () => metrics?.close(),
  }
}
