/**
 * A tenant carried in and out by Auth0's own tool, unmodified, as a process of its own. It asks eight times a second and no
 * more, each prompt by itself, and works for ten seconds on its own schema before it imports: whoever answers, a run takes
 * ten seconds or twenty.
 */
import assert from 'node:assert/strict'
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parse, stringify } from 'yaml'
import { MINUTE } from '../../server/kernel/seconds.ts'
import { type Management, startManagement } from '../fixtures/management.ts'
import { run } from '../fixtures/process.ts'

const TOOL = join(dirname(createRequire(import.meta.url).resolve('auth0-deploy-cli/package.json')), 'lib/index.js')

/** As an operator has it in a repository. */
const FOLDER = fileURLToPath(new URL('../fixtures/deploy-folder', import.meta.url))

/** The machine that the tool is: it exports it like any, and leaves it alone. */
const OWN = 'clients/Root.json'

const SECRETS = { SMTP_USER: 'post', SMTP_PASS: 'a word between us and the post' }

let management: Management
let ours: string

before(async () => {
  ours = mkdtempSync(join(tmpdir(), 'latchkey-deploy-'))
  // Before the import already, for the tool asks for every prompt in every language that there is.
  management = await startManagement({ tenantFile: { tenant: { enabled_locales: ['en'] } } })
})

after(async () => {
  await management?.close()
  rmSync(ours, { recursive: true, force: true })
})

test('auth0-deploy-cli imports a folder, exports the same, imports it again, and deletes what was taken out and nothing else', async () => {
  await deploy('import', '--input_file', FOLDER)
  const [first] = await Promise.all([exported('first'), deploy('export', '--format', 'yaml', '--output_folder', ours)])
  assert.deepEqual(asWritten(first), filesOf(FOLDER))

  const file = join(ours, 'tenant.yaml')
  const tenant = parse(readFileSync(file, 'utf8'))
  const but = (name: string) => (one: { name?: string; client_id?: string }) =>
    ![one.name, one.client_id].includes(name)
  tenant.clients = tenant.clients.filter(but('Reporter'))
  tenant.clientGrants = tenant.clientGrants.filter(but('Reporter'))
  tenant.roles = tenant.roles.filter(but('Bookkeeper'))
  writeFileSync(file, stringify(tenant))
  await deploy('import', '--input_file', file, { AUTH0_ALLOW_DELETE: 'true' })
  const gone = ['clients/Reporter.json', 'grants/Reporter-Auth0 Management API.json', 'roles/Bookkeeper.json']
  assert.deepEqual(await exported('second'), without(first, gone))
})

async function exported(name: string): Promise<Files> {
  await deploy('export', '--format', 'directory', '--output_folder', join(ours, name))
  return filesOf(join(ours, name))
}

/** `a0deploy` as an operator runs it. Of some errors it tells, and ends well all the same. */
async function deploy(...given: readonly (string | Readonly<Record<string, string>>)[]): Promise<void> {
  const args = given.filter(one => typeof one === 'string')
  const { code, out, err } = await run(
    args,
    {
      AUTH0_DOMAIN: management.domain,
      AUTH0_CLIENT_ID: management.machine.client_id,
      AUTH0_CLIENT_SECRET: management.machine.client_secret,
      AUTH0_KEYWORD_REPLACE_MAPPINGS: JSON.stringify({ DOMAIN: management.domain, ...SECRETS }),
      NODE_EXTRA_CA_CERTS: management.server.latchkey.caFile ?? '',
      ...Object.assign({}, ...given.filter(one => typeof one !== 'string')),
    },
    { file: TOOL, within: 4 * MINUTE },
  )
  assert.equal(code, 0, `${out}${err}`)
  assert.doesNotMatch(out, / - \S*error\S*: /)
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
