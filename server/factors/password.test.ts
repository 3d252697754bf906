import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { aUser } from '../../tests/fixtures/records.ts'
import { BusyError, type HashQueue } from '../identity/hash-queue.ts'
import { hashPassword, isOutdated } from '../identity/password-hash.ts'
import type { CredentialRecord } from '../store/credentials.ts'
import type { Store } from '../store/store.ts'
import type { IdentityRecord, UserRecord } from '../store/users.ts'
import type { Claimant } from './factor.ts'
import { passwordFactor } from './password.ts'

/** Made by Debian's `argon2` with `-id -t 2 -k 8 -p 1`: dearer hashes are ours, cheaper ones come from elsewhere. */
const CHEAP = '$argon2id$v=19$m=8,t=2,p=1$bGF0Y2hrZXlzYWx0c2FsdA$k0JwhgVmc9K+RFRRH7OAzQFx0aEdc7yL6HZLFcggunI'

function stage(secret: string | undefined, hold = 0) {
  const turns: string[] = []
  const replaced: { old: string; renewed: string }[] = []
  const store = {
    credentials: {
      of: async (_tenant: string, user: string) =>
        secret === undefined || user === '' ? [] : [{ id: 'password', secret } as CredentialRecord],
      replaceSecret: async (_credential: CredentialRecord, old: string, renewed: string) =>
        void replaced.push({ old, renewed }),
    },
  } as unknown as Store
  const queue: HashQueue = {
    waiting: () => 0,
    run: (address, work) => {
      turns.push(address)
      return work()
    },
  }
  const holds = async () => hold
  return { turns, replaced, store, holds, factor: passwordFactor({ store, queue, holds }) }
}

describe('a password', () => {
  test('is the one that was chosen, or it is not', async () => {
    const { factor, replaced } = stage(await hashPassword('a fine passphrase'))
    assert.equal((await factor.verify('t', aUser(), 'a fine passphrase', '192.0.2.1')).isProven, true)
    assert.equal((await factor.verify('t', aUser(), 'a fine passphrasE', '192.0.2.1')).isProven, false)
    assert.deepEqual(replaced, [])
  })

  test('is the one of the identity by which the person came', async () => {
    const { factor, store } = stage(undefined)
    const passwords = [
      { id: 'con|linked', secret: await hashPassword('of the linked one') },
      { id: 'password', secret: await hashPassword('of the first one') },
    ]
    Object.assign(store.credentials, { of: async () => passwords })
    const identity = { connection: 'con', subject: 'linked', ordinal: 1 } as IdentityRecord
    const linked = { id: 'auth0|ann', identity }
    const proven = async (claimant: Claimant, password: string) =>
      (await factor.verify('t', claimant, password, 'here')).isProven
    assert.equal(await proven(linked, 'of the linked one'), true)
    assert.equal(await proven(linked, 'of the first one'), false)
    assert.equal(await proven(aUser(), 'of the first one'), true)
    assert.equal(await proven(aUser(), 'of the linked one'), false)
    assert.equal(
      await proven({ id: 'auth0|ann', identity: { ...identity, subject: 'other' } }, 'of the first one'),
      false,
    )
  })

  test('costs one turn, for a person, for nobody and for a person without a password', async () => {
    const real = stage(await hashPassword('a fine passphrase'))
    await real.factor.verify('t', aUser(), 'wrong', 'here')
    const nobody = stage(undefined)
    assert.equal((await nobody.factor.verify('t', undefined, 'wrong', 'here')).isProven, false)
    const passwordless = stage(undefined)
    assert.equal((await passwordless.factor.verify('t', aUser(), 'wrong', 'here')).isProven, false)
    assert.deepEqual([real.turns, nobody.turns, passwordless.turns], [['here'], ['here'], ['here']])
  })

  test('from elsewhere is hashed anew at our cost once it was right, and never when it was wrong', async () => {
    const { factor, replaced } = stage(CHEAP)
    assert.equal((await factor.verify('t', aUser(), 'wrong', 'here')).isProven, false)
    assert.equal(replaced.length, 0)
    assert.equal((await factor.verify('t', aUser(), 'correct horse battery staple', 'here')).isProven, true)
    assert.deepEqual(
      replaced.map(({ old, renewed }) => [old, isOutdated(renewed)]),
      [[CHEAP, false]],
    )
  })

  test('longer than any that can be chosen is wrong, also where it was chosen before there was a bound', async () => {
    const long = 'x'.repeat(1025)
    const { factor, turns } = stage(await hashPassword(long))
    assert.equal((await factor.verify('t', aUser(), long, 'here')).isProven, false)
    assert.deepEqual(turns, ['here'])
  })

  test('that is wrong is told when the dearest hash of the tenant would be, whoever it was for; a right one at once', async () => {
    const HOLD = 400
    const took = async (secret: string | undefined, user: UserRecord | undefined, password: string) => {
      const { factor } = stage(secret, HOLD)
      const began = performance.now()
      await factor.verify('t', user, password, 'here')
      return performance.now() - began
    }
    const ours = await hashPassword('a fine passphrase')
    const failures = [
      took(ours, aUser(), 'wrong'),
      took(undefined, undefined, 'wrong'),
      took(undefined, aUser(), 'wrong'),
      took(CHEAP, aUser(), 'wrong'),
      took(ours, aUser(), 'x'.repeat(2000)),
    ]
    // Less the millisecond by which a timer may be early.
    for (const each of await Promise.all(failures)) assert.ok(each >= HOLD - 2, `${each} ms`)
    const quickest = Math.min(...(await Promise.all([1, 2, 3].map(() => took(ours, aUser(), 'a fine passphrase')))))
    assert.ok(quickest < HOLD, `${quickest} ms`)
  })

  test('is not checked at all when the queue is full', async () => {
    const { store, holds } = stage(await hashPassword('a fine passphrase'))
    const queue: HashQueue = { waiting: () => 0, run: () => Promise.reject(new BusyError('full')) }
    await assert.rejects(
      passwordFactor({ store, queue, holds }).verify('t', aUser(), 'a fine passphrase', 'here'),
      BusyError,
    )
  })
})
