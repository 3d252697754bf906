/**
 * A place in front of the password hash. Argon2id runs on libuv's four threads, which signing, DNS and files
 * share: four hashes in flight slow RS256 signing 36-fold. So at most two run at once, the rest wait here, each
 * for a bounded time and each address for a bounded share, so that a flood of passwords delays only passwords.
 */
import { availableParallelism } from 'node:os'
import { SECOND } from '../kernel/seconds.ts'

const IN_FLIGHT = Math.min(availableParallelism(), 2)
const LONGEST_WAIT = 2 * SECOND
const MOST_WAITING = 400
/** Of the queue, what one address may fill. */
const MOST_PER_ADDRESS = 20

/** The work was not begun: the person may simply try again. */
export class BusyError extends Error {
  override readonly name = 'BusyError'
}

export interface HashQueue {
  /** Runs `work` when its turn comes. Throws `BusyError` when the queue is full or the turn does not come in 2 s. */
  run<T>(address: string, work: () => Promise<T>): Promise<T>
}

interface Waiting {
  readonly address: string
  readonly start: () => void
  readonly timer: NodeJS.Timeout
}

export function createHashQueue(): HashQueue {
  const waiting: Waiting[] = []
  const perAddress = new Map<string, number>()
  let running = 0

  const count = (address: string, by: number) => {
    const next = (perAddress.get(address) ?? 0) + by
    if (next > 0) perAddress.set(address, next)
    else perAddress.delete(address)
  }

  const leave = () => {
    running--
    const next = waiting.shift()
    if (next) next.start()
  }

  const turn = (address: string): Promise<void> => {
    if (running < IN_FLIGHT) {
      running++
      return Promise.resolve()
    }
    if (waiting.length >= MOST_WAITING || (perAddress.get(address) ?? 0) >= MOST_PER_ADDRESS)
      return Promise.reject(new BusyError('The queue of password checks is full.'))
    return new Promise((resolve, reject) => {
      const entry: Waiting = {
        address,
        start: () => {
          clearTimeout(entry.timer)
          count(address, -1)
          running++
          resolve()
        },
        timer: setTimeout(() => {
          waiting.splice(waiting.indexOf(entry), 1)
          count(address, -1)
          reject(new BusyError('The turn of a password check did not come in time.'))
        }, LONGEST_WAIT),
      }
      count(address, 1)
      waiting.push(entry)
    })
  }

  return {
    async run(address, work) {
      await turn(address)
      try {
        return await work()
      } finally {
        leave()
      }
    },
  }
}
