/**
 * How a member of the route file is described: which form it has, what it is when it is not there, and what it does.
 * The descriptions (`schema.ts`) are the reader and the manual at once. Nothing is coerced: a number is no text, and
 * `5` is no duration.
 */
import type { Findings } from '../../config/findings.ts'
import type { Path } from '../../config/yaml.ts'
import { isObject, type JsonObject, type JsonValue } from '../../kernel/json.ts'

/** What reading one file has at hand, and what it finds. */
export interface Reading {
  readonly findings: Findings
  /** From which the file's relative paths start. */
  readonly folder: string
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Whether everybody on this machine can read the route file. */
  readonly isOpen: boolean
  /** Other files that were read, as absolute paths: whoever watches for changes watches them too. */
  readonly files: Set<string>
}

export interface Form<T> {
  /** What has to be written, as the end of a sentence: `a duration such as 60s`. */
  readonly says: string
  /** Undefined where there is a fault, which was told then. */
  read(value: JsonValue, path: Path, reading: Reading): T | undefined
  /** Of what holds mappings, for the manual: their members, and how a place among them is written (`[]`, `.<name>`). */
  readonly members?: Members
  readonly step?: string
}

export interface Member<T = unknown> {
  readonly form: Form<T>
  /** What counts where nothing is written, as it would be written; it is read like anything else. */
  readonly usual?: JsonValue
  readonly isOptional: boolean
  /** What the manual says in place of a default: `none`. */
  readonly otherwise: string
  readonly sentence: string
}

// biome-ignore lint/suspicious/noExplicitAny: a table of members reads any types, each its own.
export type Members = { readonly [name: string]: Member<any> }

/** Of each member what it was read as, those that had a fault left out. */
export type Read<M extends Members> = { readonly [K in keyof M]: M[K] extends Member<infer T> ? T : never }

/** It has to be there. */
export const needed = <T>(form: Form<T>, sentence: string): Member<T> => ({
  form,
  isOptional: false,
  otherwise: 'has to be there',
  sentence,
})

export const usually = <T>(form: Form<T>, usual: JsonValue, sentence: string): Member<T> => ({
  form,
  usual,
  isOptional: true,
  otherwise: written(usual),
  sentence,
})

function written(usual: JsonValue): string {
  const text = typeof usual === 'string' ? usual : JSON.stringify(usual)
  return ['', '[]', '{}'].includes(text) ? 'empty' : `\`${text}\``
}

/** Null where it is not there. */
export const perhaps = <T>(form: Form<T>, sentence: string, otherwise = 'none'): Member<T | null> => ({
  form,
  isOptional: true,
  otherwise,
  sentence,
})

/** Each member that could be read. A name that is no member's is a fault, as is one that is there without a value. */
export function readMembers<M extends Members>(
  kind: string,
  members: M,
  given: JsonObject,
  path: Path,
  reading: Reading,
): Partial<Read<M>> {
  for (const name of Object.keys(given))
    if (!Object.hasOwn(members, name))
      reading.findings.fault([...path, name], `${capital(kind)} has no member "${name}".${perhapsMeant(name, members)}`)

  const read: Record<string, unknown> = {}
  for (const [name, member] of Object.entries(members)) {
    const at = [...path, name]
    const value = Object.hasOwn(given, name) ? given[name] : undefined
    const found = value === undefined ? absent(name, member, at, reading) : present(name, member, value, at, reading)
    if (found !== undefined) read[name] = found
  }
  return read as Partial<Read<M>>
}

function absent(name: string, { form, usual, isOptional }: Member, path: Path, reading: Reading): unknown {
  if (usual !== undefined) return form.read(usual, path, reading)
  if (isOptional) return null
  reading.findings.fault(path, `${name} is missing: it is ${form.says}.`)
  return undefined
}

function present(name: string, { form }: Member, value: JsonValue, path: Path, reading: Reading): unknown {
  if (value !== null) return form.read(value, path, reading)
  reading.findings.fault(path, `${name} is there without a value: it is ${form.says}.`)
  return undefined
}

