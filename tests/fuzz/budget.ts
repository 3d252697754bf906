/**
 * For how long a property is tried, and how it is told. A few seconds in a run of all tests; LATCHKEY_FUZZ_SECONDS gives
 * it as long as one likes. On a failure fast-check prints the seed and the path, which LATCHKEY_FUZZ_SEED and
 * LATCHKEY_FUZZ_PATH play again.
 */
import fc from 'fast-check'
import { SECOND } from '../../server/kernel/seconds.ts'

const { LATCHKEY_FUZZ_SECONDS, LATCHKEY_FUZZ_SEED, LATCHKEY_FUZZ_PATH } = process.env

/** In a run of all tests: enough on a quick machine; a slow one stops when the time is up. */
const RUNS = LATCHKEY_FUZZ_SECONDS === undefined ? 400 : Number.MAX_SAFE_INTEGER
const SECONDS = Number(LATCHKEY_FUZZ_SECONDS ?? 3)

export const assertHolds = <T>(property: fc.IAsyncProperty<T>): Promise<void> =>
  fc.assert(property, {
    numRuns: RUNS,
    interruptAfterTimeLimit: SECONDS * SECOND,
    endOnFailure: LATCHKEY_FUZZ_PATH !== undefined,
    ...(LATCHKEY_FUZZ_SEED !== undefined && { seed: Number(LATCHKEY_FUZZ_SEED) }),
    ...(LATCHKEY_FUZZ_PATH !== undefined && { path: LATCHKEY_FUZZ_PATH }),
  })
