/** Asking for mail to thousands of made-up addresses: it costs the one who asks, and holds up nobody else's mail. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { HOUR, MINUTE } from '../../server/kernel/seconds.ts'
import { openMailbox } from '../fixtures/mailbox.ts'
import { onEachStore, type RunningServer, startServer } from '../fixtures/server.ts'
import { createTestClock } from '../fixtures/test-clock.ts'
import { ANN, tenantFile } from './stage.ts'

const FLOOD = '203.0.113.9'
const ELSEWHERE = '198.51.100.7'
const WITHIN_AN_HOUR = 200

onEachStore('A flood of made-up addresses', store => {
  const clock = createTestClock()
  let server: RunningServer
  before(async () => {
    const environment = { LATCHKEY_TRUSTED_PROXIES: '127.0.0.1' }
    server = await startServer({ store, tenantFile, environment, clock: clock.now })
  })
  after(() => server?.close())

  async function ask(email: string, from: string): Promise<number> {
    const { http } = server.latchkey
    const answer = await http.inject({
      method: 'POST',
      url: '/forgot-password',
      headers: {
        host: new URL(server.issuer).host,
        origin: new URL(server.issuer).origin,
        'content-type': 'application/x-www-form-urlencoded',
        'x-forwarded-for': from,
      },
      payload: new URLSearchParams({ email }).toString(),
    })
    return answer.statusCode
  }
  /** Taken by the test, so that the server sends none of them, but for those it was quicker to take. */
  async function takePromised(): Promise<number> {
    const { mails } = server.latchkey.store
    const taken = await mails.claim(clock.now() + MINUTE, clock.now() + HOUR, 500)
    for (const { tenant, id } of taken) await mails.remove(tenant, id)
    return taken.length
  }

  test('is answered like everything else, and promises a bounded number of letters', async () => {
    for (let count = 0; count < WITHIN_AN_HOUR + 20; count += 1)
      assert.equal(await ask(`nobody-${count}@example.com`, FLOOD), 200)
    assert.ok((await takePromised()) <= WITHIN_AN_HOUR)
    assert.equal(await ask(ANN.email, FLOOD), 200)
  })

  test('takes nobody else’s mail from them', async () => {
    assert.equal(await ask(ANN.email, ELSEWHERE), 200)
    assert.equal((await openMailbox(server.latchkey).all(ANN.email)).length, 1)
  })
})
