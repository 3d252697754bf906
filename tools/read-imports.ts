/**
 * Imports read from source text by two regular expressions. TypeScript 7 has no compiler interface to ask, and the
 * formatter keeps every static import at the start of a line. What may be imported is judged in `imports.ts`.
 */
import { globSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { posix } from 'node:path'

/** Source by path, relative to the repository and with forward slashes; `package.json` files are part of it. */
export type Tree = ReadonlyMap<string, string>

export interface Import {
  readonly line: number
  /** Whether it is loaded with the file that imports it: no type, and nothing that is imported later, when it is needed. */
  readonly isEager: boolean
  /** Absent when it is computed, so that nobody can tell from the text what will be loaded. */
  readonly specifier?: string
  /** The file of this repository that the specifier names. */
  readonly file?: string
}

/** The repository's own code and manifests under `root`. */
export function readTree(root: URL): Tree {
  const patterns = ['{server,sdk,examples,tests,tools,bench}/**/*.{ts,js}', '{server,sdk}/package.json']
  const paths = globSync(patterns, { cwd: root, exclude: ['**/node_modules/**'] }).map(path =>
    path.replaceAll('\\', '/'),
  )
  return new Map(paths.sort().map(path => [path, readFileSync(new URL(path, root), 'utf8')]))
}

const CLAUSE = String.raw`(?:[\w$]+|\{[^}]*\}|\*(?:\s+as\s+[\w$]+)?)`
const STATIC_IMPORT = new RegExp(
  String.raw`^(?:import|export)\s+(?<type>type\s+)?(?:${CLAUSE}(?:,\s*${CLAUSE})?\s+from\s+)?(?<quote>['"])(?<specifier>[^'"\n]+)\k<quote>`,
  'gm',
)
/** `import('x')` as an expression or in a type, and the two ways around it. */
const DYNAMIC_IMPORT =
  /(?:(?<![.\w$])(?:import|require)|\bgetBuiltinModule)\(\s*(?:(['"`])(?<specifier>[^'"`$\n]+)\1\s*[,)])?/g
const COMMENTED = /^\s*(?:\*|\/\*)|(?:^|\s)\/\//

/** What a file imports, types and re-exports too, static ones first; `tree` tells what workspaces export. */
export function readImports(path: string, source: string, tree: Tree): readonly Import[] {
  const read = (match: RegExpExecArray, isEager: boolean): Import => {
    const line = source.slice(0, match.index).split('\n').length
    const specifier = match.groups?.['specifier']
    if (specifier === undefined) return { line, isEager }
    const file = resolve(path, specifier, tree)
    return file === undefined ? { line, isEager, specifier } : { line, isEager, specifier, file }
  }
  return [
    ...source.matchAll(STATIC_IMPORT).map(match => read(match, match.groups?.['type'] === undefined)),
    ...source
      .matchAll(DYNAMIC_IMPORT)
      .filter(isCode)
      .map(match => read(match, false)),
  ]
}

/** Comments may speak of imports. Looking at the line alone cannot be fooled by a `/*` inside a string further up. */
function isCode(match: RegExpExecArray): boolean {
  const lineStart = match.input.lastIndexOf('\n', match.index) + 1
  return !COMMENTED.test(match.input.slice(lineStart, match.index))
}

function resolve(from: string, specifier: string, tree: Tree): string | undefined {
  if (specifier.startsWith('.')) return posix.join(posix.dirname(from), specifier)
  for (const workspace of ['server', 'sdk']) {
    const { name, exports } = manifestOf(workspace, tree)
    if (name === undefined || packageOf(specifier) !== name) continue
    const subpath = `.${specifier.slice(name.length)}`
    return posix.join(workspace, exports?.[subpath] ?? subpath)
  }
  return undefined
}

export interface Manifest {
  readonly name?: string
  readonly exports?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
}

/** What the imports of a workspace are judged by, of its `package.json`; empty where the tree holds none. */
export const manifestOf = (workspace: string, tree: Tree): Manifest =>
  JSON.parse(tree.get(`${workspace}/package.json`) ?? '{}')

/** `@scope/name/sub` is `@scope/name`; `fs` and `node:fs` are both `node:fs`. */
export function packageOf(specifier = ''): string {
  if (isBuiltin(specifier)) return specifier.startsWith('node:') ? specifier : `node:${specifier}`
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
}
