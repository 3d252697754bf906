/** How long something lasts, as people say it: "1 hour", "3 days". */
import { DAY, HOUR, MINUTE } from '../kernel/seconds.ts'
import type { Language } from './languages.ts'

/** `length` in milliseconds, in its largest whole unit: an hour and a half are 90 minutes. */
export function duration(language: Language, length: number): string {
  const format = new Intl.DurationFormat(language, { style: 'long' })
  if (length >= DAY && length % DAY === 0) return format.format({ days: length / DAY })
  if (length >= HOUR && length % HOUR === 0) return format.format({ hours: length / HOUR })
  return format.format({ minutes: Math.ceil(length / MINUTE) })
}
