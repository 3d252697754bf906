/**
 * A gateway over a long time, with everything that happens to one: callers it knows and callers it meets, junk, open
 * pages, uploads, event streams, WebSockets, tokens that are revoked, clients of which one in twenty leaves in the middle
 * of an answer, and services that die and come back. `npm run bench -- gateway-soak --minutes 30`; never unasked.
 */
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { Agent, request as ask, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { MINUTE, SECOND } from '../server/kernel/seconds.ts'
import { freePort } from '../tests/fixtures/free-port.ts'
import { type Edge, RULE, startGatewayWith, untilAdmits } from './edges.ts'
import type { Figure } from './figure.ts'
import { cores, startServerProcess, stopProcess } from './processes.ts'
import { type RevokingIssuer, startRevokingIssuer } from './revoking-issuer.ts'
import { EDGE } from './world.ts'

/** At once, each with one thing under way. */
const CLIENTS = 24
/** Between two things that a client does: what is asked for is time, not speed. */
const BREATH = 20
const KNOWN = 500
/** One service is killed this often, in turn. */
const RESTARTS_EVERY = 15 * SECOND
/** What fails so soon after one died may have been on its way there. */
const EXCUSED_FOR = 3 * SECOND
const LOOKS_EVERY = 5 * SECOND
/** Of the gateway to each service: `connections` of its route file. */
const SOCKETS = 40
const LONGEST_UPLOAD = 2 ** 20

interface Soak {
  readonly port: number
  readonly identity: RevokingIssuer
  readonly known: readonly { readonly token: string; readonly subject: string }[]
  readonly agent: Agent
  readonly done: Record<string, number>
  readonly wrong: string[]
  diedAt: number
  excused: number
}

type Action = (soak: Soak) => Promise<string | undefined>

/** THE PROFILE: how often of a hundred, and what. An action answers what was wrong, if anything. */
const PROFILE: readonly { readonly share: number; readonly name: string; readonly act: Action }[] = [
  { share: 40, name: 'known', act: soak => read(soak, '/videos/1', any(soak.known)) },
  { share: 15, name: 'new', act: soak => read(soak, '/videos/2', personOf(soak.identity)) },
  { share: 10, name: 'junk', act: soak => expectRefusal(soak, '/videos/3', junk()) },
  { share: 3, name: 'revoked', act: expectRevoked },
  { share: 10, name: 'public', act: soak => read(soak, '/public/4', null) },
  { share: 2, name: 'nowhere', act: async soak => statusShould(404, await send(soak, '/nowhere')) },
  { share: 5, name: 'upload', act: upload },
  { share: 5, name: 'leave', act: leave },
  { share: 5, name: 'long', act: soak => readWhole(soak, '/videos/long', 20 * 4096) },
  { share: 3, name: 'events', act: events },
  { share: 2, name: 'socket', act: webSocket },
]

/** Linux only: the resident set is read from `/proc`. */
export async function measureGatewaySoak(minutes: number): Promise<readonly Figure[]> {
  const services = [await freePort(), await freePort()].map(port => ({ port, child: startService(port) }))
  const identity = await startRevokingIssuer()
  await Promise.all(services.map(({ child }) => child))
  const edge = await startGatewayWith(routeFileFor(identity, services))
  const known = Array.from({ length: KNOWN }, () => personOf(identity))
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS })
  const soak: Soak = { port: edge.port, identity, known, agent, done: {}, wrong: [], diedAt: 0, excused: 0 }
  try {
    await untilAdmits(edge, known[0]?.token ?? '')
    const until = performance.now() + minutes * MINUTE
    const memory: Seen[] = []
    let sockets = 0
    const isOver = () => performance.now() >= until
    const each = async (every: number, work: (turn: number) => Promise<void>) => {
      for (let turn = 0; !isOver(); turn += 1) {
        await pause(Math.min(every, Math.max(0, until - performance.now())))
        await work(turn)
      }
    }
    await Promise.all([
      ...Array.from({ length: CLIENTS }, () => each(BREATH, () => actOnce(soak))),
      each(LOOKS_EVERY, async () => {
        memory.push({ at: performance.now(), mebi: residentOf(edge) })
        for (const { port } of services) sockets = Math.max(sockets, await socketsOf(port))
      }),
      each(RESTARTS_EVERY, async turn => {
        const service = services[turn % services.length]
        if (!service || isOver()) return
        soak.diedAt = performance.now()
        await stopProcess(await service.child, 'SIGKILL')
        service.child = startService(service.port)
        await service.child
        soak.diedAt = performance.now()
      }),
    ])
    return figuresOf(soak, memory, sockets, minutes)
  } finally {
    agent.destroy()
    await edge.stop()
    await identity.stop()
    for (const { child } of services) await stopProcess(await child, 'SIGKILL')
  }
}

