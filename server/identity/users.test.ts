import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { aConnection } from '../../tests/fixtures/records.ts'
import type { Transaction } from '../store/store.ts'
import { createUser, type NewUser } from './users.ts'

const CONNECTION = aConnection({ tenant: 't' })
const PERSON: NewUser = { email: 'Ann@Example.com', emailVerified: false, passwordHash: '$argon2id$…' }

function create(person: Partial<NewUser>, outcome: 'created' | 'taken' = 'created') {
  const written: Record<string, unknown>[] = []
  const transaction = {
    users: {
      create: async (user: object, identity: object) => {
        written.push({ ...user }, { ...identity })
        return outcome
      },
    },
    credentials: { put: async (credential: object) => void written.push({ ...credential }) },
  } as unknown as Transaction
  return createUser(transaction, CONNECTION, { ...PERSON, ...person }, () => 7).then(user => ({ user, written }))
}

describe('a new user', () => {
  test('is called auth0| and 24 hexadecimal digits, as applications store it', async () => {
    const { user, written } = await create({})
    assert.ok(user !== 'taken')
    assert.match(user.id, /^auth0\|[0-9a-f]{24}$/)
    assert.equal(written[1]?.['subject'], user.id.slice('auth0|'.length))
  })

  test('keeps the id of an import, with and without its provider', async () => {
    for (const id of ['auth0|abc', 'abc']) {
      const { user, written } = await create({ id })
      assert.equal(user !== 'taken' && user.id, 'auth0|abc')
      assert.equal(written[1]?.['subject'], 'abc')
    }
  })

  test('is unique by the folded address and keeps it as it was typed', async () => {
    const { user, written } = await create({})
    assert.equal(user !== 'taken' && user.email, 'Ann@Example.com')
    assert.equal(written[1]?.['emailKey'], 'ann@example.com')
  })

  test('is called by the address until a name is known', async () => {
    const { user } = await create({})
    assert.deepEqual(user !== 'taken' && user.profile, { name: 'Ann@Example.com', nickname: 'Ann' })
    const { user: named } = await create({ profile: { name: 'Ann' } })
    assert.deepEqual(named !== 'taken' && named.profile, { name: 'Ann', nickname: 'Ann' })
  })

  test('has the password written as a hash, of nobody when the address is taken', async () => {
    const { written } = await create({})
    assert.equal(written[2]?.['secret'], PERSON.passwordHash)
    const taken = await create({}, 'taken')
    assert.equal(taken.user, 'taken')
    assert.equal(taken.written.length, 2)
  })
})

test('somebody with a username is called by it, and found by it in any letters', async () => {
  const { written } = await create({ username: 'Ann_9' })
  assert.deepEqual(
    [written[0]?.['username'], written[0]?.['profile'], written[1]?.['usernameKey']],
    ['Ann_9', { name: 'Ann@Example.com', nickname: 'Ann_9' }, 'ann_9'],
  )
  const { written: nameless } = await create({ email: null, username: 'Bo' })
  assert.deepEqual(
    [nameless[0]?.['email'], nameless[0]?.['profile'], nameless[1]?.['emailKey']],
    [null, { name: 'Bo', nickname: 'Bo' }, null],
  )
})
