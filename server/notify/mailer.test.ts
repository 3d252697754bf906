import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { createMemoryBus } from '../bus/memory.ts'
import { newSortableId } from '../kernel/ids.ts'
import { type Log, silentLog } from '../kernel/log.ts'
import { DAY, HOUR, MINUTE, SECOND } from '../kernel/seconds.ts'
import { createTestSealer } from '../store/conformance/stage.ts'
import type { EventRecord } from '../store/events.ts'
import { openSqlite } from '../store/sqlite.ts'
import type { Store } from '../store/store.ts'
import { type Letter, MAIL_TOPIC, promiseMail } from './letter.ts'
import { createMailer, type Mailer, type MailFacts, pauseAfter } from './mailer.ts'
import type { Message } from './message.ts'
import type { Delivery } from './transport.ts'

const TENANT = 'default'
const NOW = 1_800_000_000_000

const letter: Letter = {
  message: 'reset-password',
  to: 'ann@example.com',
  user: 'auth0|ann',
  language: 'en',
  issuer: 'https://login.example.com/',
  link: 'https://login.example.com/reset-password/secret',
  linkLife: HOUR,
  userAgent: null,
}

const DELIVERED: Delivery = { outcome: 'delivered' }
const FAILED: Delivery = { outcome: 'failed', reason: 'RCPT TO was answered with 451' }
const REFUSED: Delivery = { outcome: 'refused', reason: 'RCPT TO was answered with 550' }

