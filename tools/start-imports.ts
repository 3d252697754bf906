/**
 * What a server does not load before somebody asks for it: a start has less than a second, and an idle server little
 * memory. What is imported by name anywhere on the way from `serve.ts` is loaded; what is imported where it is needed is not.
 */
import type { Violation } from './imports.ts'
import { type Import, packageOf } from './read-imports.ts'

const START = 'server/serve.ts'

/** What waits, a folder or a file each, and of a folder what a start takes all the same: how to find the rest. */
const WAITING: readonly { readonly path: string; readonly but?: readonly string[] }[] = [
  {
    path: 'server/api',
    but: [
      'admit',
      'export-download',
      'fault',
      'management',
      'not-built',
      'rate-limit',
      'revocation-stream',
      'revocation-streams',
    ],
  },
  { path: 'server/embedded', but: ['refused', 'routes'] },
  { path: 'server/tenant-file', but: ['first-start'] },
  { path: 'server/identity/jobs', but: ['queue'] },
  { path: 'server/notify', but: ['letter', 'link-life', 'mailer'] },
  { path: 'server/words', but: ['languages', 'names'] },
  { path: 'server/http/page-renderer.ts' },
  { path: 'server/http/page-views.ts' },
  { path: 'server/http/template-engine.ts' },
  { path: 'server/metrics' },
  { path: 'server/operations' },
  { path: 'server/commands' },
  { path: 'server/backup' },
  { path: 'server/gateway' },
  { path: 'server/workers.ts' },
]

const WAITING_PACKAGES = [
  '@fastify/busboy',
  '@zxcvbn-ts/core',
  'bcryptjs',
  'ioredis',
  'liquidjs',
  'nodemailer',
  'pg',
  'pino-pretty',
  'prom-client',
  'typebox',
  'undici',
  'yaml',
]

/** Each import that a start follows to something of that, with the shortest way there. */
export function loadedTooEarly(graph: ReadonlyMap<string, readonly Import[]>): readonly Violation[] {
  const violations: Violation[] = []
  const ways: string[][] = [[START]]
  const seen = new Set([START])
  for (const way of ways) {
    const file = way.at(-1) as string
    for (const to of graph.get(file) ?? []) {
      if (!to.isEager || to.specifier === undefined) continue
      if (to.file === undefined ? WAITING_PACKAGES.includes(packageOf(to.specifier)) : waits(to.file)) {
        const reason = `a start does not need it: import() it where somebody does (${[...way, to.file ?? to.specifier].join(' → ')})`
        violations.push({ file, line: to.line, imports: to.specifier, reason })
      } else if (to.file !== undefined && !seen.has(to.file)) {
        seen.add(to.file)
        ways.push([...way, to.file])
      }
    }
  }
  return violations
}

function waits(file: string): boolean {
  const part = WAITING.find(({ path }) => file === path || file.startsWith(`${path}/`))
  return part !== undefined && !part.but?.some(name => file === `${part.path}/${name}.ts`)
}
