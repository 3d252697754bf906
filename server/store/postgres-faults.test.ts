import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import pg from 'pg'
import { createDatabase, type TestDatabase } from '../../tests/fixtures/postgres.ts'
import { createMemoryBus } from '../bus/memory.ts'
import { OperatorError, UnavailableError } from '../kernel/errors.ts'
import { createTestSealer, NOW } from './conformance/stage.ts'
import { openPostgres } from './postgres.ts'
import { outageBehind } from './postgres-faults.ts'

const options = { clock: () => NOW, sealer: createTestSealer(), bus: createMemoryBus() }

describe('an error of PostgreSQL', () => {
  for (const [what, members] of [
    ['a refused connection', { code: 'ECONNREFUSED' }],
    ['a connection reset', { code: 'ECONNRESET' }],
    ['a name that resolves to nothing', { code: 'ENOTFOUND' }],
    ['a server that is shutting down', { code: '57P01' }],
    ['a server that is starting', { code: '57P03' }],
    ['a server with no connection left', { code: '53300' }],
    ['a disk that is full', { code: '53100' }],
    ['a connection failure of its own', { code: '08006' }],
    ['a primary that became a standby', { code: '25006' }],
    ['a connection that ended', { message: 'Connection terminated unexpectedly' }],
  ] as const)
    test(`is an outage when it is ${what}`, () => {
      const cause = Object.assign(new Error('message' in members ? members.message : 'no'), members)
      const told = outageBehind(cause)
      assert.ok(told instanceof UnavailableError)
      assert.equal(told.cause, cause)
    })

  for (const [what, code] of [
    ['a syntax error', '42601'],
    ['a column that is missing', '42703'],
    ['a duplicate', '23505'],
    ['a deadlock', '40P01'],
    ['a query that takes too long', '57014'],
  ])
    test(`is ours, and stays what it is, when it is ${what}`, () => {
      const cause = Object.assign(new Error('Connection of tables'), { code })
      assert.equal(outageBehind(cause), cause)
    })

  test('that is none at all is left alone', () => {
    for (const thrown of [undefined, null, 'text', new TypeError('of undefined')])
      assert.equal(outageBehind(thrown), thrown)
  })
})

/** Between a store and its database: passes everything on until it is told to swallow it. */
async function openProxy(target: URL) {
  const sockets = new Set<Socket>()
  let isSwallowing = false
  const server = createServer(client => {
    const upstream = connect(Number(target.port), target.hostname)
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from)
      from.on('data', bytes => void (isSwallowing || to.write(bytes)))
      from.on('error', () => {})
      from.on('close', () => to.destroy())
    }
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const url = new URL(target)
  url.port = `${(server.address() as AddressInfo).port}`
  return {
    url: url.href,
    swallow: (whether: boolean) => {
      isSwallowing = whether
    },
    close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

describe('a PostgreSQL database that is away', () => {
  let database: TestDatabase
  before(async () => {
    database = await createDatabase()
  })
  after(() => database.drop())

  const isAway = (error: unknown) =>
    error instanceof UnavailableError && /PostgreSQL does not answer/.test(error.message)

  test('behind a network that swallows what is sent is given up on, and found again on a new connection', async t => {
    const proxy = await openProxy(new URL(database.url))
    t.after(() => proxy.close())
    const store = await openPostgres(proxy.url, { ...options, poolSize: 1, answerTimeout: 200 })
    t.after(() => store.close())
    await store.ping()
    proxy.swallow(true)
    await assert.rejects(store.tenants.find('t'), isAway)
    proxy.swallow(false)
    assert.equal(await store.tenants.find('t'), undefined)
  })

  test('in the middle of a transaction undoes it, and the one connection there is serves the next', async () => {
    const store = await openPostgres(database.url, { ...options, poolSize: 1 })
    const undone = store.transaction(async transaction => {
      await transaction.tenants.create({ id: 'lost', name: 'lost', settings: {}, createdAt: NOW })
      await administer(
        database.url,
        `select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and application_name = 'latchkey'`,
      )
      await transaction.tenants.find('lost')
    })
    await assert.rejects(undone, isAway)
    assert.equal(await store.tenants.find('lost'), undefined)
    await store.close()
  })

  test('but has a bug asked of it, it is the bug that is told', async () => {
    const store = await openPostgres(database.url, options)
    await administer(database.url, 'alter table tenants rename to lodgers')
    await assert.rejects(store.tenants.find('t'), { code: '42P01' })
    await administer(database.url, 'alter table lodgers rename to tenants')
    await store.close()
  })

  test('as a standby is, answers and is not ready', async () => {
    const store = await openPostgres(database.url, options)
    await store.ping()
    await store.close()
    await administer(
      database.url,
      `alter database ${new URL(database.url).pathname.slice(1)} set default_transaction_read_only = on`,
    )
    const standby = await openPostgres(database.url, options)
    await assert.rejects(standby.ping(), UnavailableError)
    await assert.rejects(standby.tenants.create({ id: 'n', name: 'n', settings: {}, createdAt: NOW }), isAway)
    await standby.close()
  })
})

describe('a migration that PostgreSQL refuses', () => {
  let database: TestDatabase
  before(async () => {
    database = await createDatabase()
  })
  after(() => database.drop())
  const tablesIn = (url: string) =>
    administer(url, `select table_name from information_schema.tables where table_schema = 'public' order by 1`)
  const isSentence = (why: RegExp) => (error: unknown) =>
    error instanceof OperatorError && why.test(error.message) && !error.message.includes('\n')

  test('for want of a right is told in a sentence, and leaves nothing', async () => {
    const role = `visitor_${process.pid}`
    await administer(database.url, `create role ${role} login`)
    try {
      const url = new URL(database.url)
      url.username = role
      await assert.rejects(
        openPostgres(url.href, options),
        isSentence(/does not let this user make tables: permission denied .+Grant it CREATE.+nothing was changed/),
      )
      assert.deepEqual(await tablesIn(database.url), [])
    } finally {
      await administer(database.url, `drop role ${role}`)
    }
  })

  test('because of a table of somebody else’s is told in a sentence, and all of it is undone', async () => {
    // One that comes late, so that there is something to undo.
    await administer(database.url, 'create table events (at text)')
    await assert.rejects(openPostgres(database.url, options), isSentence(/holds tables of something else: .+"events"/))
    const names = (await tablesIn(database.url)).map(row => row['table_name'])
    assert.deepEqual(
      names.filter(name => !String(name).startsWith('kysely_')),
      ['events'],
    )
  })
})

async function administer(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}
