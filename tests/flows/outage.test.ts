/**
 * The database goes away while somebody signs in: programs and people are told to come back, each in their way, and
 * everything works again when it does, without anybody's help.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import * as oidc from 'openid-client'
import { stringify } from 'yaml'
import { UnavailableError } from '../../server/kernel/errors.ts'
import { SECOND } from '../../server/kernel/seconds.ts'
import { type Cluster, startCluster } from '../fixtures/cluster.ts'
import { createPerson } from '../fixtures/person.ts'
import { end, type ServingProcess, serve } from '../fixtures/process.ts'
import { newEnvironment, type RunningServer, startServer } from '../fixtures/server.ts'
import { createTestClock } from '../fixtures/test-clock.ts'
import { applicationAt, onEachStage, postToken, signIn, userinfoStatus } from './stage.ts'
import { JO, REDIRECT_URI, SECRETS, TENANT_FILE, VIDEOS, WEB_ORIGIN } from './tenant.ts'

const statusOf = async (path: string, issuer: string): Promise<number> => {
  const response = await fetch(new URL(path, issuer))
  await response.arrayBuffer()
  return response.status
}

describe('While PostgreSQL is stopped', () => {
  const clock = createTestClock()
  let cluster: Cluster
  let server: RunningServer
  before(async () => {
    cluster = await startCluster()
    const environment = { LATCHKEY_DATABASE_URL: new URL('postgres', cluster.url).href }
    server = await startServer({ store: 'sqlite', clock: clock.now, tenantFile: TENANT_FILE, environment })
  })
  after(async () => {
    await server?.close()
    await cluster?.discard()
  })

  const isBusyPage = (stop: { status: number; html: string; headers: Headers }, lang = 'en') => {
    assert.equal(stop.status, 503)
    assert.match(stop.html, new RegExp(`<html lang="${lang}"`))
    assert.match(stop.html, /<dd dir="auto">busy<\/dd>/)
    assert.ok(Number(stop.headers.get('retry-after')) > 0)
    assert.doesNotMatch(stop.html, /ECONN|127\.0\.0\.1:|PostgreSQL/)
  }

  test('nobody is signed out, nothing is spent, and everybody is told to come back; then they do', async () => {
    const { issuer } = server
    const person = createPerson(issuer)
    const spa = await applicationAt(issuer, 'spa')
    const { tokens } = await signIn(spa, person, JO)
    const another = createPerson(issuer)
    const begun = await spa.begin()
    const page = await another.visit(begun.url)
    assert.equal(await statusOf('/readyz', issuer), 200)

    await cluster.stop()
    const refresh = { grant_type: 'refresh_token', client_id: 'spa', refresh_token: tokens.refresh_token ?? '' }
    const isTold = async () => {
      const { status, headers, body } = await postToken(issuer, refresh)
      assert.deepEqual([status, body['error']], [503, 'temporarily_unavailable'])
      assert.ok(Number(headers.get('retry-after')) > 0)
      assert.equal(headers.get('access-control-allow-origin'), '*')
      assert.doesNotMatch(JSON.stringify(body), /ECONN|127\.0\.0\.1|terminat/)
    }
    await isTold()
    assert.equal(await userinfoStatus(issuer, tokens.access_token), 503, 'not 401: the token may well be good')

    const redirected = await person.visit((await spa.begin({ prompt: 'none', state: 'kept' })).url)
    assert.equal(redirected.left, true)
    assert.deepEqual(
      ['error', 'state', 'iss'].map(name => redirected.url.searchParams.get(name)),
      ['temporarily_unavailable', 'kept', issuer],
    )
    const message = await person.visit((await spa.begin({ prompt: 'none', response_mode: 'web_message' })).url)
    assert.match(message.html, /"error":"temporarily_unavailable"/)
    const posted = await person.visit((await spa.begin({ prompt: 'none', response_mode: 'form_post' })).url)
    assert.match(posted.html, /name="error" value="temporarily_unavailable"/)

    isBusyPage(await another.submit(page, { username: JO.email, password: JO.password }))
    isBusyPage(await another.visit(page.url))

    // By now nothing is believed any more that was read before: neither the client, nor the tenant, nor its host.
    clock.advance(31 * SECOND)
    await isTold()
    const unknown = await another.visit(page.url)
    isBusyPage(unknown)
    assert.ok(unknown.html.includes(`<bdi>${new URL(issuer).host}</bdi>`), 'its host is the name it has left')
    const style = /href="(\/assets\/[^"]+\.css)"/.exec(unknown.html)?.[1] ?? ''
    assert.equal(await statusOf(style, issuer), 200)
    isBusyPage(await another.visit(new URL('?language=ko', page.url)), 'ko')
    assert.equal(await statusOf('/readyz', issuer), 503)
    assert.equal(await statusOf('/healthz', issuer), 200)

    await cluster.start()
    clock.advance(3 * SECOND)
    assert.equal(await statusOf('/readyz', issuer), 200)
    assert.equal((await postToken(issuer, refresh)).status, 200, 'the refresh token was not spent')
    assert.equal(await userinfoStatus(issuer, tokens.access_token), 200)
    const callback = (await another.submit(page, { username: JO.email, password: JO.password })).url
    assert.ok((await spa.finish(callback, begun)).access_token)
  })

  test('under the load of fifty clients nobody is told anything but to come back, and nothing answered is lost', async () => {
    const { issuer } = server
    const web = { client_id: 'web', client_secret: SECRETS.web }
    const application = await applicationAt(issuer, 'web', { authentication: oidc.ClientSecretPost(SECRETS.web) })
    const person = createPerson(issuer)
    await signIn(application, person, JO)
    let isOver = false
    const answers = { answered: 0, told: 0 }
    /** Whatever is asked is asked again for as long as it is told to come back. */
    async function insist(fields: Readonly<Record<string, string>>) {
      for (;;) {
        const { status, headers, body } = await postToken(issuer, fields)
        if (status !== 503) {
          answers.answered++
          return { status, body }
        }
        assert.equal(body['error'], 'temporarily_unavailable')
        assert.ok(Number(headers.get('retry-after')) > 0)
        answers.told++
        await pause(50)
      }
    }
    /** A code, however often the browser has to ask for it. */
    async function codeFor() {
      for (;;) {
        const begun = await application.begin({ prompt: 'none' })
        const { url, status } = await person.visit(begun.url)
        const code = url.searchParams.get('code')
        if (code !== null) return { code, redirect_uri: REDIRECT_URI, code_verifier: begun.checks.pkceCodeVerifier }
        if (status !== 503) assert.equal(url.searchParams.get('error'), 'temporarily_unavailable', url.href)
        await pause(50)
      }
    }

    const refreshing = async () => {
      const begun = await application.begin({ prompt: 'none' })
      let { refresh_token: token = '' } = await application.finish((await person.visit(begun.url)).url, begun)
      return async () => {
        do {
          const { status, body } = await insist({ ...web, grant_type: 'refresh_token', refresh_token: token })
          assert.equal(status, 200, `an answered token was lost: ${JSON.stringify(body)}`)
          token = String(body['refresh_token'])
        } while (!isOver)
      }
    }
    const redeeming = async () => async () => {
      do {
        const code = { ...web, grant_type: 'authorization_code', ...(await codeFor()) }
        const first = await insist(code)
        // 400 where it was spent and the answer was lost on its way back: then it is spent.
        assert.ok(first.status === 200 || first.status === 400, JSON.stringify(first.body))
        assert.deepEqual((await insist(code)).body['error'], 'invalid_grant', 'a code was spent twice')
      } while (!isOver)
    }
    const machine = { grant_type: 'client_credentials', client_id: 'machine', client_secret: SECRETS.machine }
    const working = async () => async () => {
      do assert.equal((await insist({ ...machine, audience: VIDEOS })).status, 200)
      while (!isOver)
    }
    const kinds = [refreshing, refreshing, redeeming, working, working]
    const clients = await Promise.all(Array.from({ length: 50 }, (_, place) => kinds[place % 5]?.() ?? working()))
    const running = Promise.all(clients.map(client => client()))
    const until = async (isTrue: () => boolean) => {
      while (!isTrue()) await Promise.race([pause(10), running])
    }
    await until(() => answers.answered > 100)
    await cluster.stop()
    await until(() => answers.told > 50)
    await cluster.start()
    const before = answers.answered
    await until(() => answers.answered > before + 200)
    isOver = true
    await running
  })

  test('a transaction that it restarts under is taken back as a whole, and the next one goes through', async () => {
    const { store } = server.latchkey
    const half = (id: string) => ({ id, name: id, settings: {}, createdAt: 0 })
    const cut = store.transaction(async transaction => {
      await transaction.tenants.create(half('half'))
      await cluster.stop()
      await cluster.start()
      await transaction.tenants.create(half('other half'))
    })
    await assert.rejects(cut, UnavailableError)
    assert.equal(await store.tenants.find('half'), undefined)
    await store.transaction(async transaction => void (await transaction.tenants.create(half('half'))))
    assert.equal((await store.tenants.find('half'))?.id, 'half')
  })
})

