/**
 * The Management API over many users: reading one by id, beside a bare read of the store and an empty answer of Fastify, and
 * searches beside such a read. One request at a time on a connection that is kept, so that a figure is how long somebody waits.
 */
import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { freePort } from '../tests/fixtures/free-port.ts'
import type { StoreKind } from '../tests/fixtures/server.ts'
import type { ReadOrder } from './bare-reads.ts'
import { type Contender, startProduct } from './contenders.ts'
import { duel, type Party, spreadOf } from './duel.ts'
import type { Bar, Figure } from './figure.ts'
import { startGenerator } from './load/generator.ts'
import { accountOf, cityOf, emailOf, idOf, writePeople } from './people.ts'
import { withPostgres } from './postgres.ts'
import { cores, startServerProcess, startWorker, stopProcess } from './processes.ts'
import { basic, OPERATOR } from './world.ts'

const LENGTH = { rounds: 8, slice: 500, warmUp: 1500 }
/** So many different ones are asked for: what is asked for again is not what was asked for just now. */
const DIFFERENT = 500

export async function measureManagement(users: number): Promise<readonly Figure[]> {
  return [...(await measureOn('sqlite', users)), ...(await withPostgres(() => measureOn('postgres', users)))]
}

const NAMES: Readonly<Record<StoreKind, string>> = { sqlite: 'SQLite', postgres: 'PostgreSQL' }

async function measureOn(store: StoreKind, users: number): Promise<readonly Figure[]> {
  const product = await startProduct({
    store,
    settings: { LATCHKEY_MANAGEMENT_CALLS: '0' },
    fill: environment => writePeople(environment, users),
  })
  const closers: (() => Promise<void>)[] = [product.stop]
  try {
    const parties = await partiesOf(product, users, closers)
    // What takes turns is how long somebody waits, and not how often.
    const times = await duel(parties, LENGTH)
    const figure = (name: string, party: string, beside: readonly string[], bar: Bar | null): Figure => {
      const of = (one: string) => times[one] ?? []
      const limit = (round: number) => beside.reduce((sum, one) => sum + (of(one)[round] ?? Number.NaN), 0)
      const { median, lower, upper } = spreadOf(of(party).map((time, round) => time / limit(round)))
      const told = [party, ...beside].map(one => `${one} ${(spreadOf(of(one)).median * 1000).toFixed(0)} µs`)
      const spread = { lower, upper }
      return { name: `${name}, on ${NAMES[store]}`, measured: median, unit: '×', bar, spread, detail: told.join(', ') }
    }
    return [
      figure('a user by id, to a bare read and an empty answer', 'by id', ['bare read', 'empty answer'], { under: 2 }),
      figure('a search by e-mail, to a user by id', 'by e-mail', ['by id'], { under: 10 }),
      figure('a search by a member of metadata, to a user by id', 'by metadata', ['by id'], { under: 10 }),
      figure('ten of a hundred who share one, with their total', 'of a city', ['by id'], null),
      figure('the first fifty whose nickname begins so, by their address', 'by prefix', ['by id'], null),
      figure('the newest fifty of all, with their total', 'newest', ['by id'], null),
    ]
  } finally {
    for (const close of closers.toReversed()) await close()
  }
}

async function partiesOf(product: Contender, users: number, closers: (() => Promise<void>)[]): Promise<Party[]> {
  const headers = { authorization: `Bearer ${await tokenFor(product)}` }
  const places = Array.from({ length: DIFFERENT }, (_, index) => Math.floor((index * users) / DIFFERENT))

  const asking = async (name: string, pathOf: (index: number) => string, expected: (index: number) => unknown) => {
    const requests = places.map(index => ({ method: 'GET', target: pathOf(index), headers }) as const)
    const { host, port } = product
    const scenario = { name: 'each', requests } as const
    const generator = await startGenerator({ host, port, scenario, inFlight: 1 }, cores.asking)
    closers.push(generator.stop)
    const [first = 0] = places
    const answer = await fetch(`http://localhost:${port}${pathOf(first)}`, { headers })
    const body = await answer.json()
    assert.deepEqual([answer.status, countedIn(body)], [200, expected(first)], `${name}: ${JSON.stringify(body)}`)
    return { name, work: async (milliseconds: number) => medianOf((await generator.run({ milliseconds })).times) }
  }
  const search = (q: string, more = '') => `/api/v2/users?q=${encodeURIComponent(q)}${more}`
  return [
    await bareRead(product, places.map(idOf), closers),
    await emptyAnswer(closers),
    await asking(
      'by id',
      index => `/api/v2/users/${encodeURIComponent(idOf(index))}`,
      () => 1,
    ),
    await asking(
      'by e-mail',
      index => search(`email:"${emailOf(index)}"`),
      () => 1,
    ),
    await asking(
      'by metadata',
      index => search(`app_metadata.account:"${accountOf(index)}"`),
      () => 1,
    ),
    await asking(
      'of a city',
      index => search(`user_metadata.city:"${cityOf(index)}"`, '&per_page=10&include_totals=true'),
      () => 10,
    ),
    await asking(
      'by prefix',
      () => search('nickname:person.12*', '&sort=email:1'),
      () => 50,
    ),
    await asking(
      'newest',
      () => '/api/v2/users?sort=created_at:-1&include_totals=true',
      () => 50,
    ),
  ]
}

const medianOf = (times: readonly number[]): number => spreadOf(times).median

/** How many people an answer shows. */
const countedIn = (body: unknown): number => {
  if (Array.isArray(body)) return body.length
  const { users } = body as { users?: readonly unknown[] }
  return users ? users.length : 1
}

async function tokenFor({ issuer }: Contender): Promise<string> {
  const answer = await fetch(new URL('oauth/token', issuer), {
    method: 'POST',
    headers: { authorization: basic(OPERATOR) },
    body: new URLSearchParams({ grant_type: 'client_credentials', audience: `${issuer}api/v2/` }),
  })
  assert.equal(answer.status, 200, await answer.clone().text())
  return ((await answer.json()) as { access_token: string }).access_token
}

async function bareRead(
  { environment }: Contender,
  ids: readonly string[],
  closers: (() => Promise<void>)[],
): Promise<Party> {
  const worker = startWorker<ReadOrder, readonly number[]>(new URL('bare-reads.ts', import.meta.url), cores.measured)
  closers.push(worker.stop)
  await worker.ask({ environment, ids })
  return { name: 'bare read', work: async milliseconds => medianOf(await worker.ask({ milliseconds })) }
}

async function emptyAnswer(closers: (() => Promise<void>)[]): Promise<Party> {
  const port = await freePort()
  const child = await startServerProcess(
    { file: fileURLToPath(new URL('peer/empty.ts', import.meta.url)), environment: { BENCH_PORT: String(port) } },
    new URL(`http://localhost:${port}/`),
    cores.measured,
  )
  closers.push(() => stopProcess(child, 'SIGKILL'))
  const scenario = { name: 'repeat', request: { method: 'GET', target: '/' } } as const
  const generator = await startGenerator({ host: `localhost:${port}`, port, scenario, inFlight: 1 }, cores.asking)
  closers.push(generator.stop)
  return { name: 'empty answer', work: async milliseconds => medianOf((await generator.run({ milliseconds })).times) }
}
