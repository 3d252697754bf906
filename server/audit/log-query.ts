/**
 * A search of the log: which part of it an index answers, and whether a log is what was asked for. Pure; how far the
 * log is read is `log-search.ts`'s.
 */
import type { JsonObject } from '../kernel/json.ts'
import { isMatched, isTermMatched, refuseOtherDates, spanOf, termsOf } from '../policy/search-match.ts'
import { readSearchQuery, type SearchQuery } from '../policy/search-query.ts'
import type { EventQuery } from '../store/events.ts'
import { eventTypesFor, hasOneCode } from './log-types.ts'

export interface LogPlan {
  readonly query: EventQuery
  /** Whether what the index finds is all that was asked for; otherwise each log is looked at. */
  readonly isWhole: boolean
}

/** Looked at as a span of time. */
const DATES: ReadonlySet<string> = new Set(['date'])

/** More types than this are not looked up one by one: then the log is read as it is. */
const MOST_TYPES = 24

/** Throws a `SearchProblem` for what means nothing; a date that is none would find nothing, as if nothing had happened. */
export function readLogSearch(text: string): SearchQuery {
  const search = readSearchQuery(text)
  refuseOtherDates(search, DATES)
  return search
}

/** Null among them where a word is looked for in all. */
export const membersIn = (search: SearchQuery): ReadonlySet<string | null> =>
  new Set(termsOf(search).map(term => term.field))

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
  return eventTypesFor(code => isTermMatched(term, code))
}

/** Whether the log, as `log-document.ts` writes it, is what was asked for. */
export const isWanted = (search: SearchQuery, log: JsonObject): boolean => isMatched(search, log, DATES)
