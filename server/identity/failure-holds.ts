/**
 * How long a wrong password is held, once it was checked: where people were imported with hashes that take longer to
 * check than ours, and have not signed in since, every failure in their tenant takes as long as theirs, whoever it was
 * for and whether they exist. It is waited for, not worked for, so that it costs a flood time and the server nothing.
 */
import type { Bus } from '../kernel/bus.ts'
import { createCache } from '../kernel/cache.ts'
import type { Clock } from '../kernel/clock.ts'
import { SECOND } from '../kernel/seconds.ts'
import type { Store } from '../store/store.ts'
import { OUR_WORK } from './password-hash.ts'

interface CostClass {
  /** Of a check, in the unit of `password-formats/work.ts`: a thousand take a usual core a millisecond. */
  readonly most: number
  /** From when a check began; twice what the dearest of the class takes, for a machine that is slower or busy. */
  readonly hold: number
}

/** By number: 0 needs no hold. Whatever is dearer than the last is held as that, and can be told by what it takes beyond. */
const CLASSES: readonly CostClass[] = [
  { most: OUR_WORK * 1.25, hold: 0 },
  { most: 100_000, hold: 0.2 * SECOND },
  { most: 200_000, hold: 0.4 * SECOND },
  { most: 500_000, hold: 1 * SECOND },
]

/** For the credential of a hash whose check costs this much. */
export function costClassOf(work: number): number {
  const found = CLASSES.findIndex(({ most }) => work <= most)
  return found < 0 ? CLASSES.length - 1 : found
}

/** Milliseconds from the beginning of a check until a tenant tells of its failure. */
export type FailureHolds = (tenant: string) => Promise<number>

const CACHED_TENANTS = 1000

export function createFailureHolds({ store, bus, clock }: { store: Store; bus: Bus; clock: Clock }): FailureHolds {
  const holds = createCache<number>({ limit: CACHED_TENANTS, clock, bus, topic: 'cost-class', keyOf: ({ id }) => id })
  return tenant =>
    holds.get(tenant, async () => CLASSES[await store.credentials.dearest(tenant)]?.hold ?? CLASSES.at(-1)?.hold ?? 0)
}
