/**
 * Two nodes over one PostgreSQL, with a Redis between them that fails and comes back while people sign in: nobody is
 * told of it, nothing that was answered is lost, and neither the word of a change nor the count of guesses depends on it.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { compose, type Latchkey } from '../../server/compose.ts'
import { loadSettings } from '../../server/config/load.ts'
import { LONGEST_AGE } from '../../server/kernel/cache.ts'
import { silentLog } from '../../server/kernel/log.ts'
import { SECOND } from '../../server/kernel/seconds.ts'
import {
  ANN,
  API,
  askToken,
  CookieJarBrowser,
  MACHINE,
  refreshing,
  SPA,
  signIn,
  tenantFile,
  tokensFor,
} from '../attacks/stage.ts'
import { startRedis, type TestRedis } from '../fixtures/redis.ts'
import { applyTo, type RunningServer, startServer } from '../fixtures/server.ts'
import { createTestClock } from '../fixtures/test-clock.ts'

describe('With a Redis between two nodes', () => {
  const clock = createTestClock()
  let redis: TestRedis
  let here: RunningServer
  let there: Pick<RunningServer, 'issuer' | 'latchkey'>
  let second: Latchkey
  before(async () => {
    redis = await startRedis()
    here = await startServer({
      store: 'postgres',
      clock: clock.now,
      tenantFile,
      environment: { LATCHKEY_REDIS_URL: redis.url, LATCHKEY_TRUSTED_PROXIES: '127.0.0.1' },
    })
    second = await compose(loadSettings(here.environment), silentLog, { clock: clock.now })
    there = { issuer: here.issuer, latchkey: second }
  })
  after(async () => {
    await second?.close()
    await here?.close()
    await redis?.stop()
  })

  const statusThere = async (client_secret: string) =>
    (await askToken(there, { grant_type: 'client_credentials', ...MACHINE, client_secret, audience: API })).status
  const giveSecretHere = (client_secret: string) =>
    applyTo(here.latchkey, {
      clients: tenantFile.clients.map(one => (one.client_id === MACHINE.client_id ? { ...one, client_secret } : one)),
    })
  async function until(isTrue: () => Promise<boolean>) {
    const deadline = Date.now() + 10 * SECOND
    while (!(await isTrue())) {
      assert.ok(Date.now() < deadline, 'it did not happen within ten seconds')
      await pause(20)
    }
  }
  /** How many wrong passwords go through, in turns on both nodes, before one is held. */
  async function guesses(address: string): Promise<number> {
    const from = { 'x-forwarded-for': address }
    for (let taken = 0; taken < 40; taken++) {
      const browser = new CookieJarBrowser(taken % 2 ? here : there)
      const login =
        (await browser.get('/authorize?'.concat(new URLSearchParams(ASKED).toString()), from)).location ?? ''
      const { status } = await browser.post(login, { username: ANN.email, password: 'a wrong guess' }, from)
      if (status === 429) return taken
      assert.equal(status, 400)
    }
    return assert.fail('forty guesses were taken')
  }

  test('what is changed on one holds on the other at once, and guesses on both add up', async () => {
    assert.equal(await statusThere(MACHINE.client_secret), 200)
    await giveSecretHere('the second secret of the machine')
    await until(async () => (await statusThere('the second secret of the machine')) === 200)
    assert.equal(await guesses('192.0.2.1'), 10)
  })

  test('that fails while people sign in nobody is told, nothing answered is lost, and guesses are counted', async () => {
    const tokens = await tokensFor(here, ANN, { scope: 'openid offline_access', audience: API })
    const failing = redis.stop()
    const signIns = Array.from({ length: 6 }, (_, number) =>
      signIn(new CookieJarBrowser(number % 2 ? here : there), ANN),
    )
    for (const callback of await Promise.all(signIns)) assert.ok(callback.searchParams.has('code'))
    await failing
    const refreshed = await askToken(there, refreshing(SPA, tokens.refresh_token))
    assert.equal(refreshed.status, 200, refreshed.body)
    assert.equal(await guesses('192.0.2.2'), 10)

    await giveSecretHere('the third secret of the machine')
    clock.advance(LONGEST_AGE)
    assert.equal(await statusThere('the third secret of the machine'), 200)
  })

  test('that is back carries again, without anybody’s help', async () => {
    await redis.start()
    let number = 0
    await until(async () => {
      number += 1
      const secret = `secret ${number} of the machine, after the outage`
      await giveSecretHere(secret)
      await pause(200)
      return (await statusThere(secret)) === 200
    })
    assert.equal(await guesses('192.0.2.3'), 10)
  })
})

const ASKED = {
  client_id: 'web',
  response_type: 'code',
  redirect_uri: 'https://app.example/callback',
  scope: 'openid',
  state: 's',
}
