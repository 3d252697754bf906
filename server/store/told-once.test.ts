import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { OperatorError } from '../kernel/errors.ts'
import { tryToldOnce, writeToldOnce } from './told-once.ts'

describe('what is told once in a file', () => {
  let folder = ''
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'latchkey-told-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  test('is its owner’s alone', () => {
    const file = writeToldOnce(folder, 'api-https://a.example/', 'The secret is x')
    assert.equal((statSync(file).mode & 0o777).toString(8), '600')
    assert.equal((statSync(join(folder, 'told-once')).mode & 0o777).toString(8), '700')
    assert.equal(readFileSync(file, 'utf8'), 'The secret is x\n')
  })

  test('is never written over, be the name the same or only its beginning', () => {
    const long = 'https://a.example/'.repeat(20)
    const names = ['a', 'a', 'a', `${long}1`, `${long}2`]
    const files = names.map((name, index) => writeToldOnce(folder, name, `secret ${index}`))
    assert.equal(new Set(files).size, names.length)
    for (const [index, file] of files.entries()) assert.equal(readFileSync(file, 'utf8'), `secret ${index}\n`)
  })

  test('is tried beforehand without a trace', () => {
    tryToldOnce(folder)
    assert.deepEqual(readdirSync(folder), [])
    const file = writeToldOnce(folder, 'a', 'x')
    tryToldOnce(folder)
    assert.deepEqual(readdirSync(join(folder, 'told-once')), ['a.txt'])
    assert.ok(existsSync(file))
  })

  test('is refused in a sentence where it cannot be', () => {
    writeFileSync(join(folder, 'told-once'), 'a letter')
    for (const tell of [() => tryToldOnce(folder), () => writeToldOnce(folder, 'a', 'hunter2')])
      assert.throws(tell, (error: Error) => {
        assert.ok(error instanceof OperatorError)
        assert.match(error.message, /told-once, for secrets .+ cannot be written to \(EEXIST\)/)
        return !error.message.includes('hunter2')
      })
  })
})
