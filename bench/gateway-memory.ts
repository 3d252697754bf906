/** What a gateway's knowledge takes: a million revocations, and a hundred thousand tokens that it has seen besides. */
import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { SECOND } from '../server/kernel/seconds.ts'
import { PATH, RULE, startGatewayWith, startUpstream, untilAdmits } from './edges.ts'
import type { Figure } from './figure.ts'
import { openConnection } from './load/connection.ts'
import { IN_FLIGHT } from './measure.ts'
import { startRevokingIssuer } from './revoking-issuer.ts'
import { EDGE } from './world.ts'

const REVOCATIONS = 1_000_000
const TOKENS = 100_000
const WARM_UP = 5000
const SETTLES_WITHIN = 3 * SECOND
const MOST_LOOKS = 6
const SETTLED = 0.98
const MEBI = 2 ** 20

/** Takes about two minutes. Linux only: the resident set is read from `/proc`. */
export async function measureGatewayMemory(): Promise<readonly Figure[]> {
  const upstream = await startUpstream()
  const identity = await startRevokingIssuer()
  // Node collects on a signal only when somebody told it to.
  const flags = ['--expose-gc', '--import', new URL('collect-on-signal.ts', import.meta.url).href]
  const edge = await startGatewayWith(
    {
      issuers: [{ issuer: identity.issuer, client_id: EDGE.id, client_secret: EDGE.secret, algorithms: ['ES256'] }],
      routes: [
        { match: { path: '/ready' }, access: 'public', upstream: 'videos' },
        {
          match: { path: '/videos/*' },
          access: { audience: RULE.audience, scopes: [RULE.scope] },
          identity: { 'x-user-id': 'sub' },
          upstream: 'videos',
        },
      ],
      upstreams: { videos: { targets: [{ url: `http://127.0.0.1:${upstream.port}` }] } },
    },
    flags,
  )
  const residentNow = () => {
    const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${edge.pid}/status`, 'utf8'))?.[1]
    return (Number(kibibytes) * 1024) / MEBI
  }
  /** Once no more of it is over: what is freed goes back to the system little by little. */
  const resident = async (): Promise<number> => {
    let before = Number.POSITIVE_INFINITY
    for (let time = 0; time < MOST_LOOKS; time += 1) {
      process.kill(edge.pid, 'SIGUSR2')
      await pause(SETTLES_WITHIN)
      const now = residentNow()
      if (now > before * SETTLED) return now
      before = now
    }
    return before
  }
  try {
    const token = identity.token()
    await untilAdmits(edge, token)
    // Warm, and with one token alone.
    await present(edge.port, () => token, WARM_UP)
    const idle = await resident()
    await identity.revoke(REVOCATIONS)
    identity.revokeToken(token)
    // The last of them: what is refused after it has been told of all before.
    while ((await statusOf(edge.port, token)) !== 401) await pause(20)
    const told = await resident()
    await present(edge.port, () => identity.token(), TOKENS)
    const seen = await resident()
    return [
      {
        name: `${REVOCATIONS} revocations add`,
        measured: told - idle,
        unit: 'MiB',
        bar: { under: 64 },
        detail: `${idle.toFixed(0)} to ${told.toFixed(0)} MiB resident`,
      },
      { name: `and with ${TOKENS} tokens seen`, measured: seen, unit: 'MiB', bar: { under: 400 } },
    ]
  } finally {
    await edge.stop()
    await identity.stop()
    await upstream.stop()
  }
}

/** Each token once. */
async function present(port: number, nextToken: () => string, count: number): Promise<void> {
  let left = count
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      const connection = openConnection('127.0.0.1', port)
      for (; left > 0; left -= 1) {
        const headers = { authorization: `Bearer ${nextToken()}` }
        const { status, body } = await connection.ask({ method: 'GET', target: PATH, headers })
        if (status !== 200) throw new Error(`A token was answered ${status}: ${body}`)
      }
      connection.close()
    }),
  )
}

async function statusOf(port: number, token: string): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${port}${PATH}`, { headers: { authorization: `Bearer ${token}` } })
  await answer.arrayBuffer()
  return answer.status
}
