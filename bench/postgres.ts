/** A PostgreSQL for as long as something is measured on it: with the settings it comes with, so that what it says is written is on the disk. */
import { startCluster } from '../tests/fixtures/cluster.ts'
import { cores, pinnedTo } from './processes.ts'

/** It runs beside whoever asks, since another machine is where it would be. */
export async function withPostgres<T>(work: () => Promise<T>): Promise<T> {
  const cluster = await startCluster({ durable: true, runBy: pinnedTo(cores.asking) })
  process.env['LATCHKEY_TEST_POSTGRES'] = cluster.url
  try {
    return await work()
  } finally {
    await cluster.discard()
  }
}
