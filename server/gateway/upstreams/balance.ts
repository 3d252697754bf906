/** Which of several targets a request goes to. That they may be gone to at all is `upstream.ts`'s. */

export interface Weighted {
  /** Its host and port: what it is known by, whichever targets there are besides. */
  readonly name: string
  readonly weight: number
  readonly inFlight: number
  /** Of the smooth round: what it is owed. */
  owed: number
}

/** In turn, each as often as it weighs and the heavy ones spread out: what a target is owed grows with its weight. */
export function nextInTurn<T extends Weighted>(among: readonly T[]): T | undefined {
  let next: T | undefined
  let total = 0
  for (const target of among) {
    total += target.weight
    target.owed += target.weight
    if (!next || target.owed > next.owed) next = target
  }
  if (next) next.owed -= total
  return next
}

/** With the fewest requests for its weight; of several such the first, counted from the one whose `turn` it is. */
export function leastBusy<T extends Weighted>(among: readonly T[], turn: number): T | undefined {
  let least: T | undefined
  for (let step = 0; step < among.length; step++) {
    const target = among[(turn + step) % among.length]
    // (a + 1) / weight, without the division.
    if (target && (!least || (target.inFlight + 1) * least.weight < (least.inFlight + 1) * target.weight))
      least = target
  }
  return least
}

/**
 * The same for the same key, by weighted rendezvous: each target draws a number from the key and its own name, and the
 * highest wins. So a target that goes moves nobody but those that were its own.
 */
export function drawnBy<T extends Weighted>(among: readonly T[], key: string): T | undefined {
  let drawn: T | undefined
  let highest = Number.NEGATIVE_INFINITY
  for (const target of among) {
    const score = -target.weight / Math.log(fractionOf(target.name, key))
    if (score <= highest) continue
    highest = score
    drawn = target
  }
  return drawn
}

/** Between 0 and 1, neither of them. FNV-1a, then the last steps of MurmurHash3, which spread it over all bits. */
function fractionOf(name: string, key: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193)
  hash = Math.imul(hash ^ 0, 0x01000193)
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (((hash ^ (hash >>> 16)) >>> 0) + 0.5) / 0x1_0000_0000
}
