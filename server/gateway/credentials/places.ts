/**
 * Questions that a stranger can cause, and the few places there are for them: so many at once, so many more in a row for
 * it, and of both no more for one network than leaves room for others. Whoever has the fewest under way is next, so that a
 * flood waits behind everybody else.
 */
import { SECOND } from '../../kernel/seconds.ts'

export interface Places {
  /** Resolves, to a function that gives the place back, once one is free; to undefined when none will be soon. */
  enter(network: string): Promise<(() => void) | undefined>
}

export interface PlacesOptions {
  readonly mostAtOnce: number
  readonly mostWaiting: number
  /** Of both together. */
  readonly mostFromOne: number
}

const LONGEST_WAIT = 2 * SECOND

export function createPlaces({ mostAtOnce, mostWaiting, mostFromOne }: PlacesOptions): Places {
  const underWay = createTally()
  const present = createTally()
  const waiting = new Map<(isFree: boolean) => void, string>()
  let taken = 0

  /** Resolves to true when somebody hands their place on, to false when it took too long. */
  function wait(network: string): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const end = (isFree: boolean) => {
      clearTimeout(timer)
      waiting.delete(end)
      // At once, so that whoever is chosen next is chosen with this one in mind.
      if (isFree) underWay.add(network, 1)
      resolve(isFree)
    }
    const timer = setTimeout(end, LONGEST_WAIT, false)
    waiting.set(end, network)
    return promise
  }

  function next(): ((isFree: boolean) => void) | undefined {
    let chosen: ((isFree: boolean) => void) | undefined
    let fewest = Number.POSITIVE_INFINITY
    for (const [end, network] of waiting) {
      if (underWay.of(network) >= fewest) continue
      chosen = end
      fewest = underWay.of(network)
    }
    return chosen
  }

  return {
    async enter(network) {
      const isFull = taken >= mostAtOnce
      if (present.of(network) >= mostFromOne || (isFull && waiting.size >= mostWaiting)) return undefined
      present.add(network, 1)
      if (!isFull) {
        taken++
        underWay.add(network, 1)
      } else if (!(await wait(network))) {
        present.add(network, -1)
        return undefined
      }
      return () => {
        underWay.add(network, -1)
        present.add(network, -1)
        const hand = next()
        // The place goes from hand to hand, so nobody who comes meanwhile can take it.
        if (hand) hand(true)
        else taken--
      }
    },
  }
}

function createTally() {
  const counts = new Map<string, number>()
  return {
    of: (name: string): number => counts.get(name) ?? 0,
    add(name: string, difference: number): void {
      const count = (counts.get(name) ?? 0) + difference
      if (count > 0) counts.set(name, count)
      else counts.delete(name)
    },
  }
}
