import assert from 'node:assert/strict'
import { type AddressInfo, createServer } from 'node:net'
import { after, before, describe, test } from 'node:test'
import tls from 'node:tls'
import { makeCertificate } from '../../tests/fixtures/certificate.ts'
import { SINK_LOGIN, type SinkOptions, type SmtpSink, startSmtpSink } from '../../tests/fixtures/smtp-sink.ts'
import type { SmtpServer } from '../config/smtp-url.ts'
import { SECOND } from '../kernel/seconds.ts'
import type { Message } from './message.ts'
import { smtpTransport } from './smtp.ts'

const ANN = 'ann@example.com'
const MESSAGE: Message = {
  id: 'mail',
  promisedAt: 0,
  from: 'no-reply@login.example.com',
  to: ANN,
  bytes: Buffer.from('Subject: a test\r\n\r\nThe first line.\r\n.\r\nA dot alone ends nothing: 비밀번호.\r\n'),
}

const send = (server: Partial<SmtpServer> & { port: number }, signal = AbortSignal.timeout(20 * SECOND)) =>
  smtpTransport({ host: 'localhost', protection: 'none', login: null, ...server })(MESSAGE, signal)

async function withSink(options: SinkOptions, work: (sink: SmtpSink) => Promise<void>): Promise<void> {
  const sink = await startSmtpSink(options)
  try {
    await work(sink)
  } finally {
    await sink.close()
  }
}

describe('mail by SMTP', () => {
  const certificate = makeCertificate()
  const foreign = makeCertificate('mail.example.com')
  const trusted = tls.getCACertificates('default')
  before(() => tls.setDefaultCACertificates([...trusted, certificate.cert, foreign.cert]))
  after(() => tls.setDefaultCACertificates(trusted))

  test('arrives byte by byte, from one to one', () =>
    withSink({}, async ({ port, mails }) => {
      assert.deepEqual(await send({ port }), { outcome: 'delivered' })
      assert.deepEqual(mails, [
        { from: MESSAGE.from, to: [ANN], source: MESSAGE.bytes.toString('latin1'), encrypted: false },
      ])
    }))

  for (const protection of ['tls', 'starttls'] as const)
    test(`protected by ${protection} logs in and arrives encrypted`, () =>
      withSink(
        { server: { ...certificate, disabledCommands: [], secure: protection === 'tls' } },
        async ({ port, mails, logins }) => {
          assert.deepEqual(await send({ port, protection, login: SINK_LOGIN }), { outcome: 'delivered' })
          assert.deepEqual(
            mails.map(({ to, encrypted }) => [to, encrypted]),
            [[[ANN], true]],
          )
          assert.deepEqual(logins, [SINK_LOGIN])
        },
      ))

  for (const [kind, invalid] of Object.entries({
    'was signed by nobody that is trusted': makeCertificate(),
    'is for another name': foreign,
  }))
    for (const protection of ['tls', 'starttls'] as const)
      test(`protected by ${protection} tells nothing to a server whose certificate ${kind}`, () =>
        withSink(
          { server: { ...invalid, disabledCommands: [], secure: protection === 'tls' } },
          async ({ port, mails, logins }) => {
            const delivery = await send({ port, protection, login: SINK_LOGIN })
            assert.equal(delivery.outcome, 'failed')
            assert.match('reason' in delivery ? delivery.reason : '', /certificate/)
            assert.deepEqual([mails, logins], [[], []])
          },
        ))

  test('that wants STARTTLS tells nothing to a server, or to whoever is in between, that offers none', () =>
    withSink({ server: { disabledCommands: ['STARTTLS'] } }, async ({ port, mails, logins }) => {
      assert.equal((await send({ port, protection: 'starttls', login: SINK_LOGIN })).outcome, 'failed')
      assert.deepEqual([mails, logins], [[], []])
    }))

  test('with a wrong login may be mended, and says so without the login', () =>
    withSink({ server: { ...certificate, secure: true, disabledCommands: [] } }, async ({ port }) => {
      const login = { user: 'latchkey', password: 'a wrong password' }
      const delivery = await send({ port, protection: 'tls', login })
      assert.deepEqual(delivery, { outcome: 'failed', reason: 'AUTH PLAIN was answered with 535 5.7.8' })
    }))

  for (const [what, reply, delivery] of [
    [
      'to',
      '550 5.1.1 <ann@example.com> unknown',
      { outcome: 'refused', reason: 'RCPT TO was answered with 550 5.1.1' },
    ],
    ['to', '550 No such user ann@example.com', { outcome: 'refused', reason: 'RCPT TO was answered with 550' }],
    ['to', '451 4.7.1 Try again, ann', { outcome: 'failed', reason: 'RCPT TO was answered with 451 4.7.1' }],
    ['data', '554 5.7.1 Looks like spam', { outcome: 'refused', reason: 'DATA was answered with 554 5.7.1' }],
    ['data', '452 4.3.1 Disk full', { outcome: 'failed', reason: 'DATA was answered with 452 4.3.1' }],
    ['from', '553 5.7.1 Not your address', { outcome: 'failed', reason: 'MAIL FROM was answered with 553 5.7.1' }],
  ] as const)
    test(`answered "${reply}" is ${delivery.outcome}, and the reason names nobody`, () =>
      withSink(
        { answer: (asked, address) => (asked === what && (what !== 'to' || address === ANN) ? reply : undefined) },
        async ({ port, mails }) => {
          assert.deepEqual(await send({ port }), delivery)
          assert.deepEqual(mails, [])
        },
      ))

  test('to a server that is away fails, and says where it was looked for', async () => {
    const { port, close } = await startSmtpSink()
    await close()
    const delivery = await send({ host: '127.0.0.1', port })
    assert.deepEqual(delivery, { outcome: 'failed', reason: `connect ECONNREFUSED 127.0.0.1:${port}` })
  })

  test('to a server that never says a word is given up when it is told to', async () => {
    const silent = createServer()
    await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve))
    try {
      const begun = Date.now()
      const { port } = silent.address() as AddressInfo
      assert.equal((await send({ host: '127.0.0.1', port }, AbortSignal.timeout(200))).outcome, 'failed')
      assert.ok(Date.now() - begun < 5 * SECOND)
    } finally {
      silent.close()
    }
  })
})
