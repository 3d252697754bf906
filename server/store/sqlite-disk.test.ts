import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { UnavailableError } from '../kernel/errors.ts'
import { SharedCommits } from './sqlite-commits.ts'
import { LogOnDisk } from './sqlite-disk.ts'

describe('a log on its way to the disk', () => {
  let folder: string
  let file: string
  let database: DatabaseSync
  let disk: LogOnDisk
  /** Each a disk that was asked to write, and has not said anything yet. */
  let asked: PromiseWithResolvers<void>[]

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'latchkey-disk-'))
    file = join(folder, 'latchkey.db')
    database = new DatabaseSync(file)
    database.exec('pragma journal_mode = wal; create table words (word text)')
    asked = []
    disk = new LogOnDisk(file, database, async () => {
      const answer = Promise.withResolvers<void>()
      asked.push(answer)
      await answer.promise
    })
  })
  afterEach(async () => {
    await disk.close()
    database.close()
    rmSync(folder, { recursive: true })
  })

  const told: string[] = []
  const faults: unknown[] = []
  beforeEach(() => void told.splice(0))
  beforeEach(() => void faults.splice(0))
  function commit(word: string): Promise<void> {
    database.prepare('insert into words values (?)').run(word)
    disk.noteCommit()
    return Promise.resolve(disk.reached()).then(
      () => void told.push(word),
      fault => {
        told.push(`not ${word}`)
        faults.push(fault)
      },
    )
  }
  const turn = () => new Promise(resolve => setImmediate(resolve))
  const logSize = () => (existsSync(`${file}-wal`) ? statSync(`${file}-wal`).size : 0)

  test('is waited for by whoever committed, and by whoever reads what was', async () => {
    const committed = commit('a')
    const read = Promise.resolve(disk.reached()).then(() => told.push('read'))
    await turn()
    assert.deepEqual(told, [])
    asked[0]?.resolve()
    await Promise.all([committed, read])
    assert.deepEqual(told, ['a', 'read'])
    assert.equal(disk.reached(), undefined)
  })

  test('is written once more for all that came while it was written', async () => {
    const all = [commit('a'), commit('b')]
    await turn()
    all.push(commit('c'))
    asked[0]?.resolve()
    await turn()
    assert.deepEqual(told, ['a'])
    asked[1]?.resolve()
    await Promise.all(all)
    assert.deepEqual(told, ['a', 'b', 'c'])
    assert.equal(asked.length, 2)
  })

  test('gathers what comes meanwhile into the next commit', async () => {
    const commits = new SharedCommits(file, database, disk)
    const insert = (word: string) => commits.write(() => database.prepare('insert into words values (?)').run(word))
    const first = insert('a')
    await turn()
    await turn()
    const rest = []
    for (const word of ['b', 'c', 'd']) {
      rest.push(insert(word))
      await turn()
    }
    assert.equal(database.isTransaction, true)
    asked[0]?.resolve()
    await first
    await turn()
    assert.equal(database.isTransaction, false)
    asked[1]?.resolve()
    await Promise.all(rest)
    assert.equal(asked.length, 2)
  })

  test('that could not be written is believed again only once the database has all of it', async () => {
    const [first, second] = [commit('a'), turn().then(() => commit('b'))]
    await turn()
    asked[0]?.reject(Object.assign(new Error('I/O error'), { code: 'EIO', syscall: 'fdatasync' }))
    await first
    await turn()
    assert.deepEqual(told, ['not a'])
    assert.equal(logSize(), 0, 'the log was emptied into the database')
    asked[1]?.resolve()
    await second
    assert.deepEqual(told, ['not a', 'b'])
  })

  test('that cannot be emptied either is tried again with the next commit, and keeps nobody waiting', async () => {
    const first = commit('a')
    await turn()
    asked[0]?.reject(Object.assign(new Error('I/O error'), { code: 'EIO', syscall: 'fdatasync' }))
    await first
    const reader = new DatabaseSync(file, { readOnly: true })
    reader.exec('begin; select * from words')
    await commit('b')
    reader.close()
    const third = commit('c')
    await turn()
    asked[1]?.resolve()
    await Promise.race([third, new Promise(resolve => setTimeout(resolve, 1000))])
    assert.deepEqual(told, ['not a', 'not b', 'c'])
  })

  test('that is to be emptied while somebody writes is said to be busy', async () => {
    const all = [commit('a')]
    await turn()
    all.push(commit('b'))
    database.exec("begin; insert into words values ('c')")
    asked[0]?.reject(Object.assign(new Error('I/O error'), { code: 'EIO', syscall: 'fdatasync' }))
    await all[0]
    await all[1]
    assert.ok(faults.every(fault => fault instanceof UnavailableError))
    database.exec('rollback')
    assert.deepEqual(told, ['not a', 'not b'])
  })

  for (const [code, advice] of [
    ['ENOSPC', /Make room/],
    ['EIO', /failed to read or to write/],
  ] as const)
    test(`is told of by name, as something that may be over in a moment (${code})`, async () => {
      database.exec("insert into words values ('a')")
      disk.noteCommit()
      const waiting = disk.reached()
      asked[0]?.reject(Object.assign(new Error('no luck'), { code, syscall: 'fdatasync' }))
      await assert.rejects(
        async () => waiting,
        error => error instanceof UnavailableError && error.message.includes(file) && advice.test(error.message),
      )
    })
})
