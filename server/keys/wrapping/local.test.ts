import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { OperatorError } from '../../kernel/errors.ts'
import { SECOND } from '../../kernel/seconds.ts'
import { loadMasterKeys, removeMasterKeys } from './local.ts'

const folder = mkdtempSync(join(tmpdir(), 'latchkey-master-'))
after(() => rmSync(folder, { recursive: true }))

let count = 0
const newFile = () => join(folder, `${count++}.key`)

function fileOf(text: string, mode = 0o600): string {
  const file = newFile()
  writeFileSync(file, text)
  chmodSync(file, mode)
  return file
}

const ONE = Buffer.alloc(32, 1).toString('base64url')
const TWO = Buffer.alloc(32, 2).toString('base64url')

function refusal(file: string, create = false): string {
  try {
    loadMasterKeys(file, { create })
  } catch (error) {
    assert.ok(error instanceof OperatorError, `${error}`)
    return error.message
  }
  return assert.fail('it was accepted')
}

describe('the master key file', () => {
  test('is made on the first start for its owner alone, and read again on the second', () => {
    const file = newFile()
    const made = loadMasterKeys(file, { create: true })
    assert.equal(statSync(file).mode & 0o777, 0o600)
    const again = loadMasterKeys(file, { create: false })
    assert.equal(again.current.id, made.current.id)
    assert.ok(again.current.key.equals(made.current.key))
    assert.deepEqual(
      readdirSync(folder).filter(name => name.includes('draft')),
      [],
    )
  })

  test('two files never get the same key', () => {
    const [one, other] = [newFile(), newFile()].map(file => loadMasterKeys(file, { create: true }).current)
    assert.ok(one && other && !one.key.equals(other.key))
    assert.notEqual(one.id, other.id)
  })

  test('processes that start at once end with one key', async () => {
    const file = newFile()
    const script = `
      import { loadMasterKeys } from ${JSON.stringify(fileURLToPath(new URL('local.ts', import.meta.url)))}
      const { id, key } = loadMasterKeys(${JSON.stringify(file)}, { create: true }).current
      process.stdout.write(id + key.export().toString('hex'))`
    const start = () => promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script])
    const keys = (await Promise.all(Array.from({ length: 6 }, start))).map(({ stdout }) => stdout)
    assert.equal(keys[0]?.length, 'master_'.length + 24 + 64)
    assert.equal(new Set(keys).size, 1)
  })

  test('lists several: the first seals and each is found', () => {
    const keys = loadMasterKeys(fileOf(`# moved in May\r\n\n new  ${TWO} \r\nold ${ONE}\n`), { create: false })
    assert.equal(keys.current.id, 'new')
    assert.deepEqual(keys.find('old')?.key.export(), Buffer.alloc(32, 1))
    assert.equal(keys.find('other'), undefined)
  })

  test('is never made anew where there is data that the lost one opens', () => {
    const file = newFile()
    assert.match(refusal(file), /is missing/)
    assert.throws(() => statSync(file), { code: 'ENOENT' })
  })

  test('is refused when others can use it, also when it may be made', () => {
    for (const mode of [0o640, 0o604, 0o620, 0o601]) {
      const file = fileOf(`old ${ONE}\n`, mode)
      assert.match(refusal(file, true), new RegExp(`mode 0${mode.toString(8)}.*chmod 600`))
    }
  })

  test('a malformed line is named by its number and never repeated', () => {
    for (const line of [
      ONE,
      `old`,
      `old ${ONE.slice(1)}`,
      `old ${ONE}A`,
      `old ${ONE}=`,
      `old ${ONE.slice(0, -1)}F`,
      `old ${ONE} ${TWO}`,
      `o.d ${ONE}`,
      `old ${Buffer.alloc(32, 255).toString('base64')}`,
    ]) {
      const message = refusal(fileOf(`# keys\nfirst ${TWO}\n${line}\n`))
      assert.match(message, /^Line 3 /)
      assert.ok(!message.includes(line) && !message.includes(ONE.slice(1, 20)), message)
    }
    assert.match(refusal(fileOf(`old ${ONE}\nold ${TWO}\n`)), /^Line 2 .* id of a line before/)
  })

  test('that holds no key is not taken for a first start', () => {
    for (const text of ['', '# nothing\n']) {
      const file = fileOf(text)
      assert.match(refusal(file, true), /holds no key/)
      assert.equal(readFileSync(file, 'utf8'), text)
    }
  })

  test('that is a pipe stops the start with a sentence, and not for ever', async () => {
    const pipe = newFile()
    execFileSync('mkfifo', ['-m', '600', pipe])
    const script = `
      import { loadMasterKeys } from ${JSON.stringify(fileURLToPath(new URL('local.ts', import.meta.url)))}
      try { loadMasterKeys(${JSON.stringify(pipe)}, { create: true }) } catch ({ message }) { process.stdout.write(message) }`
    // In a process of its own: what waits for the other end of a pipe heeds no test's time limit.
    const options = { timeout: 10 * SECOND, killSignal: 'SIGKILL' } as const
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], options)
    assert.match(stdout, /is not a file/)
  })

  test('made for nothing is removed, and one that was put right meanwhile is not', () => {
    const [file, other] = [newFile(), newFile()]
    const made = loadMasterKeys(file, { create: true })
    assert.equal(made.wasMade, true)
    assert.equal(loadMasterKeys(file, { create: true }).wasMade, false)
    removeMasterKeys(file, made)
    assert.throws(() => statSync(file), { code: 'ENOENT' })
    removeMasterKeys(file, made)

    const replaced = loadMasterKeys(other, { create: true })
    writeFileSync(other, `old ${ONE}\n`)
    removeMasterKeys(other, replaced)
    assert.equal(readFileSync(other, 'utf8'), `old ${ONE}\n`)
  })

  test('what the system refuses is told in a sentence', () => {
    const directory = newFile()
    mkdirSync(directory, { mode: 0o700 })
    assert.match(refusal(directory), /is not a file/)
    assert.match(refusal(join(folder, 'nowhere', 'master.key'), true), /cannot be used: ENOENT/)
  })
})
