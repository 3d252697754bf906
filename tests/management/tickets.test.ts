/** Links that an operator hands over, made with Auth0's own library and spent on our pages. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { DAY, SECOND } from '../../server/kernel/seconds.ts'
import {
  ANN,
  askToken,
  BEN,
  CALLBACK,
  CookieJarBrowser,
  passing,
  SPA,
  tenantFile,
  UNPROTECTED,
} from '../attacks/stage.ts'
import { type Management, startManagement } from '../fixtures/management.ts'
import { createTestClock } from '../fixtures/test-clock.ts'

const TENANT = 'default'
const CLOE = { email: 'cloe@example.com', password: 'blue bicycles downhill' }
const FILE = {
  ...tenantFile,
  users: [...tenantFile.users, { ...CLOE, email_verified: false }],
  attackProtection: UNPROTECTED,
}
const RESULT = `${new URL(CALLBACK).origin}/welcome?step=2`

describe('Tickets', () => {
  const clock = createTestClock()
  let management: Management
  let server: Management['server']
  before(async () => {
    management = await startManagement({ tenantFile: FILE, clock: clock.now })
    server = management.server
  })
  after(() => management?.close())

  const userOf = async ({ email }: { email: string }): Promise<string> => {
    const [id] = await server.latchkey.store.users.findByAttribute(TENANT, 'email', email, 1)
    assert.ok(id)
    return id
  }
  const pathOf = (ticket: string): string => {
    assert.ok(ticket.startsWith(server.issuer), ticket)
    return `/${ticket.slice(server.issuer.length)}`
  }
  const signsIn = async (person: { email: string; password: string }) =>
    (await askToken(server, passing(person))).status === 200

  test('for a new password: opening spends nothing, the button does, and the person goes on to where the operator says', async () => {
    const { ticket } = await management.client.tickets.changePassword({
      user_id: await userOf(ANN),
      result_url: RESULT,
      includeEmailInRedirect: true,
    })
    const path = pathOf(ticket)
    const browser = new CookieJarBrowser(server)
    for (let look = 0; look < 3; look++) assert.equal((await browser.get(path)).status, 200)
    assert.equal((await browser.post(path, { password: 'short' })).status, 400)
    assert.ok(await signsIn(ANN))
    const renewed = { ...ANN, password: 'a new lighthouse in the fog' }
    const done = await browser.post(path, { password: renewed.password })
    assert.equal(done.status, 303)
    const url = new URL(done.location ?? '')
    assert.equal(`${url.origin}${url.pathname}`, RESULT.split('?')[0])
    assert.deepEqual(
      ['step', 'email', 'success'].map(name => url.searchParams.get(name)),
      ['2', ANN.email, 'true'],
    )
    assert.equal((await browser.get(path)).status, 410)
    assert.deepEqual([await signsIn(ANN), await signsIn(renewed)], [false, true])
  })

  test('confirm an address only where the operator says so', async () => {
    const id = await userOf(CLOE)
    const isVerified = async () => (await server.latchkey.store.users.find(TENANT, id))?.emailVerified
    const connection = (await server.latchkey.store.connections.list(TENANT))[0]?.id ?? ''
    const byAddress = { email: CLOE.email.toUpperCase(), connection_id: connection }
    const choose = async (more: object, password: string) => {
      const { ticket } = await management.client.tickets.changePassword({ ...byAddress, ...more })
      const { status } = await new CookieJarBrowser(server).post(pathOf(ticket), { password })
      assert.equal(status, 200)
    }
    await choose({}, 'seven quieter magpies')
    assert.equal(await isVerified(), false)
    await choose({ mark_email_as_verified: true }, 'eight quieter magpies')
    assert.equal(await isVerified(), true)
  })

  test('for an address: the button confirms it, for whoever can show that the account is theirs', async () => {
    const id = await userOf(BEN)
    await server.latchkey.store.users.change(TENANT, id, { emailVerified: false }, clock.now())
    const { ticket } = await management.client.tickets.verifyEmail({ user_id: id, result_url: RESULT })
    const path = pathOf(ticket)
    const browser = new CookieJarBrowser(server)
    assert.equal((await browser.get(path)).status, 200)
    assert.equal((await server.latchkey.store.users.find(TENANT, id))?.emailVerified, false)
    // Who reads the mail need not be who made the account.
    assert.equal((await browser.post(path, {})).status, 400)
    const done = await browser.post(path, { password: BEN.password })
    assert.equal(done.status, 303)
    assert.match(done.location ?? '', /^https:\/\/app\.example\/welcome\?step=2&success=true/)
    assert.equal((await server.latchkey.store.users.find(TENANT, id))?.emailVerified, true)
  })

  test('lead nowhere that nobody has registered', async () => {
    const user_id = await userOf(BEN)
    for (const result_url of [
      'https://evil.example/',
      'https://app.example.evil.example/',
      'https://app.example@evil.example/',
      'https://user:pass@app.example/',
      'http://app.example/',
      'https://app.example:8443/',
      'javascript:alert(1)//https://app.example',
      '//evil.example',
      '/relative',
      'nonsense',
    ])
      for (const path of ['/tickets/password-change', '/tickets/email-verification']) {
        const { status, body } = await management.call('POST', path, { user_id, result_url })
        assert.equal(status, 400, result_url)
        assert.match(body.message, /result_url has to have the origin/)
      }
  })

  test('say what is wrong with a wish', async () => {
    const user_id = await userOf(BEN)
    const said = async (body: object, path = 'password-change') => {
      const answered = await management.call('POST', `/tickets/${path}`, body)
      return [answered.status, answered.body.errorCode, answered.body.message].join(' ')
    }
    assert.match(await said({}), /400 invalid_body .*user_id is missing, or email with connection_id/)
    assert.match(await said({ user_id, email: BEN.email }), /user_id goes with neither/)
    assert.match(await said({ email: BEN.email, connection_id: 'con_none' }), /404 inexistent_connection/)
    assert.match(await said({ user_id: 'auth0|nobody' }), /404 inexistent_user/)
    assert.match(await said({ user_id, client_id: 'nobody' }), /client_id is no client/)
    assert.match(await said({ user_id, client_id: SPA.client_id, result_url: RESULT }), /are both there/)
    assert.match(await said({ user_id, ttl_sec: 31 * 24 * 3600 }), /ttl_sec/)
    assert.match(await said({ user_id, organization_id: 'org_1' }), /no member organization_id/)
    assert.match(await said({ user_id: 'auth0|nobody' }, 'email-verification'), /404 inexistent_user/)
    assert.match(await said({}, 'email-verification'), /user_id is missing/)
    const identity = { user_id: 'another', provider: 'auth0' }
    assert.match(await said({ user_id, identity }), /404 inexistent_user/)
    const token = await management.tokenWith('read:users')
    const { status } = await management.call('POST', '/tickets/password-change', { user_id }, { token })
    assert.equal(status, 403)
  })

  test('stand in no event and no log, which tell that they were made', async () => {
    const user_id = await userOf(BEN)
    const { ticket } = await management.client.tickets.changePassword({ user_id })
    const events = await server.latchkey.store.events.list(TENANT, { after: '', limit: 1000 })
    const [last] = events.filter(({ type }) => type === 'ticket.created').slice(-1)
    assert.deepEqual([last?.target, last?.actor.id], [{ kind: 'ticket', id: user_id }, 'management-root'])
    assert.ok(!JSON.stringify(events).includes(ticket.split('/').at(-1) ?? ''))
  })

  test('end with their time, with another password, and with a block', async () => {
    const id = await userOf(BEN)
    const open = async (ttl_sec?: number) => {
      const { ticket } = await management.client.tickets.changePassword({ user_id: id, ...(ttl_sec && { ttl_sec }) })
      return () => new CookieJarBrowser(server).get(pathOf(ticket)).then(({ status }) => status)
    }
    const [short, usual] = [await open(60), await open()]
    assert.deepEqual([await short(), await usual()], [200, 200])
    clock.advance(61 * SECOND)
    assert.deepEqual([await short(), await usual()], [410, 200])
    const late = await open()
    await server.latchkey.store.users.change(TENANT, id, { blocked: true }, clock.now())
    assert.equal(await late(), 410)
    await assert.rejects(open(), { statusCode: 400 })
    await server.latchkey.store.users.change(TENANT, id, { blocked: false }, clock.now())
    assert.equal(await usual(), 200)
    // The token of the machine that makes them has ended too by then.
    clock.advance(5 * DAY)
    assert.equal(await usual(), 410)
  })
})
