/**
 * The architecture as a table: who may import whom, and the reason for every ban. How imports are found in source
 * text is `read-imports.ts`; whether a name exists in the file it is imported from is the compiler's.
 */
import { isBuiltin } from 'node:module'
import { type Import, manifestOf, packageOf, readImports, readTree, type Tree } from './read-imports.ts'
import { loadedTooEarly } from './start-imports.ts'

export interface Violation {
  readonly file: string
  readonly line: number
  readonly imports: string
  readonly reason: string
}

/**
 * The ladder, highest rung first: a part of `server/` (a folder, or a file that stands alone) or the SDK imports
 * from lower rungs only. Parts that share a rung never meet, for the reason in `apart`.
 */
export const ladder: readonly { readonly parts: readonly string[]; readonly apart?: string }[] = [
  // The installed command, which makes its own process fit before anything is loaded.
  { parts: ['latchkey'] },
  { parts: ['main'] },
  // What a command types and reads, above what it may have to open itself.
  { parts: ['commands'] },
  { parts: ['serve'] },
  { parts: ['compose'] },
  { parts: ['readings'] },
  // What an operator may have done: above the surfaces, because one of them (the tenant file) is done by name.
  { parts: ['operations'] },
  {
    parts: ['oauth', 'login', 'embedded', 'api', 'gateway', 'tenant-file'],
    apart: 'surfaces meet in a URL and an id, never in a function, so that any of them can be left out',
  },
  { parts: ['backup'] },
  { parts: ['factors', 'connectors'], apart: 'what a person proves and what somebody else vouches for stay apart' },
  { parts: ['tokens'] },
  { parts: ['identity', 'clients', 'tenants'], apart: 'people, applications and tenants meet by id, in the store' },
  { parts: ['keys'] },
  { parts: ['revocation'] },
  { parts: ['audit'] },
  { parts: ['notify'] },
  { parts: ['store'] },
  { parts: ['bus'] },
  {
    parts: ['http', 'control', 'tls', 'workers', 'metrics'],
    apart: 'what anybody may send and what the owner may are two doors, and neither knows the lock',
  },
  { parts: ['policy', 'config', 'words'], apart: 'each of these is a vocabulary of its own' },
  { parts: ['kernel'] },
  { parts: ['sdk'] },
]

const FEATURE_LIST = 'server/oauth/features.ts'
const FACTOR_LIST = 'server/factors/factors.ts'
const FACTOR_TYPE = 'server/factors/factor.ts'

const DATABASE_DRIVERS = ['kysely', 'node:sqlite', 'pg']

/** What a gateway on its own machine must not be able to load, however many files lie between. */
const BEYOND_THE_EDGE = ['store', 'keys', 'tokens', 'identity']
const EDGE_REASON = 'a gateway must not be able to reach a database, an account or a private key'

interface Ban {
  readonly reason: string
  forbids(from: string, to: Import, tree: Tree): boolean
}

const BANS: readonly Ban[] = [
  {
    reason: 'a computed import hides what is loaded: name the file, or load it from a list of named ones',
    forbids: (from, to) => isProduction(from) && !isSentToBrowsers(from) && to.specifier === undefined,
  },
  {
    reason: 'the wiring is nobody’s library: take what you need as a parameter',
    forbids: (from, to) => to.file === 'server/compose.ts' && isProduction(from) && from !== 'server/serve.ts',
  },
  {
    reason: 'the conformance suite is a test: only tests run it',
    forbids: (from, to) => isConformance(to.file) && !isTest(from),
  },
  {
    reason: 'what runs in production must not need tests, tools or benches',
    forbids: (from, to) =>
      isProduction(from) && to.file !== undefined && (isTest(to.file) || within(to.file, 'tools', 'bench')),
  },
  {
    reason: 'only server/store knows which database there is',
    forbids: (from, to) =>
      !isTest(from) && !within(from, 'server/store') && DATABASE_DRIVERS.includes(packageOf(to.specifier)),
  },
  {
    reason: 'its import brings the client behind fetch as well: kernel/node-http.ts does not',
    forbids: (from, to) => to.isEager && to.specifier === 'node:http' && isProduction(from) && within(from, 'server'),
  },
  {
    reason: 'a feature must be removable alone: what two of them need belongs to the endpoint',
    forbids: (from, to) => meetsSibling('server/oauth/features', from, to),
  },
  {
    reason: 'a factor must be removable alone: what two of them need belongs to factors/factor.ts',
    forbids: (from, to) => from !== FACTOR_LIST && to.file !== FACTOR_TYPE && meetsSibling('server/factors', from, to),
  },
  {
    reason: 'endpoints are given the list of features, so that any subset boots',
    forbids: (from, to) => within(from, 'server/oauth') && isProduction(from) && reachesFeatures(from, to),
  },
  {
    reason: 'policy is pure: it decides from its arguments and imports only policy and kernel',
    forbids: (from, to) =>
      within(from, 'server/policy') && isProduction(from) && !within(to.file, 'server/policy', 'server/kernel'),
  },
  {
    reason: 'an example shows what any application can do: it has the SDK and nothing else of ours',
    forbids: (from, to) =>
      within(from, 'examples') && isProduction(from) && to.file !== undefined && !within(to.file, 'sdk', example(from)),
  },
  {
    reason: 'it is not a dependency in this workspace’s package.json, so an installed package would lack it',
    forbids: (from, to, tree) => isProduction(from) && within(from, 'server', 'sdk') && isUndeclared(from, to, tree),
  },
]

