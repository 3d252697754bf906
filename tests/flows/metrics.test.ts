/** What an operator's Prometheus reads after people and programs have been there: numbers that are right, and nothing of theirs. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { silentLog } from '../../server/kernel/log.ts'
import { CATALOGUE } from '../../server/metrics/catalogue.ts'
import { listenForScrapes } from '../../server/metrics/listen.ts'
import { createPerson } from '../fixtures/person.ts'
import { edgeToken, readRevocations, streamAddress } from '../fixtures/revocation-reader.ts'
import { applyTo, type RunningServer, startServer } from '../fixtures/server.ts'
import { applicationAt, postToken, signIn } from './stage.ts'
import { ANN, JO, SECRETS, TENANT_FILE, VIDEOS } from './tenant.ts'

const PATIENCE = 10_000

describe('Metrics', () => {
  let server: RunningServer
  before(async () => {
    server = await startServer({
      store: 'sqlite',
      tenantFile: TENANT_FILE,
      environment: { LATCHKEY_METRICS_PORT: '0' },
    })
  })
  after(() => server?.close())

  const metrics = () => server.latchkey.metrics ?? assert.fail('they were asked for')
  const has = (text: string, line: string | RegExp) =>
    assert.ok(typeof line === 'string' ? text.split('\n').includes(line) : line.test(text), `${line} in\n${text}`)

  test('count requests by route, tokens, sign-ins and refusals, and have every name of the catalogue', async () => {
    const { issuer } = server
    const spa = await applicationAt(issuer, 'spa')
    const { tokens } = await signIn(spa, createPerson(issuer), JO)
    await spa.refresh(tokens.refresh_token ?? '')
    const stranger = createPerson(issuer)
    const page = await stranger.visit((await spa.begin()).url)
    await stranger.submit(page, { username: ANN.email, password: 'a secret guess at it' })
    const machine = { grant_type: 'client_credentials', client_id: 'machine', audience: VIDEOS }
    await postToken(issuer, { ...machine, client_secret: SECRETS.machine })
    assert.equal((await postToken(issuer, { ...machine, client_secret: 'wrong' })).status, 401)
    for (const path of ['/no/such/path', '/login/guessed-id-of-somebody'])
      await (await fetch(new URL(path, issuer))).arrayBuffer()
    // What is not worth a commit of its own follows in a batch.
    let text = ''
    const deadline = Date.now() + PATIENCE
    while (!text.includes('failures_total 1')) {
      assert.ok(Date.now() < deadline, text)
      await pause(20)
      text = await metrics().text([])
    }
    has(text, 'latchkey_tokens_issued_total{kind="access",grant="authorization_code",algorithm="RS256"} 1')
    has(text, 'latchkey_tokens_issued_total{kind="id",grant="refresh_token",algorithm="RS256"} 1')
    has(text, 'latchkey_tokens_issued_total{kind="access",grant="client_credentials",algorithm="RS256"} 1')
    has(text, 'latchkey_sign_ins_total{outcome="succeeded"} 1')
    has(text, 'latchkey_sign_ins_total{outcome="failed"} 1')
    has(text, 'latchkey_client_authentication_failures_total 1')
    has(text, /^latchkey_http_requests_seconds_count\{route="\/oauth\/token",method="POST",status="200"\} [3-9]$/m)
    has(text, /^latchkey_http_requests_seconds_count\{route="\/login\/:id",method="GET",status="\d+"\} \d+$/m)
    has(text, /^latchkey_http_requests_seconds_count\{route="unknown",method="GET",status="404"\} 1$/m)
    has(text, 'latchkey_database_up 1')
    has(text, /^latchkey_key_age_seconds\{purpose="token-signing",algorithm="RS256",state="signing"\} \d/m)
    has(text, /^latchkey_cache_lookups_total\{cache="client",outcome="hit"\} [1-9]/m)
    has(text, /^latchkey_password_checks_seconds_count\{outcome="begun"\} [2-9]/m)
    has(text, /^process_resident_memory_bytes \d+/m)
    for (const name of Object.keys(CATALOGUE)) has(text, new RegExp(`^# TYPE ${name} `, 'm'))
    for (const private_ of [JO.email, ANN.email, 'guess', 'machine', 'such', SECRETS.machine])
      assert.ok(!text.includes(private_), private_)
  })

  test('count those who follow revocations while they do, whenever they leave, and what was sent to them', async () => {
    const { issuer } = server
    const grant = { client_id: 'web', audience: `${issuer}api/v2/`, scope: ['read:revocations'] }
    await applyTo(server.latchkey, { clientGrants: [grant] })
    const token = await edgeToken(issuer, { client_id: 'web', client_secret: SECRETS.web })
    const value = async (name: string) =>
      Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(await metrics().text([]))?.[1])
    const readers = await Promise.all([1, 2, 3].map(() => readRevocations(issuer, token)))
    assert.equal(await value('latchkey_revocation_streams'), 3)
    const before = await value('latchkey_revocation_stream_entries_total')
    await server.latchkey.operate('clients revoke', { tenant: 'default', client: 'other' })
    for (const reader of readers) await reader.next(({ name, data }) => name === 'entries' && data.includes('"other"'))
    assert.equal(await value('latchkey_revocation_stream_entries_total'), before + 3)
    // Some leave before they are answered.
    const headers = { authorization: `Bearer ${token}` }
    await Promise.all(
      Array.from({ length: 12 }, async (_, index) => {
        const leaving = new AbortController()
        const asked = fetch(streamAddress(issuer), { headers, signal: leaving.signal })
        setTimeout(() => leaving.abort(), index)
        await asked.then(response => response.text()).catch(() => {})
      }),
    )
    for (const reader of readers) await reader.close()
    const deadline = Date.now() + PATIENCE
    while ((await value('latchkey_revocation_streams')) > 0) {
      assert.ok(Date.now() < deadline, 'a stream is left that nobody reads')
      await pause(20)
    }
    has(await metrics().text([]), /^latchkey_revocation_streams 0$/m)
    assert.doesNotMatch(await metrics().text([]), /revocations\/stream",method="GET",status="200"/)
  })

  test('are told on a port of their own, at one path', async t => {
    const where = { port: 0, host: '127.0.0.1', log: silentLog, setting: 'LATCHKEY_METRICS_PORT' }
    const scrapes = await listenForScrapes(where, metrics(), async () => [])
    t.after(scrapes.close)
    const ask = (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${scrapes.port}${path}`, init)
    const answer = await ask('/metrics')
    assert.match(answer.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/)
    has(await answer.text(), /^latchkey_build_info\{version="\d.+",node="v\d.+",database="sqlite"\} 1$/m)
    assert.equal((await ask('/')).status, 404)
    assert.equal((await ask('/metrics', { method: 'POST' })).status, 404)
    assert.equal(
      (await fetch(new URL('metrics', server.issuer))).status,
      404,
      'and not on the one that everybody reaches',
    )
    await assert.rejects(
      listenForScrapes({ ...where, port: scrapes.port }, metrics(), async () => []),
      /^OperatorError: Port \d+ on .+LATCHKEY_METRICS_PORT/,
    )
  })

  test('are not counted at all unless they are asked for', async t => {
    const other = await startServer({ store: 'sqlite' })
    t.after(() => other.close())
    assert.equal(other.latchkey.metrics, null)
  })
})
