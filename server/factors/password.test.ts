import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { aUser } from '../../tests/fixtures/records.ts'
import { BusyError, type HashQueue } from '../identity/hash-queue.ts'
import { hashPassword, isOutdated } from '../identity/password-hash.ts'
import type { CredentialRecord } from '../store/credentials.ts'
import type { Store } from '../store/store.ts'
import { passwordFactor } from './password.ts'

/** Made by Debian's `argon2` with `-id -t 2 -k 8 -p 1`: dearer hashes are ours, cheaper ones come from elsewhere. */
const CHEAP = '$argon2id$v=19$m=8,t=2,p=1$bGF0Y2hrZXlzYWx0c2FsdA$k0JwhgVmc9K+RFRRH7OAzQFx0aEdc7yL6HZLFcggunI'

function stage(secret: string | undefined) {
  const turns: string[] = []
  const replaced: { old: string; renewed: string }[] = []
  const store = {
    credentials: {
      of: async (_tenant: string, user: string) =>
        secret === undefined || user === '' ? [] : [{ secret } as CredentialRecord],
      replaceSecret: async (_credential: CredentialRecord, old: string, renewed: string) =>
        void replaced.push({ old, renewed }),
    },
  } as unknown as Store
  const queue: HashQueue = {
    run: (address, work) => {
      turns.push(address)
      return work()
    },
  }
  return { turns, replaced, store, queue, factor: passwordFactor({ store, queue }) }
}

describe('a password', () => {
  test('is the one that was chosen, or it is not', async () => {
    const { factor, replaced } = stage(await hashPassword('a fine passphrase'))
    assert.equal((await factor.verify(aUser(), 'a fine passphrase', '192.0.2.1')).isProven, true)
    assert.equal((await factor.verify(aUser(), 'a fine passphrasE', '192.0.2.1')).isProven, false)
    assert.deepEqual(replaced, [])
  })

  test('costs one turn, for a person, for nobody and for a person without a password', async () => {
    const real = stage(await hashPassword('a fine passphrase'))
    await real.factor.verify(aUser(), 'wrong', 'here')
    const nobody = stage(undefined)
    assert.equal((await nobody.factor.verify(undefined, 'wrong', 'here')).isProven, false)
    const passwordless = stage(undefined)
    assert.equal((await passwordless.factor.verify(aUser(), 'wrong', 'here')).isProven, false)
    assert.deepEqual([real.turns, nobody.turns, passwordless.turns], [['here'], ['here'], ['here']])
  })

  test('from elsewhere is hashed anew at our cost once it was right, and never when it was wrong', async () => {
    const { factor, replaced } = stage(CHEAP)
    assert.equal((await factor.verify(aUser(), 'wrong', 'here')).isProven, false)
    assert.equal(replaced.length, 0)
    assert.equal((await factor.verify(aUser(), 'correct horse battery staple', 'here')).isProven, true)
    assert.deepEqual(
      replaced.map(({ old, renewed }) => [old, isOutdated(renewed)]),
      [[CHEAP, false]],
    )
  })

  test('longer than any that can be chosen is wrong, also where it was chosen before there was a bound', async () => {
    const long = 'x'.repeat(1025)
    const { factor, turns } = stage(await hashPassword(long))
    assert.equal((await factor.verify(aUser(), long, 'here')).isProven, false)
    assert.deepEqual(turns, ['here'])
  })

  test('is not checked at all when the queue is full', async () => {
    const { store } = stage(await hashPassword('a fine passphrase'))
    const queue: HashQueue = { run: () => Promise.reject(new BusyError('full')) }
    await assert.rejects(passwordFactor({ store, queue }).verify(aUser(), 'a fine passphrase', 'here'), BusyError)
  })
})
