/**
 * How long a token that is revoked is still let through: from sending the request that revokes it to the first refusal of
 * the last of four gateways, each of which is asked again as soon as it has answered. With one identity node, and with two
 * over PostgreSQL, where the gateways follow one and the other revokes.
 */
import assert from 'node:assert/strict'
import { quantile } from '../tests/attacks/flooded-server.ts'
import { type Contender, startProduct, startSecondNode } from './contenders.ts'
import { type Edge, PATH, routeFileFor, startGatewayWith, startUpstream } from './edges.ts'
import type { Bar, Figure } from './figure.ts'
import { openConnection } from './load/connection.ts'
import { withPostgres } from './postgres.ts'
import { tokenRequest } from './tokens.ts'
import { machineOf } from './world.ts'

const TIMES = 500
const GATEWAYS = 4
/** Until then a gateway is waited for that has just begun. */
const READY_WITHIN = 10_000
/** Of each gateway, before its token is revoked and after it was refused. */
const PROBES = 3

export async function measureRevocation(): Promise<readonly Figure[]> {
  const one = await withGateways('sqlite', async (product, gateways) => revokeOften(product, product, gateways))
  const two = await withPostgres(() =>
    withGateways('postgres', async (product, gateways) => {
      const second = await startSecondNode(product)
      try {
        return await revokeOften(product, second, gateways)
      } finally {
        await second.stop()
      }
    }),
  )
  return [
    quantileFigure('revoked on the node that is followed, p50', one, 0.5, { under: 5 }),
    quantileFigure('revoked on the node that is followed, p99', one, 0.99, { under: 20 }),
    quantileFigure('revoked on another node, p99', two, 0.99, { under: 50 }),
    {
      name: 'let through after a refusal',
      measured: one.letThrough + two.letThrough,
      unit: '',
      bar: { under: 1 },
      detail: `of ${one.probes + two.probes} requests`,
    },
  ]
}

async function withGateways<T>(
  store: 'sqlite' | 'postgres',
  work: (product: Contender, gateways: readonly Edge[]) => Promise<T>,
): Promise<T> {
  const stops: (() => Promise<void>)[] = []
  const started = <S extends { stop(): Promise<void> }>(it: S): S => {
    stops.unshift(it.stop)
    return it
  }
  try {
    const upstream = started(await startUpstream())
    const identity = started(await startProduct({ store }))
    const routeFile = routeFileFor({ identity, upstreamPort: upstream.port })
    const gateways: Edge[] = []
    // They share what is left of the machine: where they belong, each has one of its own.
    for (let place = 0; place < GATEWAYS; place++) gateways.push(started(await startGatewayWith(routeFile, [], null)))
    return await work(identity, gateways)
  } finally {
    for (const stop of stops) await stop()
  }
}

interface Revoked {
  readonly times: readonly number[]
  /** Of each, what was left once the one who revoked was answered; below 0 where nothing was. */
  readonly afterAnswer: readonly number[]
  readonly letThrough: number
  readonly probes: number
}

/** `host` is the issuer's for both: the second node answers by its name as well. */
async function revokeOften(issuer: Contender, revoking: Contender, gateways: readonly Edge[]): Promise<Revoked> {
  const asking = openConnection(issuer.host, issuer.port)
  const ending = openConnection(issuer.host, revoking.port)
  const probing = gateways.map(({ port }) => openConnection(`127.0.0.1:${port}`, port))
  const { id, secret } = machineOf('RS256')
  const [times, afterAnswer]: [number[], number[]] = [[], []]
  let [letThrough, probes] = [0, 0]

  for (let time = 0; time < TIMES; time++) {
    const token = String(JSON.parse((await asking.ask(tokenRequest('RS256'))).body).access_token)
    const probe = { method: 'GET', target: PATH, headers: { authorization: `Bearer ${token}` } } as const
    await Promise.all(probing.map(connection => takes(connection.ask, probe)))

    const refusals = probing.map(async connection => {
      let refusedAt: number | undefined
      for (let left = PROBES; left > 0; ) {
        const { status } = await connection.ask(probe)
        probes++
        if (status === 401) {
          refusedAt ??= performance.now()
          left--
        } else {
          assert.equal(status, 200)
          if (refusedAt !== undefined) letThrough++
        }
      }
      return refusedAt ?? Number.NaN
    })
    const sentAt = performance.now()
    const form = new URLSearchParams({ token, client_id: id, client_secret: secret }).toString()
    const { status } = await ending.ask({ method: 'POST', target: '/oauth/revoke', form })
    const answeredAt = performance.now()
    assert.equal(status, 200)
    const lastAt = Math.max(...(await Promise.all(refusals)))
    times.push(lastAt - sentAt)
    afterAnswer.push(lastAt - answeredAt)
  }
  for (const connection of [asking, ending, ...probing]) connection.close()
  return { times, afterAnswer, letThrough, probes }
}

/** A gateway that has just begun knows nothing of revocations yet, and lets nobody through. */
async function takes(
  ask: ReturnType<typeof openConnection>['ask'],
  probe: Parameters<ReturnType<typeof openConnection>['ask']>[0],
): Promise<void> {
  const deadline = performance.now() + READY_WITHIN
  for (let taken = 0; taken < PROBES; ) {
    const { status, body } = await ask(probe)
    if (status === 200) taken++
    else if (status !== 503 || performance.now() > deadline) throw new Error(`${status} ${body}`)
  }
}

function quantileFigure(name: string, { times, afterAnswer }: Revoked, part: number, bar: Bar): Figure {
  return {
    name,
    measured: quantile(times, part),
    unit: 'ms',
    bar,
    detail: `${times.length} times, at most ${Math.max(...times).toFixed(1)} ms; ${quantile(afterAnswer, part).toFixed(1)} ms after the answer`,
  }
}
