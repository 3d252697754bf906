import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { describe, test } from 'node:test'
import { OperatorError } from '../kernel/errors.ts'
import { naming } from './sqlite-faults.ts'

const FILE = '/var/lib/latchkey/latchkey.db'
const failing = (errors: object) => () => {
  throw Object.assign(new Error('as SQLite puts it'), errors)
}

describe('a fault of an embedded database', () => {
  for (const [what, errors, advice] of [
    ['a full disk', { errcode: 13 }, /Make room/],
    ['a full disk when the file is made', { code: 'ENOSPC', syscall: 'open' }, /Make room/],
    ['a file that may not be opened', { code: 'EACCES', syscall: 'open' }, /has to be able to read and write it/],
    ['a page that cannot be read (SQLITE_IOERR_READ)', { errcode: 10 | (1 << 8) }, /The disk or the file system/],
    ['a backup that takes too long', { errcode: 5 }, /Another program holds it/],
  ] as const)
    test(`that the operator can mend, as ${what}, names the file and says what to do`, () =>
      assert.throws(
        () => naming(FILE, failing(errors)),
        error => error instanceof OperatorError && error.message.includes(FILE) && advice.test(error.message),
      ))

  test('is told of a disk that is really full', () => {
    const database = new DatabaseSync(':memory:')
    database.exec('pragma max_page_count = 1')
    assert.throws(() => naming(FILE, () => database.exec('create table a (b)')), /full.+Make room/)
    database.close()
  })

  test('that is a bug of ours keeps its code and its stack', () => {
    const database = new DatabaseSync(':memory:')
    assert.throws(() => naming(FILE, () => database.exec('select from')), { code: 'ERR_SQLITE_ERROR' })
    const bug = new TypeError('of undefined')
    assert.throws(
      () =>
        naming(FILE, () => {
          throw bug
        }),
      bug,
    )
    database.close()
  })
})
