/**
 * The language people and logs are searched in: Auth0's, which is Lucene's without what needs a ranking (`~`, `^`, regular
 * expressions). A text is read into a tree that says what is wanted; which fields there are, and how they are looked up,
 * is the store's. What can be written is bounded, so that nobody asks for more than a database answers.
 */

/** Of a term with wildcards: letters as they stand, or what stands for any number of them, or for one. */
export type PatternPart = { readonly literal: string } | { readonly wildcard: 'any' | 'one' }

export interface Bound {
  readonly value: string
  readonly isIncluded: boolean
}

export type SearchQuery =
  | { readonly kind: 'everything' }
  | { readonly kind: 'all' | 'any'; readonly of: readonly SearchQuery[] }
  | { readonly kind: 'not'; readonly of: SearchQuery }
  | SearchTerm

/** `place` is where it stands, for whoever finds that it means nothing. */
export type SearchTerm = Meaning & { readonly place: number }

/** `field` is null where none is named. */
type Meaning =
  | { readonly kind: 'is'; readonly field: string | null; readonly value: string }
  | { readonly kind: 'like'; readonly field: string | null; readonly pattern: readonly PatternPart[] }
  | { readonly kind: 'within'; readonly field: string; readonly from: Bound | null; readonly to: Bound | null }
  | { readonly kind: 'exists'; readonly field: string }

/** What is wrong, and the place of it in the text, counted from 1. */
export class SearchProblem extends Error {
  override readonly name = 'SearchProblem'
  readonly place: number

  constructor(sentence: string, place: number) {
    super(`${sentence}, at character ${place}`)
    this.place = place
  }
}

/** A search that an answer would have been waited too long for. Nothing of it is running any more. */
export class SearchTooLong extends Error {
  override readonly name = 'SearchTooLong'
}

/** In UTF-16 units: a URL of Node's takes 16 KiB, percent-encoding included. */
export const LONGEST_QUERY = 6000
/** What a list of names to choose among comes to; each is a look-up. */
export const MOST_TERMS = 200
const DEEPEST = 20
/**
 * Of all terms together, by `effortOf`: each that is no plain look-up goes through values by the thousand, for as long as
 * which an embedded database answers nobody else.
 */
const MOST_EFFORT = 10
/** In one word: each of them is a choice at every letter of a value. */
const MOST_WILDCARDS = 5
/** Letters beside a wildcard that comes first: nothing narrows such a search before each value was looked at. */
const FEWEST_BESIDE_LEADING_WILDCARD = 3

const OPENS_RANGE = new Set('[{')
/** They end a word unless they are escaped. */
const ENDS_WORD = new Set(' \t\n\r()"[]{}')
/** The parts of the language that rank what is found. They mean something else everywhere, so they are not ignored. */
const RANKS = new Set('~^')

/** A word as it stands: with escapes undone, and which of its characters are wildcards. */
type Letters = readonly { readonly letter: string; readonly isWild: boolean }[]

/** @throws SearchProblem */
export function readSearchQuery(text: string): SearchQuery {
  if (text.length > LONGEST_QUERY)
    throw new SearchProblem(`a search of more than ${LONGEST_QUERY} characters`, LONGEST_QUERY + 1)
  const reader = new Reader(text)
  const query = reader.sequence(null, 0)
  reader.expectEnd()
  return query
}

class Reader {
  readonly #text: string
  #at = 0
  #terms = 0
  #effort = 0
  /** Where the clause that is being read began. */
  #began = 0

  constructor(text: string) {
    this.#text = text
  }

