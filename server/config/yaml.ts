/**
 * YAML as JSON, with the line on which each member stands. Whatever a document can do besides holding data
 * (name types, say a key twice, multiply itself through aliases) is refused here; what its members mean is its
 * reader's to know.
 */
import type { Node, Pair, Scalar } from 'yaml'
import type { JsonValue } from '../kernel/json.ts'

/** Where in a document, from the outside in: `['clients', 0, 'callbacks']`. */
export type Path = readonly (string | number)[]

export interface YamlFault {
  readonly line: number
  readonly sentence: string
}

export interface Yaml {
  /** Means nothing while there are faults. */
  readonly value: JsonValue
  readonly faults: readonly YamlFault[]
  /** Counted from 1. Of what is not there, the line of the innermost thing around it. */
  lineOf(path: Path): number
  /** What `lineIn` reads, of everything down to that depth. */
  outline(depth: number): Outline
}

/**
 * The lines of a document as JSON: of each member its line and, where they stand on other lines, its members'. One
 * that is left out stands on the line of what is around it.
 */
export interface Outline {
  readonly [step: string]: readonly [line: number, inner?: Outline]
}

/** An export nests about eight deep. */
const DEEPEST = 50
/** What aliases may repeat in all, in characters and values: plenty for shared lists, nothing for a bomb. */
const MOST_REPEATED = 1_000_000

type Lines = ReadonlyMap<string | number, number>

/** The parser is loaded only when there is a file to parse. */
export async function readYaml(text: string): Promise<Yaml> {
  const { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } = await import('yaml')
  const counter = new LineCounter()
  const document = parseDocument(text, {
    lineCounter: counter,
    stringKeys: true,
    // Compares each key of a mapping with every other one; below, a set does it.
    uniqueKeys: false,
    // Pretty errors quote the line, on which a secret may stand.
    prettyErrors: false,
  })

  const faults: YamlFault[] = []
  const lineAt = (offset: number): number => counter.linePos(offset).line
  const refuse = (node: Node, sentence: string): null => {
    faults.push({ line: lineAt(node.range?.[0] ?? 0), sentence })
    return null
  }
  // The parser's own sentences may repeat what stands in the file; its codes do not.
  for (const { pos, code } of [...document.errors, ...document.warnings])
    faults.push({ line: lineAt(pos[0]), sentence: `This is not YAML that can be read: ${spoken(code)}.` })

  const lines = new WeakMap<object, Lines>()
  const anchors = new Map<string, { readonly value: JsonValue; readonly weight: number }>()
  let weight = 0
  let repeated = 0

  const convert = (node: unknown, depth: number): JsonValue => {
    if (node === null || node === undefined) return null
    if (isAlias(node)) return repeat(node)
    const before = weight++
    const value = convertNew(node as Node, depth)
    const { anchor } = node as Scalar
    // Known only from here on, so that nothing can hold itself.
    if (anchor) anchors.set(anchor, { value, weight: weight - before })
    return value
  }

  const repeat = (node: Node & { source: string }): JsonValue => {
    const anchor = anchors.get(node.source)
    if (!anchor) return refuse(node, 'This alias names no anchor that stands complete before it.')
    weight += anchor.weight
    repeated += anchor.weight
    return repeated > MOST_REPEATED ? refuse(node, 'Aliases repeat too much of the file.') : anchor.value
  }

  const convertNew = (node: Node, depth: number): JsonValue => {
    if (depth > DEEPEST) return refuse(node, `This is nested more than ${DEEPEST} deep.`)
    if (isScalar(node)) return scalar(node)
    if (isSeq(node)) {
      const items = node.items.map(item => convert(item, depth + 1))
      lines.set(items, new Map(node.items.map((item, index) => [index, lineAt((item as Node).range?.[0] ?? 0)])))
      return items
    }
    return isMap(node) ? mapping(node.items as Pair<Scalar<string>>[], depth) : refuse(node, UNKNOWN_TYPE)
  }

  const mapping = (pairs: readonly Pair<Scalar<string>>[], depth: number): JsonValue => {
    const members = new Map<string, JsonValue>()
    const lineOfKey = new Map<string, number>()
    for (const { key, value } of pairs) {
      if (members.has(key.value)) refuse(key, `${key.value} is there twice.`)
      if (key.value === '__proto__') refuse(key, 'No member may have this name.')
      lineOfKey.set(key.value, lineAt(key.range?.[0] ?? 0))
      members.set(key.value, convert(value, depth + 1))
    }
    const result = Object.fromEntries(members)
    lines.set(result, lineOfKey)
    return result
  }

  const scalar = (node: Scalar): JsonValue => {
    const { value } = node
    if (typeof value === 'string') {
      weight += value.length
      // Neither comes back from every database as it went in.
      if (value.includes('\0') || !value.isWellFormed()) return refuse(node, 'This text holds what is not a character.')
      return value
    }
    if (typeof value === 'number') {
      if (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value)))
        return refuse(node, 'This number cannot be kept exactly; put it in quotes if it is a name.')
      // JSON has no negative zero.
      return value + 0
    }
    return typeof value === 'boolean' || value === null ? value : refuse(node, UNKNOWN_TYPE)
  }

  const value = document.errors.length > 0 ? null : convert(document.contents, 0)
  return {
    value,
    faults,
    lineOf: path => lineOf(value, path, lines),
    outline: depth => outlineOf(value, lines, 1, depth),
  }
}

const UNKNOWN_TYPE = 'This is of a type that JSON does not have.'

const spoken = (code: string): string => code.toLowerCase().replaceAll('_', ' ')

function lineOf(root: JsonValue, path: Path, lines: WeakMap<object, Lines>): number {
  let line = 1
  let inner: unknown = root
  for (const step of path) {
    if (typeof inner !== 'object' || inner === null) break
    const known = lines.get(inner)?.get(step)
    if (known === undefined) break
    line = known
    inner = (inner as Record<string | number, unknown>)[step]
  }
  return line
}

function outlineOf(value: JsonValue, lines: WeakMap<object, Lines>, line: number, depth: number): Outline {
  if (depth === 0 || typeof value !== 'object' || value === null) return {}
  const members: [string, Outline[string]][] = []
  for (const [step, own] of lines.get(value) ?? []) {
    const inner = outlineOf((value as Record<string, JsonValue>)[step] ?? null, lines, own, depth - 1)
    const isBare = Object.keys(inner).length === 0
    if (!isBare || own !== line) members.push([String(step), isBare ? [own] : [own, inner]])
  }
  return Object.fromEntries(members)
}

/** As `Yaml.lineOf`. */
export function lineIn(outline: Outline, path: Path): number {
  let line = 1
  let inner: Outline | undefined = outline
  for (const step of path) {
    if (!inner || !Object.hasOwn(inner, step)) break
    ;[line, inner] = inner[step] as Outline[string]
  }
  return line
}
