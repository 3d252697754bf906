/**
 * What a flood of passwords delays: tokens for machines, asked for while forty networks send twice the passwords that
 * can be hashed. The same is a test, which judges less where others use the machine too.
 */
import { SECOND } from '../server/kernel/seconds.ts'
import { quantile, startFloodedServer } from '../tests/attacks/flooded-server.ts'
import type { Figure } from './figure.ts'

const NETWORKS = Array.from({ length: 40 }, (_, place) => `198.51.100.${place}`)
const PER_SECOND = 120
const RISES_IN = 3 * SECOND
const WATCHED_FOR = 10 * SECOND

/** Takes about half a minute. Linux only: memory is read from `/proc`. */
export async function measureFlood(): Promise<readonly Figure[]> {
  const server = await startFloodedServer('sqlite')
  try {
    await server.watchTokens(RISES_IN)
    const quiet = await server.watchTokens(WATCHED_FOR)
    const flood = await server.flood(PER_SECOND, NETWORKS)
    await server.watchTokens(RISES_IN)
    const flooded = await server.watchTokens(WATCHED_FOR)
    await flood.stop()
    return [
      { name: 'a token, p99', measured: quantile(quiet.times, 0.99), bar: { under: 30 }, unit: 'ms' },
      {
        name: 'a token under a flood of passwords, median',
        measured: quantile(flooded.times, 0.5),
        bar: { under: 15 },
        unit: 'ms',
      },
      {
        name: 'a token under a flood of passwords, p99',
        measured: quantile(flooded.times, 0.99),
        bar: { under: 30 },
        unit: 'ms',
      },
      { name: 'memory at its most', measured: server.memory().peak, bar: { under: 320 }, unit: 'MiB' },
    ]
  } finally {
    await server.close()
  }
}
