/** What a million revocations take of memory in a process that follows them, and what they take while they come in. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { toSeconds } from '../server/kernel/seconds.ts'
import { AS_STARTED } from './contenders.ts'
import type { Figure } from './figure.ts'
import type { Followed, Streams } from './load/follow.ts'
import { cores, startWorker } from './processes.ts'

const REVOCATIONS = 1_000_000
const FEW = 1000
/** As many as the server puts into one event. */
const BATCH = 500

export async function measureRevocationMemory(): Promise<readonly Figure[]> {
  const [few, all] = [await serve(FEW), await serve(REVOCATIONS)]
  const worker = startWorker<Streams, Followed>(new URL('load/follow.ts', import.meta.url), cores.measured, {
    flags: ['--expose-gc'],
    environment: AS_STARTED,
  })
  try {
    const told = await worker.ask({ ofFew: few.issuer, ofAll: all.issuer })
    if (told.position !== REVOCATIONS) throw new Error(`Of the log ${told.position} were followed`)
    return [
      {
        name: `memory for ${REVOCATIONS} revocations`,
        measured: told.all - told.few,
        unit: 'MiB',
        bar: { under: 61 },
        detail: `${told.few.toFixed(0)} to ${told.all.toFixed(0)} MiB, taken in within ${(told.milliseconds / 1000).toFixed(1)} s`,
      },
      { name: 'at most, while they come in', measured: told.most - told.few, unit: 'MiB', bar: null },
    ]
  } finally {
    await worker.stop()
    few.stop()
    all.stop()
  }
}

/** An issuer whose log has that many different entries, told again until they are as many as ever. */
async function serve(different: number): Promise<{ readonly issuer: string; stop(): void }> {
  const expires = toSeconds(Date.now()) + 24 * 3600
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    // It stays open, as every stream does.
    Readable.from(stream(different, expires, performance.now())).pipe(response, { end: false })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    issuer: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    stop() {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** As long as ids are, of the kinds that there are most of. */
function* stream(different: number, expires: number, began: number): Generator<string> {
  for (let from = 0; from < REVOCATIONS; from += BATCH) {
    const entries = Array.from({ length: BATCH }, (_, index) => {
      const id = `${((from + index) % different).toString(36).padStart(10, '0')}${'x'.repeat(33)}`
      return index % 2 ? ['session', `ses_${id}`, null, expires] : ['token', `aut_${id}`, null, expires]
    })
    yield `event: entries\nid: ${from + BATCH}\ndata: ${JSON.stringify(entries)}\n\n`
  }
  yield `event: reading\nid: ${REVOCATIONS}\ndata: {"at":${Math.floor(performance.now() - began)}}\n\n`
}
