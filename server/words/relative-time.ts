/** How long ago something was, as people say it. Needs no time zone, which a server would have to guess. */

import { DAY, HOUR, MINUTE } from '../kernel/seconds.ts'
import type { Language } from './languages.ts'

const UNITS = [
  ['year', 365 * DAY],
  ['month', 30 * DAY],
  ['week', 7 * DAY],
  ['day', DAY],
  ['hour', HOUR],
  ['minute', MINUTE],
] as const

/** `elapsed` in milliseconds: "5 minutes ago", "yesterday"; below a minute, or after a clock was set back, "now". */
export function timeAgo(language: Language, elapsed: number): string {
  const format = new Intl.RelativeTimeFormat(language, { numeric: 'auto' })
  const [unit, length] = UNITS.find(([, least]) => elapsed >= least) ?? ['second', 0]
  return format.format(length === 0 ? 0 : -Math.floor(elapsed / length), unit)
}
