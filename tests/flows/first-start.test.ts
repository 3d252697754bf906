/** Servers that start for the first time at once, over one empty database: one of them is first, and the others find what it made. */
import assert from 'node:assert/strict'
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { compose, type Latchkey } from '../../server/compose.ts'
import { loadSettings } from '../../server/config/load.ts'
import { OperatorError } from '../../server/kernel/errors.ts'
import { silentLog } from '../../server/kernel/log.ts'
import { createDatabase } from '../fixtures/postgres.ts'

describe('Servers that start at once over one empty database', () => {
  let folder: string
  let database: Awaited<ReturnType<typeof createDatabase>>
  let running: Latchkey[]
  let told: string[]

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'latchkey-first-start-'))
    database = await createDatabase()
    running = []
    told = []
  })
  afterEach(async () => {
    for (const latchkey of running) await latchkey.close()
    await database.drop()
    rmSync(folder, { recursive: true })
  })

  const masterKeyFile = (node: string) => join(folder, node, 'master.key')

  async function start(node: string): Promise<void> {
    const settings = loadSettings({
      LATCHKEY_DATA: join(folder, node),
      LATCHKEY_DATABASE_URL: database.url,
      LATCHKEY_LOG_LEVEL: 'silent',
    })
    running.push(await compose(settings, silentLog, { tell: ({ password }) => void told.push(password) }))
  }

  test('all start, with one administrator between them, whose password is told once', async () => {
    await Promise.all(Array.from({ length: 4 }, () => start('shared')))
    const [one] = running
    assert.ok(one)
    assert.equal(told.length, 1)
    const events = await one.store.events.list('default', { limit: 100 })
    assert.deepEqual(
      ['tenant.created', 'user.signed-up', 'key.made'].map(name => events.filter(({ type }) => type === name).length),
      [1, 1, 1],
    )
    assert.deepEqual(
      (await one.store.tenants.list({ limit: 10 })).map(({ id }) => id),
      ['default'],
    )
  })

  test('with folders of their own: one is first, the others say what to copy, keep no key of their own, and then start', async () => {
    const nodes = ['a', 'b', 'c']
    const starts = await Promise.allSettled(nodes.map(start))
    const first = nodes.filter((_, index) => starts[index]?.status === 'fulfilled')
    assert.equal(
      first.length,
      1,
      starts.map(one => `${one.status} ${(one as PromiseRejectedResult).reason}`).join('\n'),
    )
    const others = nodes.filter(node => !first.includes(node))
    for (const node of others) {
      const { reason } = starts[nodes.indexOf(node)] as PromiseRejectedResult
      assert.ok(reason instanceof OperatorError, `${reason.stack}`)
      assert.match(reason.message, /Copy its master key file/)
      assert.ok(reason.message.includes(masterKeyFile(node)))
      assert.equal(existsSync(masterKeyFile(node)), false, 'a key that opens nothing here')
    }
    assert.equal(told.length, 1)

    // Started again before anything was copied, it is told the same and still makes none.
    const [other = ''] = others
    await assert.rejects(start(other), /is missing.+a copy of the first one's/)
    assert.equal(existsSync(masterKeyFile(other)), false)

    for (const node of others) {
      copyFileSync(masterKeyFile(first[0] ?? ''), masterKeyFile(node))
      await start(node)
    }
    assert.equal(running.length, 3)
    assert.equal(told.length, 1)
  })
})
