/**
 * Units of time. Instants and durations inside are milliseconds; seconds exist on the wire and in settings,
 * where the name says so (`lifetimeSeconds`).
 */
import type { Instant } from './clock.ts'

export const SECOND = 1000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

/** NumericDate of RFC 7519 §2: whole seconds, rounded down so that no token claims to be from the future. */
export const toSeconds = (instant: Instant): number => Math.floor(instant / SECOND)