const startService = (port: number) =>
  startServerProcess(
    { file: fileURLToPath(new URL('peer/service.ts', import.meta.url)), environment: { BENCH_PORT: `${port}` } },
    new URL(`http://127.0.0.1:${port}/ready`),
    cores.asking,
  )

function routeFileFor({ issuer }: RevokingIssuer, services: readonly { readonly port: number }[]) {
  const open = { access: 'public', upstream: 'videos' }
  const access = { audience: RULE.audience, scopes: [RULE.scope] }
  return {
    issuers: [{ issuer, client_id: EDGE.id, client_secret: EDGE.secret, algorithms: ['ES256'] }],
    routes: [
      { match: { path: '/ready' }, ...open },
      { match: { path: '/public/*' }, ...open },
      { match: { path: '/videos/*' }, access, identity: { 'x-user-id': 'sub' }, upstream: 'videos', max_body: '2mb' },
    ],
    upstreams: {
      videos: {
        targets: services.map(({ port }) => ({ url: `http://127.0.0.1:${port}` })),
        connections: SOCKETS,
        health: { path: '/ready', interval: '1s' },
        breaker: { failures: 20, within: '1s', open: '1s' },
      },
    },
  }
}

async function actOnce(soak: Soak): Promise<void> {
  let left = Math.random() * 100
  const chosen = PROFILE.find(({ share }) => {
    left -= share
    return left < 0
  })
  if (!chosen) return
  const { name, act } = chosen
  const began = performance.now()
  const wrong = await act(soak).catch((error: Error) => `failed: ${error.message}`)
  soak.done[name] = (soak.done[name] ?? 0) + 1
  if (wrong === undefined) return
  // Only what a service that dies may cause, and only around its death.
  const mayBeItsDeath = /^(?:failed|answered 50[234]|broken off)/.test(wrong)
  if (mayBeItsDeath && soak.diedAt + EXCUSED_FOR > began) soak.excused += 1
  else soak.wrong.push(`${name}: ${wrong}`)
}

type Person = Soak['known'][number]

function personOf(identity: RevokingIssuer): Person {
  const token = identity.token()
  return { token, subject: JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).sub }
}

const any = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)] as T

/** A token that is none, or a good one with something else in it. */
function junk(): string {
  const bytes = () => randomBytes(40).toString('base64url')
  return `${Buffer.from('{"alg":"ES256","kid":"bench"}').toString('base64url')}.${bytes()}.${bytes()}`
}

interface Sending {
  readonly token?: string
  readonly method?: string
  readonly body?: Buffer
}

async function send({ port, agent }: Soak, path: string, { token, method = 'GET', body }: Sending = {}) {
  const headers = { ...(token && { authorization: `Bearer ${token}` }), ...(body && { 'content-length': body.length }) }
  const asked = ask({ host: '127.0.0.1', port, path, method, headers, agent })
  asked.end(body)
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  return answer
}

async function statusShould(status: number, answer: IncomingMessage): Promise<string | undefined> {
  const said = await text(answer)
  return answer.statusCode === status ? undefined : `answered ${answer.statusCode} in place of ${status}: ${said}`
}

/** The service has to have been told who it is, and nobody else. */
async function read(soak: Soak, path: string, person: Person | null): Promise<string | undefined> {
  const answer = await send(soak, path, person ? { token: person.token } : {})
  const said = await text(answer)
  if (answer.statusCode !== 200) return `answered ${answer.statusCode}: ${said}`
  const { url, who } = JSON.parse(said)
  return url === path && who === (person?.subject ?? null) ? undefined : `told ${said} to ${person?.subject}`
}

const expectRefusal = async (soak: Soak, path: string, token: string) =>
  statusShould(401, await send(soak, path, { token }))

/** Refused for ever, once refused; and that within a second of its end. */
async function expectRevoked(soak: Soak): Promise<string | undefined> {
  const person = personOf(soak.identity)
  const before = await read(soak, '/videos/5', person)
  if (before !== undefined) return before
  soak.identity.revokeToken(person.token)
  await pause(SECOND)
  return expectRefusal(soak, '/videos/5', person.token)
}

