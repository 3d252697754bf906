/**
 * A place in front of the password hash. Argon2id runs on libuv's four threads, which signing, DNS and files
 * share: four hashes in flight slow RS256 signing 36-fold. So at most two run at once, and the rest wait here for a
 * bounded time, so that a flood of passwords delays only passwords. Those who wait take turns by where they come
 * from, not by when: a flood from one network is a queue of its own, and stands in nobody else's way. What is hashed is
 * the caller's.
 */
import { availableParallelism } from 'node:os'
import type { Meter } from '../kernel/meter.ts'
import { networkOf } from '../kernel/network-of.ts'
import { SECOND } from '../kernel/seconds.ts'

const IN_FLIGHT = Math.min(availableParallelism(), 2)
const LONGEST_WAIT = 2 * SECOND
/** More than two seconds have turns for, and no more memory than a few hundred open requests take. */
const MOST_WAITING = 400
/** Of those, from one network. */
const MOST_PER_NETWORK = 20

/** The work was not begun: the person may simply try again. */
export class BusyError extends Error {
  override readonly name = 'BusyError'
}

export interface HashQueue {
  /**
   * Runs `work` when its turn comes; `address` is the caller's, as an IP address. Throws `BusyError` when the queue is
   * full or the turn does not come in 2 s.
   */
  run<T>(address: string, work: () => Promise<T>): Promise<T>
  /** How many wait for their turn. */
  waiting(): number
}

interface Waiting {
  readonly start: () => void
  readonly sendAway: (why: string) => void
}

export function createHashQueue(meter?: Meter): HashQueue {
  /** By network, each in the order of coming. The networks stand in the order of their next turns, and none is empty. */
  const queues = new Map<string, Waiting[]>()
  let waiting = 0
  let running = 0

  function remove(network: string, one: Waiting): void {
    const queue = queues.get(network) ?? []
    queue.splice(queue.indexOf(one), 1)
    if (queue.length === 0) queues.delete(network)
    waiting--
  }

  function leave(): void {
    running--
    const [turn] = queues
    if (!turn) return
    const [network, queue] = turn
    const [next] = queue
    next?.start()
    // To the end of the line, with whoever else waits there.
    if (queues.delete(network)) queues.set(network, queue)
  }

  /** Whether there is a place, if need be that of the last to come from where most do. */
  function makeRoom(network: string): boolean {
    const mine = queues.get(network)?.length ?? 0
    if (mine >= MOST_PER_NETWORK) return false
    if (waiting < MOST_WAITING) return true
    const longest = [...queues.values()].reduce((most, queue) => (queue.length > most.length ? queue : most))
    if (longest.length <= mine + 1) return false
    longest.at(-1)?.sendAway('Others came, from where fewer do.')
    return true
  }

  function wait(network: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const leaveQueue = () => {
        clearTimeout(timer)
        remove(network, one)
      }
      const one: Waiting = {
        start: () => {
          leaveQueue()
          running++
          resolve()
        },
        sendAway: why => {
          leaveQueue()
          reject(new BusyError(why))
        },
      }
      const timer = setTimeout(() => one.sendAway('The turn of a password check did not come in time.'), LONGEST_WAIT)
      const queue = queues.get(network)
      if (queue) queue.push(one)
      else queues.set(network, [one])
      waiting++
    })
  }

  async function turn(network: string): Promise<void> {
    // Nobody waits while there is room to run: whoever leaves hands the place on.
    if (running < IN_FLIGHT) running++
    else if (makeRoom(network)) await wait(network)
    else throw new BusyError('The queue of password checks is full.')
  }

  async function timed(waiting: Promise<void>): Promise<void> {
    if (!meter) return waiting
    const began = performance.now()
    let outcome: 'begun' | 'sent away' = 'sent away'
    try {
      await waiting
      outcome = 'begun'
    } finally {
      meter.waitedForHash(performance.now() - began, outcome)
    }
  }

  return {
    waiting: () => waiting,
    async run(address, work) {
      await timed(turn(networkOf(address)))
      try {
        return await work()
      } finally {
        leave()
      }
    },
  }
}
