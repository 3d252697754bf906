/**
 * What a stranger gets who installs Latchkey: both packages as `npm pack` makes them, in an empty folder, where the
 * command serves, people sign in, and plain JavaScript verifies the tokens.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { stringify } from 'yaml'
import { createPerson, departure } from '../fixtures/person.ts'
import { end, run, type ServingProcess, serve } from '../fixtures/process.ts'
import { newEnvironment } from '../fixtures/server.ts'
import { applicationAt, postToken } from '../flows/stage.ts'
import { JO, SECRETS, TENANT_FILE, VIDEOS } from '../flows/tenant.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const WORKSPACES = ['sdk', 'server'] as const

interface Packed {
  readonly name: string
  readonly filename: string
  readonly unpackedSize: number
  readonly files: readonly { readonly path: string }[]
}

/** Without what the npm that runs the tests tells its scripts of this repository; where packages come from stays. */
const environment = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) =>
      !/^(?:npm_|INIT_CWD$|LATCHKEY_)/i.test(name) || /^npm_config_(?:registry|cache|userconfig|fetch_)/i.test(name),
  ),
)
const within = promisify(execFile)
const npm = async (cwd: string, ...args: string[]): Promise<string> =>
  (await within('npm', args, { cwd, env: environment, maxBuffer: 16 * 1024 * 1024 })).stdout

