/**
 * A filter as SCIM has it (RFC 7644 §3.4.2.2), read into what a search in the other language is read into. Without
 * complex attributes (`emails[…]`), which nothing that is searched so has.
 */
import { type PatternPart, SearchProblem, type SearchQuery } from './search-query.ts'

const LONGEST_FILTER = 2000
const DEEPEST = 10
/** As with the other language: nothing narrows it before each value was looked at. */
const FEWEST_LETTERS = 3

/** A parenthesis, a text in quotes, or a word. */
const TOKEN = /\s*(?:([()])|("(?:[^"\\]|\\.)*")|([^\s()"]+))/y
/** RFC 7644 §3.4.2.2, with a dot before the member of a member. */
const ATTRIBUTE = /^[A-Za-z][\w.$-]*$/

interface Token {
  readonly text: string
  readonly kind: 'parenthesis' | 'text' | 'word'
  /** Counted from 1. */
  readonly place: number
}

/** Throws a `SearchProblem`. */
export function readScimFilter(text: string): SearchQuery {
  if (text.length > LONGEST_FILTER)
    throw new SearchProblem(`a filter of more than ${LONGEST_FILTER} characters`, LONGEST_FILTER + 1)
  const reader = new Reader(tokensOf(text), text.length + 1)
  const query = reader.either(0)
  reader.expectEnd()
  return query
}

function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = []
  const end = text.trimEnd().length
  TOKEN.lastIndex = 0
  while (TOKEN.lastIndex < end) {
    const began = TOKEN.lastIndex
    const [whole = '', parenthesis, quoted, word] = TOKEN.exec(text) ?? []
    if (whole === '') throw new SearchProblem('a text that is not closed', began + 1)
    const found = parenthesis ?? quoted ?? word ?? ''
    const kind = parenthesis !== undefined ? 'parenthesis' : quoted !== undefined ? 'text' : 'word'
    tokens.push({ text: found, kind, place: began + whole.length - found.length + 1 })
  }
  return tokens
}

class Reader {
  readonly #tokens: readonly Token[]
  readonly #end: number
  #at = 0

  constructor(tokens: readonly Token[], end: number) {
    this.#tokens = tokens
    this.#end = end
  }

  expectEnd(): void {
    const next = this.#tokens[this.#at]
    if (next) throw new SearchProblem(`an unexpected ${next.text}`, next.place)
  }

  /** `and` binds closer than `or`, and `not` closer than both. */
  either(depth: number): SearchQuery {
    const of = [this.#both(depth)]
    while (this.#take('or')) of.push(this.#both(depth))
    return of.length === 1 && of[0] ? of[0] : { kind: 'any', of }
  }

  #both(depth: number): SearchQuery {
    const of = [this.#one(depth)]
    while (this.#take('and')) of.push(this.#one(depth))
    return of.length === 1 && of[0] ? of[0] : { kind: 'all', of }
  }

  #one(depth: number): SearchQuery {
    if (depth > DEEPEST) throw new SearchProblem(`more than ${DEEPEST} levels`, this.#place())
    if (this.#take('not')) {
      if (this.#tokens[this.#at]?.text !== '(') throw new SearchProblem('not without a parenthesis', this.#place())
      return { kind: 'not', of: this.#one(depth + 1) }
    }
    if (this.#take('(')) {
      const query = this.either(depth + 1)
      if (!this.#take(')')) throw new SearchProblem('a parenthesis that is not closed', this.#place())
      return query
    }
    return this.#comparison()
  }

  #comparison(): SearchQuery {
    const { text: field, place } = this.#next('a member')
    if (!ATTRIBUTE.test(field)) throw new SearchProblem(`${field}, which is no member`, place)
    const operator = this.#next('an operator')
    const term = { field, place }
    const name = operator.text.toLowerCase()
    if (name === 'pr') return { kind: 'exists', ...term }
    if (!OPERATORS.has(name)) throw new SearchProblem(`${operator.text}, which is no operator`, operator.place)
    const value = this.#value()
    const like = (pattern: readonly PatternPart[]): SearchQuery => {
      if (pattern[0] && 'wildcard' in pattern[0] && value.length < FEWEST_LETTERS)
        throw new SearchProblem(`fewer than ${FEWEST_LETTERS} letters to be held or ended with`, operator.place)
      return { kind: 'like', ...term, pattern }
    }
    const bound = { value, isIncluded: name === 'ge' || name === 'le' }
    switch (name) {
      case 'eq':
        return { kind: 'is', ...term, value }
      case 'ne':
        return { kind: 'not', of: { kind: 'is', ...term, value } }
      case 'co':
        return like([ANY, { literal: value }, ANY])
      case 'sw':
        return like([{ literal: value }, ANY])
      case 'ew':
        return like([ANY, { literal: value }])
      case 'gt':
      case 'ge':
        return { kind: 'within', ...term, from: bound, to: null }
      default:
        return { kind: 'within', ...term, from: null, to: bound }
    }
  }

  /** As JSON has it. */
  #value(): string {
    const { text, place } = this.#next('a value')
    try {
      const value: unknown = JSON.parse(text)
      if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value)
    } catch {
      // Told below, with what is no value to compare with.
    }
    throw new SearchProblem(`${text}, which is no text in quotes, number, true or false`, place)
  }

  #next(what: string): Token {
    const token = this.#tokens[this.#at]
    if (!token || token.kind === 'parenthesis') throw new SearchProblem(`${what} is missing`, this.#place())
    this.#at += 1
    return token
  }

  #take(word: string): boolean {
    const token = this.#tokens[this.#at]
    if (!token || token.kind === 'text' || token.text.toLowerCase() !== word) return false
    this.#at += 1
    return true
  }

  #place = (): number => this.#tokens[this.#at]?.place ?? this.#end
}

const ANY: PatternPart = { wildcard: 'any' }
const OPERATORS: ReadonlySet<string> = new Set(['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'])
