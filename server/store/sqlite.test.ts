import assert from 'node:assert/strict'
import fs, {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, test } from 'node:test'
import { createMemoryBus } from '../bus/memory.ts'
import { OperatorError, UnavailableError } from '../kernel/errors.ts'
import { connectionOf, createTestSealer, identityOf, NOW, userOf } from './conformance/stage.ts'
import { describeStore } from './conformance.ts'
import { takesWrites } from './dialect.ts'
import { openSqlite, openSqliteDatabase } from './sqlite.ts'

const options = { clock: () => NOW, sealer: createTestSealer(), bus: createMemoryBus() }

describeStore('SQLite', async given => {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-store-'))
  const file = join(folder, 'latchkey.db')
  const store = await openSqlite(file, { ...given, synchronous: 'normal' })
  return {
    store,
    async execute(sql) {
      const database = new DatabaseSync(file)
      database.exec(sql)
      database.close()
    },
    async close() {
      await store.close()
      rmSync(folder, { recursive: true })
    },
  }
})

describe('an embedded database', () => {
  const inFolder = async (work: (file: string) => Promise<void>) => {
    const folder = mkdtempSync(join(tmpdir(), 'latchkey-store-'))
    try {
      await work(join(folder, 'latchkey.db'))
    } finally {
      rmSync(folder, { recursive: true })
    }
  }

  test('is nobody else’s to read', () =>
    inFolder(async file => {
      const store = await openSqlite(file, options)
      await store.tenants.create({ id: 't', name: 't', settings: {}, createdAt: NOW })
      for (const name of [file, `${file}-wal`]) assert.equal(statSync(name).mode & 0o077, 0, name)
      await store.close()
    }))

  test('keeps what was written when it is opened again, and migrating it twice changes nothing', () =>
    inFolder(async file => {
      const first = await openSqlite(file, options)
      await first.tenants.create({ id: 't', name: 'kept', settings: {}, createdAt: NOW })
      await first.close()
      const second = await openSqlite(file, options)
      assert.equal((await second.tenants.find('t'))?.name, 'kept')
      await second.close()
      const database = new DatabaseSync(file)
      const { n } = database.prepare('select count(*) as n from kysely_migration').get() ?? {}
      assert.equal(n, readdirSync(new URL('./migrations/', import.meta.url)).length)
      database.close()
    }))

  test('of a newer version is refused in a sentence, and left as it is', () =>
    inFolder(async file => {
      await (await openSqlite(file, options)).close()
      const database = new DatabaseSync(file)
      database.exec(`insert into kysely_migration values ('0002-of-the-future', '2030-01-01T00:00:00.000Z')`)
      database.close()
      await assert.rejects(
        openSqlite(file, options),
        error => error instanceof OperatorError && /newer Latchkey \(0002-of-the-future\)/.test(error.message),
      )
    }))

  test('that is a folder, another program’s or no database at all is named, and left as it is', () =>
    inFolder(async file => {
      const refused = (why: RegExp) =>
        assert.rejects(
          openSqlite(file, options),
          error => error instanceof OperatorError && error.message.includes(file) && why.test(error.message),
        )
      mkdirSync(file)
      await refused(/EISDIR/)
      rmdirSync(file)

      const text = 'a letter to an aunt, saved under the wrong name '.repeat(99)
      writeFileSync(file, text)
      await refused(/not a database/)
      assert.equal(readFileSync(file, 'utf8'), text)
      rmSync(file)

      const theirs = new DatabaseSync(file)
      theirs.exec('create table aunts (name text)')
      theirs.close()
      const before = readFileSync(file)
      await refused(/tables of something else/)
      assert.deepEqual(readFileSync(file), before)
    }))

  test('that is damaged is named, be it when it is opened or when somebody reads on', () =>
    inFolder(async file => {
      const store = await openSqlite(file, options)
      await store.tenants.create({ id: 't', name: 'lost', settings: { long: 'x'.repeat(100_000) }, createdAt: NOW })
      await store.close()
      const whole = readFileSync(file)
      const isNamed = (error: unknown) =>
        error instanceof OperatorError && error.message.includes(file) && /damaged/.test(error.message)

      writeFileSync(file, Buffer.from(whole).fill(0xff, 4096))
      await assert.rejects(openSqlite(file, options), isNamed)

      // The last pages hold what was written last.
      writeFileSync(file, Buffer.from(whole).fill(0xff, whole.length - 60_000))
      const opened = await openSqlite(file, options)
      await assert.rejects(opened.tenants.find('t'), isNamed)
      await opened.close()
    }))

  test('whose disk does not take what is written says so to whoever asks whether it does', t =>
    inFolder(async file => {
      const failing = t.mock.method(fs, 'fdatasync', (_descriptor: number, done: (error: Error) => void) =>
        done(Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO', syscall: 'fdatasync' })),
      )
      syncBuiltinESMExports()
      try {
        const store = await openSqlite(file, { ...options, synchronous: 'normal' })
        await store.close()
        const { db } = openSqliteDatabase(file)
        await assert.rejects(takesWrites(db), UnavailableError)
        await db.destroy()
      } finally {
        failing.mock.restore()
        syncBuiltinESMExports()
      }
    }))

  test('is searched while a transaction is under way, and shows nothing of it', () =>
    inFolder(async file => {
      const store = await openSqlite(file, options)
      const order = { by: 'user_id', descending: false } as const
      const everybody = { query: null, connection: null, order, offset: 0, limit: 10 }
      const searched = Promise.withResolvers<readonly unknown[]>()
      const writing = store.transaction(async ({ users, connections }) => {
        await connections.create(connectionOf('t'))
        await users.create(userOf('t'), identityOf(userOf('t')))
        return searched.promise
      })
      searched.resolve(await store.people.page('t', everybody))
      assert.deepEqual(await writing, [])
      assert.equal((await store.people.page('t', everybody)).length, 1)
      await store.close()
    }))

  test('closes after the transaction that is under way', () =>
    inFolder(async file => {
      const store = await openSqlite(file, options)
      const writing = store.transaction(async transaction => {
        for (let index = 0; index < 50; index++) {
          await transaction.tenants.create({ id: `${index}`, name: `${index}`, settings: {}, createdAt: NOW })
        }
      })
      await store.close()
      await writing
      const again = await openSqlite(file, options)
      assert.equal((await again.tenants.list({ limit: 100 })).length, 50)
      await again.close()
    }))
})
