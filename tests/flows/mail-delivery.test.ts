/** Mail over a real mail server: it leaves when it is promised, outlives refusals, outages and restarts, and never twice. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { compose } from '../../server/compose.ts'
import { loadSettings } from '../../server/config/load.ts'
import { silentLog } from '../../server/kernel/log.ts'
import { MINUTE, SECOND } from '../../server/kernel/seconds.ts'
import { freePort } from '../fixtures/free-port.ts'
import { linkIn, readMail } from '../fixtures/mailbox.ts'
import { createPerson } from '../fixtures/person.ts'
import { onEachStore, type RunningServer, startServer } from '../fixtures/server.ts'
import { type SinkOptions, type SmtpSink, startSmtpSink } from '../fixtures/smtp-sink.ts'
import { createTestClock } from '../fixtures/test-clock.ts'

const PASSWORD = 'umbrella stand in the hall'
const people = Array.from({ length: 12 }, (_, index) => ({ email: `person-${index}@example.com`, password: PASSWORD }))

async function until<T>(look: () => Promise<T | undefined> | T | undefined, what: string): Promise<T> {
  for (const end = Date.now() + 10 * SECOND; Date.now() < end; await pause(20)) {
    const found = await look()
    if (found !== undefined) return found
  }
  assert.fail(`${what} within ten seconds`)
}

onEachStore('Promised mail', store => {
  const clock = createTestClock()
  let port: number
  let sink: SmtpSink | undefined
  let server: RunningServer

  before(async () => {
    port = await freePort()
    server = await startServer({
      store,
      clock: clock.now,
      tenantFile: { users: people },
      environment: { LATCHKEY_SMTP_URL: `smtp://127.0.0.1:${port}`, LATCHKEY_MAIL_FROM: 'hello@video.example' },
    })
  })
  after(async () => {
    await sink?.close()
    await server?.close()
  })

  async function openSink(options: Omit<SinkOptions, 'port'> = {}): Promise<SmtpSink> {
    await sink?.close()
    sink = await startSmtpSink({ ...options, port })
    return sink
  }

  async function ask(email: string): Promise<void> {
    const person = createPerson(server.issuer)
    const page = await person.submit(await person.visit(new URL('forgot-password', server.issuer)), { email })
    assert.equal(page.status, 200)
  }

  /** As the mailer's own timer would, on the test's clock. */
  async function later(milliseconds: number): Promise<void> {
    clock.advance(milliseconds)
    await ask(`nobody-${clock.now()}@example.com`)
  }

  /** Not the lease of a try that is under way, which is longer. */
  const triedInVain = () =>
    until(async () => {
      const wait = ((await server.latchkey.store.mails.nextDue()) ?? 0) - clock.now()
      return (wait > 0 && wait < MINUTE) || undefined
    }, 'It was not tried')

  const toldOf = async (type: string) =>
    (await server.latchkey.store.events.list('default', { limit: 10_000 })).filter(event => event.type === type)

  const arrival = (there: SmtpSink, count = 1) =>
    until(() => (there.mails.length >= count ? there.mails : undefined), `${count} mails did not arrive`)

  test('leaves at once, from the set address, to one person', async () => {
    const there = await openSink()
    await ask('person-0@example.com')
    const [mail] = await arrival(there)
    assert.deepEqual([mail?.from, mail?.to], ['hello@video.example', ['person-0@example.com']])
    const read = readMail(mail?.source ?? '')
    assert.equal(read.from, 'Latchkey <hello@video.example>')
    assert.equal((await createPerson(server.issuer).visit(linkIn(read))).status, 200)
  })

  test('waits while the mail server is away, and the page answers all the same', async () => {
    await sink?.close()
    sink = undefined
    await ask('person-1@example.com')
    await triedInVain()
    const there = await openSink()
    await later(MINUTE)
    const [mail] = await arrival(there)
    assert.deepEqual(mail?.to, ['person-1@example.com'])
  })

  test('that is asked to come back later does, and arrives once', async () => {
    let isGrey = true
    const there = await openSink({ answer: what => (what === 'to' && isGrey ? '451 4.7.1 Greylisted' : undefined) })
    await ask('person-2@example.com')
    await triedInVain()
    isGrey = false
    await later(MINUTE)
    await arrival(there)
    await later(10 * MINUTE)
    await until(
      async () => ((await server.latchkey.store.mails.nextDue()) === undefined ? true : undefined),
      'It stays',
    )
    assert.equal(there.mails.length, 1)
  })

  test('to a mailbox that does not exist is given up at once, on record', async () => {
    const before = (await toldOf('mail.given-up')).length
    await openSink({ answer: what => (what === 'to' ? '550 5.1.1 No such mailbox' : undefined) })
    await ask('person-3@example.com')
    const events = await until(async () => {
      const told = await toldOf('mail.given-up')
      return told.length > before ? told : undefined
    }, 'It was not given up')
    assert.deepEqual(events.at(-1)?.details, {
      message: 'reset-password',
      attempts: 1,
      reason: 'RCPT TO was answered with 550 5.1.1',
    })
    assert.deepEqual(events.at(-1)?.personal['email'], 'person-3@example.com')
    assert.equal(await server.latchkey.store.mails.nextDue(), undefined)
  })

  test('is kept through a restart of the server', async () => {
    await sink?.close()
    sink = undefined
    await ask('person-4@example.com')
    server = await server.restart()
    const there = await openSink()
    await later(MINUTE)
    const mails = await arrival(there)
    assert.deepEqual(
      mails.map(({ to }) => to),
      [['person-4@example.com']],
    )
  })

  test('holds up the server’s end for seconds, not for as long as a mail server is silent', async () => {
    let isAsked = false
    await openSink({
      answer: () => {
        isAsked = true
        return new Promise(() => {})
      },
    })
    await ask('person-5@example.com')
    await until(() => isAsked || undefined, 'The mail server was not asked')
    const begun = Date.now()
    server = await server.restart()
    assert.ok(Date.now() - begun < 20 * SECOND, `it took ${Date.now() - begun} ms`)
    const there = await openSink()
    await later(5 * MINUTE)
    assert.deepEqual((await arrival(there))[0]?.to, ['person-5@example.com'])
  })
})

describe('Of two nodes over one database', () => {
  test('one sends each mail, and a command beside them none', async () => {
    const sink = await startSmtpSink()
    const here = await startServer({
      store: 'postgres',
      tenantFile: { users: people },
      environment: { LATCHKEY_SMTP_URL: `smtp://127.0.0.1:${sink.port}` },
    })
    const there = await compose(loadSettings(here.environment), silentLog)
    // Somebody at a terminal, who has not set what the servers have: what it sent would lie in a folder.
    const { LATCHKEY_SMTP_URL: _, ...unset } = here.environment
    const command = await compose(loadSettings(unset), silentLog, { isServer: false })
    try {
      await Promise.all(
        people.map(async ({ email }) => {
          const person = createPerson(here.issuer)
          await person.submit(await person.visit(new URL('forgot-password', here.issuer)), { email })
        }),
      )
      await until(() => (sink.mails.length >= people.length ? true : undefined), 'Not all mail came')
      await until(async () => ((await there.store.mails.nextDue()) === undefined ? true : undefined), 'Some mail stays')
      assert.deepEqual(sink.mails.map(({ to }) => to[0]).sort(), people.map(({ email }) => email).sort())
    } finally {
      await command.close()
      await there.close()
      await here.close()
      await sink.close()
    }
  })
})
