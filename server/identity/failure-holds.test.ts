import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createMemoryBus } from '../bus/memory.ts'
import type { Store } from '../store/store.ts'
import { costClassOf, createFailureHolds } from './failure-holds.ts'
import { workOf } from './password-hash.ts'

const BCRYPT = '$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy'
const DIGEST = 'A'.repeat(43)

describe('the cost class of a hash', () => {
  for (const [hash, expected] of [
    [`$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$${DIGEST}`, 0],
    ['{SSHA}c2FsdHNhbHRzYWx0c2FsdHNhbHRzYWx0', 0],
    [BCRYPT.replace('$10$', '$08$'), 0],
    ['no hash at all', 0],
    [BCRYPT, 1],
    [BCRYPT.replace('$10$', '$11$'), 2],
    [`pbkdf2_sha256$600000$salt$${DIGEST}=`, 3],
    [BCRYPT.replace('$10$', '$14$'), 3],
  ] as const)
    test(`${hash.slice(0, 30)}… is ${expected}`, () => assert.equal(costClassOf(workOf(hash)), expected))
})

test('a tenant’s failures are held for its dearest hash, as of when the bus last spoke of it', async () => {
  const bus = createMemoryBus()
  let dearest = 0
  const store = { credentials: { dearest: async () => dearest } } as unknown as Store
  const holds = createFailureHolds({ store, bus, clock: () => 1 })
  assert.equal(await holds('t'), 0)
  dearest = 3
  assert.equal(await holds('t'), 0)
  await bus.publish({ topic: 'cost-class', tenant: 't', id: 't' })
  assert.equal(await holds('t'), 1000)
  dearest = 9
  assert.equal(await holds('other'), 1000)
})
