/**
 * The parameters of a request, from a query, a form or a JSON body. Repetition is seen, not resolved: the
 * endpoint refuses it (RFC 6749 §3.1), since whoever keeps the first and whoever keeps the last disagree.
 */
import { parseJson, parseObject } from '@latchkey/sdk/strict-json'
import { ProtocolError } from '../kernel/errors.ts'
import { isObject, type JsonObject, type JsonValue } from '../kernel/json.ts'

export interface Parameters {
  /** Undefined when missing or empty: a parameter without a value counts as omitted (RFC 6749 §3.1). */
  get(name: string): string | undefined
  /** Every value, for the few that may repeat (`resource`, RFC 8707 §2). */
  all(name: string): readonly string[]
  /** Whether the name was sent at all, with or without a value. */
  has(name: string): boolean
  /** Names sent more than once. */
  readonly repeated: readonly string[]
  readonly names: readonly string[]
}

/** More than any client sends; what is over it is not read at all. */
const MOST_PARAMETERS = 100

/** Of names and values, from wherever they come. */
export function parametersOf(entries: Iterable<readonly [string, string]>): Parameters {
  const values = new Map<string, string[]>()
  let count = 0
  for (const [name, value] of entries) {
    if (++count > MOST_PARAMETERS)
      throw new ProtocolError('invalid_request', `More than ${MOST_PARAMETERS} parameters.`)
    const known = values.get(name)
    if (known) known.push(value)
    else values.set(name, [value])
  }
  return {
    get: name => values.get(name)?.[0] || undefined,
    all: name => values.get(name)?.filter(Boolean) ?? [],
    has: name => values.has(name),
    get repeated() {
      return values.size === count ? [] : [...values].filter(([, all]) => all.length > 1).map(([name]) => name)
    },
    get names() {
      return [...values.keys()]
    },
  }
}

/** What can be kept, and read again by `parametersOf`. */
export const entriesOf = (parameters: Parameters): (readonly [string, string])[] =>
  parameters.names.flatMap(name => parameters.all(name).map(value => [name, value] as const))

export const noParameters = parametersOf([])

/** From `application/x-www-form-urlencoded` text, a query among them. */
export const parametersOfForm = (text: string): Parameters => parametersOf(new URLSearchParams(text))

/** A whole JSON object, for the few routes that take one. A name that stands there twice is refused: a parser keeps one of the two and says nothing. */
export function documentOf(bytes: Uint8Array): JsonObject {
  const document = parseObject(bytes)
  if (!document) throw new ProtocolError('invalid_request', 'The body must be a JSON object that has each name once.')
  return document as JsonObject
}

/**
 * JSON of any kind, that can be kept and sent on without care: each name once, not nested without end, no text that a
 * database refuses, and no name that JavaScript takes for something else.
 */
export function jsonOf(bytes: Uint8Array): JsonValue {
  const value = parseJson(bytes)
  if (value === undefined) throw new ProtocolError('invalid_request', 'The body must be JSON that has each name once.')
  const problem = keptProblem(value as JsonValue)
  if (problem !== undefined) throw new ProtocolError('invalid_request', `The body ${problem}.`)
  return value as JsonValue
}

const DEEPEST = 32

function keptProblem(value: JsonValue, depth = 0): string | undefined {
  if (typeof value === 'string') return textProblem(value)
  // Written down again it would be null.
  if (typeof value === 'number' && !Number.isFinite(value)) return 'holds a number that is too large'
  if (depth > DEEPEST) return `is nested more than ${DEEPEST} deep`
  if (Array.isArray(value)) return firstOf(value, (item: JsonValue) => keptProblem(item, depth + 1))
  if (!isObject(value)) return undefined
  return firstOf(Object.entries(value), ([name, member]) =>
    name === '__proto__'
      ? 'has a member called __proto__'
      : (textProblem(name) ?? (member === undefined ? undefined : keptProblem(member, depth + 1))),
  )
}

const textProblem = (text: string): string | undefined =>
  text.includes('\0') || !text.isWellFormed() ? 'holds a text with a null character or half of a character' : undefined

function firstOf<T>(items: readonly T[], problemOf: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const problem = problemOf(item)
    if (problem !== undefined) return problem
  }
  return undefined
}

/**
 * From a JSON object in UTF-8: strings, and arrays of strings as repetition. Null counts as omitted; anything else is
 * not a parameter. A name that stands there twice is refused here too.
 */
export function parametersOfJson(bytes: Uint8Array): Parameters {
  const body = parseObject(bytes)
  if (!body) throw new ProtocolError('invalid_request', 'The body must be a JSON object that has each name once.')
  const entries: [string, string][] = []
  for (const [name, value] of Object.entries(body)) {
    if (value === null) continue
    for (const item of Array.isArray(value) ? value : [value]) {
      if (typeof item !== 'string')
        throw new ProtocolError('invalid_request', 'Parameters in a JSON body must be strings.')
      entries.push([name, item])
    }
  }
  return parametersOf(entries)
}