  expectEnd(): void {
    this.#skipBlanks()
    if (this.#at < this.#text.length) throw this.#problem(`an unexpected ${this.#text[this.#at]}`)
  }

  /**
   * Clauses beside one another, or with OR between them: any of them, unless some are marked with a plus, which then are
   * the ones that count. One that is negated without an OR beside it takes away from what the others find.
   */
  sequence(field: string | null, depth: number): SearchQuery {
    if (depth > DEEPEST) throw this.#problem(`more than ${DEEPEST} levels`)
    const wanted: SearchQuery[] = []
    const demanded: SearchQuery[] = []
    const unwanted: SearchQuery[] = []
    for (let isAfterOr = false; ; ) {
      const isDemanded = this.#takeSign('+')
      const clause = this.#conjunction(field, depth)
      const isBeforeOr = this.#takeOperator('OR', '||')
      if (isDemanded) demanded.push(clause)
      else if (clause.kind === 'not' && !isAfterOr && !isBeforeOr) unwanted.push(clause)
      else wanted.push(clause)
      isAfterOr = isBeforeOr
      if (!isAfterOr && this.#isAtEnd()) break
    }
    const found = demanded.length > 0 ? demanded : wanted.length > 0 ? [joined('any', wanted)] : []
    return joined('all', [...found, ...unwanted])
  }

  #conjunction(field: string | null, depth: number): SearchQuery {
    const clauses = [this.#clause(field, depth)]
    while (this.#takeOperator('AND', '&&')) clauses.push(this.#clause(field, depth))
    return joined('all', clauses)
  }

  #clause(field: string | null, depth: number): SearchQuery {
    if (depth > DEEPEST) throw this.#problem(`more than ${DEEPEST} levels`)
    if (this.#takeOperator('NOT', '!') || this.#takeSign('-') || this.#takeSign('!'))
      return { kind: 'not', of: this.#clause(field, depth + 1) }
    this.#takeSign('+')
    this.#skipBlanks()
    this.#began = this.#at
    const first = this.#text[this.#at]
    if (first === undefined || first === ')') throw this.#problem('something to look for is missing')
    if (first === '(') return this.#group(field, depth)
    if (field === null) {
      const named = this.#takeField()
      if (named !== undefined) return this.#ofField(named, depth)
    }
    return this.#term(field)
  }

  #group(field: string | null, depth: number): SearchQuery {
    const opened = this.#at
    this.#at += 1
    const query = this.sequence(field, depth + 1)
    this.#skipBlanks()
    if (this.#text[this.#at] !== ')') throw this.#problem('a parenthesis that is not closed', opened)
    this.#at += 1
    return query
  }

  #ofField(field: string, depth: number): SearchQuery {
    this.#skipBlanks()
    const first = this.#text[this.#at]
    if (first === undefined) throw this.#problem(`what ${field} is to be is missing`)
    if (first === '(' && field !== '_exists_') return this.#group(field, depth)
    if (field === '_exists_') return this.#counted({ kind: 'exists', field: this.#plain('a field') })
    if (OPENS_RANGE.has(first)) return this.#counted(this.#range(field))
    if (first === '<' || first === '>') return this.#counted(this.#comparison(field))
    return this.#term(field)
  }

  #term(field: string | null): SearchQuery {
    const began = this.#at
    const first = this.#text[began] ?? ''
    if (first === '"') return this.#counted({ kind: 'is', field, value: this.#phrase() })
    if (OPENS_RANGE.has(first)) {
      if (field === null) throw this.#problem('a range of no field')
      return this.#counted(this.#range(field))
    }
    if (first === '/') throw this.#problem('a regular expression, which is not known here')
    const letters = this.#word()
    if (letters.length === 0) throw this.#problem(`an unexpected ${first}`)
    if (letters.every(({ isWild, letter }) => isWild && letter === '*'))
      return field === null ? { kind: 'everything' } : this.#counted({ kind: 'exists', field })
    if (!letters.some(({ isWild }) => isWild)) return this.#counted({ kind: 'is', field, value: textOf(letters) })
    if (letters.filter(({ isWild }) => isWild).length > MOST_WILDCARDS)
      throw this.#problem(`more than ${MOST_WILDCARDS} wildcards in a word`, began)
    const beside = letters.filter(({ isWild }) => !isWild).length
    if (letters[0]?.isWild && beside < FEWEST_BESIDE_LEADING_WILDCARD)
      throw this.#problem(
        `fewer than ${FEWEST_BESIDE_LEADING_WILDCARD} letters beside a wildcard that comes first`,
        began,
      )
    return this.#counted({ kind: 'like', field, pattern: patternOf(letters) })
  }

  #range(field: string): Meaning {
    const opened = this.#at
    const isFromIncluded = this.#text[this.#at] === '['
    this.#at += 1
    const from = this.#bound()
    this.#skipBlanks()
    if (!this.#takeWord('TO')) throw this.#problem('a range without TO between its ends')
    const to = this.#bound()
    this.#skipBlanks()
    const closing = this.#text[this.#at]
    if (closing !== ']' && closing !== '}') throw this.#problem('a range that is not closed', opened)
    this.#at += 1
    return {
      kind: 'within',
      field,
      from: from === null ? null : { value: from, isIncluded: isFromIncluded },
      to: to === null ? null : { value: to, isIncluded: closing === ']' },
    }
  }

  #comparison(field: string): Meaning {
    const isAbove = this.#text[this.#at] === '>'
    this.#at += 1
    const isIncluded = this.#text[this.#at] === '='
    if (isIncluded) this.#at += 1
    const bound = { value: this.#plain('a value to compare with'), isIncluded }
    return { kind: 'within', field, from: isAbove ? bound : null, to: isAbove ? null : bound }
  }

  /** Null for a star. */
  #bound(): string | null {
    this.#skipBlanks()
    if (this.#text[this.#at] === '*') {
      this.#at += 1
      return null
    }
    return this.#plain('an end of the range')
  }

  /** A phrase, or a word without wildcards. */
  #plain(what: string): string {
    this.#skipBlanks()
    if (this.#text[this.#at] === '"') return this.#phrase()
    const began = this.#at
    const letters = this.#word()
    if (letters.length === 0) throw this.#problem(`${what} is missing`)
    if (letters.some(({ isWild }) => isWild)) throw this.#problem(`${what} with a wildcard`, began)
    return textOf(letters)
  }