async function upload(soak: Soak): Promise<string | undefined> {
  const body = randomBytes(1 + Math.floor(Math.random() * LONGEST_UPLOAD))
  const { token } = any(soak.known)
  const answer = await send(soak, '/videos/6', { token, method: 'POST', body })
  const said = await text(answer)
  if (answer.statusCode !== 200) return `answered ${answer.statusCode}: ${said}`
  return JSON.parse(said).sent === createHash('sha256').update(body).digest('hex') ? undefined : 'another body arrived'
}

async function leave(soak: Soak): Promise<undefined> {
  const answer = await send(soak, '/videos/long', { token: any(soak.known).token })
  answer.on('error', () => {})
  await once(answer, 'data')
  answer.destroy()
}

async function readWhole(soak: Soak, path: string, length: number): Promise<string | undefined> {
  const answer = await send(soak, path, { token: any(soak.known).token })
  if (answer.statusCode !== 200) return `answered ${answer.statusCode}: ${await text(answer)}`
  const said = await text(answer).catch(() => undefined)
  if (said === undefined) return 'broken off, and said so'
  return said.length === length ? undefined : `${said.length} of ${length} bytes, and no word of the rest`
}

async function events(soak: Soak): Promise<string | undefined> {
  const { token, subject } = any(soak.known)
  const answer = await send(soak, '/videos/events', { token })
  if (answer.statusCode !== 200) return `answered ${answer.statusCode}: ${await text(answer)}`
  const said = await text(answer).catch(() => undefined)
  if (said === undefined) return 'broken off, and said so'
  return said === `data: ${subject}\n\n`.repeat(5) ? undefined : `events ${JSON.stringify(said)}`
}

async function webSocket({ port, known }: Soak): Promise<string | undefined> {
  const { token, subject } = any(known)
  const socket = new WebSocket(`ws://127.0.0.1:${port}/videos/socket`, ['bearer', token])
  try {
    const told = await new Promise<string>((resolve, reject) => {
      socket.onmessage = ({ data }) => resolve(String(data))
      socket.onerror = () => reject(new Error('the socket failed'))
      socket.onclose = ({ code }) => reject(new Error(`the socket closed with ${code}`))
    })
    return told === subject ? undefined : `a socket told ${told} to ${subject}`
  } finally {
    socket.close()
  }
}

interface Seen {
  readonly at: number
  readonly mebi: number
}

const residentOf = ({ pid }: Edge): number =>
  Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024

async function socketsOf(port: number): Promise<number> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/sockets`)
    return ((await answer.json()) as { count: number }).count
  } catch {
    return 0
  }
}

/** Of the last two thirds, by least squares: in mebibytes a minute. */
function slopeOf(memory: readonly Seen[]): number {
  const last = memory.slice(Math.floor(memory.length / 3))
  const mean = (value: (one: Seen) => number) => last.reduce((sum, one) => sum + value(one), 0) / last.length
  const [at, mebi] = [mean(one => one.at), mean(one => one.mebi)]
  const above = last.reduce((sum, one) => sum + (one.at - at) * (one.mebi - mebi), 0)
  const below = last.reduce((sum, one) => sum + (one.at - at) ** 2, 0)
  return (above / below) * MINUTE
}

function figuresOf({ done, wrong, excused }: Soak, memory: readonly Seen[], sockets: number, minutes: number) {
  const total = Object.values(done).reduce((sum, count) => sum + count, 0)
  const most = memory.reduce((most, { mebi }) => Math.max(most, mebi), 0)
  const what = Object.entries(done).map(([name, count]) => `${count} ${name}`)
  return [
    {
      name: `wrong answers in ${minutes} minutes`,
      measured: wrong.length,
      unit: '',
      bar: { under: 1 },
      detail: [`of ${total}: ${what.join(', ')}`, ...wrong.slice(0, 5)].join('; '),
    },
    { name: 'not answered because a service died', measured: excused, unit: '', bar: null },
    {
      name: 'memory, over the last two thirds',
      measured: slopeOf(memory),
      unit: 'MiB a minute',
      bar: { under: 1 },
      detail: `at most ${most.toFixed(0)} MiB`,
    },
    // Those of the pool, of upgrades, of a health check and of who counts them.
    { name: 'sockets to a service, at most', measured: sockets, unit: '', bar: { under: SOCKETS + CLIENTS + 2 } },
  ] satisfies readonly Figure[]
}
