/**
 * A plan as a person reads it: each thing with a sign, and below it the members that differ, down to the one entry of a
 * list or the one word in a mapping. What to say of secrets has been decided where the plan was made.
 */
import { isDeepStrictEqual } from 'node:util'
import { isObject, type JsonObject, type JsonValue } from '../kernel/json.ts'
import type { Change } from '../tenant-file/plan.ts'

type Sign = '+' | '~' | '-'
/** Colours a line, or leaves it as it is. */
export type Ink = (sign: Sign, line: string) => string

const SIGNS = { created: '+', changed: '~', removed: '-' } as const satisfies Readonly<Record<string, Sign>>

const LONGEST_TEXT = 120
/** Of one thing; the rest is counted. */
const MOST_LINES = 40

export function planLines({ kind, id, name, change, changes }: Change, ink: Ink): readonly string[] {
  const sign = SIGNS[change]
  const known = name === id || change === 'created' ? '' : ` (${plain(id)})`
  const lines =
    change === 'removed' ? [] : Object.entries(changes).flatMap(([member, told]) => linesOf(member, told ?? null, ink))
  const rest = lines.length - MOST_LINES
  return [
    ink(sign, `${sign} ${kind} ${plain(name)}${known}`),
    ...lines.slice(0, MOST_LINES),
    ...(rest > 0 ? [`    … and ${rest} more lines`] : []),
  ]
}

export const tally = (changes: readonly Change[]): string =>
  Object.entries(Object.groupBy(changes, ({ change }) => change))
    .map(([change, some]) => `${some.length} ${change}`)
    .join(', ')

/** `changesBetween` tells a secret as a word, and what was or is not there by leaving it out. */
function linesOf(member: string, told: JsonValue, ink: Ink): readonly string[] {
  if (!isObject(told)) return [lineOf('~', member, 'changed, and not shown', ink)]
  const { before, after } = told
  return between(member, before, after, ink)
}

const lineOf = (sign: Sign, member: string, said: string, ink: Ink): string =>
  `    ${ink(sign, `${sign} ${plain(member)}: ${said}`)}`

function between(
  member: string,
  before: JsonValue | undefined,
  after: JsonValue | undefined,
  ink: Ink,
): readonly string[] {
  if (isDeepStrictEqual(before, after)) return []
  if (isMapping(before) && isMapping(after)) return inMappings(member, before, after, ink)
  if (Array.isArray(before) && Array.isArray(after)) return inLists(member, before, after, ink)
  if (before === undefined) return all('+', member, after, ink)
  if (after === undefined) return all('-', member, before, ink)
  return [lineOf('~', member, `${shown(before)} -> ${shown(after)}`, ink)]
}

const inMappings = (member: string, before: JsonObject, after: JsonObject, ink: Ink): readonly string[] =>
  [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap(name =>
    between(`${member}.${name}`, before[name], after[name], ink),
  )

function inLists(
  member: string,
  before: readonly JsonValue[],
  after: readonly JsonValue[],
  ink: Ink,
): readonly string[] {
  const [old, current] = [byName(before), byName(after)]
  if (old && current)
    return [...new Set([...old.keys(), ...current.keys()])].flatMap(name =>
      between(`${member}[${name}]`, old.get(name), current.get(name), ink),
    )
  const gone = without(before, after)
  const come = without(after, before)
  if (gone.length + come.length === 0) return [lineOf('~', member, 'in another order', ink)]
  return [
    ...gone.map(item => lineOf('-', member, shown(item), ink)),
    ...come.map(item => lineOf('+', member, shown(item), ink)),
  ]
}

/** What is there, or was, down to what is no mapping. */
function all(sign: Sign, member: string, value: JsonValue | undefined, ink: Ink): readonly string[] {
  if (isMapping(value) && Object.keys(value).length > 0)
    return Object.entries(value).flatMap(([name, inner]) => all(sign, `${member}.${name}`, inner, ink))
  if (!Array.isArray(value) || JSON.stringify(value).length <= LONGEST_TEXT)
    return [lineOf(sign, member, shown(value), ink)]
  return value.map(item => lineOf(sign, member, shown(item), ink))
}

/** Members by which entries of a list are told apart, each alone or with the one beside it. */
const NAMES = ['value', 'name', 'domain', 'permission_name', 'client_id'] as const
const BESIDE = ['resource_server_identifier', 'audience'] as const

/** Undefined where they are not mappings that each have a name of their own. */
function byName(list: readonly JsonValue[]): ReadonlyMap<string, JsonValue> | undefined {
  const named = new Map<string, JsonValue>()
  for (const item of list) {
    if (!isMapping(item)) return undefined
    const name = NAMES.map(one => item[one]).find(isText)
    if (name === undefined) return undefined
    named.set([name, ...BESIDE.map(one => item[one]).filter(isText)].join(' '), item)
  }
  return named.size === list.length ? named : undefined
}

const isText = (value: JsonValue | undefined): value is string => typeof value === 'string'

/** Each as often as it is there more often than in the other. */
function without(list: readonly JsonValue[], other: readonly JsonValue[]): readonly JsonValue[] {
  const left = new Map<string, number>()
  for (const item of other) left.set(JSON.stringify(item), (left.get(JSON.stringify(item)) ?? 0) + 1)
  return list.filter(item => {
    const key = JSON.stringify(item)
    const times = left.get(key) ?? 0
    left.set(key, times - 1)
    return times <= 0
  })
}

/** A mapping that is one, and does not stand for what is too long to tell. */
const isMapping = (value: JsonValue | undefined): value is JsonObject =>
  value !== undefined && isObject(value) && lengthOf(value) === undefined

function lengthOf(value: JsonObject): number | undefined {
  const { length } = value
  return typeof length === 'number' && Object.keys(value).length === 1 ? length : undefined
}

function shown(value: JsonValue | undefined): string {
  if (value === undefined) return 'nothing'
  const length = isObject(value) ? lengthOf(value) : undefined
  if (length !== undefined) return `(${inNumbers(length)} characters)`
  const text = plain(JSON.stringify(value))
  if (text.length <= LONGEST_TEXT) return text
  return `${text.slice(0, LONGEST_TEXT)}… (${inNumbers(text.length)} characters)`
}

const inNumbers = (count: number): string => count.toLocaleString('en')

/** A terminal obeys some characters, and shows others as what they are not. */
const plain = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, one => `\\u{${one.codePointAt(0)?.toString(16)}}`)