/** Whether none of the members had a fault. */
export const isWhole = <M extends Members>(members: M, read: Partial<Read<M>>): read is Read<M> =>
  Object.keys(members).every(name => read[name] !== undefined)

/** What else it may have been: a name of which it differs in three letters at most, if there is one. */
function perhapsMeant(name: string, members: Members): string {
  const folded = fold(name)
  const [nearest] = Object.keys(members)
    .map(known => ({ known, distance: distanceOf(folded, fold(known)) }))
    .filter(({ known, distance }) => distance <= Math.min(3, known.length / 3))
    .sort((one, other) => one.distance - other.distance)
  return nearest ? ` Perhaps "${nearest.known}" is meant.` : ` It has ${Object.keys(members).join(', ')}.`
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

const fold = (name: string): string => name.toLowerCase().replaceAll(/[-_ ]/g, '')

/** Levenshtein's, of names; longer ones are near to nothing. */
function distanceOf(one: string, other: string): number {
  if (one.length > 40 || other.length > 40) return Number.POSITIVE_INFINITY
  let above = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (const [row, letter] of [...one].entries()) {
    const line = [row + 1]
    for (const [column, opposite] of [...other].entries())
      line.push(
        Math.min(
          (above[column] ?? 0) + (letter === opposite ? 0 : 1),
          (above[column + 1] ?? 0) + 1,
          (line[column] ?? 0) + 1,
        ),
      )
    above = line
  }
  return above.at(-1) ?? 0
}

/** A mapping whose members are all known. `kind` is how a reader calls the thing: `a route`. */
export const mapping = <M extends Members>(kind: string, members: M): Form<Read<M>> => ({
  says: `a mapping of ${Object.keys(members).join(', ')}`,
  members,
  read(value, path, reading) {
    if (!isObject(value)) return fault(reading, path, this.says)
    const read = readMembers(kind, members, value, path, reading)
    return isWhole(members, read) ? read : undefined
  },
})

/** A mapping of which everything that could be read is there, for whoever judges it together with the rest of the file. */
export interface Entry<M extends Members> {
  readonly path: Path
  /** Of those in a mapping. */
  readonly name: string
  readonly read: Partial<Read<M>>
}

/** A list of mappings. One with a fault is among them, as far as it goes. */
export const entries = <M extends Members>(kind: string, members: M): Form<readonly Entry<M>[]> => ({
  says: 'a list of mappings',
  members,
  step: '[]',
  read(value, path, reading) {
    if (!Array.isArray(value)) return fault(reading, path, this.says)
    return value.flatMap((given: JsonValue, index) => entryOf(kind, members, given, [...path, index], reading))
  },
})

/** A mapping from names of the operator's own, in the order of the file. */
export const namedEntries = <M extends Members>(kind: string, key: RegExp, members: M): Form<readonly Entry<M>[]> => ({
  says: 'a mapping from names to mappings',
  members,
  step: '.<name>',
  read(value, path, reading) {
    if (!isObject(value)) return fault(reading, path, this.says)
    return Object.entries(value).flatMap(([name, given]) => {
      if (!key.test(name)) reading.findings.fault([...path, name], `"${name}" is no name for ${kind}: ${NAMES}.`)
      return entryOf(kind, members, given ?? null, [...path, name], reading)
    })
  },
})

const NAMES = 'it has letters, digits, "-", "_" and "."'

function entryOf<M extends Members>(kind: string, members: M, given: JsonValue, path: Path, reading: Reading) {
  if (isObject(given))
    return [{ path, name: String(path.at(-1)), read: readMembers(kind, members, given, path, reading) }]
  fault(reading, path, `a mapping of ${Object.keys(members).join(', ')}`)
  return []
}

/** What is at a path is not of the form it says. */
export function fault(reading: Reading, path: Path, says: string): undefined {
  const name = path.at(-1)
  const subject = typeof name === 'number' ? `Each of ${path.findLast(step => typeof step === 'string')}` : name
  reading.findings.fault(path, `${subject ?? 'The file'} must be ${says}.`)
  return undefined
}
