import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { createDatabase, type TestDatabase } from '../../tests/fixtures/postgres.ts'
import type { Bus, BusMessage } from '../kernel/bus.ts'
import { openPostgresBus } from './postgres-notify.ts'

describe('the bus over PostgreSQL', () => {
  let database: TestDatabase
  const buses: Bus[] = []
  before(async () => {
    database = await createDatabase()
  })
  after(async () => {
    await Promise.all(buses.map(bus => bus.close()))
    await database.drop()
  })

  async function openBus() {
    const bus = await openPostgresBus(database.url)
    buses.push(bus)
    const heard: BusMessage[] = []
    bus.subscribe('client', message => heard.push(message))
    return { bus, heard }
  }

  async function execute(sql: string) {
    const client = new pg.Client({ connectionString: database.url })
    await client.connect()
    await client.query(sql)
    await client.end()
  }

  async function until(isTrue: () => boolean) {
    for (let waited = 0; !isTrue(); waited += 5) {
      assert.ok(waited < 5000, 'it did not happen within five seconds')
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
    await execute(
      `select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name = 'latchkey bus'`,
    )
    let sent = 0
    await until(() => {
      here.bus.publish(message(`again ${sent++}`))
      return there.heard.length > 0
    })
    assert.equal(here.heard.length, sent)
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
