/**
 * What the gateway lets through, beside one thread of HAProxy and what one writes with express, before the same service.
 * The identity server gives every token and stays up meanwhile: its revocations are followed.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SECOND } from '../server/kernel/seconds.ts'
import { quantile } from '../tests/attacks/flooded-server.ts'
import { type Contender, startProduct } from './contenders.ts'
import { duel, type Party, type Rates, ratioOf, spreadOf } from './duel.ts'
import { type Edge, PATH, startExpress, startGateway, startHaproxy, startUpstream, untilAdmits } from './edges.ts'
import type { Bar, Figure } from './figure.ts'
import { openConnection } from './load/connection.ts'
import { startGenerator } from './load/generator.ts'
import { type Loaded, load } from './load/wrk.ts'
import { IN_FLIGHT } from './measure.ts'
import { cores, processorTimeOf } from './processes.ts'
import { tokenRequest } from './tokens.ts'

/** Of tokens seen before, so many take turns. */
const KNOWN = 1000
const ROUNDS = 8
const SLICE_SECONDS = 1
/** Of what compiles itself as it runs. */
const WARM_UP_SECONDS = 8
/** More a second than any of them can look at for the first time. */
const MOST_NEW_A_SECOND = 14_000
/** Shorter, since every token that warms up has to be signed first. */
const NEW_WARM_UP_SECONDS = 3
const NEW = (ROUNDS * SLICE_SECONDS + NEW_WARM_UP_SECONDS) * MOST_NEW_A_SECOND

const PACE = 1000
const PACED_FOR = 5 * SECOND
const PACED_TIMES = 5

/** Takes about three minutes, of which one goes to the tokens. */
export async function measureGateway(): Promise<readonly Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-bench-'))
  const stops: (() => Promise<void>)[] = [async () => rmSync(folder, { recursive: true })]
  const started = <T extends { stop(): Promise<void> }>(one: T): T => {
    stops.unshift(one.stop)
    return one
  }
  try {
    const upstream = started(await startUpstream())
    const identity = started(await startProduct({ store: 'sqlite' }))
    const tokens = await issueTokens(identity, KNOWN + NEW)
    const behind = { identity, upstreamPort: upstream.port }
    const latchkey = started(await startGateway(behind))
    const haproxy = started(await startHaproxy(behind))
    const express = started(await startExpress(behind))

    for (const edge of [latchkey, haproxy, express]) await untilAdmits(edge, tokens[0] ?? '')
    const known = join(folder, 'known')
    writeFileSync(known, tokens.slice(0, KNOWN).join('\n'))
    const seenBefore = await race([latchkey, haproxy, express], async () => known, WARM_UP_SECONDS)
    const usedOnce = await race([latchkey, haproxy], oneAfterAnother(folder, tokens.slice(KNOWN)), NEW_WARM_UP_SECONDS)
    const paced = await pace([latchkey, haproxy], tokens[0] ?? '')
    return [
      ratioFigure('known tokens, to HAProxy', seenBefore, 'haproxy', { atLeast: 1 }),
      p99Figure('known tokens, p99 to HAProxy’s', seenBefore.p99s, { under: 2 }),
      ratioFigure('known tokens, to express', seenBefore, 'express', { atLeast: 5 }),
      ratioFigure('tokens used once, to HAProxy', usedOnce, 'haproxy', { atLeast: 0.5 }),
      p99Figure('tokens used once, p99 to HAProxy’s', usedOnce.p99s, null),
      pacedFigure(paced),
    ]
  } finally {
    for (const stop of stops) await stop()
  }
}

async function issueTokens({ host, port }: Contender, count: number): Promise<readonly string[]> {
  const request = tokenRequest('RS256')
  const tokens: string[] = []
  let left = count
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      const connection = openConnection(host, port)
      for (; left > 0; left -= 1) tokens.push(JSON.parse((await connection.ask(request)).body).access_token)
      connection.close()
    }),
  )
  return tokens
}

/** What each did, by its name and round. */
interface Raced {
  readonly rates: Rates
  readonly p99s: Rates
  /** Microseconds of a processor for each request. */
  readonly costs: Rates
}

