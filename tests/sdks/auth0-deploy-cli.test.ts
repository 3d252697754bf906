/**
 * A tenant carried in and out by Auth0's own tool, unmodified. It asks eight times a second and no more, each prompt by
 * itself: whoever answers, a run takes ten seconds. It exports as an operator runs it, and imports as a program does
 * (`fixtures/deploy-cli-process.ts`), since it makes its schema anew in each process, which costs ten more.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parse, stringify } from 'yaml'
import { MINUTE } from '../../server/kernel/seconds.ts'
import type { Planned } from '../../server/tenant-file/apply.ts'
import { packTenantFile } from '../../server/tenant-file/packed.ts'
import { parseTenantFile, readTenantFile } from '../../server/tenant-file/read.ts'
import type { Answered, Told } from '../fixtures/deploy-cli-process.ts'
import { type Management, startManagement } from '../fixtures/management.ts'
import { end, run } from '../fixtures/process.ts'

const TOOL = join(dirname(createRequire(import.meta.url).resolve('auth0-deploy-cli/package.json')), 'lib/index.js')

const IMPORTER = fileURLToPath(new URL('../fixtures/deploy-cli-process.ts', import.meta.url))

/** As an operator has it in a repository. */
const FOLDER = fileURLToPath(new URL('../fixtures/deploy-folder', import.meta.url))

/** The machine that the tool is: it exports it like any, and leaves it alone. */
const OWN = 'clients/Root.json'

const SECRETS = { SMTP_USER: 'post', SMTP_PASS: 'a word between us and the post' }

let management: Management
let ours: string
let importer: ChildProcess
/** By the importer. */
let written = ''

before(async () => {
  ours = mkdtempSync(join(tmpdir(), 'latchkey-deploy-'))
  // Before the import already, for the tool asks for every prompt in every language that there is.
  management = await startManagement({ tenantFile: { tenant: { enabled_locales: ['en'] } } })
  importer = fork(IMPORTER, {
    env: { ...process.env, ...trust() },
    execArgv: [],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  for (const output of [importer.stdout, importer.stderr])
    output?.setEncoding('utf8').on('data', text => {
      written += text
    })
})

after(async () => {
  await end(importer, 'SIGKILL')
  await management?.close()
  rmSync(ours, { recursive: true, force: true })
})

test('auth0-deploy-cli imports a folder, exports the same, imports it again, and deletes what was taken out and nothing else; latchkey plans nothing of what it exports', async () => {
  await importing({ input_file: FOLDER })
  const [first] = await Promise.all([
    exported('first'),
    a0deploy('export', '--format', 'yaml', '--output_folder', ours),
  ])
  assert.deepEqual(asWritten(first), filesOf(FOLDER))

  const file = join(ours, 'tenant.yaml')
  assert.deepEqual(await planned(file), [])
  const tenant = parse(readFileSync(file, 'utf8'))
  const but = (name: string) => (one: { name?: string; client_id?: string }) =>
    ![one.name, one.client_id].includes(name)
  tenant.clients = tenant.clients.filter(but('Reporter'))
  tenant.clientGrants = tenant.clientGrants.filter(but('Reporter'))
  tenant.roles = tenant.roles.filter(but('Bookkeeper'))
  writeFileSync(file, stringify(tenant))
  const told = await planned(file)
  await importing({ input_file: file, config: { AUTH0_ALLOW_DELETE: true } })
  const gone = ['clients/Reporter.json', 'grants/Reporter-Auth0 Management API.json', 'roles/Bookkeeper.json']
  assert.deepEqual(await exported('second'), without(first, gone))
  // What the tool has deleted is what latchkey had said that it would.
  assert.deepEqual(told.sort(), ['client removed Reporter', 'role removed Bookkeeper'])
  assert.deepEqual(await planned(file), [])
})

/** What `latchkey plan --delete` shows. */
async function planned(file: string): Promise<string[]> {
  const { latchkey } = management.server
  const read = await parseTenantFile(readTenantFile(file))
  const plan = await latchkey.operate('plan', { tenant: 'default', file: packTenantFile(read), removes: true })
  const { changes } = plan as unknown as Planned
  return changes.map(({ kind, change, name }) => `${kind} ${change} ${name}`)
}

async function exported(name: string): Promise<Files> {
  await a0deploy('export', '--format', 'directory', '--output_folder', join(ours, name))
  return filesOf(join(ours, name))
}

const access = () => ({
  AUTH0_DOMAIN: management.domain,
  AUTH0_CLIENT_ID: management.machine.client_id,
  AUTH0_CLIENT_SECRET: management.machine.client_secret,
})
const trust = () => ({ NODE_EXTRA_CA_CERTS: management.server.latchkey.caFile ?? '' })

/** `a0deploy` as an operator runs it. Of some errors it tells, and ends well all the same. */
async function a0deploy(...args: readonly string[]): Promise<void> {
  const environment = { ...access(), ...trust() }
  const { code, out, err } = await run(args, environment, { file: TOOL, within: 4 * MINUTE })
  assert.equal(code, 0, `${out}${err}`)
  assert.doesNotMatch(out, ERROR)
}

const ERROR = / - \S*error\S*: /

async function importing({ input_file, config }: Pick<Told, 'input_file' | 'config'>): Promise<void> {
  const keywords = { DOMAIN: management.domain, ...SECRETS }
  const told: Told = {
    ...{ input_file, base_path: '', env: false },
    config: { ...access(), AUTH0_KEYWORD_REPLACE_MAPPINGS: keywords, ...config },
  }
  importer.send(told)
  const [answer] = (await once(importer, 'message', { signal: AbortSignal.timeout(4 * MINUTE) })) as [Answered]
  assert.equal(answer, '', written)
  assert.doesNotMatch(written, ERROR)
}

/** By path: what JSON says, and of anything else the text. */
type Files = Readonly<Record<string, ReturnType<typeof JSON.parse>>>

const filesOf = (folder: string): Files =>
  Object.fromEntries(
    globSync('**/*.{json,html}', { cwd: folder })
      .sort()
      .map(path => {
        const text = readFileSync(join(folder, path), 'utf8').replaceAll('##DOMAIN##', management.domain)
        return [path, path.endsWith('.json') ? JSON.parse(text) : text]
      }),
  )

const without = (files: Files, paths: readonly string[]): Files =>
  Object.fromEntries(Object.entries(files).filter(([path]) => !paths.includes(path)))

/** Without what an export holds that nobody imports: what the server makes itself, and what the tool writes. */
function asWritten({ [OWN]: own, ...files }: Files): Files {
  assert.ok(own)
  const written = structuredClone(files)
  // A keyword stands for what the tool takes for a secret.
  Object.assign(written['emails/provider.json'].credentials, {
    smtp_user: SECRETS.SMTP_USER,
    smtp_pass: SECRETS.SMTP_PASS,
  })
  for (const domain of written['custom-domains/custom-domains.json'])
    for (const member of ['primary', 'is_default', 'status', 'verification']) delete domain[member]
  for (const domain of written['organizations/acme.json'].discovery_domains)
    for (const member of ['verification_host', 'verification_txt']) delete domain[member]
  return written
}
