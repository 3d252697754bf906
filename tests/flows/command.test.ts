/** What an operator reads when something is not as it should be: a sentence and a 1, never a stack; and who may read what a start leaves behind. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { freePort } from '../fixtures/free-port.ts'
import { type Ended, run } from '../fixtures/process.ts'

const START = fileURLToPath(new URL('../../tools/start.ts', import.meta.url))

describe('The command', () => {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-command-'))
  let environment: Record<string, string>
  let taken = 0
  let umask = 0
  const holder = createServer()
  before(async () => {
    // As most systems have it: what is made is readable to all unless somebody sees to it.
    umask = process.umask(0o022)
    await once(holder.listen(0, '127.0.0.1'), 'listening')
    taken = (holder.address() as { port: number }).port
  })
  beforeEach(async () => {
    rmSync(join(folder, 'data'), { recursive: true, force: true })
    const port = await freePort()
    environment = { LATCHKEY_DATA: join(folder, 'data'), LATCHKEY_PORT: String(port) }
  })
  after(() => {
    process.umask(umask)
    holder.close()
    rmSync(folder, { recursive: true })
  })

  const refuses = ({ code, err }: Ended, sentence: RegExp) => {
    assert.match(err, sentence)
    assert.doesNotMatch(err, /^ {4}at /m)
    assert.equal(code, 1)
  }
  const modeOf = (...path: string[]) => (statSync(join(folder, 'data', ...path)).mode & 0o777).toString(8)

  for (const [line, sentence] of [
    ['', /^latchkey serve/],
    ['-x', /^latchkey serve/],
    ['begin', /^There is no command "begin"\.\n\nlatchkey serve/],
    ['constructor', /^There is no command/],
    ['serve --port 4000', /^Unknown option '--port'.+\n\nlatchkey serve/],
    ['serve -x', /^Unknown option '-x'.+\n\nlatchkey serve/],
    ['serve --help=yes', /^Unknown option '--help'.+\n\nlatchkey serve/],
    ['serve 4000', /^latchkey serve takes no argument.+\n\nlatchkey serve/],
    ['migrate now', /^latchkey migrate takes no argument/],
    ['apply', /^latchkey apply takes a tenant file, and nothing else\./],
    ['apply one.yaml two.yaml', /^latchkey apply takes a tenant file, and nothing else\./],
  ] as const)
    test(`refuses "latchkey ${line}" in a sentence, and leaves no folder behind`, async () => {
      refuses(await run(line.split(' ').filter(Boolean), environment), sentence)
      assert.equal(existsSync(environment['LATCHKEY_DATA'] ?? ''), false)
    })

  for (const line of ['help', '--help', 'serve -h'])
    test(`tells its use for "latchkey ${line}"`, async () => {
      const { code, out, err } = await run(line.split(' '), environment)
      assert.deepEqual([code, err], [0, ''])
      assert.match(out, /^latchkey serve/)
    })

  test('names the setting whose proxies nobody can be', async () =>
    refuses(
      await run(['serve'], { ...environment, LATCHKEY_TRUSTED_PROXIES: 'foo' }),
      /^LATCHKEY_TRUSTED_PROXIES .+"foo"/,
    ))

  test('does not repeat the password of a database URL that it cannot read', async () => {
    const ended = await run(['serve'], { ...environment, LATCHKEY_DATABASE_URL: 'postgres://u:hunter2/@h/l' })
    refuses(ended, /^LATCHKEY_DATABASE_URL /)
    assert.doesNotMatch(`${ended.out}${ended.err}`, /hunter2/)
  })

  test('names a database file that is none', async () => {
    await run(['migrate'], environment)
    writeFileSync(join(folder, 'data', 'latchkey.db'), 'a letter to an aunt, saved under the wrong name '.repeat(99))
    refuses(await run(['serve'], environment), /^The database .+latchkey\.db cannot be used: /)
  })

  test('names a database file that is another program’s, and leaves it as it is', async () => {
    await run(['migrate'], environment)
    const file = join(folder, 'data', 'latchkey.db')
    for (const name of [file, `${file}-wal`, `${file}-shm`]) rmSync(name, { force: true })
    const theirs = new DatabaseSync(file)
    theirs.exec('create table aunts (name text)')
    refuses(await run(['serve'], environment), /^The database .+latchkey\.db is not one of Latchkey's/)
    assert.deepEqual(
      { ...theirs.prepare('select group_concat(name) as tables from sqlite_master').get() },
      { tables: 'aunts' },
    )
    theirs.close()
  })

  test('says that a folder cannot be made where there can be none, and does not try without end', async () => {
    for (const folder of process.platform === 'linux' ? ['/proc/latchkey', '/proc/latchkey/data'] : ['/dev/null/data'])
      refuses(
        await run(['serve'], { ...environment, LATCHKEY_DATA: folder }),
        /^The folder \/.+ cannot be made: .+Set LATCHKEY_DATA/,
      )
  })

  test('keeps all it leaves in a folder of its own from everybody else', async () => {
    const { code } = await run(['migrate'], environment)
    assert.equal(code, 0)
    assert.equal(modeOf(), '700')
    for (const name of ['lock.db', 'latchkey.db', 'master.key']) assert.equal(modeOf(name), '600', name)
  })

  describe('in a folder that is there, with a umask that leaves everything open,', () => {
    const data = join(folder, 'data')
    const cache = join(data, 'compile-cache')
    let before = 0
    beforeEach(() => {
      before = process.umask(0)
      mkdirSync(data, { mode: 0o777 })
    })
    afterEach(() => void process.umask(before))

    test('keeps the code that it runs again from everybody else', async () => {
      // Without the cache that test runs share, it has one of its own.
      assert.equal((await run(['migrate'], { ...environment, NODE_COMPILE_CACHE: '' })).code, 0)
      assert.equal(modeOf('compile-cache'), '700')
      assert.ok(readdirSync(cache).length > 0, 'it is used')
    })

    test('runs nothing that others may have put there before', async () => {
      mkdirSync(cache, { mode: 0o777 })
      writeFileSync(join(cache, 'planted'), 'code')
      assert.equal((await run(['migrate'], environment)).code, 0)
      assert.equal(modeOf('compile-cache'), '700')
      assert.ok(!readdirSync(cache).includes('planted'))
    })

    test('leaves alone what is not a folder of its own, and starts without', async () => {
      const elsewhere = mkdtempSync(join(folder, 'elsewhere-'))
      symlinkSync(elsewhere, cache)
      assert.equal((await run(['migrate'], environment)).code, 0)
      assert.deepEqual(readdirSync(elsewhere), [])
    })
  })

  describe('that starts the example as well', () => {
    const start = (port: string, stopAt?: string, gatewayPort = '0') =>
      run(
        [],
        { ...environment, LATCHKEY_EXAMPLE_PORT: port, LATCHKEY_GATEWAY_PORT: gatewayPort },
        { file: START, ...(stopAt !== undefined && { stopAt }) },
      )

    test('says that its port is taken, before it makes anything that is told once', async () => {
      refuses(await start(String(taken)), new RegExp(`^Port ${taken}, for the example .+ LATCHKEY_EXAMPLE_PORT`))
      refuses(
        await start('0', undefined, String(taken)),
        new RegExp(`^Port ${taken}, for the gateway.+ LATCHKEY_GATEWAY_PORT`),
      )
      assert.equal(existsSync(join(folder, 'data', 'latchkey.db')), false)
    })

    test('tells the faults of a route file that it is to go by, before it makes anything', async () => {
      const file = join(folder, 'edge.yaml')
      writeFileSync(file, 'routes: [{ match: { path: videos }, access: public, upstream: x }]\nupstreams: {}\n')
      const { code, err } = await run(
        [],
        { ...environment, LATCHKEY_EXAMPLE_PORT: '0', LATCHKEY_GATEWAY_PORT: '0', LATCHKEY_GATEWAY_CONFIG: file },
        { file: START },
      )
      assert.equal(code, 1)
      assert.match(err, /^The route file cannot be used\.\n.*edge\.yaml:1: /)
      assert.equal(existsSync(join(folder, 'data', 'latchkey.db')), false)
    })

    test('says that its port is none', async () =>
      refuses(await start('abc'), /^LATCHKEY_EXAMPLE_PORT must be a port from 0 to 65535, not "abc"/))

    test('registers it where it is, in files that are nobody else’s to read, and ends all of it', async () => {
      const { code, out, err } = await start('0', 'the example application are listening')
      assert.equal(code, 0, out)
      const [, origin = ''] = /"example":"(http:\/\/localhost:\d+)\/"/.exec(out) ?? []
      assert.ok(readFileSync(join(folder, 'data', 'example', 'tenant.yaml'), 'utf8').includes(origin), origin)
      assert.notEqual(origin, '')
      assert.equal(modeOf(), '700')
      const secrets = ['example/edge.secret', 'example/api.secret']
      for (const name of ['lock.db', 'example/tenant.yaml', 'example/edge.yaml', ...secrets])
        assert.equal(modeOf(name), '600', name)
      for (const name of secrets) {
        const secret = readFileSync(join(folder, 'data', name), 'utf8').trim()
        assert.ok(secret.length >= 43)
        assert.ok(!`${out}${err}`.includes(secret), name)
      }
      const [, apis = ''] = /"apis":(\[[^\]]+\])/.exec(out) ?? []
      assert.equal(JSON.parse(apis).length, 2)
      for (const api of [origin, ...JSON.parse(apis)]) await assert.rejects(fetch(`${api}/healthz`), TypeError)
    })
  })
})
