/**
 * A server as an operator runs it, to be flooded and measured: a process of its own behind a proxy that it trusts, a
 * machine that asks it for tokens, and what the rest of the computer is doing meanwhile, because a figure is the
 * server's only when nobody else takes the processors from it.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { Agent, type IncomingMessage, request } from 'node:http'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { stringify } from 'yaml'
import { SECOND } from '../../server/kernel/seconds.ts'
import { createPerson, type Person } from '../fixtures/person.ts'
import { end, serve } from '../fixtures/process.ts'
import { newEnvironment, type StoreKind } from '../fixtures/server.ts'
import { type RunningFlood, startFlood } from './flood.ts'
import { ANN, API, authorizePath, MACHINE, tenantFile, UNPROTECTED } from './stage.ts'

export interface FloodedServer {
  readonly issuer: string
  /** Somebody with a browser of their own, who comes from this address. */
  person(address: string): Person
  /** The sign-in page as somebody just opened it. */
  openSignIn(person: Person): ReturnType<Person['visit']>
  flood(perSecond: number, addresses: readonly string[]): Promise<RunningFlood>
  /** Machines ask for tokens one after another for that long, in milliseconds; and what was going on meanwhile. */
  watchTokens(milliseconds: number): Promise<Watched>
  /** Of its memory, in mebibytes: what is resident, and the most that ever was. Linux only. */
  memory(): { readonly resident: number; readonly peak: number }
  close(): Promise<void>
}

export interface Watched {
  /** In milliseconds, in no order. */
  readonly times: readonly number[]
  /** Of the processors' time, what neither the server nor we had: 0 to 1, and 1 where that cannot be known. */
  readonly othersShare: number
}

/** As the `start` script runs it. */
const AS_STARTED = {
  MALLOC_TRIM_THRESHOLD_: '131072',
  GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1',
  NODE_OPTIONS: '--max-semi-space-size=8',
}
/** Between one token and the next: a machine that asks all the time would measure itself. */
const BETWEEN_TOKENS = 3
const MACHINES = 2

export async function startFloodedServer(store: StoreKind): Promise<FloodedServer> {
  const { environment, discard } = await newEnvironment(
    store,
    { LATCHKEY_TRUSTED_PROXIES: '127.0.0.1,::1' },
    { isMigrated: true },
  )
  const file = join(environment['LATCHKEY_DATA'] ?? '', 'tenant.yaml')
  // What is measured is what the queue does for itself.
  writeFileSync(file, stringify({ ...tenantFile, attackProtection: UNPROTECTED }))
  const { child } = await serve({ ...environment, ...AS_STARTED, LATCHKEY_APPLY: file })
  const issuer = environment['LATCHKEY_ISSUER'] ?? ''
  const agent = new Agent({ keepAlive: true })

  const person = (address: string) => createPerson(issuer, { 'x-forwarded-for': address })
  const openSignIn = (somebody: Person) => somebody.visit(new URL(authorizePath(), issuer))

  async function timeToken(): Promise<number> {
    const began = performance.now()
    const body = new URLSearchParams({ grant_type: 'client_credentials', ...MACHINE, audience: API }).toString()
    const answer = await post(new URL('oauth/token', issuer), body, agent)
    const told = await text(answer)
    if (answer.statusCode !== 200) throw new Error(`No token: ${answer.statusCode} ${told}`)
    return performance.now() - began
  }

  return {
    issuer,
    person,
    openSignIn,

    async flood(perSecond, addresses) {
      const flooder = person('192.0.2.1')
      const { url } = await openSignIn(flooder)
      const form = new URLSearchParams({ username: ANN.email, password: 'not the password' }).toString()
      return startFlood({ url: url.href, cookie: flooder.cookies.header() ?? '', form, perSecond, addresses })
    },

    async watchTokens(milliseconds) {
      const before = processorTime(child.pid)
      const until = performance.now() + milliseconds
      const times: number[] = []
      async function ask(): Promise<void> {
        while (performance.now() < until) {
          times.push(await timeToken())
          await pause(BETWEEN_TOKENS)
        }
      }
      await Promise.all(Array.from({ length: MACHINES }, ask))
      return { times, othersShare: shareOfOthers(before, processorTime(child.pid)) }
    },

    memory() {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
      const mebibytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024
      return { resident: mebibytes('VmRSS'), peak: mebibytes('VmHWM') }
    },

    async close() {
      agent.destroy()
      await end(child, 'SIGKILL')
      await discard()
    },
  }
}

const post = (url: URL, body: string, agent: Agent): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    request(url, { method: 'POST', agent, headers }, resolve).on('error', reject).end(body)
  })

/** In milliseconds since each began: of all processors, of those that had nothing to do, and what the server and we took. */
interface ProcessorTime {
  readonly all: number
  readonly idle: number
  readonly ours: number
}

/** Linux counts in hundredths of a second towards programs (`USER_HZ`). */
const TICK = SECOND / 100

function processorTime(server: number | undefined): ProcessorTime | undefined {
  const times = cpus().map(cpu => cpu.times)
  const all = times.reduce((sum, { user, nice, sys, idle, irq }) => sum + user + nice + sys + idle + irq, 0)
  const idle = times.reduce((sum, time) => sum + time.idle, 0)
  try {
    // The name in the second field may hold blanks; user and system time are the 14th and 15th.
    const stat = readFileSync(`/proc/${server}/stat`, 'utf8')
    const [user, system] = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 13)
    const own = process.cpuUsage()
    return { all, idle, ours: (Number(user) + Number(system)) * TICK + (own.user + own.system) / 1000 }
  } catch {
    return undefined
  }
}

function shareOfOthers(before: ProcessorTime | undefined, after: ProcessorTime | undefined): number {
  if (!before || !after) return 1
  const gone = after.all - before.all
  return Math.max(0, gone - (after.idle - before.idle) - (after.ours - before.ours)) / gone
}

/** The smallest that at least this share, 0 to 1, of them do not exceed. */
export function quantile(times: readonly number[], share: number): number {
  const sorted = times.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}
