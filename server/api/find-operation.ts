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
  /** As its operations are listed, and which parts of it are named what. */
  path: string
  names: readonly (readonly [name: string, at: number])[]
}

const newNode = (): Node => ({ literal: new Map(), named: null, operations: new Map(), path: '', names: [] })

/** Throws a `TypeError` for two operations at one place. */
export function placesOf(operations: readonly Operation[]): (parts: readonly string[]) => Place | undefined {
  const root = newNode()
  for (const operation of operations) {
    let node = root
    const parts = operation.path.slice(1).split('/')
    for (const part of parts) node = below(node, part)
    if (node.operations.has(operation.method))
      throw new TypeError(`${operation.method} ${operation.path} is there twice`)
    node.operations.set(operation.method, operation)
    if (node.path !== '') continue
    node.path = operation.path
    node.names = parts.flatMap((part, at) => (part.startsWith(':') ? [[part.slice(1), at] as const] : []))
  }
  return parts => {
    const node = walk(root, parts, 0)
    if (!node) return undefined
    const values: Record<string, string> = {}
    for (const [name, at] of node.names) values[name] = parts[at] ?? ''
    return { operations: node.operations, path: node.path, values }
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
