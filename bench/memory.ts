/** Whether memory grows with what was answered: what is resident after few tokens and after many, once all garbage is collected. */
import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { SECOND } from '../server/kernel/seconds.ts'
import { startProduct } from './contenders.ts'
import type { Figure } from './figure.ts'
import { startGenerator } from './load/generator.ts'
import { IN_FLIGHT } from './measure.ts'
import { cores } from './processes.ts'
import { askForToken } from './tokens.ts'

const FEW = 100_000
const MANY = 500_000
/** For what waits to be written, and for the system to take back what was freed. */
const SETTLES_WITHIN = 3 * SECOND

/** Takes some minutes. Linux only: the resident set is read from `/proc`. */
export async function measureMemory(): Promise<readonly Figure[]> {
  // Node collects on a signal only when somebody told it to: `collect.ts` does.
  const product = await startProduct({
    store: 'sqlite',
    flags: ['--expose-gc', '--import', new URL('collect-on-signal.ts', import.meta.url).href],
  })
  try {
    const { host, port, pid } = product
    const job = { host, port, scenario: askForToken('ES256'), inFlight: IN_FLIGHT }
    const generator = await startGenerator(job, cores.asking)
    const residentAfter = async (turns: number): Promise<number> => {
      await generator.run({ turns })
      process.kill(pid, 'SIGUSR2')
      await pause(SETTLES_WITHIN)
      const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
      return Number(kibibytes) / 1024
    }
    const few = await residentAfter(FEW)
    const many = await residentAfter(MANY - FEW)
    await generator.stop()
    return [
      {
        name: `memory after ${MANY} tokens, to that after ${FEW}`,
        measured: many / few,
        unit: '×',
        bar: { under: 1.1 },
        detail: `${many.toFixed(0)} to ${few.toFixed(0)} MiB`,
      },
      { name: `memory after ${MANY} tokens`, measured: many, unit: 'MiB', bar: { under: 220 } },
    ]
  } finally {
    await product.stop()
  }
}
