import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { SharedCommits } from './sqlite-commits.ts'

describe('commits that several share', () => {
  let folder: string
  let file: string
  let database: DatabaseSync
  let commits: SharedCommits

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'latchkey-commits-'))
    file = join(folder, 'latchkey.db')
    database = new DatabaseSync(file)
    database.exec(`
      pragma journal_mode = wal;
      create table parents (id integer primary key);
      create table children (id text primary key, parent integer references parents deferrable initially deferred)`)
    commits = new SharedCommits(file, database)
  })
  afterEach(async () => {
    await commits.alone(() => database.close())
    rmSync(folder, { recursive: true })
  })

  const insert = (id: string, parent: number | null = null) =>
    database.prepare('insert into children values (?, ?)').run(id, parent)

  async function unit(id: string, parent: number | null = null): Promise<void> {
    await commits.begin()
    try {
      commits.inUnit(() => insert(id, parent))
    } catch (error) {
      commits.rollback()
      throw error
    }
    await commits.commit()
  }

  /** As another connection sees it. */
  function written(): string[] {
    const other = new DatabaseSync(file, { readOnly: true })
    const rows = other.prepare('select id from children order by id').all()
    other.close()
    return rows.map(({ id }) => String(id))
  }

  /** In the write-ahead log, a frame that ends a transaction says how many pages the database has (fileformat2.html §4.1). */
  function commitsInLog(): number {
    const log = readFileSync(`${file}-wal`)
    const frame = 24 + log.readUInt32BE(8)
    let count = 0
    for (let at = 32; at + frame <= log.length; at += frame) if (log.readUInt32BE(at + 4) !== 0) count += 1
    return count
  }

  const outcomes = async (work: readonly Promise<unknown>[]) =>
    (await Promise.allSettled(work)).map(({ status }) => status)

  test('units that are ready at once are on the disk by one', async () => {
    const before = commitsInLog()
    await Promise.all(
      Array.from({ length: 20 }, (_, place) =>
        place % 2 ? unit(`${place}`) : commits.write(() => insert(`${place}`)),
      ),
    )
    assert.equal(commitsInLog(), before + 1)
    assert.equal(written().length, 20)
  })

  test('nobody is answered before the disk has it', async () => {
    const seen: string[][] = []
    await Promise.all(['a', 'b'].map(id => unit(id).then(() => seen.push(written()))))
    assert.deepEqual(seen, [
      ['a', 'b'],
      ['a', 'b'],
    ])
  })

  test('a unit that fails leaves nothing, and takes nobody with it', async () => {
    const all = [unit('a'), unit('a'), commits.write(() => insert('a')), unit('b')]
    assert.deepEqual(await outcomes(all), ['fulfilled', 'rejected', 'rejected', 'fulfilled'])
    assert.deepEqual(written(), ['a', 'b'])
  })

  test('when the commit fails, all that waited for it have failed, and nothing of them is left', async () => {
    assert.deepEqual(await outcomes([unit('a'), unit('orphan', 1), commits.write(() => insert('b'))]), [
      'rejected',
      'rejected',
      'rejected',
    ])
    assert.deepEqual(written(), [])
    await unit('c')
    assert.deepEqual(written(), ['c'])
  })

  test('when the disk is full, whoever waited for what is rolled back is told', async () => {
    database.exec('pragma max_page_count = 10')
    const [small, large] = [unit('a'), unit('x'.repeat(100_000))]
    const [first, second] = await outcomes([small, large])
    assert.equal(second, 'rejected')
    assert.deepEqual(written(), first === 'fulfilled' ? ['a'] : [])
    database.exec('pragma max_page_count = 10000')
    await unit('b')
    assert.ok(written().includes('b'))
  })

  test('when all is rolled back between units, whoever waited is told', async () => {
    await commits.begin()
    commits.inUnit(() => insert('a'))
    const waiting = commits.commit()
    database.exec('rollback')
    const told = await Promise.race([outcomes([waiting]), new Promise(resolve => setTimeout(resolve, 100, 'nothing'))])
    assert.deepEqual(told, ['rejected'])
    await unit('b')
    assert.deepEqual(written(), ['b'])
  })

  test('a unit that goes on after the disk was full writes nothing, and leaves its turn to others', async () => {
    database.exec('pragma max_page_count = 10')
    await commits.begin()
    assert.throws(() => commits.inUnit(() => insert('x'.repeat(100_000))), /full/)
    assert.throws(() => commits.inUnit(() => insert('a')), TypeError)
    await assert.rejects(commits.commit())
    database.exec('pragma max_page_count = 10000')
    await unit('b')
    assert.deepEqual(written(), ['b'])
  })

  test('a unit that fails of what others wrote says so once that is on the disk, and not at all if it never is', async () => {
    async function refused(): Promise<string> {
      await commits.begin()
      const isTaken = commits.inUnit(() => database.prepare('select id from children').get()) !== undefined
      await commits.undo()
      return isTaken ? 'taken' : 'free'
    }
    assert.equal(await refused(), 'free')
    const told: string[] = []
    const all = [unit('a').then(() => told.push('written')), refused().then(answer => told.push(answer))]
    await Promise.all(all)
    assert.deepEqual(told, ['written', 'taken'])
    assert.deepEqual(await outcomes([unit('orphan', 1), refused()]), ['rejected', 'rejected'])
  })

  test('a unit that takes its time holds up those that share its commit, and nobody is forgotten', async () => {
    await commits.begin()
    commits.inUnit(() => insert('slow'))
    const others = ['a', 'b'].map(id => unit(id))
    await new Promise(resolve => setTimeout(resolve, 5))
    assert.deepEqual(written(), [])
    await commits.commit()
    await Promise.all(others)
    assert.deepEqual(written(), ['a', 'b', 'slow'])
  })

  test('what runs alone runs in no transaction, after those before it are on the disk', async () => {
    const before = unit('a')
    const [isInTransaction, seen] = await commits.alone(() => [database.isTransaction, written()] as const)
    assert.equal(isInTransaction, false)
    assert.deepEqual(seen, ['a'])
    await before
  })
})