describe('promised mail', () => {
  let folder = ''
  let store: Store
  let now = NOW
  const woken: string[] = []
  const lines: string[] = []
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'latchkey-mailer-'))
    const bus = createMemoryBus()
    bus.subscribe(MAIL_TOPIC, { heard: ({ id }) => void woken.push(id), missed: () => {} })
    store = await openSqlite(join(folder, 'latchkey.db'), { sealer: createTestSealer(), bus, synchronous: 'normal' })
    now = NOW
    woken.length = 0
    lines.length = 0
  })
  afterEach(async () => {
    await store.close()
    rmSync(folder, { recursive: true })
  })

  const log: Log = {
    ...silentLog,
    warn: (fields, message) => void lines.push(`${message} ${JSON.stringify(fields)}`),
    error: (fields, message) => void lines.push(`${message} ${JSON.stringify(fields)}`),
  }
  const eventOf = (type: string, { tenant, at, mail, attempts, letter }: MailFacts, reason?: string): EventRecord => ({
    id: newSortableId(),
    tenant,
    at,
    type,
    actor: { kind: 'system', id: 'mailer', client: null, onBehalfOf: null },
    target: null,
    requestId: mail,
    details: { attempts, message: letter?.message ?? null, ...(reason !== undefined && { reason }) },
    personal: {},
  })

  function mailerWith(deliver: (message: Message, signal: AbortSignal) => Delivery | Promise<Delivery>): Mailer {
    return createMailer({
      store,
      clock: () => now,
      log,
      from: 'no-reply@login.example.com',
      openTransport: async () => async (message, signal) => deliver(message, signal),
      findSender: async () => ({ name: 'Video', accent: null }),
      openTenantMail: async () => ({ wayOf: async () => null, write: async () => null }),
      events: {
        sent: facts => eventOf('mail.sent', facts),
        givenUp: (facts, reason) => eventOf('mail.given-up', facts, reason),
      },
    })
  }

  const promise = (changes: Partial<Letter> = {}, giveUpAt = NOW + HOUR): Promise<void> =>
    store.transaction(transaction =>
      promiseMail(transaction, TENANT, { ...letter, ...changes }, { now: NOW, giveUpAt }),
    )
  const told = async () =>
    (await store.events.list(TENANT, { limit: 100 })).map(({ type, details }) => ({ type, ...details }))

  test('wakes the mailer when its transaction commits, and is sent once', async () => {
    const sent: string[] = []
    const mailer = mailerWith(({ to }) => {
      sent.push(to)
      return DELIVERED
    })
    await promise()
    assert.equal(woken.length, 1)
    assert.equal(await mailer.run(), undefined)
    assert.equal(await mailer.run(), undefined)
    assert.deepEqual(sent, ['ann@example.com'])
    assert.deepEqual(await told(), [{ type: 'mail.sent', attempts: 1, message: 'reset-password' }])
  })

  test('that is not taken is tried again after longer and longer, until nobody wants it', async () => {
    const at: number[] = []
    const mailer = mailerWith(() => {
      at.push(now - NOW)
      return FAILED
    })
    await promise({}, NOW + HOUR)
    for (let next: number | undefined = NOW; next !== undefined; next = await mailer.run()) now = next
    assert.deepEqual(at, [0, 10 * SECOND, 70 * SECOND, 370 * SECOND, 1270 * SECOND])
    assert.equal(now, NOW + HOUR, 'at its last hour it is looked at once more')
    assert.deepEqual(await told(), [
      { type: 'mail.given-up', attempts: 6, message: 'reset-password', reason: 'nobody wants it any more' },
    ])
    assert.ok(
      lines.every(line => !line.includes('ann@example.com') && !line.includes('reset-password/')),
      String(lines),
    )
  })

  test('for a day is tried once an hour at the end', () => {
    assert.deepEqual([1, 2, 3, 4, 5, 50].map(pauseAfter), [10 * SECOND, MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, HOUR])
  })

  test('that is refused for good is not tried again', async () => {
    let tries = 0
    const mailer = mailerWith(() => {
      tries += 1
      return REFUSED
    })
    await promise()
    assert.equal(await mailer.run(), undefined)
    now += DAY
    await mailer.run()
    assert.equal(tries, 1)
    assert.deepEqual(await told(), [
      {
        type: 'mail.given-up',
        attempts: 1,
        message: 'reset-password',
        reason: 'RCPT TO was answered with 550',
      },
    ])
  })

  test('to nobody is never handed over, and leaves no trace', async () => {
    const mailer = mailerWith(() => assert.fail('it was sent'))
    await promise({ to: null, user: null })
    assert.equal(await mailer.run(), undefined)
    assert.deepEqual(await told(), [])
    assert.deepEqual(lines, [])
  })

  test('found by several mailers at once is sent by one of them', async () => {
    const sent: string[] = []
    for (let mail = 0; mail < 30; mail++) await promise({ to: `ann${mail}@example.com` })
    const mailers = Array.from({ length: 4 }, () =>
      mailerWith(async ({ to }) => {
        sent.push(to)
        await new Promise(resolve => setTimeout(resolve, 5))
        return DELIVERED
      }),
    )
    await Promise.all(
      mailers.map(async mailer => {
        while ((await mailer.run()) === now);
      }),
    )
    assert.equal(sent.length, 30)
    assert.equal(new Set(sent).size, 30)
  })

  test('of a node that died while it sent it is sent by another, when its lease is over', async () => {
    await promise()
    await store.mails.claim(now, now + 3 * MINUTE, 5)
    const sent: Message[] = []
    const mailer = mailerWith(message => {
      sent.push(message)
      return DELIVERED
    })
    assert.equal(await mailer.run(), NOW + 3 * MINUTE)
    assert.equal(sent.length, 0)
    now += 3 * MINUTE
    await mailer.run()
    assert.equal(sent.length, 1)
  })

  test('that does not open is kept for as long as anybody could want it, and holds up no other', async () => {
    const sealed = createTestSealer().seal({ purpose: 'mail', tenant: TENANT, record: 'x' }, '{}')
    await promise()
    const [mail] = await store.mails.claim(now, now, 1)
    assert.ok(mail)
    const value = (await store.sealedValues.notUnder('none', { place: 'mails', limit: 1 }))[0]
    assert.ok(value)
    await store.sealedValues.replace(value, sealed)
    await promise({ to: 'ben@example.com' })
    const sent: string[] = []
    const mailer = mailerWith(({ to }) => {
      sent.push(to)
      return DELIVERED
    })
    await mailer.run()
    assert.deepEqual(sent, ['ben@example.com'])
    assert.match(lines[0] ?? '', /a promised mail does not open/)
    now = NOW + HOUR
    await mailer.run()
    assert.deepEqual((await told()).map(({ type }) => type).toSorted(), ['mail.given-up', 'mail.sent'])
  })

  test('under way when the server closes is broken off after a few seconds, and is due again', async () => {
    await promise()
    const mailer = mailerWith(
      (_, signal) =>
        new Promise(resolve =>
          signal.addEventListener('abort', () => resolve({ outcome: 'failed', reason: 'it ended with EABORT' })),
        ),
    )
    const running = mailer.run()
    setTimeout(() => mailer.stop(), 300)
    assert.equal(await running, NOW)
    assert.equal(await store.mails.nextDue(), NOW)
    assert.equal(await mailer.run(), undefined, 'nothing more is begun')
    assert.deepEqual(await told(), [])
  })
})