/** Every import that the table forbids, in the order of the files given. Pure: the tests feed it fabricated trees. */
export function checkImports(tree: Tree): readonly Violation[] {
  const graph = new Map<string, readonly Import[]>()
  for (const [path, source] of tree) if (!path.endsWith('.json')) graph.set(path, readImports(path, source, tree))

  const violations: Violation[] = []
  for (const [from, imports] of graph) {
    for (const to of imports) {
      const reason =
        BANS.find(ban => ban.forbids(from, to, tree))?.reason ?? climbs(from, to) ?? crossesEdge(from, to, graph)
      if (reason) violations.push({ file: from, line: to.line, imports: to.specifier ?? 'a computed name', reason })
    }
  }
  return [...violations, ...loadedTooEarly(graph)]
}

function isUndeclared(from: string, to: Import, tree: Tree): boolean {
  if (to.specifier === undefined || to.specifier.startsWith('.') || isBuiltin(to.specifier)) return false
  const { name, dependencies } = manifestOf(from.split('/')[0] ?? '', tree)
  const wanted = packageOf(to.specifier)
  return wanted !== name && !(wanted in (dependencies ?? {}))
}

/** Why the ladder forbids this import, or nothing. A part of the server that is on no rung is told to take one. */
function climbs(from: string, to: Import): string | undefined {
  if (!isProduction(from) || to.file === undefined) return undefined
  const [lower, upper] = [partOf(from), partOf(to.file)]
  if (lower === undefined || upper === undefined || lower === upper) return undefined
  const [fromRung, toRung] = [rungOf(lower), rungOf(upper)]
  if (fromRung === -1) return `${lower} stands on no rung of the ladder: give it one in tools/imports.ts`
  if (toRung === -1) return `${upper} stands on no rung of the ladder: give it one in tools/imports.ts`
  if (fromRung < toRung) return undefined
  return fromRung === toRung
    ? ladder[fromRung]?.apart
    : `imports run down the ladder, and ${upper} stands above ${lower}`
}

/** `server/keys/signer.ts` is of `keys`, `server/main.ts` of `main`, all of the SDK of `sdk`; the rest is outside. */
function partOf(file: string): string | undefined {
  const [workspace, part] = file.split('/')
  if (workspace === 'server') return part?.replace(/\.[jt]s$/, '')
  return workspace === 'sdk' ? 'sdk' : undefined
}

const rungOf = (part: string): number => ladder.findIndex(rung => rung.parts.includes(part))

/** The shortest way from this import of a gateway file to what lies beyond the edge, if there is one. */
function crossesEdge(from: string, to: Import, graph: ReadonlyMap<string, readonly Import[]>): string | undefined {
  if (partOf(from) !== 'gateway' || !isProduction(from) || to.file === undefined) return undefined
  const ways: string[][] = [[from, to.file]]
  const seen = new Set<string>()
  for (const way of ways) {
    const last = way.at(-1) as string
    if (BEYOND_THE_EDGE.includes(partOf(last) ?? '')) return `${EDGE_REASON}: ${way.join(' → ')}`
    if (seen.has(last)) continue
    seen.add(last)
    for (const next of graph.get(last) ?? []) if (next.file !== undefined) ways.push([...way, next.file])
  }
  return undefined
}

/** Both lie in the folder and carry different names. A feature that has grown into a folder keeps the folder's name. */
function meetsSibling(folder: string, from: string, to: Import): boolean {
  if (!isProduction(from) || !within(from, folder) || !within(to.file, folder)) return false
  const [one, other] = [from, to.file].map(file => file?.slice(folder.length + 1).split(/[./]/)[0])
  return one !== other
}

/** The list itself reaches the features, and a feature reaches its own files; that features keep apart is said above. */
function reachesFeatures(from: string, to: Import): boolean {
  if (to.file === FEATURE_LIST) return true
  return within(to.file, 'server/oauth/features') && !within(from, 'server/oauth/features') && from !== FEATURE_LIST
}

function within(file: string | undefined, ...folders: readonly string[]): boolean {
  return file !== undefined && folders.some(folder => file.startsWith(`${folder}/`))
}

const example = (file: string): string => file.split('/', 2).join('/')
const isConformance = (file = ''): boolean => /^server\/store\/conformance\b/.test(file)
const isTest = (file: string): boolean => within(file, 'tests') || file.endsWith('.test.ts') || isConformance(file)
/** All that runs in a process of ours is TypeScript. What a page loads, it loads over HTTP. */
const isSentToBrowsers = (file: string): boolean => file.endsWith('.js')
const isProduction = (file: string): boolean => within(file, 'server', 'sdk', 'examples') && !isTest(file)

if (import.meta.main) {
  const tree = readTree(new URL('../', import.meta.url))
  const violations = checkImports(tree)
  for (const { file, line, imports, reason } of violations)
    console.error(`${file}:${line} imports ${imports}\n  ${reason}`)
  if (violations.length === 0) console.log(`Imports: ${tree.size} files keep to the ladder.`)
  process.exitCode = violations.length === 0 ? 0 : 1
}
