/**
 * What the tests need from the system: PostgreSQL, Redis, a Chromium, a Korean font, and the proxies that ask the gateway
 * before they let somebody through; and what the benches need besides (`--bench`). Finds them, installs what is missing
 * where it may (root on Debian), and says what to install everywhere else. Starting them belongs to `tests/fixtures/`.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { MINUTE } from '../server/kernel/seconds.ts'

/** The oldest major version of PostgreSQL whose SQL the migrations may use. */
const OLDEST_POSTGRES = 15

/** Where packages put what is needed; `*` stands for a version. */
const PLACES = {
  postgres: [
    '/usr/lib/postgresql/*/bin/postgres',
    '/usr/pgsql-*/bin/postgres',
    '/opt/homebrew/opt/postgresql@*/bin/postgres',
    '/usr/local/opt/postgresql@*/bin/postgres',
  ],
  redis: [
    '/usr/bin/redis-server',
    '/usr/bin/valkey-server',
    '/opt/homebrew/bin/redis-server',
    '/usr/local/bin/redis-server',
  ],
  chromium: [
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    '/Applications/Chromium.app/Contents/MacOS/Chromium',
  ],
  koreanFont: [
    '/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc',
    '/usr/share/fonts/google-noto-sans-cjk*/NotoSansCJK-Regular.ttc',
    '/System/Library/Fonts/AppleSDGothicNeo.ttc',
  ],
  nginx: ['/usr/sbin/nginx', '/opt/homebrew/bin/nginx'],
  caddy: ['/usr/bin/caddy', '/opt/homebrew/bin/caddy'],
  haproxy: ['/usr/sbin/haproxy', '/opt/homebrew/bin/haproxy'],
}

export interface Prerequisite {
  readonly name: string
  /** Where it is, or nothing where it is missing. */
  find(): string | undefined
  readonly packages: { readonly apt: string; readonly dnf: string; readonly brew: string }
}

export const prerequisites: readonly Prerequisite[] = [
  {
    name: `PostgreSQL ${OLDEST_POSTGRES} or later`,
    find: findPostgres,
    packages: { apt: 'postgresql', dnf: 'postgresql-server', brew: 'postgresql@18' },
  },
  {
    name: 'Redis or Valkey',
    find: findRedis,
    packages: { apt: 'redis-server', dnf: 'valkey', brew: 'redis' },
  },
  {
    name: 'Chromium or Chrome',
    find: findChromium,
    packages: { apt: 'chromium', dnf: 'chromium', brew: 'google-chrome' },
  },
  {
    name: 'a font with Korean letters',
    find: findKoreanFont,
    packages: { apt: 'fonts-noto-cjk', dnf: 'google-noto-sans-cjk-fonts', brew: 'font-noto-sans-cjk' },
  },
  {
    name: 'nginx',
    find: findNginx,
    packages: { apt: 'nginx-light', dnf: 'nginx', brew: 'nginx' },
  },
  {
    name: 'Caddy',
    find: findCaddy,
    packages: { apt: 'caddy', dnf: 'caddy', brew: 'caddy' },
  },
]

/** Whom the gateway is measured beside, and what asks them. */
export const benchPrerequisites: readonly Prerequisite[] = [
  {
    name: 'HAProxy',
    find: findHaproxy,
    packages: { apt: 'haproxy', dnf: 'haproxy', brew: 'haproxy' },
  },
  { name: 'wrk', find: findWrk, packages: { apt: 'wrk', dnf: 'wrk', brew: 'wrk' } },
]

/** The folder that holds `postgres` and `initdb` of the newest version installed, 15 or later. */
export function findPostgres(): string | undefined {
  const installed = [...present(PLACES.postgres), ...onPath('postgres')]
  return newestPostgres(installed.map(program => ({ program, major: majorVersion(program) })))
}

export function newestPostgres(installed: readonly { program: string; major: number }[]): string | undefined {
  const [newest] = installed.filter(({ major }) => major >= OLDEST_POSTGRES).toSorted((a, b) => b.major - a.major)
  return newest && dirname(newest.program)
}

/** What serves Redis's protocol. */
export function findRedis(): string | undefined {
  return [...present(PLACES.redis), ...onPath('redis-server'), ...onPath('valkey-server')][0]
}

/** The browser that the tests drive. */
export function findChromium(): string | undefined {
  return [...present(PLACES.chromium), ...onPath('chromium'), ...onPath('google-chrome')][0]
}

