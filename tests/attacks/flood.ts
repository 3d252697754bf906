/**
 * A flood of sign-ins, in a thread of its own so that whoever measures the server meanwhile measures the server. It asks
 * at a given rate, whatever becomes of what it asked: a flood does not wait for answers. What it is told is counted.
 */
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { SECOND } from '../../server/kernel/seconds.ts'

export interface Flood {
  /** The sign-in page that is posted to, and the cookies of the browser that opened it. */
  readonly url: string
  readonly cookie: string
  readonly form: string
  readonly perSecond: number
  /** Where from, in turns: told by a proxy that the server trusts. */
  readonly addresses: readonly string[]
}

/** How many were answered, by status; `lost` are those that nobody answered. */
export type FloodCount = Readonly<Record<string, number>>

export interface RunningFlood {
  /** Ends it once everything it asked is answered. */
  stop(): Promise<FloodCount>
}

/** Resolves once it has begun. */
export async function startFlood(flood: Flood): Promise<RunningFlood> {
  const worker = new Worker(new URL(import.meta.url), { workerData: flood })
  await once(worker, 'message')
  return {
    async stop() {
      const counted = once(worker, 'message')
      worker.postMessage('stop')
      const [count] = (await counted) as [FloodCount]
      await worker.terminate()
      return count
    },
  }
}

function ask({ url, cookie, form }: Flood, address: string, agent: Agent): Promise<string> {
  const headers = {
    cookie,
    origin: new URL(url).origin,
    'content-type': 'application/x-www-form-urlencoded',
    'x-forwarded-for': address,
  }
  return new Promise(resolve => {
    const asked = request(url, { method: 'POST', agent, headers }, answer => {
      answer.on('end', () => resolve(String(answer.statusCode)))
      answer.on('error', () => resolve('lost'))
      answer.resume()
    })
    asked.on('error', () => resolve('lost'))
    asked.end(form)
  })
}

/** How often it looks what is due. */
const TICK = 5

async function flow(flood: Flood, until: Promise<unknown>): Promise<FloodCount> {
  const agent = new Agent({ keepAlive: true })
  const answers: Promise<void>[] = []
  const counts: Record<string, number> = {}
  const began = performance.now()
  // Timers come late on a busy machine: what is due by the clock is asked, so that the rate holds.
  const timer = setInterval(() => {
    const due = ((performance.now() - began) / SECOND) * flood.perSecond
    while (answers.length < due) {
      const address = flood.addresses[answers.length % flood.addresses.length] ?? ''
      answers.push(
        ask(flood, address, agent).then(status => {
          counts[status] = (counts[status] ?? 0) + 1
        }),
      )
    }
  }, TICK)
  await until
  clearInterval(timer)
  await Promise.all(answers)
  agent.destroy()
  return counts
}

if (!isMainThread && parentPort) {
  const stopped = once(parentPort, 'message')
  parentPort.postMessage('begun')
  parentPort.postMessage(await flow(workerData as Flood, stopped))
}
