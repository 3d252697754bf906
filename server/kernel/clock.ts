/**
 * Time, passed in. Nothing below `compose.ts` reads the system's clock, so expiry is tested with a number
 * and never with a sleep.
 */

/** Milliseconds since 1970-01-01T00:00:00Z, an integer: the form in which every instant is kept and stored. */
export type Instant = number

export type Clock = () => Instant

export const systemClock: Clock = () => Date.now()
