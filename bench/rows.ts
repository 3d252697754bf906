/** What is left of many refreshes of few families: their rows, the events, and nothing that grows besides. */
import { countRows } from '../tests/fixtures/dump.ts'
import { signedIn, startProduct } from './contenders.ts'
import type { Figure } from './figure.ts'
import { startGenerator } from './load/generator.ts'
import { cores } from './processes.ts'

const FAMILIES = 100
const REFRESHES = 100_000

/** Takes some minutes. */
export async function measureRows(): Promise<readonly Figure[]> {
  const product = await startProduct({ store: 'sqlite' })
  try {
    const cookies = [await signedIn(product, 'ES256')]
    const { host, port } = product
    const scenario = { name: 'refresh', algorithm: 'ES256', cookies } as const
    const generator = await startGenerator({ host, port, scenario, inFlight: FAMILIES }, cores.asking)
    const before = countRows(product.environment)
    const { turns } = await generator.run({ turns: REFRESHES })
    await generator.stop()
    const after = countRows(product.environment)

    const more = (table: string) => (after[table] ?? Number.NaN) - (before[table] ?? Number.NaN)
    const grown = Object.keys(after).filter(table => table !== 'events' && more(table) > 0)
    return [
      {
        name: `families, after ${turns} refreshes of ${FAMILIES}`,
        measured: after['families'] ?? Number.NaN,
        unit: 'rows',
        bar: { under: FAMILIES + 1 },
      },
      { name: 'tickets more than before', measured: more('tickets'), unit: 'rows', bar: { under: 1 } },
      {
        name: 'tables that grew, besides that of events',
        measured: grown.length,
        unit: '',
        bar: { under: 1 },
        detail: grown.join(' '),
      },
      { name: 'events more than before', measured: more('events'), unit: 'rows', bar: { atLeast: turns } },
    ]
  } finally {
    await product.stop()
  }
}
