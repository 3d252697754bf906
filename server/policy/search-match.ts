/** Whether a document is what a search asks for, looked at as it is. What has an index is looked up elsewhere. */
import type { Instant } from '../kernel/clock.ts'
import { isObject, type JsonObject, type JsonValue } from '../kernel/json.ts'
import { spanOfDate, WHAT_A_DATE_IS } from './search-date.ts'
import { type Bound, type PatternPart, SearchProblem, type SearchQuery, type SearchTerm } from './search-query.ts'

export function termsOf(search: SearchQuery): SearchTerm[] {
  switch (search.kind) {
    case 'everything':
      return []
    case 'all':
    case 'any':
      return search.of.flatMap(termsOf)
    case 'not':
      return termsOf(search.of)
    default:
      return [search]
  }
}

/** Throws a `SearchProblem`: a date that is none would find nothing, as if there were nothing. */
export function refuseOtherDates(search: SearchQuery, dates: ReadonlySet<string>): void {
  for (const term of termsOf(search))
    if ((term.kind === 'is' || term.kind === 'within') && dates.has(term.field ?? '') && !spanOf(term))
      throw new SearchProblem(`${term.field} ${WHAT_A_DATE_IS}`, term.place)
}

/** `from` until before `to`. Undefined for what is no date. */
export function spanOf(
  term: Extract<SearchTerm, { kind: 'is' | 'within' }>,
): { from?: Instant; to?: Instant } | undefined {
  if (term.kind === 'is') {
    const span = spanOfDate(term.value)
    return span && { from: span.first, to: span.last + 1 }
  }
  const from = term.from && spanOfDate(term.from.value)
  const to = term.to && spanOfDate(term.to.value)
  if (from === undefined || to === undefined) return undefined
  return {
    ...(from && { from: term.from?.isIncluded ? from.first : from.last + 1 }),
    ...(to && { to: term.to?.isIncluded ? to.last + 1 : to.first }),
  }
}

/** `dates`: members that are moments. A word without a field is looked for in every text at the top. */
export function isMatched(search: SearchQuery, document: JsonObject, dates: ReadonlySet<string>): boolean {
  switch (search.kind) {
    case 'everything':
      return true
    case 'all':
      return search.of.every(one => isMatched(one, document, dates))
    case 'any':
      return search.of.some(one => isMatched(one, document, dates))
    case 'not':
      return !isMatched(search.of, document, dates)
    case 'exists':
      return valuesAt(document, search.field).length > 0
    case 'within':
      return dates.has(search.field)
        ? isDuring(search, document)
        : valuesAt(document, search.field).some(value => isWithin(search, value))
    default:
      if (search.field === null)
        return Object.values(document).some(value => typeof value === 'string' && holds(search, value))
      if (dates.has(search.field) && search.kind === 'is' && spanOf(search)) return isDuring(search, document)
      return valuesAt(document, search.field).some(value => isTermMatched(search, value))
  }
}

function isDuring(term: Extract<SearchTerm, { kind: 'is' | 'within' }>, document: JsonObject): boolean {
  const span = spanOf(term)
  const at = Date.parse(String(document[term.field ?? '']))
  return (
    span !== undefined && at >= (span.from ?? Number.NEGATIVE_INFINITY) && at < (span.to ?? Number.POSITIVE_INFINITY)
  )
}

/** Texts at a path (`details.reason`), each of a list's. */
function valuesAt(document: JsonObject, field: string): string[] {
  let values: (JsonValue | undefined)[] = [document]
  for (const name of field.split('.'))
    values = values.flatMap(value =>
      value !== undefined && isObject(value) && Object.hasOwn(value, name) ? [value[name]] : [],
    )
  return values
    .flat()
    .flatMap(value => (value === undefined || value === null || typeof value === 'object' ? [] : [String(value)]))
}

/** As the whole value, in any case. */
export const isTermMatched = (term: Extract<SearchTerm, { kind: 'is' | 'like' }>, value: string): boolean =>
  term.kind === 'is' ? fold(value) === fold(term.value) : isLike(term.pattern, fold(value))

/** Of no field: as a part of any. */
const holds = (term: Extract<SearchTerm, { kind: 'is' | 'like' }>, value: string): boolean =>
  term.kind === 'is' ? fold(value).includes(fold(term.value)) : isLike(term.pattern, fold(value))

const fold = (text: string): string => text.normalize('NFKC').toLowerCase()

type Letter = 'any' | 'one' | { readonly letter: string }

/** Whatever both are, in no more steps than the product of their lengths. */
function isLike(pattern: readonly PatternPart[], value: string): boolean {
  const letters = pattern.flatMap((part): Letter[] =>
    'wildcard' in part ? [part.wildcard] : [...fold(part.literal)].map(letter => ({ letter })),
  )
  const text = [...value]
  let [at, place] = [0, 0]
  /** The last star, and the place in the text up to which it stands for what is there. */
  let star: { readonly at: number; upTo: number } | undefined
  while (place < text.length) {
    const wanted = letters[at]
    if (wanted === 'any') {
      star = { at, upTo: place }
      at++
    } else if (wanted === 'one' || (wanted !== undefined && wanted.letter === text[place])) {
      at++
      place++
    } else if (star) {
      star.upTo++
      at = star.at + 1
      place = star.upTo
    } else return false
  }
  return letters.slice(at).every(rest => rest === 'any')
}

function isWithin({ from, to }: Extract<SearchTerm, { kind: 'within' }>, value: string): boolean {
  const order = (bound: Bound): number => {
    const [one, other] = [Number(value), Number(bound.value)]
    if (value !== '' && bound.value !== '' && !Number.isNaN(one) && !Number.isNaN(other)) return one - other
    return fold(value) < fold(bound.value) ? -1 : fold(value) > fold(bound.value) ? 1 : 0
  }
  const isAbove = !from || order(from) > 0 || (from.isIncluded && order(from) === 0)
  return isAbove && (!to || order(to) < 0 || (to.isIncluded && order(to) === 0))
}
