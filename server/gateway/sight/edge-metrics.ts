/**
 * What a gateway counts, told to Prometheus at an address of its own. Loaded only where the route file has one, since
 * prom-client takes its memory. What is counted for each request is added up here and handed over at a scrape.
 */
import { versionOfLatchkey } from '../../control/version.ts'
import type { Log } from '../../kernel/log.ts'
import { SECOND } from '../../kernel/seconds.ts'
import { EDGE_CATALOGUE, type EdgeMetricName } from '../../metrics/edge-catalogue.ts'
import { listenForScrapes } from '../../metrics/listen.ts'
import { createCounting, type Reading } from '../../metrics/registry.ts'
import type { Sight } from '../edge.ts'
import type { Address } from '../plan.ts'

/** What the running parts hold, asked at a scrape. */
export interface EdgeReadings {
  readonly requests: number
  readonly connections: number
  readonly upgrades: number
  readonly revocations: readonly {
    readonly issuer: string
    /** Milliseconds; Infinity before the first reading. */
    readonly age: number
    /** The number up to which the log is known. */
    readonly position: number
  }[]
}

export interface EdgeMetrics extends Sight {
  readonly port: number
  reloaded(outcome: 'applied' | 'refused'): void
  reads(source: () => EdgeReadings): void
  close(): Promise<void>
}

const BREAKER_STATES = { closed: 0, 'half-open': 1, open: 2 } as const

/** @throws OperatorError where the address cannot be listened on. */
export async function openEdgeMetrics({ host, port }: Address, log: Log): Promise<EdgeMetrics> {
  const counting = createCounting<EdgeMetricName>(EDGE_CATALOGUE)
  const { counter, gauge, histogram } = counting
  const requests = new Tally(['route', 'decision', 'status'])
  const aborted = new Tally(['route'])
  const lookups = new Tally(['outcome'])
  counting.read(async () => ({
    latchkey_edge_requests_total: requests.rows(),
    latchkey_edge_requests_aborted_total: aborted.rows(),
    latchkey_edge_token_lookups_total: lookups.rows(),
  }))
  gauge('latchkey_edge_build_info').set({ version: versionOfLatchkey(), node: process.version }, 1)
  const applied = () => gauge('latchkey_edge_last_reload_timestamp_seconds').set(Date.now() / SECOND)
  applied()
  const listening = await listenForScrapes(
    { host, port, log, setting: '`metrics` in the route file' },
    counting,
    async () => [],
  )

  return {
    port: listening.port,
    close: listening.close,
    answered(_arrival, note, milliseconds) {
      const route = note.route === '' ? 'none' : note.route
      requests.add(route, note.decision, `${note.status}`)
      if (note.isAborted) aborted.add(route)
      histogram('latchkey_edge_request_seconds').observe({ route }, milliseconds / SECOND)
      const { upstream, upstreamMs, attempts } = note
      if (upstream === null) return
      if (upstreamMs !== null) histogram('latchkey_edge_upstream_seconds').observe({ upstream }, upstreamMs / SECOND)
      if (attempts > 1) counter('latchkey_edge_retries_total').inc({ upstream }, attempts - 1)
    },
    lookedUp: outcome => lookups.add(outcome),
    turnedAway: reason => counter('latchkey_edge_connections_turned_away_total').inc({ reason }),
    breakerMoved(upstream, target, state) {
      gauge('latchkey_edge_breaker_state').set({ upstream, target }, BREAKER_STATES[state])
      if (state === 'open') counter('latchkey_edge_breaker_opened_total').inc({ upstream, target })
    },
    targetMoved: (upstream, target, state) =>
      gauge('latchkey_edge_target_up').set({ upstream, target }, state === 'well' ? 1 : 0),
    reloaded(outcome) {
      counter('latchkey_edge_reloads_total').inc({ outcome })
      if (outcome === 'applied') applied()
    },
    reads(source) {
      counting.read(async () => {
        const { requests: open, connections, upgrades, revocations } = source()
        const each = (value: (one: (typeof revocations)[number]) => number): Reading =>
          revocations.map(one => ({ labels: { issuer: one.issuer }, value: value(one) }))
        return {
          latchkey_edge_requests_open: open,
          latchkey_edge_connections_open: connections,
          latchkey_edge_upgrades_open: upgrades,
          latchkey_edge_revocation_age_seconds: each(({ age }) => age / SECOND),
          latchkey_edge_revocation_position: each(({ position }) => position),
        }
      })
    },
  }
}

/** Counts by labels, at the price of a look-up: prom-client would sort and join them each time. */
class Tally {
  readonly #names: readonly string[]
  readonly #counts = new Map<string, number>()

  constructor(names: readonly string[]) {
    this.#names = names
  }

  /** None of them holds a line break: they are names of the file and words of ours. */
  add(...values: readonly string[]): void {
    const key = values.join('\n')
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
  }

  rows(): Reading {
    return [...this.#counts].map(([key, value]) => {
      const values = key.split('\n')
      return { labels: Object.fromEntries(this.#names.map((name, at) => [name, values[at] ?? ''])), value }
    })
  }
}
