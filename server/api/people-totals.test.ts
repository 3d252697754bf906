import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMemoryBus } from '../bus/memory.ts'
import { SECOND } from '../kernel/seconds.ts'
import type { PeopleSearch } from '../store/people.ts'
import { totalOf } from './people-totals.ts'
import type { ApiServices } from './services.ts'

const EVERYBODY: PeopleSearch = { query: null, connection: null }

function stage() {
  let now = 0
  let people = 500
  const counted: PeopleSearch[] = []
  const count = async (_tenant: string, search: PeopleSearch) => {
    counted.push(search)
    return people
  }
  const services = { store: { people: { count } }, clock: () => now, bus: createMemoryBus() } as unknown as ApiServices
  return {
    counted,
    grow(by: number) {
      people += by
    },
    wait(milliseconds: number) {
      now += milliseconds
    },
    total: (page = { start: 0, limit: 50, found: 50 }, search = EVERYBODY, tenant = 't') =>
      totalOf(services, tenant, search, page),
  }
}

test('a search is counted once in ten seconds, however often and by how many it is asked for', async () => {
  const { total, counted, grow, wait } = stage()
  assert.deepEqual(await Promise.all([total(), total(), total()]), [500, 500, 500])
  grow(1)
  wait(9.9 * SECOND)
  assert.equal(await total(), 500)
  assert.equal(counted.length, 1)
  wait(0.1 * SECOND)
  assert.equal(await total(), 501)
  assert.equal(counted.length, 2)
})

test('another search, and another tenant, is counted by itself', async () => {
  const { total, counted } = stage()
  await total()
  await total(undefined, { ...EVERYBODY, connection: 'con' })
  await total(undefined, { ...EVERYBODY, query: { kind: 'everything' } })
  await total(undefined, EVERYBODY, 'other')
  assert.equal(counted.length, 4)
})

test('where a page shows the end, nothing is counted and nothing is late', async () => {
  const { total, counted } = stage()
  assert.equal(await total({ start: 0, limit: 50, found: 0 }), 0)
  assert.equal(await total({ start: 100, limit: 50, found: 7 }), 107)
  assert.equal(counted.length, 0)
  assert.equal(await total({ start: 100, limit: 50, found: 0 }), 500)
})

test('a total is never less than what was shown', async () => {
  const { total, grow } = stage()
  await total()
  grow(100)
  assert.equal(await total({ start: 500, limit: 50, found: 50 }), 550)
})