  #phrase(): string {
    const opened = this.#at
    this.#at += 1
    let text = ''
    for (;;) {
      const letter = this.#text[this.#at]
      if (letter === undefined) throw this.#problem('a quotation mark that is not closed', opened)
      this.#at += 1
      if (letter === '"') break
      text += letter === '\\' ? this.#escaped() : letter
    }
    this.#refuseRanking()
    return text
  }

  #word(): Letters {
    const letters: { letter: string; isWild: boolean }[] = []
    for (;;) {
      const letter = this.#text[this.#at]
      if (letter === undefined || ENDS_WORD.has(letter)) return letters
      this.#refuseRanking()
      this.#at += 1
      if (letter === '\\') letters.push({ letter: this.#escaped(), isWild: false })
      else letters.push({ letter, isWild: letter === '*' || letter === '?' })
    }
  }

  #escaped(): string {
    const letter = this.#text[this.#at]
    if (letter === undefined) throw this.#problem('a backslash with nothing behind it', this.#at - 1)
    this.#at += 1
    return letter
  }

  #refuseRanking(): void {
    const letter = this.#text[this.#at] ?? ''
    if (RANKS.has(letter)) throw this.#problem(`${letter}, which is not known here unless it is escaped`)
  }

  /** The name before a colon, or undefined where there is none. */
  #takeField(): string | undefined {
    let name = ''
    for (let at = this.#at; at < this.#text.length; at++) {
      const letter = this.#text[at] ?? ''
      if (letter === ':' && name !== '') {
        this.#at = at + 1
        return name
      }
      if (letter === ':' || letter === '*' || letter === '?' || ENDS_WORD.has(letter)) {
        if (letter === '*' && name === '' && this.#text[at + 1] === ':') return this.#takeAnyField(at)
        return undefined
      }
      name += letter === '\\' ? (this.#text[++at] ?? '') : letter
    }
    return undefined
  }

  /** `*:*` is everything, and `*:` before anything else is no field. */
  #takeAnyField(at: number): undefined {
    if (this.#text[at + 2] !== '*') throw this.#problem('a value of any field, which is not known here')
    this.#at = at + 2
    return undefined
  }

  /** As a word of its own in capital letters, or as its sign. */
  #takeOperator(word: string, sign: string): boolean {
    this.#skipBlanks()
    if (this.#takeWord(word)) return true
    if (sign.length < 2 || !this.#text.startsWith(sign, this.#at)) return false
    this.#at += sign.length
    return true
  }

  #takeWord(word: string): boolean {
    const behind = this.#text[this.#at + word.length]
    if (!this.#text.startsWith(word, this.#at) || (behind !== undefined && !ENDS_WORD.has(behind))) return false
    this.#at += word.length
    return true
  }

  #takeSign(sign: string): boolean {
    this.#skipBlanks()
    if (this.#text[this.#at] !== sign) return false
    this.#at += 1
    return true
  }

  #skipBlanks(): void {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at += 1
  }

  #isAtEnd(): boolean {
    this.#skipBlanks()
    return this.#at >= this.#text.length || this.#text[this.#at] === ')'
  }

  #counted(meaning: Meaning): SearchTerm {
    this.#terms += 1
    if (this.#terms > MOST_TERMS) throw this.#problem(`more than ${MOST_TERMS} things to look for`)
    this.#effort += effortOf(meaning)
    if (this.#effort > MOST_EFFORT)
      throw this.#problem(
        'more words without a field, wildcards, ranges and existences than are looked through at once',
      )
    return { ...meaning, place: this.#began + 1 }
  }

  #problem(sentence: string, at = this.#at): SearchProblem {
    return new SearchProblem(sentence, at + 1)
  }
}

/** A value of a field is looked up at once. A word without one is looked up in every field of a profile, its wildcards too. */
function effortOf({ kind, field }: Meaning): number {
  if (kind === 'is') return field === null ? 1 : 0
  return field === null ? 5 : 1
}

/** One of them stands for itself, and those of the same kind are told in one breath. */
function joined(kind: 'all' | 'any', queries: readonly SearchQuery[]): SearchQuery {
  const flat = queries.flatMap(query => (query.kind === kind ? query.of : [query]))
  const [only] = flat
  return flat.length === 1 && only ? only : { kind, of: flat }
}

const textOf = (letters: Letters): string => letters.map(({ letter }) => letter).join('')

function patternOf(letters: Letters): PatternPart[] {
  const parts: PatternPart[] = []
  for (const { letter, isWild } of letters) {
    const last = parts.at(-1)
    if (isWild) {
      const wildcard = letter === '*' ? 'any' : 'one'
      const isRepeated = wildcard === 'any' && last !== undefined && 'wildcard' in last && last.wildcard === 'any'
      if (!isRepeated) parts.push({ wildcard })
    } else if (last !== undefined && 'literal' in last) parts[parts.length - 1] = { literal: last.literal + letter }
    else parts.push({ literal: letter })
  }
  return parts
}
