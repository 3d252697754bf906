/**
 * A search of the log: which part of it an index answers, and whether a log is what was asked for. Pure; how far the
 * log is read is `log-search.ts`'s.
 */
import type { Instant } from '../kernel/clock.ts'
import { isObject, type JsonObject, type JsonValue } from '../kernel/json.ts'
import { spanOfDate, WHAT_A_DATE_IS } from '../policy/search-date.ts'
import {
  type Bound,
  type PatternPart,
  readSearchQuery,
  SearchProblem,
  type SearchQuery,
  type SearchTerm,
} from '../policy/search-query.ts'
import type { EventQuery } from '../store/events.ts'
import { eventTypesFor, hasOneCode } from './log-types.ts'

export interface LogPlan {
  readonly query: EventQuery
  /** Whether what the index finds is all that was asked for; otherwise each log is looked at. */
  readonly isWhole: boolean
}

/** More types than this are not looked up one by one: then the log is read as it is. */
const MOST_TYPES = 24

/** Throws a `SearchProblem` for what means nothing; a date that is none would find nothing, as if nothing had happened. */
export function readLogSearch(text: string): SearchQuery {
  const search = readSearchQuery(text)
  for (const term of termsOf(search))
    if ((term.kind === 'is' || term.kind === 'within') && term.field === 'date' && !spanOf(term))
      throw new SearchProblem(`date ${WHAT_A_DATE_IS}`, term.place)
  return search
}

/** Null among them where a word is looked for in all. */
export const membersIn = (search: SearchQuery): ReadonlySet<string | null> =>
  new Set(termsOf(search).map(term => term.field))

function termsOf(search: SearchQuery): SearchTerm[] {
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

export function planOf(search: SearchQuery): LogPlan {
  const terms = search.kind === 'all' ? search.of : search.kind === 'everything' ? [] : [search]
  let query: EventQuery = {}
  let isWhole = true
  for (const term of terms) {
    const part = partOf(term)
    if (part && !Object.keys(part.query).some(name => name in query)) {
      query = { ...query, ...part.query }
      isWhole &&= part.isWhole
    } else isWhole = false
  }
  return { query, isWhole }
}

function partOf(term: SearchQuery): LogPlan | undefined {
  const types = typesOf(term)
  if (types) return types.length > MOST_TYPES ? undefined : { query: { types }, isWhole: types.every(hasOneCode) }
  if (term.kind === 'is' && term.field === 'user_id') return { query: { user: term.value }, isWhole: true }
  if (term.kind === 'is' && term.field === 'client_id') return { query: { client: term.value }, isWhole: true }
  if ((term.kind === 'is' || term.kind === 'within') && term.field === 'date') {
    const span = spanOf(term)
    return span && { query: span, isWhole: true }
  }
  return undefined
}

/** Types of events that may be meant by a code, or by one of several. */
function typesOf(term: SearchQuery): string[] | undefined {
  if (term.kind === 'any') {
    const each = term.of.map(typesOf)
    return each.every(types => types !== undefined) ? [...new Set(each.flat())] : undefined
  }
  if ((term.kind !== 'is' && term.kind !== 'like') || term.field !== 'type') return undefined
  return eventTypesFor(code => isMatch(term, code))
}

/** `from` until before `to`. Undefined for what is no date. */
function spanOf(term: Extract<SearchTerm, { kind: 'is' | 'within' }>): { from?: Instant; to?: Instant } | undefined {
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

/** Whether the log, as `log-document.ts` writes it, is what was asked for. */
export function isWanted(search: SearchQuery, log: JsonObject): boolean {
  switch (search.kind) {
    case 'everything':
      return true
    case 'all':
      return search.of.every(one => isWanted(one, log))
    case 'any':
      return search.of.some(one => isWanted(one, log))
    case 'not':
      return !isWanted(search.of, log)
    case 'exists':
      return valuesAt(log, search.field).length > 0
    case 'within':
      return search.field === 'date'
        ? isDuring(search, log)
        : valuesAt(log, search.field).some(value => isWithin(search, value))
    default:
      if (search.field === null)
        return Object.values(log).some(value => typeof value === 'string' && holds(search, value))
      if (search.field === 'date' && search.kind === 'is' && spanOf(search)) return isDuring(search, log)
      return valuesAt(log, search.field).some(value => isMatch(search, value))
  }
}

function isDuring(term: Extract<SearchTerm, { kind: 'is' | 'within' }>, log: JsonObject): boolean {
  const span = spanOf(term)
  const at = Date.parse(String(log['date']))
  return (
    span !== undefined && at >= (span.from ?? Number.NEGATIVE_INFINITY) && at < (span.to ?? Number.POSITIVE_INFINITY)
  )
}

/** Texts at a path (`details.reason`), each of a list's. */
function valuesAt(log: JsonObject, field: string): string[] {
  let values: (JsonValue | undefined)[] = [log]
  for (const name of field.split('.'))
    values = values.flatMap(value =>
      value !== undefined && isObject(value) && Object.hasOwn(value, name) ? [value[name]] : [],
    )
  return values
    .flat()
    .flatMap(value => (value === undefined || value === null || typeof value === 'object' ? [] : [String(value)]))
}

/** As the whole value, in any case. */
const isMatch = (term: Extract<SearchTerm, { kind: 'is' | 'like' }>, value: string): boolean =>
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
