/** Who is measured: Latchkey as an operator runs it, and its peer, each a process of its own with the same clients in it. */
import assert from 'node:assert/strict'
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { freePort } from '../tests/fixtures/free-port.ts'
import { createPerson } from '../tests/fixtures/person.ts'
import { MAIN } from '../tests/fixtures/process.ts'
import { newEnvironment, type StoreKind } from '../tests/fixtures/server.ts'
import { cores, startServerProcess, stopProcess } from './processes.ts'
import {
  type Algorithm,
  ANN,
  apiOf,
  applicationOf,
  authorizePath,
  basic,
  REDIRECT_URI,
  tenantFileOf,
  VERIFIER,
} from './world.ts'

export interface Contender {
  readonly name: 'latchkey' | 'oidc-provider'
  /** With its trailing slash, if it has one. */
  readonly issuer: string
  readonly host: string
  readonly port: number
  readonly pid: number
  /** The environment of the product, for whoever looks into its database. */
  readonly environment: Readonly<Record<string, string>>
  stop(): Promise<void>
}

const DISCOVERY = '/.well-known/openid-configuration'

/** As the start script runs it, and with the log that it writes unless told otherwise. */
export const AS_STARTED = { MALLOC_TRIM_THRESHOLD_: '131072', GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1' }
export const FLAGS_AS_STARTED = ['--max-semi-space-size=8', '--heap-growing-percent=100']

export interface ProductOptions {
  readonly store: StoreKind
  /** Node's own, besides those of the start script. */
  readonly flags?: readonly string[]
  /** Settings besides. */
  readonly settings?: Readonly<Record<string, string>>
  /** What its database is to hold when it is measured: done while it is stopped, after a first start. */
  readonly fill?: (environment: Readonly<Record<string, string>>) => Promise<void>
}

/** On PostgreSQL, one has to be there: `withPostgres`. */
export async function startProduct({ store, flags = [], settings = {}, fill }: ProductOptions): Promise<Contender> {
  const { environment, discard } = await newEnvironment(store, {
    ...AS_STARTED,
    LATCHKEY_LOG_LEVEL: 'info',
    ...settings,
  })
  const file = join(environment['LATCHKEY_DATA'] ?? '', 'tenant.yaml')
  writeFileSync(file, JSON.stringify(tenantFileOf(environment['LATCHKEY_ISSUER'] ?? '')))
  const start = () =>
    startServerProcess(
      {
        file: MAIN,
        args: ['serve'],
        flags: [...FLAGS_AS_STARTED, ...flags],
        environment: { ...environment, LATCHKEY_APPLY: file },
      },
      new URL(DISCOVERY, environment['LATCHKEY_ISSUER']),
      cores.measured,
    )
  if (fill) {
    await stopProcess(await start())
    await fill(environment)
  }
  const child = await start()
  const port = Number(environment['LATCHKEY_PORT'])
  return {
    name: 'latchkey',
    issuer: environment['LATCHKEY_ISSUER'] ?? '',
    host: `localhost:${port}`,
    port,
    pid: child.pid as number,
    environment,
    async stop() {
      await stopProcess(child)
      await discard()
    },
  }
}

/** Another node over the database of that one, which runs on PostgreSQL: of the same issuer, at another port. */
export async function startSecondNode(first: Contender): Promise<Contender> {
  const [port, folder] = [await freePort(), mkdtempSync(join(tmpdir(), 'latchkey-bench-'))]
  copyFileSync(join(first.environment['LATCHKEY_DATA'] ?? '', 'master.key'), join(folder, 'master.key'))
  const environment = { ...first.environment, LATCHKEY_PORT: String(port), LATCHKEY_DATA: folder }
  const answersAt = new URL(`http://127.0.0.1:${port}/healthz`)
  const child = await startServerProcess(
    { file: MAIN, args: ['serve'], flags: FLAGS_AS_STARTED, environment },
    answersAt,
    cores.measured,
  )
  return {
    ...first,
    port,
    pid: child.pid as number,
    environment,
    async stop() {
      await stopProcess(child)
      rmSync(folder, { recursive: true })
    },
  }
}

export async function startPeer(): Promise<Contender> {
  const port = await freePort()
  const child = await startServerProcess(
    { file: fileURLToPath(new URL('peer/serve.ts', import.meta.url)), environment: { BENCH_PORT: String(port) } },
    new URL(DISCOVERY, `http://localhost:${port}`),
    cores.measured,
  )
  return {
    name: 'oidc-provider',
    issuer: `http://localhost:${port}`,
    host: `localhost:${port}`,
    port,
    pid: child.pid as number,
    environment: {},
    stop: () => stopProcess(child, 'SIGKILL'),
  }
}

/** The cookies of a browser in which Ann is signed in, as a Cookie header. */
export const signedIn = async (contender: Contender, algorithm: Algorithm): Promise<string> =>
  (await signIn(contender, authorizePath(algorithm, { lasting: true }))).cookies

/** Those that an application gets when Ann signs in: with `forApi`, for the API of the algorithm, else for `/userinfo` alone. */
export async function tokensOf(
  contender: Contender,
  algorithm: Algorithm,
  { forApi }: { forApi: boolean },
): Promise<{ access_token: string; id_token: string }> {
  const { code } = await signIn(contender, authorizePath(algorithm, { forApi }))
  const answer = await fetch(new URL('/oauth/token', contender.issuer), {
    method: 'POST',
    headers: { authorization: basic(applicationOf(algorithm)) },
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      redirect_uri: REDIRECT_URI,
      code,
      code_verifier: VERIFIER,
    }),
  })
  assert.equal(answer.status, 200, await answer.clone().text())
  return (await answer.json()) as { access_token: string; id_token: string }
}

async function signIn({ issuer }: Contender, path: string): Promise<{ cookies: string; code: string }> {
  const browser = createPerson(issuer)
  const stop = await browser.visit(new URL(path, issuer))
  const end = stop.left ? stop : await browser.submit(stop, { username: ANN.email, password: ANN.password })
  const code = end.url.searchParams.get('code')
  assert.ok(end.left && code, `Nobody is signed in at ${issuer}, but on ${end.url}`)
  return { cookies: browser.cookies.header() ?? '', code }
}

/** One of the answers that were counted: what a figure counts has to be sound tokens. */
export async function verifyTokens(
  { issuer }: Contender,
  algorithm: Algorithm,
  body: string,
  { idToken = false } = {},
): Promise<void> {
  const tokens = JSON.parse(body)
  const discovery = await fetch(new URL(DISCOVERY, issuer))
  const { jwks_uri } = (await discovery.json()) as { jwks_uri: string }
  const keys = createRemoteJWKSet(new URL(jwks_uri))
  const options = { issuer, algorithms: [algorithm] }
  const { payload } = await jwtVerify(tokens.access_token, keys, { ...options, audience: apiOf(algorithm) })
  assert.equal(payload['scope'] === undefined, false)
  if (!idToken) return
  const { payload: claims } = await jwtVerify(tokens.id_token, keys, {
    ...options,
    audience: applicationOf(algorithm).id,
  })
  assert.equal(claims['name'], ANN.name)
}
