/**
 * Several compared in one run, in short slices that take turns: what else the machine does meanwhile falls on all of
 * them alike, and each figure is a ratio of neighbours. What is compared is the caller's.
 */
import { setTimeout as pause } from 'node:timers/promises'

export interface Party {
  readonly name: string
  /** Works for so many milliseconds, and answers how much a second. */
  work(milliseconds: number): Promise<number>
}

export interface DuelOptions {
  readonly rounds: number
  /** Of each party in each round, in milliseconds. */
  readonly slice: number
  /** Of each party before the first round, in milliseconds. */
  readonly warmUp: number
}

/** By name, one rate a round. */
export type Rates = Readonly<Record<string, readonly number[]>>

/** Between two slices, so that what one has left to write or to collect is not the next one's to bear. */
const BREATH = 100

export async function duel(parties: readonly Party[], { rounds, slice, warmUp }: DuelOptions): Promise<Rates> {
  const rates: Record<string, number[]> = Object.fromEntries(parties.map(({ name }) => [name, []]))
  for (const party of parties) await party.work(warmUp)
  for (let round = 0; round < rounds; round += 1) {
    // There and back again: nobody is always the first.
    for (const party of round % 2 === 0 ? parties : parties.toReversed()) {
      await pause(BREATH)
      rates[party.name]?.push(await party.work(slice))
    }
  }
  return rates
}

export interface Spread {
  readonly median: number
  /** The middle half lies between them. */
  readonly lower: number
  readonly upper: number
}

/** Of the ratios of each round. */
export function ratioOf(rates: Rates, one: string, other: string): Spread {
  const others = rates[other] ?? []
  return spreadOf((rates[one] ?? []).map((rate, round) => rate / (others[round] ?? Number.NaN)))
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number): number => {
    const place = share * (sorted.length - 1)
    const [below = Number.NaN, above = below] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]]
    return below + (above - below) * (place - Math.floor(place))
  }
  return { median: at(0.5), lower: at(0.25), upper: at(0.75) }
}
