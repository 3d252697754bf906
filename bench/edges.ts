/**
 * Who lets requests through or turns them away, each a process of its own before the same upstream: Latchkey's gateway,
 * one thread of HAProxy, and what one writes with express. All of them ask of a token what `RULE` says, tell the service
 * its `sub` in a header, and pass it on.
 */
import { createPublicKey } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import { SECOND } from '../server/kernel/seconds.ts'
import { freePort } from '../tests/fixtures/free-port.ts'
import { MAIN } from '../tests/fixtures/process.ts'
import { AS_STARTED, type Contender } from './contenders.ts'
import { type Core, cores, startProgram, startServerProcess, stopProcess } from './processes.ts'
import { apiOf, EDGE } from './world.ts'

export interface Edge {
  readonly name: 'latchkey' | 'haproxy' | 'express'
  readonly port: number
  readonly pid: number
  stop(): Promise<void>
}

/** What it may not ask for and still be compared: the key, the issuer, the audience, the time and a scope. */
export const RULE = { audience: apiOf('RS256'), scope: 'read:videos' } as const
/** Of the service behind them. `/ready` is public. */
export const PATH = '/videos/42'

/** What an edge has to know. */
export interface Behind {
  readonly identity: Contender
  readonly upstreamPort: number
}

/** A service that costs next to nothing: nginx, which answers every request with the same short text. */
export async function startUpstream(): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const [port, folder] = [await freePort(), mkdtempSync(join(tmpdir(), 'latchkey-bench-'))]
  const file = join(folder, 'nginx.conf')
  writeFileSync(
    file,
    `daemon off; master_process off; pid ${folder}/nginx.pid; error_log stderr error;
     events { worker_connections 4096; }
     http {
       access_log off; keepalive_requests 1000000000; default_type application/json;
       client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder};
       uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
       server { listen 127.0.0.1:${port}; return 200 '{"id":42,"title":"A lighthouse in the fog"}'; }
     }`,
  )
  const command = ['/usr/sbin/nginx', '-c', file, '-e', 'stderr']
  const child = await startProgram(command, {}, new URL(`http://127.0.0.1:${port}/`), cores.asking)
  return {
    port,
    async stop() {
      await stopProcess(child)
      rmSync(folder, { recursive: true })
    },
  }
}

/** Every request to a service that is known by its token, and one that is open to all. */
export const routeFileFor = ({ identity, upstreamPort }: Behind) => ({
  issuers: [{ issuer: identity.issuer, client_id: EDGE.id, client_secret: EDGE.secret }],
  routes: [
    { match: { path: '/ready', methods: ['GET'] }, access: 'public', upstream: 'videos' },
    {
      match: { path: '/videos/*' },
      access: { audience: RULE.audience, scopes: [RULE.scope] },
      identity: { 'x-user-id': 'sub' },
      upstream: 'videos',
    },
  ],
  upstreams: { videos: { targets: [{ url: `http://127.0.0.1:${upstreamPort}` }] } },
})

/** As an operator runs it: it reads keys and revocations from the identity server, and writes its access log. */
export const startGateway = (behind: Behind): Promise<Edge> => startGatewayWith(routeFileFor(behind))

/** `/ready` has to be open to all. `flags` are Node's own. */
export async function startGatewayWith(
  routeFile: object,
  flags: readonly string[] = [],
  core: Core = cores.measured,
): Promise<Edge> {
  const [port, folder] = [await freePort(), mkdtempSync(join(tmpdir(), 'latchkey-bench-'))]
  const file = join(folder, 'edge.yaml')
  writeFileSync(file, stringify({ listen: `127.0.0.1:${port}`, ...routeFile }), { mode: 0o600 })
  const environment = { ...AS_STARTED, LATCHKEY_LOG_LEVEL: 'info' }
  const options = { file: MAIN, args: ['gateway', '--config', file], flags, environment }
  const child = await startServerProcess(options, new URL(`http://127.0.0.1:${port}/ready`), core)
  return {
    name: 'latchkey',
    port,
    pid: child.pid as number,
    async stop() {
      await stopProcess(child)
      rmSync(folder, { recursive: true })
    },
  }
}

