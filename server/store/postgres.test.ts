import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, test } from 'node:test'
import { inspect } from 'node:util'
import pg from 'pg'
import { createDatabase, type TestDatabase } from '../../tests/fixtures/postgres.ts'
import { createMemoryBus } from '../bus/memory.ts'
import { OperatorError } from '../kernel/errors.ts'
import { clientOf, createTestSealer, inParallel, NOW, newTenant } from './conformance/stage.ts'
import { describeStore } from './conformance.ts'
import { openPostgres, reach } from './postgres.ts'
import { openPostgresBus } from './postgres-notify.ts'
import { openSqlite } from './sqlite.ts'

const options = { clock: () => NOW, sealer: createTestSealer(), bus: createMemoryBus() }

async function query<Row extends object>(url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Row>(sql)).rows
  } finally {
    await client.end()
  }
}

describeStore('PostgreSQL', async given => {
  const database = await createDatabase()
  const store = await openPostgres(database.url, { ...given, poolSize: 16 })
  return {
    store,
    execute: async sql => void (await query(database.url, sql)),
    async close() {
      await store.close()
      await database.drop()
    },
  }
})

describe('a PostgreSQL database', () => {
  let database: TestDatabase
  before(async () => {
    database = await createDatabase()
  })
  after(() => database.drop())

  /** Ends every connection of the store, as a restarted or failed-over server does. */
  const cut = () =>
    query(
      database.url,
      `select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name = 'latchkey'`,
    )

  test('opened by five nodes at once is migrated once, and all of them work', async () => {
    const stores = await inParallel(5, () => openPostgres(database.url, options))
    const tenant = newTenant()
    assert.equal(await stores[0]?.clients.create(clientOf(tenant)), 'created')
    for (const store of stores) assert.notEqual(await store.clients.find(tenant, 'app'), undefined)
    await Promise.all(stores.map(store => store.close()))
    const applied = await query(database.url, 'select name from kysely_migration')
    assert.equal(applied.length, readdirSync(new URL('./migrations/', import.meta.url)).length)
  })

  test('has the tables and columns of an embedded one', async () => {
    const store = await openPostgres(database.url, options)
    await store.close()
    const theirs = await query<{ column: string }>(
      database.url,
      `select table_name || '.' || column_name || case is_nullable when 'YES' then '?' else '' end as "column"
        from information_schema.columns where table_schema = 'public'`,
    )
    const folder = mkdtempSync(join(tmpdir(), 'latchkey-store-'))
    const file = join(folder, 'latchkey.db')
    await (await openSqlite(file, options)).close()
    const embedded = new DatabaseSync(file)
    const ours = embedded
      .prepare(
        `select t.name || '.' || c.name || case c."notnull" when 1 then '' else '?' end as "column"
          from sqlite_master t, pragma_table_info(t.name) c where t.type = 'table'`,
      )
      .all()
    embedded.close()
    rmSync(folder, { recursive: true })
    const own = (rows: { column?: unknown }[]) =>
      rows
        .map(row => String(row.column))
        .filter(column => !column.startsWith('kysely_'))
        .sort()
    assert.ok(own(ours).length > 100)
    assert.deepEqual(own(theirs), own(ours))
  })

  test('compares text byte by byte, whatever its own locale is', async () => {
    await (await openPostgres(database.url, options)).close()
    const columns = await query<{ collation: string | null }>(
      database.url,
      `select distinct collation_name as collation from information_schema.columns
        where table_schema = 'public' and data_type = 'text'`,
    )
    assert.deepEqual(columns, [{ collation: 'C' }])
  })

  test('that goes away while nobody asks does not end the process, and the next query works', async () => {
    const store = await openPostgres(database.url, options)
    await inParallel(4, () => store.ping())
    await cut()
    // The pool hears of it by its sockets, not by the statement that cut them.
    await new Promise(resolve => setTimeout(resolve, 100))
    await store.ping()
    await store.close()
  })

  test('that goes away in the middle of a transaction fails that transaction alone', async () => {
    const store = await openPostgres(database.url, options)
    const tenant = newTenant()
    const writing = store.transaction(async transaction => {
      await transaction.clients.create(clientOf(tenant))
      await cut()
      await new Promise(resolve => setTimeout(resolve, 100))
      await transaction.clients.find(tenant, 'app')
    })
    await assert.rejects(writing)
    assert.equal(await store.clients.find(tenant, 'app'), undefined)
    assert.equal(await store.clients.create(clientOf(tenant)), 'created')
    await store.close()
  })

  test('of a newer version is refused in a sentence', async () => {
    const newer = await createDatabase()
    await (await openPostgres(newer.url, options)).close()
    await query(newer.url, `insert into kysely_migration values ('0002-of-the-future', '2030-01-01T00:00:00.000Z')`)
    await assert.rejects(openPostgres(newer.url, options), { name: 'OperatorError', message: /newer Latchkey/ })
    await newer.drop()
  })

  test('that cannot be reached is named without its password', async () => {
    const lost = new URL(database.url)
    lost.port = '1'
    lost.password = 'hunter2'
    await assert.rejects(
      openPostgres(lost.href, options),
      error =>
        error instanceof OperatorError && error.message.includes('127.0.0.1:1') && !error.message.includes('hunter2'),
    )
  })

  for (const url of ['not a url with hunter2', 'postgres://user:hunter2@host:abc/latchkey', 'postgres://a:hun/ter2@b/'])
    test(`whose URL cannot be read (${url}) is not named at all`, async () => {
      const says = (error: unknown) => error instanceof OperatorError && !/hun|ter2|abc/.test(inspect(error))
      await assert.rejects(openPostgres(url, options), says)
      await assert.rejects(
        reach(url, () => openPostgresBus(url)),
        says,
      )
    })
})
