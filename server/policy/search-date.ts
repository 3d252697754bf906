/** What a date in a search of people or logs means: the whole year, month or day that it names, or one moment. */
import type { Instant } from '../kernel/clock.ts'

/** Both included. */
export interface Span {
  readonly first: Instant
  readonly last: Instant
}

/** For whoever wrote something else. */
export const WHAT_A_DATE_IS = 'is a date: 2026-01-31, or 2026-01-31T12:00:00Z'

const DATE = /^(\d{4})(?:-(\d{2})(?:-(\d{2})(T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})?)?)?)?$/

/** In UTC unless it says otherwise. Undefined for what is no date. */
export function spanOfDate(text: string): Span | undefined {
  const [, year, month, day, time] = DATE.exec(text) ?? []
  if (year === undefined) return undefined
  if (time !== undefined) {
    const isZoned = /(?:Z|[+-]\d{2}:\d{2})$/.test(time)
    const at = Date.parse(isZoned ? text : `${text}Z`)
    return Number.isNaN(at) ? undefined : { first: at, last: at }
  }
  const first = Date.parse(`${year}-${month ?? '01'}-${day ?? '01'}T00:00:00Z`)
  if (Number.isNaN(first)) return undefined
  const [y, m, d] = [Number(year), Number(month ?? 1) - 1, Number(day ?? 1)]
  const next = day ? Date.UTC(y, m, d + 1) : month ? Date.UTC(y, m + 1) : Date.UTC(y + 1, 0)
  return { first, last: next - 1 }
}