/** `tokensFor` answers the file for the next slice, and is told how many of it the last one took. */
async function race(
  edges: readonly Edge[],
  tokensFor: (edge: Edge, used: number) => Promise<string>,
  warmUpSeconds: number,
): Promise<Raced> {
  const [p99s, costs]: [Record<string, number[]>, Record<string, number[]>] = [{}, {}]
  const parties = edges.map((edge): Party => {
    const { name, port, pid } = edge
    let last: Loaded | undefined
    return {
      name,
      async work(milliseconds) {
        const isMeasured = last !== undefined
        const tokens = await tokensFor(edge, last?.requests ?? 0)
        const before = processorTimeOf(pid)
        const seconds = milliseconds / SECOND
        last = await load({ port, path: PATH, tokens, seconds, connections: IN_FLIGHT }, cores.asking)
        const cost = processorTimeOf(pid) - before
        if (isMeasured) {
          p99s[name] = [...(p99s[name] ?? []), last.p99]
          costs[name] = [...(costs[name] ?? []), (cost / last.requests) * 1000]
        }
        return last.requests / last.seconds
      },
    }
  })
  const length = { rounds: ROUNDS, slice: SLICE_SECONDS * SECOND, warmUp: warmUpSeconds * SECOND }
  return { rates: await duel(parties, length), p99s, costs }
}

/** Each edge gets each token once: where its last slice ended, what was under way included, the next begins. */
function oneAfterAnother(folder: string, tokens: readonly string[]) {
  const given = new Map<string, { readonly from: number; readonly count: number }>()
  return async ({ name }: Edge, used: number): Promise<string> => {
    const last = given.get(name) ?? { from: 0, count: 0 }
    const from = last.from + (used === 0 ? 0 : Math.min(used + IN_FLIGHT, last.count))
    const some = tokens.slice(from, from + (used === 0 ? NEW_WARM_UP_SECONDS : SLICE_SECONDS) * MOST_NEW_A_SECOND)
    // HAProxy remembers none: to it one that comes again, after the last of a slice, is as new as the others.
    if (name !== 'haproxy' && used + IN_FLIGHT > last.count && used > 0)
      throw new Error(`${name} was shown a token twice`)
    given.set(name, { from, count: some.length })
    const file = join(folder, `${name}-once`)
    writeFileSync(file, some.join('\n'))
    return file
  }
}

/** p99 in milliseconds of each, so and so often: requests that come at their time, whether or not others are answered. */
async function pace(edges: readonly Edge[], token: string): Promise<Rates> {
  const p99s: Record<string, number[]> = {}
  const request = { method: 'GET', target: PATH, headers: { authorization: `Bearer ${token}` } } as const
  const scenario = { name: 'repeat', request } as const
  for (let time = 0; time <= PACED_TIMES; time += 1)
    for (const { name, port } of edges) {
      const job = { host: '127.0.0.1', port, scenario, inFlight: 4 * IN_FLIGHT }
      const generator = await startGenerator(job, cores.asking)
      await generator.run({ turns: PACE })
      const { times } = await generator.run({ milliseconds: PACED_FOR, perSecond: PACE })
      await generator.stop()
      p99s[name] = [...(p99s[name] ?? []), quantile(times, 0.99)]
    }
  return p99s
}

function ratioFigure(name: string, { rates, costs }: Raced, other: string, bar: Bar | null): Figure {
  const { median, lower, upper } = ratioOf(rates, 'latchkey', other)
  const middle = (of: Rates, party: string) => spreadOf(of[party] ?? []).median.toFixed(0)
  return {
    name,
    measured: median,
    unit: '×',
    bar,
    spread: { lower, upper },
    detail: `${middle(rates, 'latchkey')} to ${middle(rates, other)} a second, ${middle(costs, 'latchkey')} to ${middle(costs, other)} µs of processor each`,
  }
}

function p99Figure(name: string, p99s: Rates, bar: Bar | null): Figure {
  const { median, lower, upper } = ratioOf(p99s, 'latchkey', 'haproxy')
  return { name, measured: median, unit: '×', bar, spread: { lower, upper }, detail: betweenP99s(p99s) }
}

const betweenP99s = (p99s: Rates): string =>
  ['latchkey', 'haproxy']
    .map(party => spreadOf(p99s[party] ?? []).median.toFixed(2))
    .join(' to ')
    .concat(' ms')

/** Twice HAProxy's and a millisecond is what it may take. */
function pacedFigure(p99s: Rates): Figure {
  const [ours, theirs] = [spreadOf(p99s['latchkey'] ?? []), spreadOf(p99s['haproxy'] ?? []).median]
  return {
    name: `${PACE} requests a second, p99`,
    measured: ours.median,
    unit: 'ms',
    bar: { under: Number((2 * theirs + 1).toFixed(2)) },
    spread: ours,
    detail: `${betweenP99s(p99s)}, median of ${PACED_TIMES}`,
  }
}
