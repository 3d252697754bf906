/**
 * Counting by prom-client, which only those load who ask for metrics. What there is to count is a catalogue's; what is
 * read at each scrape is handed in by whoever runs.
 */
import { AggregatorRegistry, Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Metric } from './catalogue.ts'

export type Labels = Readonly<Record<string, string>>

/** What is read when somebody asks: a number, or several by their labels. */
export type Reading = number | readonly { readonly labels: Labels; readonly value: number }[]

/** What a process has counted, as prom-client hands it from one to another. */
export type Counted = Awaited<ReturnType<Registry['getMetricsAsJSON']>>

/** What is asked at a scrape, and how that is told. */
export interface Scraped<Name extends string> {
  /** Asked at each scrape. What fails is left out of it. */
  read(source: () => Promise<Partial<Record<Name, Reading>>>): void
  /** All of this process as it is now, to be added to that of others. */
  tell(): Promise<Counted>
  /** The same with what others told, as Prometheus reads it. */
  text(others: readonly Counted[]): Promise<string>
  readonly contentType: string
}

export interface Counting<Name extends string> extends Scraped<Name> {
  counter(name: Name): Counter
  gauge(name: Name): Gauge
  histogram(name: Name): Histogram
}

type Made = Counter | Gauge | Histogram

export function createCounting<Name extends string>(catalogue: Readonly<Record<Name, Metric>>): Counting<Name> {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const made = new Map<string, Made>()
  for (const [name, metric] of Object.entries<Metric>(catalogue)) made.set(name, make(name, metric, registry))
  const sources: (() => Promise<Partial<Record<Name, Reading>>>)[] = []

  const tell = async (): Promise<Counted> => {
    for (const source of sources) put(made, await source().catch(() => ({})))
    return registry.getMetricsAsJSON()
  }

  return {
    counter: name => made.get(name) as Counter,
    gauge: name => made.get(name) as Gauge,
    histogram: name => made.get(name) as Histogram,
    read: source => void sources.push(source),
    tell,
    contentType: registry.contentType,
    async text(others) {
      const mine = await tell()
      return others.length === 0 ? registry.metrics() : AggregatorRegistry.aggregate([mine, ...others]).metrics()
    },
  }
}

function make(name: string, { kind, help, labels = [], buckets = [], ofSeveral }: Metric, registry: Registry): Made {
  const shared = { labelNames: [...labels], registers: [registry] }
  const common = { name, help, ...shared, ...(ofSeveral && { aggregator: ofSeveral }) }
  if (kind === 'histogram') return new Histogram({ ...common, buckets: [...buckets] })
  return kind === 'counter' ? new Counter(common) : new Gauge(common)
}

/** A reading of a counter is its whole count: it is set anew. */
function put(made: ReadonlyMap<string, Made>, readings: Readonly<Partial<Record<string, Reading>>>): void {
  for (const [name, reading] of Object.entries(readings)) {
    const metric = made.get(name)
    if (!metric || metric instanceof Histogram || reading === undefined) continue
    metric.reset()
    const values = typeof reading === 'number' ? [{ labels: {}, value: reading }] : reading
    for (const { labels, value } of values)
      if (metric instanceof Gauge) metric.set(labels, value)
      else metric.inc(labels, value)
  }
}
