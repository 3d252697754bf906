/**
 * What a person meets first: how soon `npm start` answers the second time, and the memory it holds when idle and after
 * ten sign-ins. Runs the very command of the start script, in a temporary folder; how to sign in is `sign-in.ts`.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { SECOND } from '../server/kernel/seconds.ts'
import { randomSecret } from '../server/kernel/secrets.ts'
import { freePort } from '../tests/fixtures/free-port.ts'
import type { Figure } from './figure.ts'
import { type Account, signIn } from './sign-in.ts'

const STARTS = 5
const POLL_EVERY = 5
/** A start slower than this is a hang, and is reported as one instead of measured. */
const GIVE_UP_AFTER = 60 * SECOND
/** Long enough for the garbage of the start, or of the sign-ins, to be collected. */
const SETTLES_WITHIN = 10 * SECOND
const SIGN_INS = 10

const ROOT = new URL('../', import.meta.url)

/** Takes about half a minute. Linux only: the resident set is read from `/proc`. */
export async function measureStart(): Promise<readonly Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-bench-'))
  try {
    return await measureIn(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function measureIn(folder: string): Promise<readonly Figure[]> {
  const port = await freePort()
  const examplePort = await freePort()
  const gatewayPort = await freePort()
  const issuer = `http://localhost:${port}/`
  const account: Account = { email: 'bench@example.com', password: randomSecret() }
  const settings = {
    LATCHKEY_DATA: folder,
    LATCHKEY_PORT: `${port}`,
    LATCHKEY_ISSUER: issuer,
    LATCHKEY_EXAMPLE_PORT: `${examplePort}`,
    LATCHKEY_GATEWAY_PORT: `${gatewayPort}`,
    LATCHKEY_ADMIN_EMAIL: account.email,
    LATCHKEY_ADMIN_PASSWORD: account.password,
  }

  // The first start makes the database, the keys and the compile cache: it happens once in a server's life.
  await (await start(issuer, settings)).stop()

  const starts: number[] = []
  while (starts.length < STARTS - 1) {
    const server = await start(issuer, settings)
    starts.push(server.answeredAfter)
    await server.stop()
  }
  const server = await start(issuer, settings)
  starts.push(server.answeredAfter)
  try {
    await pause(SETTLES_WITHIN)
    const idle = residentMebibytes(server.pid)
    await signInRepeatedly(() => signIn(issuer, `http://localhost:${examplePort}/`, account))
    await pause(SETTLES_WITHIN)
    const used = residentMebibytes(server.pid)
    return [
      { name: `second start, median of ${STARTS}`, measured: median(starts) / SECOND, bar: { under: 0.8 }, unit: 's' },
      { name: 'memory, idle', measured: idle, bar: { under: 120 }, unit: 'MiB' },
      { name: `memory, after ${SIGN_INS} sign-ins`, measured: used, bar: { under: 140 }, unit: 'MiB' },
    ]
  } finally {
    await server.stop()
  }
}

interface Running {
  readonly pid: number
  /** From the spawn to the first 200 of discovery, in milliseconds. */
  readonly answeredAfter: number
  stop(): Promise<void>
}

async function start(issuer: string, settings: Readonly<Record<string, string>>): Promise<Running> {
  const { scripts } = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8'))
  const programs = fileURLToPath(new URL('node_modules/.bin', ROOT))
  const env = { ...process.env, PATH: `${programs}${delimiter}${process.env['PATH']}`, ...settings }
  const began = performance.now()
  const server = spawn('sh', ['-c', scripts.start], { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const output = collect(server)
  const exited = once(server, 'exit')

  const discovery = new URL('.well-known/openid-configuration', issuer)
  while (!(await answersOk(discovery))) {
    const elapsed = performance.now() - began
    if (server.exitCode === null && server.signalCode === null && elapsed < GIVE_UP_AFTER) {
      await pause(POLL_EVERY)
      continue
    }
    server.kill('SIGKILL')
    throw new Error(`npm start does not answer after ${Math.round(elapsed)} ms:\n${output()}`)
  }
  const answeredAfter = performance.now() - began

  return {
    pid: server.pid as number,
    answeredAfter,
    async stop() {
      server.kill('SIGTERM')
      const force = setTimeout(() => server.kill('SIGKILL'), GIVE_UP_AFTER)
      await exited
      clearTimeout(force)
      if (server.exitCode !== 0) throw new Error(`npm start did not end in good order on SIGTERM:\n${output()}`)
    },
  }
}

/** The end of what it printed, read all the while: a full pipe would stop it. */
function collect(server: ChildProcess): () => string {
  let text = ''
  for (const stream of [server.stdout, server.stderr]) {
    stream?.setEncoding('utf8').on('data', chunk => {
      text = (text + chunk).slice(-4000)
    })
  }
  return () => text
}

async function answersOk(url: URL): Promise<boolean> {
  try {
    const response = await fetch(url)
    await response.arrayBuffer()
    return response.status === 200
  } catch {
    return false
  }
}

/** Two at a time, because passwords hashed side by side are what memory is asked for. */
async function signInRepeatedly(signInOnce: () => Promise<void>): Promise<void> {
  for (let done = 0; done < SIGN_INS; done += 2) await Promise.all([signInOnce(), signInOnce()])
}

function residentMebibytes(pid: number): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kibibytes) / 1024
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] as number