describe('The packages', () => {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-packages-'))
  const [sources, app] = [join(folder, 'sources'), join(folder, 'app')]
  const packed = new Map<string, Packed>()
  before(async () => {
    // Packing swaps manifests for a moment, and other tests run from the sources meanwhile.
    mkdirSync(sources)
    for (const name of [
      ...WORKSPACES,
      'tools',
      'docs',
      'LICENSE',
      'package.json',
      'tsconfig.json',
      'tsconfig.pack.json',
    ])
      cpSync(join(ROOT, name), join(sources, name), { recursive: true })
    symlinkSync(join(ROOT, 'node_modules'), join(sources, 'node_modules'))
    const told = await npm(sources, 'pack', ...WORKSPACES.flatMap(name => ['-w', name]), '--json', '--silent')
    for (const one of Object.values<Packed>(JSON.parse(told))) packed.set(one.name.replace('@latchkey/', ''), one)

    mkdirSync(app)
    const tarballs = [...packed.values()].map(({ filename }) => join(sources, filename))
    await npm(app, 'install', '--prefix', app, '--prefer-offline', '--no-audit', '--no-fund', '--silent', ...tarballs)
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  const installed = (workspace: string, ...path: string[]) => join(app, 'node_modules', '@latchkey', workspace, ...path)
  const manifestOf = (workspace: string) => JSON.parse(readFileSync(installed(workspace, 'package.json'), 'utf8'))
  const filesOf = (workspace: string) => packed.get(workspace)?.files.map(({ path }) => path) ?? []

  describe('hold', () => {
    for (const workspace of WORKSPACES) {
      test(`JavaScript and declarations for every source of the ${workspace}, what it reads, and nothing else`, () => {
        const isLeftOut = (file: string) =>
          /\.test\.ts$|^testing\/|^store\/conformance|^(?:dist|data|docs|node_modules)\/|^[^/]+\.(?:json|md)$/.test(
            file,
          )
        const files = globSync('**/*.*', { cwd: join(sources, workspace) }).filter(file => !isLeftOut(file))
        const isSource = (file: string) =>
          /\.[tj]s$/.test(file) && !file.startsWith('login/assets/') && file !== 'oauth/check-session.js'
        const built = files.flatMap(file =>
          isSource(file) ? [file.replace(/\.ts$/, '.js'), file.replace(/\.[tj]s$/, '.d.ts')] : file,
        )
        const docs = workspace === 'server' ? ['docs/configuration.gen.md', 'docs/errors.gen.md'] : []
        assert.ok(built.length > 10)
        assert.deepEqual(
          filesOf(workspace).toSorted(),
          [...built.map(file => `dist/${file}`), ...docs, 'LICENSE', 'README.md', 'package.json'].toSorted(),
        )
      })

      test(`a manifest of the ${workspace} that leads to files, and runs nothing where it is installed`, () => {
        const { bin = {}, exports, scripts, dependencies } = manifestOf(workspace)
        assert.equal(scripts, undefined)
        const targets = [...Object.values(bin), ...Object.values<object>(exports).flatMap(one => Object.values(one))]
        assert.ok(targets.length > 0)
        for (const target of targets) assert.ok(existsSync(installed(workspace, String(target))), String(target))
        for (const version of Object.values(dependencies)) assert.match(String(version), /^\d+\.\d+\.\d+$/)
      })

      test(`nothing of the machine that made the ${workspace}`, () => {
        const texts = filesOf(workspace).map(file => readFileSync(installed(workspace, file), 'utf8'))
        for (const trace of [ROOT, folder, 'file://'])
          assert.equal(
            texts.find(text => text.includes(trace)),
            undefined,
            trace,
          )
      })
    }

    test('no more bytes than anybody would mind', () => {
      assert.ok((packed.get('sdk')?.unpackedSize ?? Number.NaN) < 300_000)
      assert.ok((packed.get('server')?.unpackedSize ?? Number.NaN) < 4_000_000)
    })
  })

  test('leave the sources as they were', () => {
    for (const workspace of WORKSPACES) {
      const original = readFileSync(join(ROOT, workspace, 'package.json'), 'utf8')
      assert.equal(readFileSync(join(sources, workspace, 'package.json'), 'utf8'), original)
      for (const made of ['dist', 'LICENSE', 'docs', 'package.sources.json'])
        assert.equal(existsSync(join(sources, workspace, made)), false, `${workspace}/${made}`)
    }
  })

  describe('installed in an empty folder', () => {
    const bin = join(app, 'node_modules', '.bin', 'latchkey')
    let given: Awaited<ReturnType<typeof newEnvironment>>
    let server: ServingProcess
    let issuer = ''
    before(async () => {
      given = await newEnvironment('sqlite')
      const file = join(given.environment['LATCHKEY_DATA'] ?? '', 'tenant.yaml')
      writeFileSync(file, stringify(TENANT_FILE))
      issuer = given.environment['LATCHKEY_ISSUER'] ?? ''
      server = await serve({ ...given.environment, LATCHKEY_APPLY: file }, bin)
    })
    after(async () => {
      await end(server?.child, 'SIGKILL')
      await given?.discard()
    })

    test('serve: a person signs in on a page that has its style', async () => {
      const spa = await applicationAt(issuer, 'spa')
      const begun = await spa.begin()
      const person = createPerson(issuer)
      const page = await person.visit(begun.url)
      assert.equal(page.status, 200)
      const style = await fetch(new URL(/href="(\/assets\/[^"]+\.css)"/.exec(page.html)?.[1] ?? '', issuer))
      assert.equal(style.status, 200)
      assert.ok((await style.text()).length > 1000)
      const callback = departure(await person.submit(page, { username: JO.email, password: JO.password }))
      assert.ok((await spa.finish(callback, begun)).access_token)
    })

    test('verify, from plain JavaScript, what the server issued, and nothing that was changed on the way', async () => {
      const { body } = await postToken(issuer, {
        grant_type: 'client_credentials',
        client_id: 'machine',
        client_secret: SECRETS.machine,
        audience: VIDEOS,
      })
      const script = join(app, 'verify.mjs')
      writeFileSync(
        script,
        `import { accessToken, createVerifier } from '@latchkey/sdk/verify'
import { remoteKeys } from '@latchkey/sdk/jwks'
const [, , issuer, audience, token] = process.argv
const algorithms = ['RS256']
const verify = createVerifier({ keys: remoteKeys({ issuer, algorithms }), algorithms, profile: accessToken({ issuer, audience }) })
const outcome = await verify(token).then(({ claims }) => claims.sub, error => error.code)
console.log(outcome)
`,
      )
      const outcomeOf = async (token: string) =>
        (await within(process.execPath, [script, issuer, VIDEOS, token], { cwd: app, env: environment })).stdout.trim()
      const token = String(body['access_token'])
      assert.equal(await outcomeOf(token), 'machine@clients')
      const [header, payload, signature = ''] = token.split('.')
      const forged = `${header}.${payload}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`
      assert.equal(await outcomeOf(forged), 'bad_signature')
    })

    test('are lean without being told, and ask the server that runs', {
      skip: process.platform !== 'linux',
    }, async () => {
      const [environment = [], command = []] = ['environ', 'cmdline'].map(what =>
        readFileSync(`/proc/${server.child.pid}/${what}`, 'utf8').split('\0'),
      )
      assert.ok(environment.includes('MALLOC_TRIM_THRESHOLD_=131072'))
      assert.ok(environment.includes('GLIBC_TUNABLES=glibc.malloc.hugetlb=1'))
      for (const flag of ['--max-semi-space-size=8', '--heap-growing-percent=100']) assert.ok(command.includes(flag))
      const { code, out } = await run(['tenants', 'list', '--json'], given.environment, { file: bin })
      assert.equal(code, 0)
      assert.ok(JSON.stringify(JSON.parse(out)).includes(issuer))
    })

    test('end in order', async () => {
      const exited = new Promise(resolve => server.child.once('exit', (code, signal) => resolve([code, signal])))
      server.child.kill('SIGTERM')
      assert.deepEqual(await exited, [0, null])
    })

    test('say on which Node they run, to whoever has an older one', async () => {
      const wanted = Number(manifestOf('server').engines.node.replace('>=', ''))
      const on = (version: string) => {
        const pretend = `data:text/javascript,Object.defineProperty(process,'versions',{value:{node:'${version}'}})`
        return run([pretend, bin, 'help'], {}, { file: '--import' })
      }
      const refused = await on(`${wanted - 1}.9.9`)
      assert.equal(refused.code, 1)
      assert.match(refused.err, new RegExp(`^Latchkey needs Node ${wanted} or later, and this is v[\\d.]+\\. .+\\n$`))
      assert.match((await on(`${wanted}.0.0`)).out, /^latchkey serve/)
    })
  })

  describe('type-check, with nothing skipped,', () => {
    const check = async (name: string, source: string, compilerOptions: object) => {
      writeFileSync(join(app, `${name}.ts`), source)
      const strict = { strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, noEmit: true }
      const project = join(app, `tsconfig.${name}.json`)
      const modules = { module: 'nodenext', target: 'es2023', skipLibCheck: false }
      writeFileSync(
        project,
        JSON.stringify({ compilerOptions: { ...strict, ...modules, ...compilerOptions }, files: [`${name}.ts`] }),
      )
      await within(join(ROOT, 'node_modules', '.bin', 'tsc'), ['--project', project], {
        cwd: app,
        env: environment,
      }).catch(error => assert.fail(error.stdout))
    }

    const API = `import { authOf, createGuard, requireToken } from '@latchkey/sdk/express'
import { requireToken as hook } from '@latchkey/sdk/fastify'
import { createRevocations, type Revocations, revocationFacts } from '@latchkey/sdk/revocations'
import { KeysUnavailableError } from '@latchkey/sdk/verify'
import { remoteKeys } from '@latchkey/sdk/jwks'
import { createMachineToken, createServiceClient, patch } from '@latchkey/sdk/service-client'
import { accessToken, createVerifier, requireScopes, VerificationError, type VerifiedToken } from '@latchkey/sdk/verify'
const issuer = 'https://login.example.com/'
const algorithms = ['RS256'] as const
const profile = accessToken({ issuer, audience: 'https://api.example.com/' })
const keys = remoteKeys({ issuer, algorithms })
const verify = createVerifier({ keys, algorithms, profile })
const revocations: Revocations = createRevocations({ issuer, keys, client: { id: 'edge', secret: 'secret' } })
export async function subjectOf(bearer: string): Promise<string | 401 | 403 | 503> {
  try {
    const token: VerifiedToken = await verify(bearer)
    requireScopes(token, 'read:videos')
    return revocations.isRevoked(revocationFacts(token.claims, token.header.kid)) ? 401 : token.claims.sub
  } catch (error) {
    if (error instanceof KeysUnavailableError) return 503
    if (!(error instanceof VerificationError)) throw error
    return error.code === 'insufficient_scope' ? 403 : 401
  }
}
interface Videos {
  rename(film: { readonly id: string; readonly title: string }): Promise<{ readonly title: string }>
}
const token = createMachineToken({ issuer, clientId: 'c', clientSecret: 's', audience: 'https://api.example.com/' })
const videos = createServiceClient<Videos>({ url: 'https://api.example.com', operations: { rename: patch('/videos/{id}') }, token })
export const renamed: Promise<string> = videos.rename({ id: 'x', title: 'y' }).then(({ title }) => title)
const guard = createGuard({ issuer, audience: 'https://api.example.com/', algorithms, client: { id: 'api', secret: 'secret' } })
export const protect = [requireToken(guard, { scopes: ['read:videos'] }), hook(guard)] as const
export const subjectBehind = (request: object): string => authOf(request).claims.sub
// @ts-expect-error there is no such algorithm
createVerifier({ keys: remoteKeys({ issuer, algorithms }), algorithms: ['none'], profile })
`
    const nodeTypes = { types: ['node'], typeRoots: [join(ROOT, 'node_modules', '@types')] }

    for (const [name, runtime, types] of [
      ['dom', 'with the types of a browser', { lib: ['es2023', 'dom'], types: [] }],
      ['node', 'with those of Node', { lib: ['es2023'], ...nodeTypes }],
    ] as const)
      test(`for an API that takes tokens, ${runtime}, whose fetch it may be given`, () =>
        check(name, `${API}remoteKeys({ issuer, algorithms, fetch: globalThis.fetch })\n`, types))

    test('for an API that takes tokens, with the types of no runtime at all', () =>
      check('api', API, { lib: ['es2023'], types: [] }))

    test('for whoever runs the server in a process of their own', () =>
      check(
        'embed',
        `import { type Served, serve } from '@latchkey/server/serve'
export const served: Promise<Served> = serve({ LATCHKEY_PORT: '0' }, (sentence: string) => {})
`,
        { lib: ['es2023'], ...nodeTypes },
      ))
  })
})
