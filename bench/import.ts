/**
 * A hundred thousand people from a file, with hashes that are ready: how many a second, in how much memory, and how long
 * somebody waits meanwhile who wants a token, or something written.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { SECOND } from '../server/kernel/seconds.ts'
import { quantile } from '../tests/attacks/flooded-server.ts'
import { type Contender, startProduct } from './contenders.ts'
import type { Figure } from './figure.ts'
import { basic, OPERATOR } from './world.ts'

const PEOPLE = 100_000
const ASKS_EVERY = 20
/** In MiB: 250 MB. */
const MOST_MEMORY = 238

/** Takes about half a minute. Linux only: memory is read from `/proc`. */
export async function measureImport(): Promise<readonly Figure[]> {
  const product = await startProduct({ store: 'sqlite' })
  try {
    const api = await managing(product)
    const [connection] = await api.read<{ id: string }[]>('/connections?strategy=auth0')
    const [ann] = await api.read<{ user_id: string }[]>('/users-by-email?email=ann@example.com')
    const form = new FormData()
    form.append('users', new Blob([fileOf(PEOPLE)]), 'people.json')
    form.append('connection_id', connection?.id ?? '')

    const began = performance.now()
    const { id } = await api.ask<{ id: string }>('POST', '/jobs/users-imports', { body: form })
    const sent = performance.now()
    const isOver = api.untilOver(id)
    const watched = await watch(isOver, {
      token: () => api.token(),
      change: () =>
        api.ask('PATCH', `/users/${encodeURIComponent(ann?.user_id ?? '')}`, {
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ user_metadata: { at: performance.now() } }),
        }),
    })
    const { summary, ended } = await isOver
    assert.deepEqual(summary, { total: PEOPLE, inserted: PEOPLE, updated: 0, failed: 0 })
    return [
      {
        name: 'people imported, once the file is there',
        measured: PEOPLE / ((ended - sent) / SECOND),
        unit: 'a second',
        bar: { atLeast: 6000 },
        detail: `${((sent - began) / SECOND).toFixed(1)} s to send, ${((ended - sent) / SECOND).toFixed(1)} s to import`,
      },
      { name: 'memory at its most', measured: mostMemory(product.pid), unit: 'MiB', bar: { under: MOST_MEMORY } },
      { name: 'a token meanwhile, median', measured: quantile(watched.token, 0.5), unit: 'ms', bar: null },
      { name: 'a token meanwhile, p99', measured: quantile(watched.token, 0.99), unit: 'ms', bar: null },
      { name: 'a change of a user meanwhile, median', measured: quantile(watched.change, 0.5), unit: 'ms', bar: null },
      { name: 'a change of a user meanwhile, p99', measured: quantile(watched.change, 0.99), unit: 'ms', bar: null },
      { name: 'a change of a user meanwhile, longest', measured: Math.max(...watched.change), unit: 'ms', bar: null },
    ]
  } finally {
    await product.stop()
  }
}

const HASH = '$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy'

/** As an export of Auth0's has them: an address, names, a hash and some metadata. */
function fileOf(people: number): string {
  const lines = Array.from({ length: people }, (_, number) =>
    JSON.stringify({
      email: `person.${number}@example.com`,
      email_verified: number % 3 > 0,
      given_name: 'Person',
      family_name: `Number ${number}`,
      name: `Person Number ${number}`,
      password_hash: HASH,
      app_metadata: { plan: number % 5 > 0 ? 'free' : 'gold', seats: number % 50 },
      user_metadata: { language: 'en' },
    }),
  )
  return `[\n${lines.join(',\n')}\n]\n`
}

interface Api {
  token(): Promise<string>
  ask<T>(method: string, path: string, init?: { body: string | FormData; headers?: Record<string, string> }): Promise<T>
  read<T>(path: string): Promise<T>
  untilOver(job: string): Promise<{ readonly summary: object; readonly ended: number }>
}

async function managing({ issuer }: Contender): Promise<Api> {
  const token = async (): Promise<string> => {
    const answer = await fetch(new URL('/oauth/token', issuer), {
      method: 'POST',
      headers: { authorization: basic(OPERATOR) },
      body: new URLSearchParams({ grant_type: 'client_credentials', audience: `${issuer}api/v2/` }),
    })
    return ((await answer.json()) as { access_token: string }).access_token
  }
  const authorization = `Bearer ${await token()}`
  const api: Api = {
    token,
    async ask<T>(method: string, path: string, { body, headers = {} }: Parameters<Api['ask']>[2] = { body: '' }) {
      const answer = await fetch(new URL(`/api/v2${path}`, issuer), {
        method,
        headers: { authorization, ...headers },
        ...(body !== '' && { body }),
      })
      assert.ok(answer.ok, `${method} ${path} was answered with ${answer.status}`)
      return (await answer.json()) as T
    },
    read: path => api.ask('GET', path),
    async untilOver(id) {
      for (;;) {
        const { status, summary } = await api.read<{ status: string; summary: object }>(`/jobs/${id}`)
        if (status === 'completed' || status === 'failed') return { summary, ended: performance.now() }
        await pause(ASKS_EVERY)
      }
    },
  }
  return api
}

/** Each is asked again and again, one at a time, until that is over: how long it took, every time. */
async function watch<Name extends string>(
  over: Promise<unknown>,
  asked: Readonly<Record<Name, () => Promise<unknown>>>,
): Promise<Readonly<Record<Name, readonly number[]>>> {
  let isOver = false
  void over.then(() => {
    isOver = true
  })
  const times = Object.entries<() => Promise<unknown>>(asked).map(async ([name, ask]) => {
    const took: number[] = []
    while (!isOver) {
      const began = performance.now()
      await ask()
      took.push(performance.now() - began)
      await pause(ASKS_EVERY)
    }
    return [name, took] as const
  })
  return Object.fromEntries(await Promise.all(times)) as { [name in Name]: number[] }
}

const mostMemory = (pid: number): number =>
  Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
