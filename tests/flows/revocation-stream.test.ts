/**
 * The log of revocations as a stream: who may follow it, what goes over it and when, and that what the server ended is
 * ended for a service that verifies alone.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { after, afterEach, before, test } from 'node:test'
import { authOf, createGuard, requireToken } from '@latchkey/sdk/express'
import { remoteKeys } from '@latchkey/sdk/jwks'
import express from 'express'
import { MOST_OF_CLIENT } from '../../server/api/revocation-streams.ts'
import { DAY, HOUR, MINUTE, SECOND } from '../../server/kernel/seconds.ts'
import {
  ANN,
  API,
  askToken,
  authorizePath,
  CookieJarBrowser,
  claimsOf,
  codeOf,
  MACHINE,
  redemption,
  SPA,
  signIn,
  tenantFile,
} from '../attacks/stage.ts'
import { edgeToken, type RevocationReader, readRevocations, streamAddress } from '../fixtures/revocation-reader.ts'
import { applyTo, onEachStore, type RunningServer, startServer } from '../fixtures/server.ts'
import { createTestClock } from '../fixtures/test-clock.ts'

const EDGE = { client_id: 'edge', client_secret: 'the secret of the edge, which is long' }
const BLIND = { client_id: 'blind', client_secret: 'the secret of one that may do nothing' }
const DOOMED = { client_id: 'doomed', client_secret: 'the secret of one that will be revoked' }

onEachStore('The stream of revocations', store => {
  const clock = createTestClock()
  let server: RunningServer
  let token: string
  let opened: { close(): Promise<void> }[] = []

  before(async () => {
    server = await startServer({ store, clock: clock.now, tenantFile })
    const audience = `${server.issuer}api/v2/`
    const machine = (client: object) => ({ ...client, app_type: 'non_interactive', name: 'Edge' })
    await applyTo(server.latchkey, {
      clients: [...tenantFile.clients, machine(EDGE), machine(BLIND), machine(DOOMED)],
      resourceServers: tenantFile.resourceServers,
      clientGrants: [
        ...tenantFile.clientGrants,
        { client_id: 'edge', audience, scope: ['read:revocations'] },
        { client_id: 'blind', audience, scope: [] },
        { client_id: 'doomed', audience, scope: ['read:revocations'] },
      ],
    })
    token = await edgeToken(server.issuer, EDGE)
  })
  after(() => server?.close())
  afterEach(async () => {
    for (const one of opened) await one.close()
    opened = []
  })

  const open = async (by = token, from?: number): Promise<RevocationReader> => {
    const reader = await readRevocations(server.issuer, by, from === undefined ? {} : { from })
    opened.push(reader)
    return reader
  }
  const isReading = ({ name }: { name: string }) => name === 'reading'
  const numberOf = async (reader: RevocationReader) => Number((await reader.next(isReading)).id)
  const operate = (name: string, given: Record<string, string>) =>
    server.latchkey.operate(name, { tenant: 'default', ...given })
  const ask = async (headers: Record<string, string>, query = '', method = 'GET') => {
    const response = await fetch(`${streamAddress(server.issuer)}${query}`, { method, headers })
    return { status: response.status, challenge: response.headers.get('www-authenticate'), body: await response.text() }
  }
  const bearer = (of: string) => ({ authorization: `Bearer ${of}` })
  async function annSignsIn() {
    const browser = new CookieJarBrowser(server)
    const path = authorizePath(SPA, { audience: API, scope: 'openid read:videos' })
    const answer = await askToken(server, redemption(SPA, codeOf(await signIn(browser, ANN, path))))
    const accessToken = String(answer.json()['access_token'])
    return { browser, accessToken, sid: String(claimsOf(accessToken)['sid']) }
  }
  const revokeSession = (id: string, tenant = 'default') =>
    server.latchkey.store.transaction(async transaction => {
      const at = clock.now()
      transaction.revocations.append({ tenant, kind: 'session', id, epoch: null, at, expiresAt: at + HOUR })
    })

  test('is for whoever brings a token of this API with its scope, in the header alone', async () => {
    const none = await ask({})
    assert.deepEqual([none.status, none.challenge], [401, 'Bearer realm="management"'])
    const other = await askToken(server, { grant_type: 'client_credentials', audience: API, ...MACHINE })
    const ofAnother = await ask(bearer(String(other.json()['access_token'])))
    assert.equal(ofAnother.status, 401)
    assert.match(ofAnother.challenge ?? '', /error="invalid_token"/)
    const without = await ask(bearer(await edgeToken(server.issuer, BLIND)))
    assert.equal(without.status, 403)
    assert.match(without.challenge ?? '', /error="insufficient_scope".*scope="read:revocations"/)
    assert.equal((await ask({}, `?access_token=${token}`)).status, 400)
    assert.equal((await ask(bearer(`${token.slice(0, -8)}AAAAAAAA`))).status, 401)
    assert.equal((await ask({}, '', 'HEAD')).status, 405)
    for (const nonsense of ['-1', 'x', '1e3', '9'.repeat(16)])
      assert.equal((await ask({ ...bearer(token), 'last-event-id': nonsense })).status, 400, nonsense)
    assert.equal((await ask(bearer(token), '?after=1&after=2')).status, 400)
  })

  test('is of no person’s: an application cannot ask for this API on somebody’s behalf', async () => {
    const callback = await signIn(
      new CookieJarBrowser(server),
      ANN,
      authorizePath(SPA, { audience: `${server.issuer}api/v2/`, scope: 'openid read:revocations' }),
    ).catch(error => error)
    assert.match(String(callback), /[?&]error=invalid_target&/)
  })

  test('begins with whose it is, the keys, what still counts of the log, and how far it was read', async () => {
    await revokeSession('ses_early')
    const reader = await open()
    await reader.next(isReading)
    const [hello, keys, ...rest] = reader.events
    assert.deepEqual([hello?.name, JSON.parse(hello?.data ?? '')], ['hello', { issuers: [server.issuer] }])
    const jwks = await (await fetch(new URL('.well-known/jwks.json', server.issuer))).json()
    assert.deepEqual([keys?.name, JSON.parse(keys?.data ?? '')], ['keys', jwks])
    assert.ok(reader.entries().includes('session ses_early'))
    const reading = rest.find(isReading)
    assert.equal(Number(reading?.id), await server.latchkey.store.revocations.head())
    const { at } = JSON.parse(reading?.data ?? '')
    assert.ok(at <= 1000 && at > -3000, `${at}`)
  })

  test('goes on from a number: nothing is lost, and what was purged meanwhile covers nothing any more', async () => {
    const first = await open()
    const number = await numberOf(first)
    await first.close()
    const at = clock.now()
    await server.latchkey.store.transaction(async transaction => {
      for (const id of ['over', 'gone'])
        transaction.revocations.append({ tenant: 'default', kind: 'token', id, epoch: null, at, expiresAt: at })
    })
    await revokeSession('ses_between')
    await server.latchkey.store.revocations.purge(at, 1)
    for (const again of [await open(token, number), await open(token, number)]) {
      const head = await numberOf(again)
      assert.deepEqual(again.entries(), ['session ses_between'])
      assert.equal(head, number + 3)
    }
    const asked = await fetch(`${streamAddress(server.issuer)}?after=${number + 3}`, { headers: bearer(token) })
    const text = Buffer.from((await asked.body?.getReader().read())?.value ?? []).toString()
    assert.equal(asked.status, 200)
    assert.doesNotMatch(text, /event: entries/)
  })

  test('starts over for whoever knows more than the log holds, and says so', async () => {
    const reader = await open(token, 1_000_000)
    await reader.next(isReading)
    assert.deepEqual(
      reader.events.map(({ name }) => name).filter(name => name === 'reset' || name === 'reading'),
      ['reset', 'reading'],
    )
    assert.ok(reader.entries().includes('session ses_early'))
  })

  test('tells what is revoked before whoever revoked it is answered', async () => {
    const { browser, sid } = await annSignsIn()
    const reader = await open()
    const before = await numberOf(reader)
    await browser.post('/account/sign-out', { account: sid, session: sid })
    const event = await reader.next(({ name, data }) => name === 'entries' && data.includes(sid))
    assert.ok(Number(event.id) > before)
    const after = await reader.next(one => isReading(one) && Number(one.id) >= Number(event.id))
    assert.ok(after)
  })

  test('tells of a second about each second, and no tenant of what another revokes', async () => {
    const reader = await open()
    await reader.next(isReading)
    await revokeSession('ses_of_another', 'somebody-else')
    const head = await server.latchkey.store.revocations.head()
    await reader.next(one => isReading(one) && Number(one.id) >= head)
    assert.ok(!reader.entries().some(entry => entry.includes('ses_of_another')))
    const late = await open(token, 0)
    await late.next(isReading)
    assert.ok(!late.entries().some(entry => entry.includes('ses_of_another')))
  })

  test('brings the keys whenever they change, the new one before it signs, and the revoked one as revoked', async () => {
    const reader = await open()
    await reader.next(isReading)
    const kidsIn = ({ data }: { data: string }) => (JSON.parse(data).keys as { kid: string }[]).map(({ kid }) => kid)
    const isOf = (count: number) => (event: { name: string; data: string }) =>
      event.name === 'keys' && kidsIn(event).length === count
    const [former = ''] = kidsIn(await reader.next(isOf(1)))
    await operate('keys rotate', { algorithm: 'RS256' })
    const both = kidsIn(await reader.next(isOf(2)))
    assert.ok(both.includes(former))
    await operate('keys revoke', { key: former })
    await reader.next(({ name, data }) => name === 'entries' && data.includes(former))
    await reader.next(event => event.name === 'keys' && !kidsIn(event).includes(former))
    // The stream's own token was signed with it.
    const last = await reader.next(({ name }) => name === 'end')
    assert.deepEqual(JSON.parse(last.data), { reason: 'revoked' })
    await reader.ended
    token = await edgeToken(server.issuer, EDGE)
  })

  test('ends with the token it was opened with: by its time, and with its client', async () => {
    const doomed = await open(await edgeToken(server.issuer, DOOMED))
    const other = await open()
    await Promise.all([doomed.next(isReading), other.next(isReading)])
    await operate('clients revoke', { client: 'doomed' })
    assert.match((await doomed.next(({ name }) => name === 'end')).data, /revoked/)
    await doomed.ended
    clock.advance(DAY + MINUTE)
    assert.match((await other.next(({ name }) => name === 'end')).data, /expired/)
    await other.ended
    assert.equal((await ask(bearer(token))).status, 401)
    token = await edgeToken(server.issuer, EDGE)
  })

  test('makes a service refuse a token that was signed for long, as soon as its person has signed out everywhere', async () => {
    const { browser, accessToken, sid } = await annSignsIn()
    const algorithms = ['RS256'] as const
    const guard = createGuard({
      issuer: server.issuer,
      audience: API,
      algorithms,
      client: { id: EDGE.client_id, secret: EDGE.client_secret },
      keys: remoteKeys({ issuer: server.issuer, algorithms, fetch: () => assert.fail('the stream tells the keys') }),
      // The servers of these tests have a clock of their own.
      clock: clock.now,
    })
    const app = express()
    app.get('/', requireToken(guard, { scopes: ['read:videos'] }), (request, response) => {
      response.send(authOf(request).claims.sub)
    })
    const service = app.listen(0, '127.0.0.1')
    opened.push(guard, { close: async () => void service.close().closeAllConnections() })
    await once(service, 'listening')
    const { port } = service.address() as AddressInfo
    const probe = async () => {
      const response = await fetch(`http://127.0.0.1:${port}/`, { headers: bearer(accessToken) })
      return { status: response.status, body: await response.text() }
    }
    const until = async (status: number) => {
      const deadline = performance.now() + 10 * SECOND
      for (let answer = await probe(); answer.status !== status; answer = await probe()) {
        assert.ok(performance.now() < deadline, `${answer.status} ${answer.body}`)
        await new Promise(resolve => setTimeout(resolve, 5))
      }
    }
    await until(200)
    const heard = new Promise<void>(resolve => void guard.revocations?.onChange(resolve))
    const { status } = await browser.post('/account/sign-out-everywhere', { account: sid })
    assert.equal(status, 200)
    await heard
    const refused = await probe()
    assert.deepEqual([refused.status, JSON.parse(refused.body).error_description], [401, 'the token was revoked'])
    assert.equal((await probe()).status, 401)
  })

  test('does not hold a server that closes', async () => {
    const reader = await open()
    await reader.next(isReading)
    server = await server.restart()
    assert.match((await reader.next(({ name }) => name === 'end')).data, /closing/)
    await reader.ended
  })

  // That is counted in the process, whatever the store.
  if (store === 'sqlite')
    test('is open as often as a client may have it, and no more often', async () => {
      const readers = await Promise.all(Array.from({ length: MOST_OF_CLIENT }, () => open()))
      const response = await fetch(streamAddress(server.issuer), { headers: bearer(token) })
      const { error } = (await response.json()) as { error: string }
      assert.deepEqual([response.status, error], [503, 'temporarily_unavailable'])
      assert.ok(Number(response.headers.get('retry-after')) > 0)
      await readers[0]?.close()
      const deadline = performance.now() + 10 * SECOND
      for (let another: unknown; !another; another = await open().catch(() => undefined))
        assert.ok(performance.now() < deadline, 'the place of one that left is not free')
    })
})
