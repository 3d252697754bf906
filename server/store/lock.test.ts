import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { OperatorError } from '../kernel/errors.ts'
import { lockDatabase } from './lock.ts'

const HOLDER = `
  const { lockDatabase } = await import(${JSON.stringify(new URL('lock.ts', import.meta.url).href)})
  lockDatabase(process.argv[1])
  globalThis.gc()
  console.log('locked')
  setInterval(() => {}, 1000)
`

describe('the lock of a data folder', () => {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-lock-'))
  after(() => rmSync(folder, { recursive: true }))

  const isRefused = (error: unknown) =>
    error instanceof OperatorError && error.message.includes(folder) && error.message.includes('LATCHKEY_DATA')

  test('refuses a second process, and kill -9 of the first frees it', async () => {
    const holder = spawn(process.execPath, ['--expose-gc', '--input-type=module', '-e', HOLDER, folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const exited = once(holder, 'exit')
    try {
      await once(holder.stdout, 'data')
      assert.throws(() => lockDatabase(folder), isRefused)
    } finally {
      holder.kill('SIGKILL')
    }
    await exited
    lockDatabase(folder).release()
  })

  test('is refused within one process as well, until it is released', () => {
    const lock = lockDatabase(folder)
    assert.throws(() => lockDatabase(folder), isRefused)
    lock.release()
    lock.release()
    lockDatabase(folder).release()
  })

  test('is nobody else’s to take or to hold up, also where an earlier start left it open to all', () => {
    const file = join(folder, 'lock.db')
    const mode = () => statSync(file).mode & 0o777
    rmSync(file)
    lockDatabase(folder).release()
    assert.equal(mode(), 0o600)
    chmodSync(file, 0o644)
    lockDatabase(folder).release()
    assert.equal(mode(), 0o600)
  })

  test('outlives a refused second attempt of its own process: another is still kept out', async () => {
    const lock = lockDatabase(folder)
    assert.throws(() => lockDatabase(folder), isRefused)
    const other = spawn(process.execPath, ['--expose-gc', '--input-type=module', '-e', HOLDER, folder], {
      stdio: 'pipe',
    })
    other.stdout.once('data', () => other.kill('SIGKILL'))
    assert.deepEqual(await once(other, 'exit'), [1, null], 'it got the lock and had to be killed')
    lock.release()
  })

  test('that is no database is named', () => {
    const broken = mkdtempSync(join(tmpdir(), 'latchkey-lock-'))
    writeFileSync(join(broken, 'lock.db'), 'nothing that a database would begin with')
    assert.throws(() => lockDatabase(broken), { name: 'OperatorError', message: /lock\.db/ })
    rmSync(broken, { recursive: true })
  })

  test('of a folder that is not there says so', () => {
    assert.throws(() => lockDatabase(join(folder, 'missing')), { name: 'OperatorError', message: /cannot be used/ })
  })
})
