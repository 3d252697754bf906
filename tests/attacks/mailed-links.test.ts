/**
 * Somebody who wants a link that is meant for another: by choosing the host it leads to, by asking another tenant, by
 * guessing, by filling a mailbox until its owner gives in, or by reading what lies in the database or is logged.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { inspect } from 'node:util'
import pg from 'pg'
import { compose } from '../../server/compose.ts'
import { loadSettings } from '../../server/config/load.ts'
import type { Log } from '../../server/kernel/log.ts'
import { HOUR, MINUTE } from '../../server/kernel/seconds.ts'
import { linkIn, type Mailbox, openMailbox } from '../fixtures/mailbox.ts'
import { applyTo, newEnvironment, onEachStore, type RunningServer } from '../fixtures/server.ts'
import { createTestClock } from '../fixtures/test-clock.ts'
import { ANN, BEN, beginAt, CookieJarBrowser, EVE, tenantFile } from './stage.ts'

const OTHER = 'http://other.example/'
const NEW_PASSWORD = 'a kettle on the windowsill'

/** Whatever a stranger may say of the host that a request came to. */
const ELSEWHERE = [
  { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https', 'x-forwarded-port': '666' },
  { forwarded: 'host=evil.example;proto=https' },
  { 'x-original-host': 'evil.example', 'x-host': 'evil.example', 'x-http-host-override': 'evil.example' },
  { referer: 'https://evil.example/', 'x-original-url': 'https://evil.example/' },
]

onEachStore('A mailed link', store => {
  const clock = createTestClock()
  const lines: string[] = []
  const links: string[] = []
  let environment: Awaited<ReturnType<typeof newEnvironment>>
  let server: Pick<RunningServer, 'issuer' | 'latchkey'>
  let mailbox: Mailbox

  before(async () => {
    // Whoever writes a proxy's headers decides nothing either.
    environment = await newEnvironment(store, { LATCHKEY_TRUSTED_PROXIES: '' })
    const settings = loadSettings(environment.environment)
    const write = (fields: object, message: string) =>
      void lines.push(`${message} ${inspect(fields, { depth: 20, maxStringLength: null, showHidden: true })}`)
    const log: Log = { debug: write, info: write, warn: write, error: write }
    const latchkey = await compose(settings, log, { clock: clock.now })
    server = { issuer: settings.issuer, latchkey }
    mailbox = openMailbox(latchkey)
    await applyTo(latchkey, tenantFile)
    await latchkey.operate('tenants create', { name: 'Other', issuer: OTHER })
  })
  after(async () => {
    await server?.latchkey.close()
    await environment?.discard()
  })

  const browser = (issuer?: string) => new CookieJarBrowser(server, issuer === undefined ? {} : { issuer })
  const ask = (email: string, headers = {}, who = browser()) => who.post('/forgot-password', { email }, headers)

  async function linkFor(email: string, headers = {}): Promise<string> {
    clock.advance(HOUR)
    assert.equal((await ask(email, headers)).status, 200)
    const link = linkIn(await mailbox.next(email))
    links.push(link.split('/').at(-1) ?? '')
    return link
  }

  const pathOf = (link: string) => new URL(link).pathname

  test('leads to the stored issuer, whatever the request says of hosts', async () => {
    for (const headers of ELSEWHERE) {
      const link = await linkFor(ANN.email, headers)
      assert.ok(link.startsWith(`${server.issuer}reset-password/`), link)
    }
    const [mail] = (await mailbox.all(ANN.email)).slice(-1)
    assert.doesNotMatch(mail?.source ?? '', /evil\.example/)
  })

  test('that confirms an address leads there as well, and so does all that the server says of itself', async () => {
    for (const [index, headers] of ELSEWHERE.entries()) {
      const email = `confirmed-${index}@example.com`
      const who = browser()
      await who.post(`${await beginAt(who)}/sign-up`, { email, password: NEW_PASSWORD }, headers)
      const mail = await mailbox.next(email)
      assert.ok(linkIn(mail).startsWith(`${server.issuer}verify-email/`), linkIn(mail))
      assert.doesNotMatch(mail.source, /evil\.example/)
      for (const path of ['/.well-known/openid-configuration', '/forgot-password', '/account', '/oidc/logout']) {
        const reply = await browser().get(path, headers)
        assert.doesNotMatch(`${reply.location} ${reply.body}`, /evil\.example/, path)
      }
    }
  })

  test('is not made for a host that nobody has', async () => {
    const before = (await mailbox.all()).length
    for (const host of [
      'evil.example',
      `evil.example@${new URL(server.issuer).host}`,
      `${new URL(server.issuer).host}.evil.example`,
    ])
      assert.notEqual((await ask(ANN.email, { host })).status, 200, host)
    assert.equal((await mailbox.all()).length, before)
  })

  test('of one tenant opens nothing in another, nor does another tenant mail its people', async () => {
    const link = await linkFor(ANN.email)
    const there = browser(OTHER)
    assert.equal((await there.get(pathOf(link))).status, 410)
    assert.equal((await there.post(pathOf(link), { password: NEW_PASSWORD })).status, 410)
    assert.equal((await browser().get(pathOf(link))).status, 200)
    const before = (await mailbox.all(ANN.email)).length
    assert.equal((await ask(ANN.email, {}, there)).status, 200)
    assert.equal((await mailbox.all(ANN.email)).length, before)
  })

  test('is not one of the other kind, and no ticket or code is a link', async () => {
    const link = await linkFor(ANN.email)
    const secret = link.split('/').at(-1) ?? ''
    const login = await beginAt(browser())
    for (const path of [
      `/verify-email/${secret}`,
      `/verify-email/${secret}/again`,
      `/reset-password/${login.split('/').at(-1)}`,
      `/reset-password/${'A'.repeat(43)}`,
      '/reset-password/%00',
      `/reset-password/${secret.slice(0, -1)}`,
      `/reset-password/${secret}=`,
    ]) {
      assert.equal((await browser().get(path)).status, 410, path)
      assert.equal((await browser().post(path, { password: NEW_PASSWORD })).status, 410, path)
    }
    assert.equal((await browser().get(pathOf(link))).status, 200)
  })

  test('is not spent by a form of another site', async () => {
    const path = pathOf(await linkFor(ANN.email))
    for (const headers of [
      { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' },
      { 'sec-fetch-site': undefined, origin: 'https://evil.example' },
      { 'sec-fetch-site': undefined, origin: 'null' },
      { 'sec-fetch-site': undefined, origin: undefined },
    ]) {
      assert.equal((await browser().post(path, { password: NEW_PASSWORD }, headers)).status, 403)
      assert.equal((await ask(BEN.email, headers)).status, 403)
    }
    assert.equal((await browser().get(path)).status, 200)
    assert.deepEqual(await mailbox.all(BEN.email), [])
  })

  test('is told to no other site, and stands in no page of another', async () => {
    const { headers } = await browser().get(pathOf(await linkFor(ANN.email)))
    assert.equal(headers['referrer-policy'], 'same-origin')
    assert.equal(headers['cache-control'], 'no-store')
    assert.match(String(headers['content-security-policy']), /frame-ancestors 'none'/)
  })

  test('does not fill a mailbox: one a minute and five in any hour, however the address is written', async () => {
    clock.advance(2 * HOUR)
    const begun = (await mailbox.all(EVE.email)).length
    const spellings = [EVE.email, EVE.email.toUpperCase(), ` ${EVE.email} `, 'ｅve@example.com', 'Eve@Example.Com']
    const count = async () => (await mailbox.all(EVE.email)).length - begun

    await Promise.all(Array.from({ length: 20 }, (_, index) => ask(spellings[index % spellings.length] ?? '')))
    assert.equal(await count(), 1)
    for (let minute = 1; minute < 60; minute++) {
      clock.advance(MINUTE)
      for (const address of spellings.slice(0, 2)) assert.equal((await ask(address)).status, 200)
    }
    assert.equal(await count(), 5)
    // The hour glides: the first of the five makes room for one, not for five.
    clock.advance(MINUTE)
    for (const address of spellings) await ask(address)
    assert.equal(await count(), 6)
  })

  test('is in no line of the log, nor in a row of the database, nor is anybody’s address in the log', async () => {
    const fresh = await linkFor(BEN.email)
    await browser().post(pathOf(fresh), { password: NEW_PASSWORD })
    await mailbox.all()
    assert.ok(links.length > 5)
    assert.ok(
      lines.some(line => line.includes('outbox')),
      'mail was logged',
    )
    const stored = await everythingStored()
    assert.ok(stored.includes(BEN.email), 'what is not secret is found, or the search would prove nothing')
    for (const secret of links) {
      assert.deepEqual(
        lines.filter(line => line.includes(secret)),
        [],
      )
      assert.ok(!stored.includes(secret), 'a link is stored in the clear')
    }
    for (const { email } of [ANN, BEN, EVE])
      assert.deepEqual(
        lines.filter(line => line.includes(email)),
        [],
      )
  })

  /** Every byte that a thief of the database would have, as text. */
  async function everythingStored(): Promise<string> {
    const { LATCHKEY_DATABASE_URL: url, LATCHKEY_DATA: folder = '' } = environment.environment
    if (url === undefined) {
      const files = readdirSync(folder).filter(file => file.startsWith('latchkey.db'))
      return files.map(file => readFileSync(join(folder, file), 'latin1')).join('\n')
    }
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    try {
      const contents: string[] = []
      for (const table of ['tickets', 'mails', 'events', 'users'])
        for (const { text } of (
          await client.query<{ text: string }>(`select row_to_json(t)::text as text from ${table} t`)
        ).rows)
          contents.push(text)
      return contents.join('\n')
    } finally {
      await client.end()
    }
  }
})
