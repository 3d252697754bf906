/** What is wrong with a file that an operator wrote and what of it has no effect, each with its line. What is looked for is its reader's business. */
import { OperatorError } from '../kernel/errors.ts'
import type { Path } from './yaml.ts'

export interface Findings {
  /** A sentence without secrets: it ends on a terminal and in logs. */
  fault(path: Path, sentence: string): void
  warn(path: Path, sentence: string): void
  /** Warns of a member nothing is done with: of each name once per kind of thing, however many things have it. */
  unused(kind: string, path: Path, name: string): void
  /** As `file:line: sentence`, in the order of the file. */
  warnings(): readonly string[]
  /** Once: the sentence with its place. */
  at(path: Path, sentence: string): string
  /** All of it so far, as JSON: to go on from in another process. */
  found(): Found
  /** @throws OperatorError that lists the faults found so far; nothing when there are none. */
  settle(): void
}

/** Each finding with its place, and the line to order it by. */
export interface Found {
  readonly faults: readonly (readonly [sentence: string, line: number])[]
  readonly warnings: readonly (readonly [sentence: string, line: number])[]
}

/** More would scroll the first, which often is the cause of the others, off the screen. */
const MOST_LISTED = 20

/** `outcome` is what faults mean for the operator, as a sentence above their list. */
export function createFindings(
  file: string,
  lineOf: (path: Path) => number,
  outcome: string,
  before?: Found,
): Findings {
  const faults = new Map(before?.faults)
  const warnings = new Map(before?.warnings)
  const seen = new Set<string>()

  const at = (path: Path, sentence: string) => `${file}:${lineOf(path)}: ${sentence}`
  const inOrder = (found: ReadonlyMap<string, number>): string[] =>
    [...found].sort(([, one], [, other]) => one - other).map(([sentence]) => sentence)

  return {
    at,
    fault: (path, sentence) => void faults.set(at(path, sentence), lineOf(path)),
    warn: (path, sentence) => void warnings.set(at(path, sentence), lineOf(path)),

    unused(kind, path, name) {
      const once = `${kind} ${name}`
      if (seen.has(once)) return
      seen.add(once)
      const place = [...path, ...name.split('.')]
      warnings.set(at(place, `"${name}" of ${kind} has no effect.`), lineOf(place))
    },

    warnings: () => inOrder(warnings),
    found: () => ({ faults: [...faults], warnings: [...warnings] }),

    settle() {
      if (faults.size === 0) return
      const listed = inOrder(faults).slice(0, MOST_LISTED)
      const rest = faults.size - listed.length
      if (rest > 0) listed.push(`and ${rest} more.`)
      throw new OperatorError(`${outcome}\n${listed.join('\n')}`)
    },
  }
}