function findKoreanFont(): string | undefined {
  const [known] = present(PLACES.koreanFont)
  if (known) return known
  const { stdout } = spawnSync('fc-list', [':lang=ko', 'file'], { encoding: 'utf8' })
  return stdout?.split(':')[0] || undefined
}

/** With `auth_request`, which every package of it has. */
export function findNginx(): string | undefined {
  return [...present(PLACES.nginx), ...onPath('nginx')][0]
}

export function findCaddy(): string | undefined {
  return [...present(PLACES.caddy), ...onPath('caddy')][0]
}

export function findHaproxy(): string | undefined {
  return [...present(PLACES.haproxy), ...onPath('haproxy')][0]
}

export function findWrk(): string | undefined {
  return onPath('wrk')[0]
}

const present = (places: readonly string[]): readonly string[] =>
  places.flatMap(place => (place.includes('*') ? globSync(place) : existsSync(place) ? [place] : []))

function onPath(program: string): readonly string[] {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter(folder => folder !== '')
  return present(folders.map(folder => join(folder, program)))
}

/** Packagers write the version into the path. Where they do not, the program is asked, which costs a process. */
function majorVersion(postgres: string): number {
  const inPath = /(?:\/|-|@)(\d+)\/bin\//.exec(postgres)
  const told = inPath ?? / (\d+)/.exec(spawnSync(postgres, ['--version'], { encoding: 'utf8' }).stdout ?? '')
  return Number(told?.[1] ?? 0)
}

/** What a person is told who must install `missing` by hand. */
export function instructions(missing: readonly Prerequisite[]): string {
  const packages = (manager: keyof Prerequisite['packages']) => missing.map(one => one.packages[manager]).join(' ')
  return [
    `Tests and benches need ${new Intl.ListFormat('en').format(missing.map(one => one.name))}, which this machine lacks.`,
    `  Debian  sudo apt-get install --no-install-recommends ${packages('apt')}`,
    `  Ubuntu  the same; its Chromium is a snap, so take Google Chrome from https://www.google.com/chrome instead`,
    `  Fedora  sudo dnf install ${packages('dnf')}`,
    `  macOS   brew install ${packages('brew')}`,
    'Run as root on Debian, they install them themselves.',
  ].join('\n')
}

function mayInstall(): boolean {
  if (process.getuid?.() !== 0 || !existsSync('/etc/os-release')) return false
  return /^ID=debian$/m.test(readFileSync('/etc/os-release', 'utf8'))
}

const APT_OPTIONS = [
  'Acquire::Retries=3',
  'Acquire::http::Timeout=30',
  'Acquire::https::Timeout=30',
  'APT::Update::Error-Mode=any',
  'DPkg::Lock::Timeout=300',
  'Dpkg::Options::=--force-confold',
].flatMap(option => ['-o', option])

/** Downloading may stall and is tried again; unpacking must not be interrupted, so it has no time limit. */
function install(missing: readonly Prerequisite[]): void {
  const packages = missing.map(one => one.packages.apt)
  preventDefaultCluster()
  const downloaded =
    repeatedly(() => aptGet(['update'], 3 * MINUTE)) &&
    repeatedly(() =>
      aptGet(['install', '--yes', '--no-install-recommends', '--download-only', ...packages], 5 * MINUTE),
    )
  if (downloaded) aptGet(['install', '--yes', '--no-install-recommends', ...packages])
}

function repeatedly(attempt: () => boolean): boolean {
  return attempt() || attempt() || attempt()
}

function aptGet(args: readonly string[], timeout?: number): boolean {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', UCF_FORCE_CONFFOLD: '1' }
  const limit = timeout === undefined ? {} : { timeout }
  return spawnSync('apt-get', [...APT_OPTIONS, ...args], { env, stdio: ['ignore', 2, 2], ...limit }).status === 0
}

/** Debian would start a PostgreSQL of its own at installation; the tests run theirs and leave the machine quiet. */
function preventDefaultCluster(): void {
  const settings = '/etc/postgresql-common/createcluster.conf'
  if (existsSync(settings)) return
  mkdirSync(dirname(settings), { recursive: true })
  writeFileSync(settings, 'create_main_cluster = false\n')
}

if (import.meta.main) {
  const needed = process.argv.includes('--bench') ? [...prerequisites, ...benchPrerequisites] : prerequisites
  const missing = () => needed.filter(one => one.find() === undefined)
  const before = missing()
  if (before.length > 0 && mayInstall()) install(before)
  const after = before.length > 0 ? missing() : []
  if (after.length > 0) {
    console.error(instructions(after))
    process.exitCode = 1
  }
}
