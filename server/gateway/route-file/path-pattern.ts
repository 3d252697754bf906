/**
 * Patterns of paths, as routes have them: whole segments, `:name` for any one segment, and `/*` at the end for all
 * below. There are no regular expressions, because one that matches more than was meant looks like one that does not.
 * A pattern is written as `path.ts` writes what is asked: what is written otherwise could never match.
 */
import { readTarget } from '../path.ts'
import { form, Wrong } from './forms.ts'

const SAYS = 'a path such as /videos, /videos/* or /films/:id/poster'
const PARAMETER = /^:[A-Za-z_][A-Za-z0-9_]*$/

export const pathPattern = form(SAYS, value => {
  if (typeof value !== 'string' || !value.startsWith('/')) return undefined
  const wrong = wrongWith(value)
  return wrong === undefined ? value : new Wrong(`The path ${JSON.stringify(value)} could never match: ${wrong}.`)
})

function wrongWith(pattern: string): string | undefined {
  const segments = pattern.slice(1).split('/')
  for (const [index, segment] of segments.entries()) {
    const isLast = index === segments.length - 1
    if (segment === '*' && !isLast) return '"*" stands for all that is below, so nothing can follow it'
    if (segment !== '*' && segment.includes('*')) return '"*" is a segment of its own, at the end'
    if (segment === '' && !isLast) return 'it has two slashes in a row'
    if (segment.startsWith(':') && !PARAMETER.test(segment)) return `"${segment}" is no name for a segment, such as :id`
  }
  if (/[?#]/.test(pattern)) return 'the query and the fragment are not part of the path'
  const normal = (readTarget(pattern) ?? readTarget(encodeURI(pattern)))?.path
  if (normal === undefined) return 'requests for it are refused, because services read it in two ways'
  return normal === pattern ? undefined : `in its normal form this is written ${normal}`
}

/** Whether whatever the second would match is matched by the first already. */
export function covers(first: string, second: string): boolean {
  const [one, other] = [first, second].map(segmentsOf) as [string[], string[]]
  for (const [index, segment] of one.entries()) {
    const against = other[index]
    if (segment === '*') return against !== undefined
    if (against === undefined || against === '*') return false
    if (segment.startsWith(':') ? against === '' : segment !== against) return false
  }
  return one.length === other.length
}

/** A slash at the end makes no difference, as in `match.ts`. */
const segmentsOf = (pattern: string): string[] =>
  pattern
    .replace(/(?<=.)\/$/, '')
    .slice(1)
    .split('/')