/** Resolves once a sound token passes: the gateway knows keys and revocations. */
export async function untilAdmits({ port, name }: Edge, token: string): Promise<void> {
  const deadline = performance.now() + ADMITS_WITHIN
  for (;;) {
    const headers = { authorization: `Bearer ${token}` }
    const answer = await fetch(`http://127.0.0.1:${port}${PATH}`, { headers })
    const text = await answer.text()
    if (answer.status === 200) return
    if (performance.now() > deadline) throw new Error(`${name} lets no token pass: ${answer.status} ${text}`)
    await pause(50)
  }
}

const ADMITS_WITHIN = 30 * SECOND

/**
 * One thread, with the public key in a file, doing what the gateway does: a line of the log for each request, the
 * client's address and an id of the request for the service.
 */
export async function startHaproxy({ identity, upstreamPort }: Behind): Promise<Edge> {
  const [port, folder] = [await freePort(), mkdtempSync(join(tmpdir(), 'latchkey-bench-'))]
  const [file, key] = [join(folder, 'haproxy.cfg'), join(folder, 'key.pem')]
  writeFileSync(key, await publicKeyOf(identity))
  writeFileSync(
    file,
    `global
  nbthread 1
  maxconn 4096
  log stdout format raw local0
defaults
  mode http
  log global
  option httplog
  option forwardfor
  unique-id-format %[uuid]
  unique-id-header x-request-id
  timeout connect 1s
  timeout client 30s
  timeout server 30s
frontend edge
  bind 127.0.0.1:${port}
  default_backend videos
  http-request del-header x-user-id
  http-request allow if { path /ready }
  http-request set-var(txn.token) http_auth_bearer
  http-request set-var(txn.claims) var(txn.token),word(2,.),ub64dec
  http-request set-var(txn.now) date()
  http-request set-var(txn.exp) var(txn.claims),json_query('$.exp','int')
  http-request deny deny_status 401 unless { var(txn.token),jwt_header_query('$.alg') -m str RS256 }
  http-request deny deny_status 401 unless { var(txn.claims),json_query('$.iss') -m str ${identity.issuer} }
  http-request deny deny_status 401 unless { var(txn.claims),json_query('$.aud') -m str ${RULE.audience} }
  http-request deny deny_status 401 unless { var(txn.exp),sub(txn.now) -m int gt 0 }
  http-request deny deny_status 401 unless { var(txn.token),jwt_verify("RS256","${key}") 1 }
  http-request deny deny_status 403 unless { var(txn.claims),json_query('$.scope'),word(1,' ') -m str ${RULE.scope} }
  http-request set-header x-user-id %[var(txn.claims),json_query('$.sub')]
backend videos
  http-reuse always
  server one 127.0.0.1:${upstreamPort}
`,
  )
  const command = ['/usr/sbin/haproxy', '-db', '-f', file]
  const child = await startProgram(command, {}, new URL(`http://127.0.0.1:${port}/ready`), cores.measured)
  return {
    name: 'haproxy',
    port,
    pid: child.pid as number,
    async stop() {
      await stopProcess(child)
      rmSync(folder, { recursive: true })
    },
  }
}

/** With which nothing but the key's change would be noticed: the one that signs now. */
async function publicKeyOf({ issuer }: Contender): Promise<string> {
  const answer = await fetch(new URL('/.well-known/jwks.json', issuer))
  const { keys } = (await answer.json()) as { keys: { kty: string; alg?: string }[] }
  const signing = keys.find(({ alg }) => alg === 'RS256')
  if (!signing) throw new Error(`${issuer} has no key for RS256`)
  return createPublicKey({ key: signing, format: 'jwk' }).export({ format: 'pem', type: 'spki' }) as string
}

export async function startExpress({ identity, upstreamPort }: Behind): Promise<Edge> {
  const port = await freePort()
  const child = await startServerProcess(
    {
      file: fileURLToPath(new URL('peer/express-gateway.ts', import.meta.url)),
      environment: {
        NODE_ENV: 'production',
        BENCH_PORT: String(port),
        BENCH_UPSTREAM_PORT: String(upstreamPort),
        BENCH_ISSUER: identity.issuer,
        BENCH_AUDIENCE: RULE.audience,
      },
    },
    new URL(`http://127.0.0.1:${port}/ready`),
    cores.measured,
  )
  return { name: 'express', port, pid: child.pid as number, stop: () => stopProcess(child) }
}
