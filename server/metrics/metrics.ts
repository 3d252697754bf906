/**
 * Counting, by prom-client, which only those load who ask for metrics. What there is to count is `catalogue.ts`'s; what is
 * read at each scrape is handed in by `compose.ts`.
 */
import { AggregatorRegistry, Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Meter } from '../kernel/meter.ts'
import { CATALOGUE, CLIENT_REFUSED, type Metric, type MetricName, SIGN_IN_OUTCOMES } from './catalogue.ts'

/** What is read when somebody asks: a number, or several by their labels. */
export type Reading = number | readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[]
export type Readings = Partial<Record<MetricName, Reading>>

export interface Metrics {
  readonly meter: Meter
  /** Asked at each scrape. What fails is left out of it. */
  read(source: () => Promise<Readings>): void
  /** All of this process as it is now, to be added to that of others. */
  tell(): Promise<Counted>
  /** The same with what others told, as Prometheus reads it. */
  text(others: readonly Counted[]): Promise<string>
  readonly contentType: string
}

/** What a process has counted, as prom-client hands it from one to another. */
export type Counted = Awaited<ReturnType<Registry['getMetricsAsJSON']>>

type Made = Counter | Gauge | Histogram

export function createMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const made = new Map<MetricName, Made>()
  for (const [name, metric] of Object.entries(CATALOGUE) as [MetricName, Metric][])
    made.set(name, make(name, metric, registry))
  const counter = (name: MetricName) => made.get(name) as Counter
  const histogram = (name: MetricName) => made.get(name) as Histogram
  const sources: (() => Promise<Readings>)[] = []

  const refresh = async (): Promise<void> => {
    for (const source of sources) put(made, await source().catch((): Readings => ({})))
  }
  const tell = async (): Promise<Counted> => {
    await refresh()
    return registry.getMetricsAsJSON()
  }

  return {
    read: source => void sources.push(source),
    tell,
    contentType: registry.contentType,
    async text(others) {
      const mine = await tell()
      return others.length === 0 ? registry.metrics() : AggregatorRegistry.aggregate([mine, ...others]).metrics()
    },
    meter: {
      answered: ({ route, method, status, milliseconds }) =>
        histogram('latchkey_http_requests_seconds').observe({ route, method, status }, milliseconds / 1000),
      tokenIssued: token => counter('latchkey_tokens_issued_total').inc({ ...token }),
      claimLeftOut: reason => counter('latchkey_claims_left_out_total').inc({ reason }),
      happened(type, times) {
        counter('latchkey_events_total').inc({ type }, times)
        const outcome = SIGN_IN_OUTCOMES[type]
        if (outcome !== undefined) counter('latchkey_sign_ins_total').inc({ outcome }, times)
        if (type === CLIENT_REFUSED) counter('latchkey_client_authentication_failures_total').inc(times)
      },
      waitedForHash: (milliseconds, outcome) =>
        histogram('latchkey_password_checks_seconds').observe({ outcome }, milliseconds / 1000),
      jobRan(job, milliseconds, outcome) {
        counter('latchkey_job_seconds_total').inc({ job }, milliseconds / 1000)
        counter('latchkey_job_runs_total').inc({ job, outcome })
        if (outcome === 'done')
          (made.get('latchkey_job_last_success_timestamp_seconds') as Gauge).set({ job }, Date.now() / 1000)
      },
    },
  }
}

function make(
  name: MetricName,
  { kind, help, labels = [], buckets = [], ofSeveral }: Metric,
  registry: Registry,
): Made {
  const shared = { labelNames: [...labels], registers: [registry] }
  const common = { name, help, ...shared, ...(ofSeveral && { aggregator: ofSeveral }) }
  if (kind === 'histogram') return new Histogram({ ...common, buckets: [...buckets] })
  return kind === 'counter' ? new Counter(common) : new Gauge(common)
}

/** A reading of a counter is its whole count: it is set anew. */
function put(made: ReadonlyMap<MetricName, Made>, readings: Readings): void {
  for (const [name, reading] of Object.entries(readings) as [MetricName, Reading][]) {
    const metric = made.get(name)
    if (!metric || metric instanceof Histogram) continue
    metric.reset()
    const values = typeof reading === 'number' ? [{ labels: {}, value: reading }] : reading
    for (const { labels, value } of values)
      if (metric instanceof Gauge) metric.set(labels, value)
      else metric.inc(labels, value)
  }
}
