import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { createMemoryBus } from '../bus/memory.ts'
import { createEgress } from '../http/egress.ts'
import { type Log, silentLog } from '../kernel/log.ts'
import { HOUR, MINUTE } from '../kernel/seconds.ts'
import { createTestSealer } from '../store/conformance/stage.ts'
import { openSqlite } from '../store/sqlite.ts'
import type { Store } from '../store/store.ts'
import { readProvider, relayOf } from './email-provider.ts'
import type { Letter } from './letter.ts'
import type { Message } from './message.ts'
import { createTenantMail } from './tenant-mail.ts'

const NOW = 1_800_000_000_000
const TENANT = 'default'
const SENDER = { name: 'Video', accent: null, supportEmail: 'help@video.example' }
const MESSAGE: Message = { id: 'm', promisedAt: NOW, from: 'a@a.example', to: 'b@b.example', bytes: Buffer.from('x') }

const letter: Letter = {
  message: 'verify-email',
  to: 'ann@example.com',
  user: 'auth0|ann',
  language: 'en',
  issuer: 'https://login.example.com/',
  link: 'https://login.example.com/verify-email/secret',
  linkLife: HOUR,
  userAgent: null,
}

describe('mail of a tenant’s own', () => {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-tenant-mail-'))
  const lines: string[] = []
  let store: Store
  before(async () => {
    const options = { sealer: createTestSealer(), bus: createMemoryBus(), synchronous: 'normal' } as const
    store = await openSqlite(join(folder, 'latchkey.db'), options)
  })
  after(async () => {
    await store.close()
    rmSync(folder, { recursive: true })
  })
  beforeEach(() => {
    lines.length = 0
  })

  const log: Log = { ...silentLog, warn: (fields, message) => void lines.push(`${message} ${JSON.stringify(fields)}`) }
  let now = NOW
  const resolve = async (host: string) => (host === 'rebound.example' ? ['93.184.216.34', '10.0.0.1'] : ['127.0.0.1'])
  const mail = (allow: readonly string[] = []) =>
    createTenantMail({ store, clock: () => now, log, addressesOf: createEgress({ allow, resolve }).addressesOf })

  const provide = async (credentials: object) => {
    await store.emailProviders.remove(TENANT)
    await store.emailProviders.create(readProvider(TENANT, { name: 'smtp', credentials: { ...credentials } }))
  }
  const template = (data: object) =>
    store.documents.put({
      tenant: TENANT,
      kind: 'email-template',
      id: 'verify_email',
      data: { template: 'verify_email', enabled: true, subject: 'S', ...data },
      sealed: null,
      createdAt: NOW,
      updatedAt: NOW,
    })

  test('reaches no server that is not public, however its name is written, unless the operator lists it', async () => {
    for (const host of [
      '127.0.0.1',
      '10.1.2.3',
      '169.254.169.254',
      '::1',
      '::ffff:127.0.0.1',
      'localhost',
      '2130706433',
      'mail.example',
      'rebound.example',
    ]) {
      await provide({ smtp_host: host, smtp_port: 25 })
      const way = await mail().wayOf(TENANT)
      const delivery = await way?.send(MESSAGE, AbortSignal.timeout(MINUTE))
      assert.equal(delivery?.outcome, 'failed', host)
      assert.match('reason' in delivery ? delivery.reason : '', /not public|no address/, host)
    }
    // Listed, it is asked: nobody answers at the port.
    await provide({ smtp_host: 'mail.example', smtp_port: 1 })
    const way = await mail(['127.0.0.1']).wayOf(TENANT)
    const delivery = await way?.send(MESSAGE, AbortSignal.timeout(MINUTE))
    assert.match(JSON.stringify(delivery), /ECONNREFUSED/)
  })

  test('is never spoken in the clear over a wire', async () => {
    for (const [given, protection] of [
      [{ smtp_host: 'mail.example' }, 'starttls'],
      [{ smtp_host: 'mail.example', smtp_port: 25 }, 'starttls'],
      [{ smtp_host: 'mail.example', smtp_port: 465 }, 'tls'],
      [{ smtp_host: '127.0.0.1', smtp_port: 25 }, 'none'],
    ] as const) {
      await provide(given)
      const provider = await store.emailProviders.find(TENANT)
      assert.equal(provider && relayOf(provider)?.server.protection, protection)
    }
  })

  test('by a provider of Auth0’s goes to that provider’s own server, with the key as its password', () => {
    for (const [name, credentials, host, user] of [
      ['sendgrid', { api_key: 'k' }, 'smtp.sendgrid.net', 'apikey'],
      ['sparkpost', { api_key: 'k', region: 'eu' }, 'smtp.eu.sparkpostmail.com', 'SMTP_Injection'],
      [
        'ses',
        { accessKeyId: 'AKIA', secretAccessKey: 's', region: 'eu-west-1' },
        'email-smtp.eu-west-1.amazonaws.com',
        'AKIA',
      ],
    ] as const) {
      const { document, credentials: kept } = readProvider(TENANT, { name, credentials })
      const server = relayOf({ tenant: TENANT, document, readCredentials: () => kept })?.server
      assert.deepEqual([server?.host, server?.login?.user], [host, user])
      assert.match(server?.login?.password ?? '', name === 'ses' ? /^B[A-Za-z0-9+/]{43}$/ : /^k$/)
    }
  })

  test('is worded by the tenant, as far as its template does what it must', async () => {
    await template({ body: '<a href="{{ url }}">Go</a> {{ support_email }} {{ application.name }}' })
    const written = await mail().write(TENANT, letter, SENDER)
    assert.match(
      written?.html ?? '',
      /href="https:\/\/login\.example\.com\/verify-email\/secret">Go<\/a> help@video\.example Video/,
    )
    for (const body of ['no link', '{% for i in (1..900000000) %}x{% endfor %}{{ url }}']) {
      await template({ body })
      assert.equal(await mail().write(TENANT, letter, SENDER), null)
      assert.match(lines.at(-1) ?? '', /did not render/)
      assert.doesNotMatch(lines.join(), /secret|ann@/)
    }
    await template({ body: '{{ url }}', enabled: false })
    assert.equal(await mail().write(TENANT, letter, SENDER), null)
    assert.equal(await mail().write('another', letter, SENDER), null)
    now += 1
  })
})
