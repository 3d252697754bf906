import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { silentLog } from '../kernel/log.ts'
import type { Message } from './message.ts'
import { outbox } from './outbox.ts'

const messageOf = (id: string, promisedAt: number): Message => ({
  id,
  promisedAt,
  from: 'no-reply@localhost',
  to: 'ann@example.com',
  bytes: Buffer.from(`Subject: ${id}\r\n\r\n`),
})

describe('the outbox', () => {
  let parent = ''
  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), 'latchkey-outbox-'))
  })
  afterEach(() => rmSync(parent, { recursive: true }))
  const put = (message: Message) => outbox(join(parent, 'outbox'), silentLog)(message, AbortSignal.timeout(1000))

  test('keeps each mail in a file that nobody else reads, in the order in which they were promised', async () => {
    const day = Date.UTC(2027, 0, 15)
    for (const [id, at] of [
      ['second', day + 1],
      ['third', day + 86_400_000],
      ['first', day],
    ] as const)
      assert.deepEqual(await put(messageOf(id, at)), { outcome: 'delivered' })
    const folder = join(parent, 'outbox')
    const files = readdirSync(folder).sort()
    assert.deepEqual(files, [
      '2027-01-15T00-00-00.000Z-first.eml',
      '2027-01-15T00-00-00.001Z-second.eml',
      '2027-01-16T00-00-00.000Z-third.eml',
    ])
    assert.equal(readFileSync(join(folder, files[0] ?? ''), 'utf8'), 'Subject: first\r\n\r\n')
    assert.equal(statSync(folder).mode & 0o777, 0o700)
    for (const file of files) assert.equal(statSync(join(folder, file)).mode & 0o777, 0o600)
  })

  test('keeps a mail that is sent again once', async () => {
    await put(messageOf('once', 0))
    await put(messageOf('once', 0))
    assert.equal(readdirSync(join(parent, 'outbox')).length, 1)
  })

  test('that cannot be written to has the mail tried again', async () => {
    writeFileSync(join(parent, 'outbox'), 'a file in the place of the folder')
    assert.deepEqual(await put(messageOf('lost', 0)), {
      outcome: 'failed',
      reason: 'the outbox could not be written to (EEXIST)',
    })
  })
})
