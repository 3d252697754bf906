/** What the lists of a tenant file have in common: entries that are mappings, checked by a table, each named once. */

import type { Findings } from '../config/findings.ts'
import { checkMembers, type Members, unknownMembers } from '../config/members.ts'
import type { Path } from '../config/yaml.ts'
import { isObject, type JsonObject, type JsonValue } from '../kernel/json.ts'
import { isNothing } from './elsewhere.ts'

export interface Entry {
  readonly path: Path
  readonly given: JsonObject
}

/** The entries of a list; what is not one is a fault. An export writes null for an empty one. */
export function entriesOf(document: JsonObject, path: Path, findings: Findings): readonly Entry[] {
  const name = path.at(-1) as string
  const list = document[name]
  if (list === undefined || list === null) return []
  if (!Array.isArray(list)) {
    findings.fault(path, `${name} must be a list.`)
    return []
  }
  return list.flatMap((given: unknown, index) => {
    if (isObject(given)) return [{ path: [...path, index], given }]
    findings.fault([...path, index], `Each of ${name} must be a mapping.`)
    return []
  })
}

/** Reports every fault of form and every member without a meaning that says anything; `kind` is how a reader calls the thing: `a client`. */
export function isSound(kind: string, members: Members, { path, given }: Entry, findings: Findings): boolean {
  const problems = checkMembers(members, given, path)
  for (const problem of problems) findings.fault(problem.path, problem.message)
  tellUnused(kind, members, { path, given }, findings)
  return problems.length === 0
}

/** An export spells out what is off or empty too, which nobody has to be told of. */
export function tellUnused(kind: string, members: Members, { path, given }: Entry, findings: Findings): void {
  for (const name of unknownMembers(members, given))
    if (!isNothing(valueAt(given, name.split('.')))) findings.unused(kind, path, name)
}

const valueAt = (value: JsonValue | undefined, [name, ...rest]: readonly string[]): JsonValue | undefined =>
  name === undefined ? value : isObject(value ?? null) ? valueAt((value as JsonObject)[name], rest) : undefined

/** The first of each name stays; every further one is a fault. A null has no name to share. */
export function refuseRepeats<T extends { readonly path: Path }>(
  entries: readonly T[],
  nameOf: (entry: T) => string | null,
  sentence: (entry: T) => string,
  findings: Findings,
): void {
  const seen = new Set<string>()
  for (const entry of entries) {
    const name = nameOf(entry)
    if (name === null) continue
    if (seen.has(name)) findings.fault(entry.path, sentence(entry))
    seen.add(name)
  }
}

/** A copy without the members that are kept elsewhere: ids, secrets. */
export const without = (given: JsonObject, ...names: readonly string[]): JsonObject =>
  Object.fromEntries(Object.entries(given).filter(([name]) => !names.includes(name)))
