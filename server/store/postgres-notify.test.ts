import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { createDatabase, type TestDatabase } from '../../tests/fixtures/postgres.ts'
import type { Bus, BusMessage } from '../kernel/bus.ts'
import { openPostgresBus } from './postgres-notify.ts'

describe('the bus over PostgreSQL', () => {
  let database: TestDatabase
  let buses: Bus[] = []
  before(async () => {
    database = await createDatabase()
  })
  afterEach(async () => {
    await Promise.all(buses.map(bus => bus.close()))
    buses = []
  })
  after(() => database.drop())

  async function openBus() {
    const bus = await openPostgresBus(database.url)
    buses.push(bus)
    const node = { bus, heard: [] as BusMessage[], missed: 0 }
    bus.subscribe('client', { heard: message => node.heard.push(message), missed: () => node.missed++ })
    return node
  }

  async function execute(sql: string) {
    const client = new pg.Client({ connectionString: database.url })
    await client.connect()
    await client.query(sql)
    await client.end()
  }

  /** Ends the connections of the buses, or as many of them, the oldest first. */
  const cut = (howMany = 'all') =>
    execute(`select pg_terminate_backend(pid) from (
      select pid from pg_stat_activity
        where datname = current_database() and application_name = 'latchkey bus'
        order by backend_start limit ${howMany}
    ) as buses`)

  async function until(isTrue: () => boolean) {
    for (let waited = 0; !isTrue(); waited += 5) {
      assert.ok(waited < 30_000, 'it did not happen within half a minute')
      await pause(5)
    }
  }

  const message = (id: string): BusMessage => ({ topic: 'client', tenant: 't', id })

  test('reaches its own node at once and the other soon, each of them once and only by topic', async () => {
    const [here, there] = [await openBus(), await openBus()]
    here.bus.publish({ topic: 'host', tenant: 't', id: 'unheard' })
    here.bus.publish(message('a'))
    assert.deepEqual(here.heard, [message('a')])
    await until(() => there.heard.length > 0)
    // By the time the answer has come the first has come back to its sender as well.
    there.bus.publish(message('b'))
    await until(() => here.heard.length > 1)
    assert.deepEqual(here.heard, [message('a'), message('b')])
    assert.deepEqual(there.heard, [message('a'), message('b')])
  })

  test('goes on after its connection was ended, and the process with it', async () => {
    const [here, there] = [await openBus(), await openBus()]
    await cut()
    let sent = 0
    await until(() => {
      here.bus.publish(message(`again ${sent++}`))
      return there.heard.length > 0
    })
    assert.equal(here.heard.length, sent)
  })

  test('tells every node that it may have missed something once it can hear again, each time anew', async () => {
    const nodes = [await openBus(), await openBus()]
    for (const times of [1, 2, 3]) {
      await cut()
      await until(() => nodes.every(node => node.missed >= times))
    }
    for (const node of nodes) assert.deepEqual(node.heard, [])
  })

  test('owns up to the others that what it said while it was cut off did not reach them', async () => {
    const [here, there] = [await openBus(), await openBus()]
    await cut('1')
    await until(() => {
      here.bus.publish(message('perhaps lost'))
      return here.missed > 0
    })
    await until(() => there.missed > 0)
    assert.ok(there.heard.length < here.heard.length)
  })

  test('owns up to what it dropped because more was said at once than it can carry', async () => {
    const [here, there] = [await openBus(), await openBus()]
    for (let said = 0; said < 3000; said++) here.bus.publish(message(`${said}`))
    assert.equal(here.heard.length, 3000)
    await until(() => there.missed > 0)
    assert.ok(there.heard.length < 3000)
    assert.equal(here.missed, 0, 'this node has lost nothing')
  })

  test('passes over what others notify on the channel', async () => {
    const { bus, heard } = await openBus()
    for (const payload of ['', 'not json', '{}', '["x","client","t"]', '["x","client","t",1]', 'null']) {
      await execute(`select pg_notify('latchkey', '${payload}')`)
    }
    await execute(`select pg_notify('latchkey', '["x","client","t","real"]')`)
    await until(() => heard.length > 0)
    assert.deepEqual(heard, [message('real')])
    await bus.close()
    bus.publish(message('after the end'))
    assert.deepEqual(heard, [message('real')])
  })
})
