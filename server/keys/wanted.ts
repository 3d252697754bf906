/**
 * Which algorithms a tenant's clients and APIs ask for, as the keyring is told: it knows neither of them. RS256 is
 * wanted always, because it is what every verifier knows.
 */
import type { PairAlgorithmName } from './algorithms.ts'
import type { Slot } from './purposes.ts'

/** Read from the store each time; RS256 need not be among them. */
export type WantedAlgorithms = (tenant: string) => Promise<readonly PairAlgorithmName[]>

export const ALWAYS_WANTED = 'RS256' satisfies PairAlgorithmName

/** Whether a key of the slot has to sign. Secrets have owners instead of an algorithm somebody chose. */
export const isWanted = ({ purpose, algorithm }: Omit<Slot, 'tenant'>, wanted: readonly string[]): boolean =>
  purpose !== 'token-signing' || algorithm === ALWAYS_WANTED || wanted.includes(algorithm)
