/** `/logs`, `/users/{id}/logs` and `/stats`, with Auth0's own library: what happened is found, and nobody else's. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { firstSortableIdAt } from '../../server/kernel/ids.ts'
import { DAY, SECOND } from '../../server/kernel/seconds.ts'
import {
  ANN,
  API,
  askToken,
  BEN,
  CookieJarBrowser,
  claimsOf,
  MACHINE,
  refreshing,
  SPA,
  TRUSTED,
  tenantFile,
  tokensFor,
} from '../attacks/stage.ts'
import { type Management, startManagement } from '../fixtures/management.ts'
import { createTestClock } from '../fixtures/test-clock.ts'

describe('Logs', () => {
  const clock = createTestClock()
  let management: Management
  let ann: string
  let ben: string
  const find = async (q: string): Promise<{ type: string; [member: string]: unknown }[]> => {
    const { status, body } = await management.call('GET', `/logs?${new URLSearchParams({ q })}`)
    assert.equal(status, 200, body.message)
    return body
  }

  before(async () => {
    management = await startManagement({ tenantFile, clock: clock.now })
    const { server } = management
    const tokens = await tokensFor(server, ANN, {
      browser: new CookieJarBrowser(server),
      audience: API,
      scope: 'openid offline_access',
    })
    ann = String(claimsOf(tokens.access_token)['sub'])
    await askToken(server, refreshing(SPA, tokens.refresh_token))
    ben = String(
      claimsOf((await tokensFor(server, BEN, { browser: new CookieJarBrowser(server) })).access_token)['sub'],
    )
    const password = { ...TRUSTED, grant_type: 'password', scope: 'openid' }
    await askToken(server, { ...password, username: ANN.email, password: 'not hers' })
    await askToken(server, { ...password, username: 'nobody@example.com', password: 'nobody’s' })
    await askToken(server, { ...MACHINE, grant_type: 'client_credentials', audience: API })
    // Some follow within moments.
    const machines = `(type:seccft AND client_id:${MACHINE.client_id})`
    for (let waited = 0; (await find(`type:(fp OR fu) OR ${machines}`)).length < 3; waited += 10) {
      assert.ok(waited < 10_000, 'what was wrong is in the log')
      await pause(10)
    }
  })
  after(() => management?.close())

  const typesOf = (logs: readonly { type?: string | undefined }[]) => new Set(logs.map(({ type }) => type))

  test('are listed by Auth0’s library, the newest first, with what it reads of each', async () => {
    const page = await management.client.logs.list({ per_page: 100 })
    const logs = page.data
    assert.ok(logs.length > 10)
    for (const code of ['s', 'fp', 'fu', 'seacft', 'sertft', 'seccft', 'sapi']) assert.ok(typesOf(logs).has(code), code)
    const ids = logs.map(({ log_id }) => String(log_id))
    assert.deepEqual(ids, ids.toSorted().reverse())
    const login = logs.find(({ type, user_id }) => type === 's' && user_id === ann)
    assert.equal(login?.client_id, SPA.client_id)
    assert.equal(login?.client_name, SPA.client_id)
    assert.equal(login?.user_name, ANN.email)
    assert.equal(login?.ip, '127.0.0.1')
    assert.deepEqual([login?.connection, login?.strategy_type], ['Username-Password-Authentication', 'database'])
    assert.equal(login?.log_id, login?.['_id'])
    const wrong = logs.find(({ type }) => type === 'fp')
    assert.deepEqual(
      [wrong?.user_id, wrong?.connection, wrong?.strategy],
      [ann, 'Username-Password-Authentication', 'auth0'],
    )
    assert.ok(wrong?.connection_id)
    const machine = logs.find(({ type, client_id }) => type === 'seccft' && client_id === MACHINE.client_id)
    assert.deepEqual([machine?.audience, machine?.scope, machine?.user_id], [API, 'read:videos', undefined])
  })

  test('are walked through to the end, each once', async () => {
    const seen: string[] = []
    for await (const log of await management.client.logs.list({ per_page: 5 })) seen.push(String(log.log_id))
    const { body } = await management.call('GET', '/logs?per_page=1&include_totals=true')
    assert.equal(seen.length, body.total)
    assert.equal(new Set(seen).size, seen.length)
  })

  test('are found by what is said of them, and a search is of no more than it says', async () => {
    assert.deepEqual([...typesOf(await find('type:(fp OR fu)'))].sort(), ['fp', 'fu'])
    assert.deepEqual([...typesOf(await find('type:f*'))].sort(), ['fp', 'fu'])
    assert.deepEqual([...typesOf(await find('type:fp'))], ['fp'])
    assert.ok((await find(`user_id:"${ann}"`)).every(log => log['user_id'] === ann))
    const both = await find(`user_id:"${ann}" AND type:s`)
    assert.deepEqual([both.length, both[0]?.type], [1, 's'])
    assert.equal((await find(`user_id:"${ann}" AND user_id:"${ben}"`)).length, 0)
    assert.ok((await find(`client_id:${MACHINE.client_id}`)).every(log => log['client_id'] === MACHINE.client_id))
    assert.ok((await find('ip:127.0.0.1 AND NOT type:s')).every(log => log.type !== 's'))
    assert.equal((await find('ip:203.0.113.9')).length, 0)
    assert.equal((await find('"nobody@example.com"')).length, 1)
    const hers = await find(`user_name:"${ANN.email}"`)
    assert.deepEqual(hers, await find(`user_id:"${ann}"`))
    assert.deepEqual(await find(`user_name:${ANN.email.slice(0, 4)}* AND type:s`), both)
    assert.deepEqual(await find(`"${ANN.email}" AND type:s`), both)
    assert.deepEqual(await find(`client_name:${SPA.client_id} AND type:s AND user_id:"${ann}"`), both)
    const ofDatabase = await find('strategy_type:database AND type:s')
    assert.deepEqual(ofDatabase, await find('type:s'))
    assert.deepEqual(ofDatabase, await find('connection:Username* AND type:s'))
    assert.equal((await find('client_name:nobody OR strategy:google-oauth2')).length, 0)
    assert.equal((await find('details.request_id:*')).length, (await find('*')).length)
    assert.equal((await find('nonsense:1')).length, 0)
    const today = new Date().toISOString().slice(0, 10)
    assert.ok((await find(`date:[${today} TO *] AND type:s`)).length > 0)
    assert.equal((await find(`date:[* TO 2020-01-01]`)).length, 0)
    for (const q of ['date:yesterday', 'type:(', 'a~2', "'; drop table events; --(", 'x'.repeat(7000)]) {
      const { status, body } = await management.call('GET', `/logs?${new URLSearchParams({ q })}`)
      assert.deepEqual([status, body.errorCode], [400, 'invalid_query_string'], q)
    }
  })

  test('are counted as far as they were asked for, page by page of what was found', async () => {
    const { body } = await management.call(
      'GET',
      `/logs?${new URLSearchParams({ q: 'ip:127.0.0.1', per_page: '2', page: '1', include_totals: 'true' })}`,
    )
    assert.deepEqual([body.start, body.limit, body.length], [2, 2, 2])
    assert.ok(body.total > 4)
    const all = await management.call('GET', `/logs?${new URLSearchParams({ q: 'ip:127.0.0.1', per_page: '100' })}`)
    assert.deepEqual(body.logs, all.body.slice(2, 4))
    const far = await management.call('GET', '/logs?page=10&per_page=100')
    assert.deepEqual([far.status, far.body.errorCode], [400, 'invalid_paging'])
    const fields = await management.call('GET', '/logs?fields=type,date&per_page=1')
    assert.deepEqual(Object.keys(fields.body[0]).sort(), ['date', 'type'])
    assert.equal((await management.call('GET', '/logs?sort=ip:1')).status, 400)
    const oldest = await management.call('GET', '/logs?sort=date:1&per_page=1')
    const newest = await management.call('GET', '/logs?per_page=1')
    assert.ok(oldest.body[0].date < newest.body[0].date)
  })

  test('go on from the last one somebody has, without those that others may still come before', async () => {
    await askToken(management.server, { ...MACHINE, grant_type: 'client_credentials', audience: API })
    const first = await management.call('GET', '/logs?take=100')
    const told = first.body.map(({ date }: { date: string }) => Date.parse(date))
    assert.ok(Math.max(0, ...told) <= clock.now() - 3 * SECOND, 'none of it is younger than what is told')
    clock.advance(4 * SECOND)
    const seen: string[] = []
    for (let from = ''; ; ) {
      const { status, body } = await management.call('GET', `/logs?take=7${from && `&from=${from}`}`)
      assert.equal(status, 200)
      if (body.length === 0) break
      seen.push(...body.map((log: { log_id: string }) => log.log_id))
      from = seen.at(-1) ?? ''
    }
    assert.deepEqual(seen, seen.toSorted())
    assert.ok(seen.length > 10)
    const wrong = await management.call('GET', '/logs?from=nothing&take=3')
    assert.deepEqual([wrong.status, wrong.body.errorCode], [400, 'invalid_query_string'])
  })

  test('are read one by one, and none of another tenant’s', async () => {
    const [log] = await find('type:s')
    assert.equal((await management.client.logs.get(String(log?.['log_id']))).type, 's')
    const { store } = management.server.latchkey
    const id = `${firstSortableIdAt(Date.now())}-7000-8000-000000000000`
    await store.events.record([
      {
        id,
        tenant: 'another',
        at: Date.now(),
        type: 'session.started',
        actor: { kind: 'user', id: ann, client: 'spa', onBehalfOf: null },
        target: null,
        requestId: '1',
        details: {},
        personal: {},
      },
    ])
    const { status, body } = await management.call('GET', `/logs/${id}`)
    assert.deepEqual([status, body.errorCode], [404, 'inexistent_log'])
    assert.ok(!(await find(`user_id:"${ann}"`)).some(other => other['log_id'] === id))
  })

  test('of one user are all about that user, and of nobody there are none', async () => {
    const page = await management.client.users.logs.list(ann, { per_page: 100 })
    assert.ok(page.data.length > 3)
    assert.ok(page.data.every(({ user_id }) => user_id === ann))
    assert.ok(typesOf(page.data).has('fp'), 'also what others tried in that name')
    const { status, body } = await management.call('GET', '/users/auth0%7Cnobody/logs')
    assert.deepEqual([status, body.errorCode], [404, 'inexistent_user'])
  })

  test('count sign-ins and sign-ups day by day, and who was active', async () => {
    const { store } = management.server.latchkey
    const day = Math.floor(Date.now() / DAY) * DAY - 3 * DAY
    const told = (place: number, type: string) => ({
      id: `${firstSortableIdAt(day + place * SECOND)}-7000-8000-${String(place).padStart(12, '0')}`,
      tenant: 'default',
      at: day + place * SECOND,
      type,
      actor: { kind: 'user', id: ann, client: 'spa', onBehalfOf: null } as const,
      target: null,
      requestId: '1',
      details: {},
      personal: {},
    })
    await store.events.record([
      told(0, 'session.started'),
      told(5, 'session.renewed'),
      told(6, 'user.signed-up'),
      told(7, 'token.refreshed'),
      told(DAY / SECOND - 1, 'session.started'),
      told(DAY / SECOND, 'session.started'),
    ])
    const text = (at: number) => new Date(at).toISOString().slice(0, 10).replaceAll('-', '')
    const days = await management.client.stats.getDaily({ from: text(day - DAY), to: text(day) })
    assert.deepEqual(
      days.map(({ date, logins, signups, leaked_passwords }) => [date, logins, signups, leaked_passwords]),
      [
        [new Date(day - DAY).toISOString(), 0, 0, 0],
        [new Date(day).toISOString(), 3, 1, 0],
      ],
    )
    assert.equal((await management.client.stats.getDaily()).length, 30)
    assert.equal((await management.client.stats.getDaily()).at(-1)?.logins, 2)
    for (const query of ['from=20200101', 'from=20260230', 'from=2026-01-01', 'from=20260102&to=20260101'])
      assert.equal((await management.call('GET', `/stats/daily?${query}`)).status, 400, query)
    assert.equal(await management.client.stats.getActiveUsersCount(), 2)
  })

  test('are read by whoever may, and by nobody else', async () => {
    const token = await management.tokenWith('read:users')
    for (const path of ['/logs', '/logs/1', `/users/${ann}/logs`, '/stats/daily', '/stats/active-users'])
      assert.equal((await management.call('GET', path, undefined, { token })).status, 403, path)
  })
})
