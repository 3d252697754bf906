/** Two nodes over one PostgreSQL database whose clocks are apart: what one of them ends is over on the other, and no clock is asked. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { compose } from '../../server/compose.ts'
import { loadSettings } from '../../server/config/load.ts'
import { silentLog } from '../../server/kernel/log.ts'
import { SECOND } from '../../server/kernel/seconds.ts'
import {
  ANN,
  API,
  askToken,
  askUserinfo,
  authorizePath,
  CookieJarBrowser,
  codeOf,
  EVE,
  MACHINE,
  type Person,
  redemption,
  SPA,
  signIn,
  tenantFile,
} from '../attacks/stage.ts'
import { type RunningServer, startServer } from '../fixtures/server.ts'

describe('Two nodes whose clocks are five seconds apart', () => {
  let ahead = 0
  let now = Date.now()
  const nodes: Record<'slow' | 'fast', Pick<RunningServer, 'issuer' | 'latchkey'>> = {} as never
  let server: RunningServer

  before(async () => {
    server = await startServer({ store: 'postgres', clock: () => now, tenantFile })
    const { issuer } = server
    const other = await compose(loadSettings(server.environment), silentLog, { clock: () => now + ahead })
    ahead = 5 * SECOND
    Object.assign(nodes, { slow: server, fast: { issuer, latchkey: other } })
  })
  after(async () => {
    await nodes.fast?.latchkey.close()
    await server?.close()
  })

  const machineToken = async (node: 'slow' | 'fast') =>
    String(
      (await askToken(nodes[node], { grant_type: 'client_credentials', ...MACHINE, audience: API })).json()[
        'access_token'
      ],
    )
  const isActive = async (node: 'slow' | 'fast', token: string) =>
    (await new CookieJarBrowser(nodes[node]).post('/oauth/introspect', { ...MACHINE, token })).json()['active']
  const giveBack = (node: 'slow' | 'fast', token: string) =>
    new CookieJarBrowser(nodes[node]).post('/oauth/revoke', { ...MACHINE, token })

  async function tokenFrom(node: 'slow' | 'fast', person: Person, browser: CookieJarBrowser): Promise<string> {
    const callback = await signIn(browser, person, authorizePath(SPA))
    return String((await askToken(nodes[node], redemption(SPA, codeOf(callback)))).json()['access_token'])
  }

  for (const [out, back, person] of [
    ['slow', 'fast', ANN],
    ['fast', 'slow', EVE],
  ] as const)
    test(`a person signs out everywhere on the ${out} one and in again on the ${back} one within the second: what they had is over on both, what they have now is good on both`, async () => {
      const here = new CookieJarBrowser(nodes[out])
      const before = await tokenFrom(out, person, here)
      for (const node of ['slow', 'fast'] as const) assert.equal((await askUserinfo(nodes[node], before)).status, 200)
      const [, account = ''] = /name="account" value="([^"]+)"/.exec((await here.get('/account')).body) ?? []
      assert.equal((await here.post('/account/sign-out-everywhere', { account })).status, 200)
      const after = await tokenFrom(back, person, new CookieJarBrowser(nodes[back]))
      for (const node of ['slow', 'fast'] as const) {
        assert.equal((await askUserinfo(nodes[node], before)).status, 401, node)
        assert.equal((await askUserinfo(nodes[node], after)).status, 200, node)
      }
    })

  test('what one ends is over on the other as soon as word of it comes, though no time has passed', async () => {
    for (const [here, there] of [
      ['slow', 'fast'],
      ['fast', 'slow'],
    ] as const) {
      const token = await machineToken(here)
      // Whoever has never been asked would ask the database now.
      for (const node of [here, there]) await until(async () => (await isActive(node, token)) === true)
      assert.equal((await giveBack(here, token)).status, 200)
      assert.equal(await isActive(here, token), false)
      await until(async () => (await isActive(there, token)) === false)
    }
  })

  test('and a second later when no word comes', async () => {
    const token = await machineToken('slow')
    assert.equal(await isActive('fast', token), true)
    await administer(
      server,
      'alter database :name allow_connections false',
      `select pg_terminate_backend(pid) from pg_stat_activity
        where datname = ':name' and application_name = 'latchkey bus'`,
    )
    try {
      assert.equal((await giveBack('slow', token)).status, 200)
      assert.equal(await isActive('slow', token), false)
      assert.equal(await isActive('fast', token), true, 'the word of it got through, so this test shows nothing')
      now += SECOND
      assert.equal(await isActive('fast', token), false)
    } finally {
      await administer(server, 'alter database :name allow_connections true')
    }
  })
})

async function until(isTrue: () => Promise<boolean>) {
  const deadline = Date.now() + 5 * SECOND
  while (!(await isTrue())) {
    assert.ok(Date.now() < deadline, 'it did not happen within five seconds')
    await pause(10)
  }
}

/** Statements of whoever runs the database server, on another database of it. */
async function administer({ environment }: RunningServer, ...statements: string[]) {
  const url = new URL(environment['LATCHKEY_DATABASE_URL'] ?? '')
  const name = url.pathname.slice(1)
  url.pathname = '/postgres'
  const client = new pg.Client({ connectionString: url.href })
  await client.connect()
  for (const sql of statements) await client.query(sql.replaceAll(':name', name))
  await client.end()
}
