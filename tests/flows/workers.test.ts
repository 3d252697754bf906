/** Several processes on one port, as an operator starts them: whatever one of them does holds in the others. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { stringify } from 'yaml'
import { createPerson } from '../fixtures/person.ts'
import { end, run, type ServingProcess, serve, spawnServe } from '../fixtures/process.ts'
import { edgeToken, type RevocationReader, readRevocations } from '../fixtures/revocation-reader.ts'
import { newEnvironment } from '../fixtures/server.ts'
import { applicationAt, postToken, signIn } from './stage.ts'
import { ANN, JO, KIM, SECRETS, TENANT_FILE, VIDEOS } from './tenant.ts'

/** Generous: the machine may be busy with other tests. What is promised is a second. */
const PATIENCE = 20_000

describe('A server of several processes', { skip: process.platform !== 'linux' && '/proc is of Linux' }, () => {
  let given: Awaited<ReturnType<typeof newEnvironment>>
  let server: ServingProcess
  let environment: Record<string, string>
  let issuer = ''
  before(async () => {
    given = await newEnvironment('postgres')
    issuer = given.environment['LATCHKEY_ISSUER'] ?? ''
    const file = join(given.environment['LATCHKEY_DATA'] ?? '', 'tenant.yaml')
    const grant = { client_id: 'other', audience: `${issuer}api/v2/`, scope: ['read:revocations'] }
    writeFileSync(file, stringify({ ...TENANT_FILE, clientGrants: [...TENANT_FILE.clientGrants, grant] }))
    const { LATCHKEY_ADMIN_PASSWORD: _, ...rest } = given.environment
    environment = {
      ...rest,
      LATCHKEY_APPLY: file,
      LATCHKEY_WORKERS: '2',
      LATCHKEY_DRAIN: '2',
      LATCHKEY_METRICS_PORT: '0',
    }
    server = await serve(environment)
  })
  after(async () => {
    await end(server?.child, 'SIGKILL')
    await given?.discard()
  })

  const entries = (): Record<string, unknown>[] =>
    server.written.filter(line => line.startsWith('{')).map(line => JSON.parse(line))
  const answered = (path: string) => entries().filter(entry => entry['msg'] === 'answered' && entry['path'] === path)
  async function until(what: string, isTrue: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = Date.now() + PATIENCE
    while (!(await isTrue())) {
      assert.ok(Date.now() < deadline, `it never came that ${what}`)
      await pause(20)
    }
  }
  /** Connections go round: one request each until every worker has answered with this status. */
  async function everyWorkerAnswers(status: number, ask: () => Promise<number>, path = '/oauth/token'): Promise<void> {
    const from = answered(path).length
    await until(`both answer ${status}`, async () => {
      await ask()
      const last = new Map(
        answered(path)
          .slice(from)
          .map(entry => [entry['worker'], entry['status']]),
      )
      return last.size === 2 && [...last.values()].every(one => one === status)
    })
  }
  /** On a connection of its own. */
  const askToken = async (fields: Readonly<Record<string, string>>) =>
    (await postToken(issuer, fields, { connection: 'close' })).status

  const askUserinfo = async (token: string): Promise<number> => {
    const headers = { authorization: `Bearer ${token}`, connection: 'close' }
    const response = await fetch(new URL('userinfo', issuer), { headers })
    await response.arrayBuffer()
    return response.status
  }

  test('begins once: it says once that it listens, and one password is told once', async () => {
    assert.equal(entries().filter(({ msg }) => msg === 'listening').length, 1)
    const told = entries().filter(({ msg }) => String(msg).includes('a new secret'))
    assert.equal(told.length, 1)
    assert.match(readFileSync(String(told[0]?.['file']), 'utf8'), /The first administrator is/)
  })

  test('redeems on any a code that another gave, and refuses on all what was signed out on one', async () => {
    const spa = await applicationAt(issuer, 'spa')
    for (let round = 0; round < 3; round++) {
      const person = createPerson(issuer, { connection: 'close' })
      const { tokens } = await signIn(spa, person, JO, { scope: 'openid email' })
      const asked = new Set(
        entries()
          .filter(({ msg }) => msg === 'answered')
          .map(({ worker }) => worker),
      )
      assert.equal(asked.size, 2, 'both took part')
      await person.visit(`${issuer}oidc/logout?id_token_hint=${tokens.id_token}`)
      await everyWorkerAnswers(401, () => askUserinfo(tokens.access_token), '/userinfo')
      for (let turn = 0; turn < 4; turn++) assert.equal(await askUserinfo(tokens.access_token), 401)
    }
  })

  test('knows a changed client on all of them, soon after the command that changed it', async () => {
    const machine = { grant_type: 'client_credentials', client_id: 'machine', audience: VIDEOS }
    const former = { ...machine, client_secret: SECRETS.machine }
    await everyWorkerAnswers(200, () => askToken(former))
    const changed = join(environment['LATCHKEY_DATA'] ?? '', 'changed.yaml')
    const client_secret = 'another secret that is long enough to be one'
    writeFileSync(changed, stringify({ clients: [{ client_id: 'machine', name: 'Importer', client_secret }] }))
    const { code, err } = await run(['apply', changed], environment)
    assert.deepEqual([code, err], [0, ''])
    await everyWorkerAnswers(401, () => askToken(former))
    await everyWorkerAnswers(200, () => askToken({ ...machine, client_secret }))
  })

  test('tells whoever follows revocations, on any of them, of what was revoked by a command', async () => {
    const token = await edgeToken(issuer, { client_id: 'other', client_secret: SECRETS.other })
    const began = () =>
      new Set(
        entries()
          .filter(({ msg }) => msg === 'a stream of revocations began')
          .map(one => one['worker']),
      )
    const readers: RevocationReader[] = []
    await until('each has one', async () => {
      readers.push(await readRevocations(issuer, token))
      return began().size === 2
    })
    for (const reader of readers) await reader.next(({ name }) => name === 'reading')
    const { code, err } = await run(['clients', 'revoke', 'stranger'], environment)
    assert.deepEqual([code, err], [0, ''])
    for (const reader of readers)
      await reader.next(({ name, data }) => name === 'entries' && data.includes('"stranger"'))
    for (const reader of readers) await reader.close()
  })

  test('tells what all of them have counted on one port', async () => {
    const port = entries().find(({ msg }) => msg === 'metrics are told')?.['port']
    const scrape = async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
    const count = (text: string) =>
      [...text.matchAll(/^latchkey_http_requests_seconds_count\{route="\/healthz"[^}]*\} (\d+)$/gm)].reduce(
        (sum, [, value]) => sum + Number(value),
        0,
      )
    const before = count(await scrape())
    for (let turn = 0; turn < 6; turn++)
      await (await fetch(new URL('healthz', issuer), { headers: { connection: 'close' } })).arrayBuffer()
    const text = await scrape()
    assert.equal(count(text) - before, 6)
    assert.match(text, /^latchkey_database_up 1$/m)
  })

  test('starts one again that was killed, and goes on answering meanwhile', async () => {
    const workersNow = () =>
      readFileSync(`/proc/${server.child.pid}/task/${server.child.pid}/children`, 'utf8').trim().split(' ')
    const [one] = workersNow()
    process.kill(Number(one), 'SIGKILL')
    await until('its death is told', () => entries().some(({ msg }) => String(msg).startsWith('a worker died')))
    for (let turn = 0; turn < 6; turn++) assert.equal(await askUserinfo('none'), 401)
    await until('there are two again', () => workersNow().length === 2 && !workersNow().includes(one ?? ''))
  })

  test('says in a sentence that its port is taken, and leaves nobody behind', async () => {
    const other = await newEnvironment('postgres', {
      LATCHKEY_WORKERS: '2',
      LATCHKEY_PORT: environment['LATCHKEY_PORT'] ?? '',
    })
    const child = spawnServe(other.environment)
    let err = ''
    child.stderr?.setEncoding('utf8').on('data', text => {
      err += text
    })
    const [code] = await once(child, 'close')
    await other.discard()
    assert.equal(code, 1)
    assert.match(err, /^Port \d+ on 127\.0\.0\.1 is taken by another process\. [^\n]+\n$/)
  })

  test('finishes what all of them are at when it is told to stop, and ends with 0 and without them', async () => {
    const spa = await applicationAt(issuer, 'spa')
    const pages = await Promise.all(
      [JO, ANN, KIM].map(async ({ email, password }) => {
        const person = createPerson(issuer)
        return { person, page: await person.visit((await spa.begin()).url), fields: { username: email, password } }
      }),
    )
    const exited = once(server.child, 'exit')
    const signingIn = pages.map(({ person, page, fields }) => person.submit(page, fields))
    server.child.kill('SIGTERM')
    for (const stop of await Promise.all(signingIn))
      assert.equal(stop.left, true, `${stop.status} ${stop.url.pathname}`)
    assert.deepEqual(await exited, [0, null])
    assert.equal(entries().filter(({ msg }) => msg === 'closed').length, 3)
    assert.equal(
      entries().some(({ msg }) => msg === 'closing failed'),
      false,
    )
  })
})