describe('While the disk takes no more', { skip: process.platform !== 'linux' && 'prlimit is of Linux' }, () => {
  let given: Awaited<ReturnType<typeof newEnvironment>>
  let server: ServingProcess
  before(async () => {
    given = await newEnvironment('sqlite')
    const file = join(given.environment['LATCHKEY_DATA'] ?? '', 'tenant.yaml')
    writeFileSync(file, stringify(TENANT_FILE))
    server = await serve({ ...given.environment, LATCHKEY_APPLY: file })
  })
  after(async () => {
    await end(server?.child, 'SIGKILL')
    await given?.discard()
  })

  test('an embedded server says so to everybody, and goes on where it was when there is room again', async () => {
    const { LATCHKEY_ISSUER: issuer = '', LATCHKEY_DATA: folder = '' } = given.environment
    const spa = await applicationAt(issuer, 'spa')
    const { tokens } = await signIn(spa, createPerson(issuer), JO)
    const refresh = { grant_type: 'refresh_token', client_id: 'spa', refresh_token: tokens.refresh_token ?? '' }
    /** No file of the process may grow beyond it. */
    const allow = (bytes: number | 'unlimited') =>
      execFileSync('prlimit', ['--pid', `${server.child.pid}`, `--fsize=${bytes}:unlimited`])

    allow(statSync(join(folder, 'latchkey.db-wal')).size)
    const { status, body, headers } = await postToken(issuer, refresh)
    assert.deepEqual([status, body['error']], [503, 'temporarily_unavailable'])
    assert.ok(headers.get('retry-after'))
    assert.equal(await statusOf('/readyz', issuer), 503)
    assert.equal(await userinfoStatus(issuer, tokens.access_token), 200, 'what needs no writing is done')

    allow('unlimited')
    assert.equal((await postToken(issuer, refresh)).status, 200)
    const reason = server.written.find(line => line.includes('not ready'))
    assert.match(reason ?? '', /latchkey\.db cannot be used/)
  })
})

onEachStage('When a read fails for a reason that nobody foresaw', stage => {
  test('a silent request is answered server_error, by redirect and by message, and nothing of the cause', async t => {
    const person = stage.person()
    const spa = await stage.spa()
    await signIn(spa, person, JO)
    const { store } = stage.server.latchkey
    t.mock.method(store.sessions, 'inBrowser', () => Promise.reject(new Error('the cause of it')))

    const redirected = await person.visit((await spa.begin({ prompt: 'none' })).url)
    assert.equal(redirected.left, true)
    assert.equal(redirected.url.searchParams.get('error'), 'server_error')
    assert.doesNotMatch(redirected.url.href, /cause/)

    const message = await person.visit((await spa.begin({ prompt: 'none', response_mode: 'web_message' })).url)
    assert.equal(message.status, 200)
    assert.match(message.html, /"error":"server_error"/)
    assert.ok(message.html.includes(JSON.stringify(WEB_ORIGIN)))
    assert.doesNotMatch(message.html, /the cause/)
  })
})
