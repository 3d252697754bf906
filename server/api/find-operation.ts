/** Which operation a path and a method ask for. */
import type { Operation } from './operation.ts'

export interface Place {
  /** By method. */
  readonly operations: ReadonlyMap<string, Operation>
  /** Its path as it is listed: `/users/:id`. */
  readonly path: string
  readonly values: Readonly<Record<string, string>>
}

interface Node {
  readonly literal: Map<string, Node>
  named: Node | null
  operations: Map<string, Operation>
}

const newNode = (): Node => ({ literal: new Map(), named: null, operations: new Map() })

/** Throws a `TypeError` for two operations at one place. */
export function placesOf(operations: readonly Operation[]): (parts: readonly string[]) => Place | undefined {
  const root = newNode()
  for (const operation of operations) {
    let node = root
    for (const part of operation.path.slice(1).split('/')) node = below(node, part)
    if (node.operations.has(operation.method))
      throw new TypeError(`${operation.method} ${operation.path} is there twice`)
    node.operations.set(operation.method, operation)
  }
  return parts => {
    const node = walk(root, parts, 0)
    const [first] = node?.operations.values() ?? []
    if (!node || !first) return undefined
    const names = first.path.slice(1).split('/')
    const values = names.flatMap((name, at) =>
      name.startsWith(':') ? [[name.slice(1), parts[at] ?? ''] as const] : [],
    )
    return { operations: node.operations, path: first.path, values: Object.fromEntries(values) }
  }
}

function below(node: Node, part: string): Node {
  if (part.startsWith(':')) {
    node.named ??= newNode()
    return node.named
  }
  const next = node.literal.get(part) ?? newNode()
  node.literal.set(part, next)
  return next
}

/** A part by its name goes before one that may be anything. */
function walk(node: Node, parts: readonly string[], at: number): Node | undefined {
  const part = parts[at]
  if (part === undefined) return node.operations.size > 0 ? node : undefined
  const literal = node.literal.get(part)
  return (
    (literal && walk(literal, parts, at + 1)) ??
    (node.named && part !== '' ? walk(node.named, parts, at + 1) : undefined)
  )
}
