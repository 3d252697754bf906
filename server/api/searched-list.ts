/**
 * Lists that are searched by looking at each: organizations and APIs. The search is in Auth0's language or in SCIM's, over the
 * members that Auth0 names; what is looked at gives way to others between batches.
 */
import Type from 'typebox'
import type { JsonObject } from '../kernel/json.ts'
import { createSlices } from '../kernel/slices.ts'
import { readScimFilter } from '../policy/scim-filter.ts'
import { isMatched, refuseOtherDates, termsOf } from '../policy/search-match.ts'
import { LONGEST_QUERY, readSearchQuery, SearchProblem, type SearchQuery } from '../policy/search-query.ts'
import { ManagementFault } from './fault.ts'
import { CHECKPOINT_QUERY } from './paging.ts'

export const SEARCH_QUERY = {
  ...CHECKPOINT_QUERY,
  q: Type.Optional(Type.String({ maxLength: LONGEST_QUERY })),
  parser: Type.Optional(Type.Union([Type.Literal('scim'), Type.Literal('lucene')])),
}

/** Auth0's limit. */
const MOST_TERMS = 5
export const BATCH = 100

interface Searched {
  /** `metadata.` for all that begins so. */
  readonly members: readonly string[]
  /** Where a word without a member is looked for. */
  readonly words: readonly string[]
  readonly date: string
}

/** What a search asks of a document. Throws for one that means nothing. */
export function readListSearch(
  { q = '', parser }: { readonly q?: string | undefined; readonly parser?: 'scim' | 'lucene' | undefined },
  { members, words, date }: Searched,
): (document: JsonObject) => boolean {
  if (q.trim() === '') return () => true
  const dates = new Set([date])
  try {
    const search = parser === 'scim' ? readScimFilter(q) : readSearchQuery(q)
    const terms = termsOf(search)
    for (const { field, place } of terms)
      if (field !== null && !members.some(name => (name.endsWith('.') ? field.startsWith(name) : field === name)))
        throw new SearchProblem(`${field}, which is none of ${members.join(', ')}`, place)
    const beyond = terms[MOST_TERMS]
    if (beyond) throw new SearchProblem(`more than ${MOST_TERMS} things to look for`, beyond.place)
    refuseOtherDates(search, dates)
    const named = inWords(search, words)
    return document => isMatched(named, document, dates)
  } catch (error) {
    if (!(error instanceof SearchProblem)) throw error
    throw new ManagementFault(400, 'invalid_query_string', `Query validation error: q has ${error.message}.`)
  }
}

function inWords(search: SearchQuery, words: readonly string[]): SearchQuery {
  switch (search.kind) {
    case 'everything':
      return search
    case 'all':
    case 'any':
      return { kind: search.kind, of: search.of.map(one => inWords(one, words)) }
    case 'not':
      return { kind: 'not', of: inWords(search.of, words) }
    default:
      return search.field === null
        ? { kind: 'any', of: words.map(field => ({ ...search, field }) as SearchQuery) }
        : search
  }
}

/** Whatever is listed, batch by batch: `behind` answers those behind one, `BATCH` of them unless there are no more. */
export async function* eachOf<T>(behind: (last: T | undefined) => Promise<readonly T[]>): AsyncIterable<T> {
  const giveWay = createSlices()
  for (let last: T | undefined; ; ) {
    const batch = await behind(last)
    for (const one of batch) {
      await giveWay()
      yield one
    }
    if (batch.length < BATCH) return
    last = batch.at(-1)
  }
}
