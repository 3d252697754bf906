/**
 * Somebody who reads the log, or carries off the database: a whole life of a person is played, with everything that
 * can go wrong in it, and afterwards no secret of it stands in a line of the log or in a row as it was sent.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { inspect } from 'node:util'
import pg from 'pg'
import { compose, type Latchkey } from '../../server/compose.ts'
import { loadSettings } from '../../server/config/load.ts'
import { askServer } from '../../server/control/ask.ts'
import { openControl } from '../../server/control/listen.ts'
import { OperatorError } from '../../server/kernel/errors.ts'
import type { JsonObject } from '../../server/kernel/json.ts'
import type { Log } from '../../server/kernel/log.ts'
import { applyTo, newEnvironment, onEachStore } from '../fixtures/server.ts'
import {
  ANN,
  API_SECRET_A,
  askToken,
  askUserinfo,
  authorizePath,
  beginAt,
  CookieJarBrowser,
  codeOf,
  follow,
  MACHINE,
  queryOf,
  redemption,
  refreshing,
  SECRET_API_A,
  type Tokens,
  tenantFile,
  VERIFIER,
  WEB,
} from './stage.ts'

const NEW_PERSON = { email: 'somebody.new@example.com', password: 'umbrella stand in the hall' }
const WRONG_PASSWORD = 'a password that is wrong'
const MAIL_PASSWORD = 'mailwordofthesubmission'
const DATABASE_PASSWORD = 'databasewordoftheserver'
const TYPED_PASSWORD = 'an operator pipes this one in'
const TYPED_SECRET = 'another secret, shared with the first API'

onEachStore('A secret', store => {
  const lines: string[] = []
  /** What it is → the value as it travelled. */
  const secrets = new Map<string, string>()
  let latchkey: Latchkey
  let environment: Awaited<ReturnType<typeof newEnvironment>>

  before(async () => {
    environment = await newEnvironment(store, { LATCHKEY_SMTP_URL: `smtp://mailer:${MAIL_PASSWORD}@127.0.0.1:1` })
    const { LATCHKEY_DATABASE_URL: url } = environment.environment
    // PostgreSQL trusts whoever asks here, so any password will do.
    if (url)
      environment.environment['LATCHKEY_DATABASE_URL'] = url.replace('latchkey@', `latchkey:${DATABASE_PASSWORD}@`)
    const settings = loadSettings(environment.environment)
    const write = (fields: object, message: string) =>
      void lines.push(`${message} ${inspect(fields, { depth: 20, maxStringLength: null, showHidden: true })}`)
    const log: Log = { debug: write, info: write, warn: write, error: write }
    latchkey = await compose(settings, log)
    await applyTo(latchkey, tenantFile)
    await live({ issuer: settings.issuer, latchkey })
    await operate(log)
    if (url) await loseDatabase(url)
  })
  after(async () => {
    await latchkey?.close()
    await environment?.discard()
  })

  async function live(server: { issuer: string; latchkey: Latchkey }): Promise<void> {
    const browser = new CookieJarBrowser(server)
    const keep = (name: string, value: unknown) => {
      assert.equal(typeof value, 'string', name)
      secrets.set(name, value as string)
    }

    const login = await beginAt(browser, authorizePath(WEB, { scope: 'openid email offline_access' }))
    keep('the ticket’s id', login.split('/').at(-1))
    await browser.post(login, { username: ANN.email, password: WRONG_PASSWORD })
    await browser.post(login, { username: ANN.email, password: ANN.password }, { 'sec-fetch-site': 'cross-site' })
    const { location } = await browser.post(login, { username: ANN.email, password: ANN.password })
    const code = codeOf(await follow(browser, location))
    keep('the code', code)
    for (const name of ['session', 'browser']) keep(`the ${name} cookie`, browser.cookies.get(`latchkey.${name}`))

    await askToken(server, redemption({ ...WEB, client_secret: 'a wrong client secret' }, code))
    await askToken(server, redemption(WEB, code, { code_verifier: 'w'.repeat(43) }))
    const tokens = (await askToken(server, redemption(WEB, code))).json() as unknown as Tokens
    keep('the access token', tokens.access_token)
    keep('the ID token', tokens.id_token)
    keep('the refresh token', tokens.refresh_token)
    keep('the refresh family', tokens.refresh_token.split('.')[1])
    assert.equal((await askUserinfo(server, tokens.access_token)).status, 200)
    await askUserinfo(server, `${tokens.access_token}x`)

    const second = (await askToken(server, refreshing(WEB, tokens.refresh_token))).json() as unknown as Tokens
    await askToken(server, refreshing(WEB, `${second.refresh_token}x`))
    const third = (await askToken(server, refreshing(WEB, second.refresh_token))).json() as unknown as Tokens
    keep('the third refresh token', third.refresh_token)
    assert.equal((await browser.get(`/userinfo?access_token=${third.access_token}`)).status, 200)
    for (const token of [third.refresh_token, third.access_token, `${third.access_token}x`]) {
      assert.equal((await browser.post('/oauth/introspect', { ...WEB, token })).status, 200)
      assert.equal((await browser.post('/oauth/revoke', { ...MACHINE, token })).status, token.endsWith('x') ? 200 : 400)
    }
    keep('the third access token', third.access_token)
    assert.equal((await browser.post('/oauth/revoke', { ...WEB, token: third.access_token })).status, 200)
    await askToken(server, refreshing(WEB, tokens.refresh_token))
    await askToken(server, redemption(WEB, code))

    const machine = await askToken(server, {
      grant_type: 'client_credentials',
      ...MACHINE,
      audience: 'https://videos.example/api',
    })
    keep('the machine’s token', machine.json()['access_token'])

    const made = await latchkey.operate('api-keys create', {
      ...{ tenant: 'default', client: MACHINE.client_id, user: null, audience: 'https://videos.example/api' },
      ...{ name: 'A key', scopes: ['read:videos'], days: null },
    })
    const { key } = made as { key: string }
    keep('the API key', key)
    keep('the secret of the API key', key.slice(28, -8))
    for (const token of [key, `${key}x`])
      assert.equal((await browser.post('/oauth/introspect', { ...MACHINE, token })).status, 200)
    assert.equal((await browser.post('/oauth/revoke', { ...MACHINE, token: key })).status, 200)

    const stranger = new CookieJarBrowser(server)
    const signUp = `${await beginAt(stranger)}/sign-up`
    await stranger.post(signUp, { ...NEW_PERSON, password: 'short' })
    assert.equal((await stranger.post(signUp, NEW_PERSON)).status, 303)

    // What was never meant to be asked: secrets in paths and queries of requests that fail.
    for (const path of [
      `/nothing/${tokens.access_token.slice(0, 80)}`,
      `/userinfo?access_token=${tokens.access_token}`,
      `/oauth/token?${queryOf(redemption(WEB, code))}`,
      `/login/${secrets.get('the ticket’s id')}`,
      `/authorize?client_id=${encodeURIComponent(ANN.password)}&login_hint=${ANN.email}`,
      `/oidc/logout?id_token_hint=${tokens.id_token}`,
    ])
      await browser.get(path)
    await browser.post('/oauth/token', { password: ANN.password }, { 'content-type': 'text/plain' })

    // And a failure of our own, whose cause is logged whole.
    const tickets = latchkey.store.tickets as { peek: unknown }
    const { peek } = tickets
    tickets.peek = () => Promise.reject(new Error('the database is away'))
    try {
      assert.equal((await askToken(server, redemption(WEB, code))).status, 500)
      assert.equal((await browser.post(login, { username: ANN.email, password: ANN.password })).status, 500)
    } finally {
      tickets.peek = peek
    }

    keep('the password', ANN.password)
    keep('the wrong password', WRONG_PASSWORD)
    keep('the mail server’s password', MAIL_PASSWORD)
    keep('the new password', NEW_PERSON.password)
    keep('the client secret', WEB.client_secret)
    keep('the machine’s secret', MACHINE.client_secret)
    keep('the wrong client secret', 'a wrong client secret')
    keep('the API’s shared secret', API_SECRET_A)
    keep('the code verifier', VERIFIER)
  }

  /** What an operator types goes over the control socket, and is refused or fails there. */
  async function operate(log: Log): Promise<void> {
    const folder = environment.environment['LATCHKEY_DATA'] ?? ''
    const control = await openControl({ folder, version: '1', database: null, operate: latchkey.operate, log })
    const ask = (operation: string, given: JsonObject) =>
      askServer(folder, { version: '1', database: null, operation, given: { tenant: 'default', ...given } })
    const user = {
      email: 'made.by.hand@example.com',
      name: null,
      password: TYPED_PASSWORD,
      isVerified: true,
      roles: [],
    }
    try {
      assert.ok(await ask('users create', user))
      await assert.rejects(ask('users create', user), OperatorError)
      await assert.rejects(ask(TYPED_PASSWORD, user), OperatorError)
      assert.ok(await ask('keys rotate-api', { api: SECRET_API_A, secret: TYPED_SECRET }))
      const users = latchkey.store.roles as { findByName: unknown }
      const { findByName } = users
      users.findByName = () => Promise.reject(new Error('the table is gone'))
      await assert.rejects(ask('users create', { ...user, roles: ['Editor'] }), OperatorError)
      users.findByName = findByName
      assert.ok(
        lines.some(line => line.includes('the table is gone')),
        'the failure was logged with its cause',
      )
    } finally {
      await control.close()
    }
    secrets.set('the password that was typed', TYPED_PASSWORD)
    secrets.set('the API’s secret that was typed', TYPED_SECRET)
  }

  /** The outage is logged, with what PostgreSQL says of it. */
  async function loseDatabase(url: string): Promise<void> {
    const { pathname } = new URL(url)
    const client = new pg.Client({ connectionString: new URL('postgres', url).href })
    await client.connect()
    const allow = (whether: boolean) => client.query(`alter database ${pathname.slice(1)} allow_connections ${whether}`)
    try {
      await allow(false)
      await client.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${pathname.slice(1)}'`,
      )
      const answer = await askToken(
        { issuer: environment.environment['LATCHKEY_ISSUER'] ?? '', latchkey },
        redemption(WEB, 'a code of whatever kind'),
      )
      assert.equal(answer.status, 503)
      assert.ok(
        lines.some(line => line.includes('PostgreSQL does not answer')),
        'the outage was logged',
      )
    } finally {
      await allow(true)
      await client.end()
    }
    secrets.set('the database’s password', DATABASE_PASSWORD)
  }

  test('is in no line of the log, nor is anybody’s address', () => {
    assert.ok(lines.length > 20, 'requests were logged')
    assert.ok(
      lines.some(line => line.includes('the database is away')),
      'the failure was logged with its cause',
    )
    const forbidden = new Map([...secrets, ['Ann’s address', ANN.email], ['the new address', NEW_PERSON.email]])
    for (const [name, value] of forbidden)
      for (const form of [value, encodeURIComponent(value), queryOf({ value }).toString().slice('value='.length)])
        assert.deepEqual(
          lines.filter(line => line.includes(form)),
          [],
          name,
        )
  })

  test('is in no row of the database as it was sent', async () => {
    const content = await everythingStored()
    assert.ok(content.includes(ANN.email), 'what is not secret is found, or the search would prove nothing')
    // A ticket's id is no secret by itself: without the browser's cookie it opens nothing.
    for (const [name, value] of secrets)
      if (name !== 'the ticket’s id') assert.ok(!content.includes(value), `${name} is stored in the clear`)
  })

  /** Every byte that a thief of the database would have, as text. */
  async function everythingStored(): Promise<string> {
    const { LATCHKEY_DATABASE_URL: url, LATCHKEY_DATA: folder = '' } = environment.environment
    if (url === undefined)
      return readdirSync(folder)
        .filter(file => file.startsWith('latchkey.db'))
        .map(file => readFileSync(join(folder, file), 'latin1'))
        .join('\n')
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    try {
      const { rows } = await client.query<{ name: string }>(
        `select table_name as name from information_schema.tables where table_schema = 'public'`,
      )
      const contents: string[] = []
      for (const { name } of rows) {
        const { rows: texts } = await client.query<{ text: string }>(
          `select row_to_json(t)::text as text from "${name}" t`,
        )
        contents.push(...texts.map(({ text }) => text))
      }
      return contents.join('\n')
    } finally {
      await client.end()
    }
  }
})
