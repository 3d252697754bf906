/** Two nodes over one PostgreSQL database: what one of them changes holds on the other, also when the word of it was lost on the way. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { compose, type Latchkey } from '../../server/compose.ts'
import { loadSettings } from '../../server/config/load.ts'
import { LONGEST_AGE } from '../../server/kernel/cache.ts'
import { silentLog } from '../../server/kernel/log.ts'
import { SECOND } from '../../server/kernel/seconds.ts'
import { createPerson } from '../fixtures/person.ts'
import { applyTo, type RunningServer, startServer } from '../fixtures/server.ts'
import { createTestClock } from '../fixtures/test-clock.ts'
import { applicationAt, postToken, signIn, userinfoStatus } from './stage.ts'
import { JO, REDIRECT_URI, SECRETS, TENANT_FILE, VIDEOS } from './tenant.ts'

describe('Of two nodes over one database', () => {
  const clock = createTestClock()
  let here: RunningServer
  let there: Latchkey

  before(async () => {
    here = await startServer({ store: 'postgres', clock: clock.now, tenantFile: TENANT_FILE })
    there = await compose(loadSettings(here.environment), silentLog, { clock: clock.now })
  })
  after(async () => {
    await there?.close()
    await here?.close()
  })

  const host = () => new URL(here.issuer).host

  async function isTakenThere(secret: string): Promise<boolean> {
    const response = await there.http.inject({
      method: 'POST',
      url: '/oauth/token',
      headers: { host: host() },
      payload: { grant_type: 'client_credentials', client_id: 'machine', client_secret: secret, audience: VIDEOS },
    })
    assert.ok(response.statusCode === 200 || response.statusCode === 401, response.body)
    return response.statusCode === 200
  }

  const giveSecretHere = (client_secret: string) =>
    applyTo(here.latchkey, { clients: [{ client_id: 'machine', name: 'Importer', client_secret }] })

  async function until(isTrue: () => Promise<boolean>) {
    const deadline = Date.now() + 20 * SECOND
    while (!(await isTrue())) {
      assert.ok(Date.now() < deadline, 'it did not happen')
      await pause(10)
    }
  }

  /** Statements of whoever runs the database server, on another database of it. */
  async function administer(...statements: string[]) {
    const url = new URL(here.environment['LATCHKEY_DATABASE_URL'] ?? '')
    const name = url.pathname.slice(1)
    url.pathname = '/postgres'
    const client = new pg.Client({ connectionString: url.href })
    await client.connect()
    for (const sql of statements) await client.query(sql.replaceAll(':name', name))
    await client.end()
  }

  test('each refuses a client’s former secret as soon as its connection is back, however often it was cut', async () => {
    let former: string = SECRETS.machine
    for (const round of [1, 2, 3]) {
      assert.equal(await isTakenThere(former), true)
      const secret = `the secret of round ${round} is a long one`
      // Neither node can tell the other anything now, and what they hold in memory is all they go by.
      await administer(
        'alter database :name allow_connections false',
        `select pg_terminate_backend(pid) from pg_stat_activity
          where datname = ':name' and application_name = 'latchkey bus'`,
      )
      await giveSecretHere(secret)
      assert.equal(await isTakenThere(former), true, 'the word of it got through, so this test shows nothing')
      await administer('alter database :name allow_connections true')
      await until(async () => !(await isTakenThere(former)))
      assert.equal(await isTakenThere(secret), true)
      former = secret
    }
  })

  test('neither sends a code to an address that was removed longer ago than a lost message may matter', async () => {
    const ask = async () => {
      const query = new URLSearchParams({ client_id: 'web', redirect_uri: REDIRECT_URI, response_type: 'code' })
      return (await there.http.inject({ url: `/authorize?${query}`, headers: { host: host() } })).statusCode
    }
    assert.equal(await ask(), 303)

    // Nobody is told, as when a node dies between its commit and its message.
    const { clients } = here.latchkey.store
    const { metadata = {} } = (await clients.find('default', 'web')) ?? {}
    await clients.change('default', 'web', { metadata: { ...metadata, callbacks: [] } }, clock.now())
    assert.equal(await ask(), 303)
    clock.advance(LONGEST_AGE)
    assert.equal(await ask(), 400)
  })

  /** What the other node answers on the first one's host. */
  const askThere = async (url: string, request: { payload?: Record<string, string>; token?: string } = {}) => {
    const { payload, token } = request
    const response = await there.http.inject({
      url,
      method: payload ? 'POST' : 'GET',
      headers: {
        host: host(),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(payload && { 'content-type': 'application/x-www-form-urlencoded' }),
      },
      ...(payload && { payload: new URLSearchParams(payload).toString() }),
    })
    return { status: response.statusCode, body: response.json<Record<string, unknown>>() }
  }

  test('each goes by what the database says of an API key and of its client’s grant, though no word of it came', async () => {
    const keeper = { client_id: 'keeper', client_secret: 'the secret of the keeper' }
    await applyTo(here.latchkey, {
      clients: [{ ...keeper, name: 'Keeper', app_type: 'non_interactive' }],
      clientGrants: [{ client_id: 'keeper', audience: VIDEOS, scope: ['read:videos', 'write:videos'] }],
    })
    const { id, key } = (await here.latchkey.operate('api-keys create', {
      ...{ tenant: 'default', client: 'keeper', user: null, audience: VIDEOS, name: 'A key', days: null },
      scopes: ['read:videos', 'write:videos'],
    })) as { id: string; key: string }
    const told = async () => {
      const { body } = await askThere('/oauth/introspect', { payload: { ...keeper, token: key } })
      return [body['active'], body['scope']]
    }
    assert.deepEqual(await told(), [true, 'read:videos write:videos'])

    const { clients, apiKeys } = here.latchkey.store
    const grant = { tenant: 'default', id: 'grant', client: 'keeper', audience: VIDEOS, settings: {} }
    await clients.putGrant({ ...grant, subject: 'client', scopes: ['read:videos'] })
    assert.deepEqual(await told(), [true, 'read:videos'])
    await apiKeys.revoke('default', id, clock.now())
    assert.deepEqual(await told(), [false, undefined])
  })

  test('each gives what is permitted now, whichever of them was told of it', async () => {
    const audience = 'https://permitted.example'
    const [permission_name, resource_server_identifier] = ['read:it', audience]
    await applyTo(here.latchkey, {
      resourceServers: [{ identifier: audience, enforce_policies: true, scopes: [{ value: permission_name }] }],
      roles: [{ name: 'Reader', permissions: [{ permission_name, resource_server_identifier }] }],
    })
    const scopeThere = async () => {
      const response = await there.http.inject({
        method: 'POST',
        url: '/oauth/token',
        headers: { host: host() },
        payload: {
          ...{ grant_type: 'password', client_id: 'desktop', client_secret: SECRETS.desktop },
          ...{ username: JO.email, password: JO.password, audience, scope: permission_name },
        },
      })
      return (response.json() as { scope?: string }).scope
    }
    const { roles, users } = here.latchkey.store
    const [jo = ''] = await users.findByAttribute('default', 'email', JO.email, 1)
    const { id: reader = '' } = (await roles.findByName('default', 'Reader')) ?? {}
    assert.equal(await scopeThere(), '')
    await roles.give('default', jo, null, [reader])
    assert.equal(await scopeThere(), permission_name)
    await roles.take('default', jo, null, [reader])
    assert.equal(await scopeThere(), '')
  })

  test('one redeems what the other gave, once between them: a code, and a refresh token', async () => {
    const spa = await applicationAt(here.issuer, 'spa')
    const begun = await spa.begin()
    const callback = await createPerson(here.issuer).signIn(begun.url, JO)
    const code = {
      grant_type: 'authorization_code',
      client_id: 'spa',
      code: callback.searchParams.get('code') ?? '',
      redirect_uri: REDIRECT_URI,
      code_verifier: begun.checks.pkceCodeVerifier,
    }
    const both = await Promise.all([
      postToken(here.issuer, code),
      askThere('/oauth/token', { payload: code }),
      postToken(here.issuer, code),
      askThere('/oauth/token', { payload: code }),
    ])
    assert.equal(both.filter(({ status }) => status === 200).length, 1)

    const { tokens } = await signIn(spa, createPerson(here.issuer), JO)
    const refresh = (token: unknown) => ({
      grant_type: 'refresh_token',
      client_id: 'spa',
      refresh_token: String(token),
    })
    const next = await askThere('/oauth/token', { payload: refresh(tokens.refresh_token) })
    assert.equal(next.status, 200, JSON.stringify(next.body))
    assert.equal((await postToken(here.issuer, refresh(next.body['refresh_token']))).status, 200)
  })

  test('one refuses what was signed out on the other, as soon as it has heard of it', async () => {
    const spa = await applicationAt(here.issuer, 'spa')
    const person = createPerson(here.issuer)
    const { tokens } = await signIn(spa, person, JO, { scope: 'openid email' })
    const { access_token: token, id_token } = tokens
    assert.equal((await askThere('/userinfo', { token })).status, 200)
    await person.visit(`${here.issuer}oidc/logout?id_token_hint=${id_token}`)
    assert.equal(await userinfoStatus(here.issuer, token), 401)
    await until(async () => (await askThere('/userinfo', { token })).status === 401)
  })
})
