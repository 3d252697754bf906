/**
 * Long work in a process that answers others: done in slices, between which whatever is due has its turn. What is
 * awaited meanwhile does not see to that by itself: the embedded database answers at once, and so does a cache.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'

/** In milliseconds: nobody notices having waited this long. */
const SLICE = 10

/** To be awaited at every step of the work; waits only when the slice is used up. */
export function createSlices(): () => Promise<void> | undefined {
  let began = performance.now()
  return () => {
    if (performance.now() - began < SLICE) return undefined
    return nextTurn().then(() => {
      began = performance.now()
    })
  }
}

let lastTurn: Promise<void> = Promise.resolve()

/**
 * A turn of the event loop for one piece of work, whoever's it is: however many work at once, others wait for one piece, and
 * who works takes turns.
 */
export const aTurnAlone = (): Promise<void> => {
  lastTurn = lastTurn.then(() => nextTurn())
  return lastTurn
}
