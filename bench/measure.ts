/** Measuring the product against its peer, whatever is asked of them: starts both, lets them take turns, and stops them. */
import type { StoreKind } from '../tests/fixtures/server.ts'
import { type BareCall, startBare } from './bare.ts'
import { type Contender, startPeer, startProduct, verifyTokens } from './contenders.ts'
import { type DuelOptions, duel, type Party, type Rates, ratioOf, spreadOf } from './duel.ts'
import type { Bar, Figure } from './figure.ts'
import { startGenerator } from './load/generator.ts'
import type { Scenario } from './load/scenarios.ts'
import { cores, processorTimeOf } from './processes.ts'
import type { Algorithm } from './world.ts'

/** As many as keep a server busy, and few enough that each is answered soon. */
export const IN_FLIGHT = 16

const LENGTH: DuelOptions = { rounds: 8, slice: 700, warmUp: 2500 }

/** Both at once, and nobody else: whoever has nothing to answer takes no time. */
export async function withBoth<T>(
  store: StoreKind,
  work: (product: Contender, peer: Contender) => Promise<T>,
): Promise<T> {
  const [product, peer] = [await startProduct({ store }), await startPeer()]
  try {
    return await work(product, peer)
  } finally {
    await product.stop()
    await peer.stop()
  }
}

export interface Comparison {
  readonly algorithm: Algorithm
  /** What each does over and over. */
  readonly scenarioFor: (contender: Contender) => Promise<Scenario>
  /** Looks at one answer of those that were counted; throws for one that is not sound. */
  readonly verify: (contender: Contender, body: string) => Promise<void>
  /** A limit to measure beside the two. */
  readonly bare?: BareCall['call']
}

export interface Compared {
  /** Turns a second of each, by name, and `bare` for the limit. */
  readonly rates: Rates
  /** Microseconds of a processor that a turn takes of each, which tells more than a rate where others use the machine too. */
  readonly costs: Rates
}

export async function compare(contenders: readonly Contender[], comparison: Comparison): Promise<Compared> {
  const { scenarioFor, verify, bare } = comparison
  const closers: (() => Promise<void>)[] = []
  const parties: Party[] = []
  const costs: Record<string, number[]> = {}
  try {
    for (const contender of contenders) {
      const { host, port, name, pid } = contender
      const scenario = await scenarioFor(contender)
      const generator = await startGenerator({ host, port, scenario, inFlight: IN_FLIGHT }, cores.asking)
      closers.push(generator.stop)
      let verified = false
      parties.push({
        name,
        async work(milliseconds) {
          const before = processorTimeOf(pid)
          const done = await generator.run({ milliseconds })
          const cost = processorTimeOf(pid) - before
          // The first slice warms up, and is looked at.
          if (verified) costs[name] = [...(costs[name] ?? []), (cost / done.turns) * 1000]
          else await verify(contender, done.sample)
          verified = true
          return (done.turns / done.milliseconds) * 1000
        },
      })
    }
    if (bare) {
      const limit = startBare(cores.measured)
      closers.push(limit.stop)
      const work = (milliseconds: number) => limit.measure({ call: bare, inFlight: IN_FLIGHT, milliseconds })
      parties.push({ name: 'bare', work })
    }
    return { rates: await duel(parties, LENGTH), costs }
  } finally {
    for (const close of closers) await close()
  }
}

/** The product's rate as a multiple of another's. */
export function ratioFigure(name: string, { rates, costs }: Compared, other: string, bar: Bar | null): Figure {
  const { median, lower, upper } = ratioOf(rates, 'latchkey', other)
  const aSecond = (party: string) => spreadOf(rates[party] ?? []).median.toFixed(0)
  const cost = (party: string) => spreadOf(costs[party] ?? []).median.toFixed(0)
  return {
    name,
    measured: median,
    unit: '×',
    bar,
    spread: { lower, upper },
    detail: [
      `${aSecond('latchkey')} to ${aSecond(other)} a second`,
      ...(costs[other] ? [`${cost('latchkey')} to ${cost(other)} µs of processor each`] : []),
    ].join(', '),
  }
}

export const soundTokens =
  (algorithm: Algorithm, { idToken }: { idToken: boolean }) =>
  (contender: Contender, body: string): Promise<void> =>
    verifyTokens(contender, algorithm, body, { idToken })
