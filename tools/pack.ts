/**
 * What `npm pack` packs. Node runs no TypeScript under `node_modules`, so a published package holds JavaScript, its
 * declarations and a manifest that names those; a checkout keeps its sources and needs no build. npm packs nothing but
 * a workspace's own folder, hence its `prepack` makes all of it there and its `postpack` takes it away again.
 */
import { spawnSync } from 'node:child_process'
import {
  copyFileSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { OperatorError } from '../server/kernel/errors.ts'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
/** Where the sources' manifest lies meanwhile. Both of these are ignored by git. */
const KEPT = 'package.sources.json'
const BUILT = 'dist'

/**
 * What a source reads lies beside the JavaScript as it lay beside the source, since it is found by `import.meta.url`.
 * Named by type, so that nothing is published that merely happens to lie there, as a key or a database might.
 */
const READ = '**/*.{liquid,css,svg,js,bin}'

/** Files of the repository that a package repeats. */
const COPIES: Readonly<Record<string, readonly string[]>> = {
  sdk: ['LICENSE'],
  server: ['LICENSE', 'docs/configuration.gen.md', 'docs/errors.gen.md'],
}

interface Manifest {
  readonly bin?: Readonly<Record<string, string>>
  readonly exports?: Readonly<Record<string, string>>
  readonly scripts?: unknown
  readonly [member: string]: unknown
}

/** The manifest of the package, made of the one of the sources: no script of ours runs where it is installed. */
export function publishedManifest({ scripts: _, bin, exports, ...rest }: Manifest, copies: readonly string[]): object {
  const built = (file: string, suffix: string) => file.replace(/^(?:\.\/)?(.+)\.ts$/, `./${BUILT}/$1${suffix}`)
  return {
    ...rest,
    ...(bin && { bin: mapValues(bin, file => built(file, '.js')) }),
    ...(exports && {
      exports: mapValues(exports, file =>
        file.endsWith('.ts') ? { types: built(file, '.d.ts'), default: built(file, '.js') } : file,
      ),
    }),
    files: [BUILT, ...copies],
  }
}

const mapValues = <V>(record: Readonly<Record<string, string>>, change: (value: string) => V): Record<string, V> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]))

function make(workspace: string, copies: readonly string[]): void {
  // What a run that was cut short has left.
  restore(workspace, copies)
  compile(workspace)
  const folder = join(ROOT, workspace)
  for (const file of globSync(READ, { cwd: folder, exclude: [`${BUILT}/**`, 'node_modules/**'] })) {
    const there = join(folder, BUILT, file)
    // JavaScript that a source imports has been through the compiler.
    if (!existsSync(there)) copy(join(folder, file), there)
  }
  for (const file of copies) copy(join(ROOT, file), join(folder, file))

  // Last, since from here to `restore` nobody can run the sources by the package's name.
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  renameSync(join(folder, 'package.json'), join(folder, KEPT))
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(publishedManifest(manifest, copies), null, 2)}\n`)
}

/** The server's imports of the SDK lead to its sources, so the compiler emits both, and what is not asked for is left. */
function compile(workspace: string): void {
  const out = mkdtempSync(join(tmpdir(), 'latchkey-pack-'))
  try {
    const project = join(ROOT, workspace, 'tsconfig.pack.json')
    const tsc = fileURLToPath(import.meta.resolve('typescript/package.json')).replace('package.json', 'bin/tsc')
    // What is wrong is said by the compiler; its output is no part of npm's, which may be for a program to read.
    const { status } = spawnSync(process.execPath, [tsc, '--project', project, '--outDir', out], {
      stdio: ['ignore', 2, 2],
    })
    if (status !== 0) throw new OperatorError(`${workspace} does not compile, so there is nothing to pack.`)
    cpSync(join(out, workspace), join(ROOT, workspace, BUILT), { recursive: true })
  } finally {
    rmSync(out, { recursive: true })
  }
}

function restore(workspace: string, copies: readonly string[]): void {
  const folder = join(ROOT, workspace)
  if (existsSync(join(folder, KEPT))) renameSync(join(folder, KEPT), join(folder, 'package.json'))
  const made = [BUILT, ...copies.map(file => file.split('/')[0] ?? file)]
  for (const one of made) rmSync(join(folder, one), { recursive: true, force: true })
}

function copy(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true })
  copyFileSync(from, to)
}

if (import.meta.main) {
  const [act = '', workspace = ''] = process.argv.slice(2)
  const copies = COPIES[workspace]
  if (!copies || !['make', 'restore'].includes(act)) throw new TypeError('node tools/pack.ts make|restore sdk|server')
  try {
    if (act === 'make') make(workspace, copies)
    else restore(workspace, copies)
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error
    console.error(error.message)
    process.exitCode = 1
  }
}
