import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SECOND } from '../kernel/seconds.ts'
import { type Caller, Refused } from './exchange.ts'
import { createTokenCache } from './token-cache.ts'

const NOW = 1_800_000_000_000

/** An issuer whose keys are those of a version. */
const issuerAt = (version: { at: number }) => ({ keysVersion: () => version.at }) as Caller['issuer']
const callerOf = (name: string, version = { at: 1 }): Caller =>
  ({ issuer: issuerAt(version), keysVersion: version.at, claims: { sub: name } }) as unknown as Caller

describe('tokens that were seen before', () => {
  test('are known without being read again', async () => {
    const cache = createTokenCache()
    let reads = 0
    const read = async () => {
      reads++
      return callerOf('ann')
    }
    const first = await cache.get('token', NOW, read)
    assert.equal(cache.get('token', NOW + 1, read), first)
    assert.equal(reads, 1)
    await cache.get('another', NOW, read)
    assert.equal(reads, 2)
  })

  test('are read once for all who present them at the same time', async () => {
    const cache = createTokenCache()
    let reads = 0
    const callers = await Promise.all(
      Array.from({ length: 64 }, () =>
        cache.get('token', NOW, async () => {
          reads++
          return callerOf('ann')
        }),
      ),
    )
    assert.equal(reads, 1)
    assert.equal(new Set(callers).size, 1)
  })

  test('are strangers again once the keys of their issuer changed, also when that was while they were read', async () => {
    const cache = createTokenCache()
    const version = { at: 1 }
    await cache.get('token', NOW, async () => callerOf('ann', version))
    version.at = 2
    const reread = cache.get('token', NOW, async () => callerOf('ann again', version))
    assert.equal((await reread).claims['sub'], 'ann again')

    await cache.get('slow', NOW, async () => {
      const caller = callerOf('bob', version)
      version.at = 3
      return caller
    })
    assert.ok(cache.get('slow', NOW, async () => callerOf('bob', version)) instanceof Promise)
  })

  test('take no more room than there is, and those in use stay', async () => {
    const cache = createTokenCache(() => {}, 100)
    for (let id = 0; id < 1000; id++) {
      await cache.get(`token ${id}`, NOW, async () => callerOf(`${id}`))
      await cache.get('in use', NOW, async () => callerOf('in use'))
      assert.ok(cache.size <= 100)
    }
    assert.ok(!(cache.get('in use', NOW, async () => callerOf('read anew')) instanceof Promise))
    assert.ok(cache.get('token 0', NOW, async () => callerOf('0')) instanceof Promise)
  })
})

describe('tokens that are not seen any more', () => {
  test('are let go of after some minutes, and those that are stay', async () => {
    const cache = createTokenCache()
    for (let id = 0; id < 100; id++) await cache.get(`token ${id}`, NOW, async () => callerOf(`${id}`))
    for (let minute = 0; minute <= 6; minute++)
      await cache.get('in use', NOW + minute * 60 * SECOND, async () => callerOf(`read at ${minute}`))
    assert.equal(cache.size, 1)
    const found = await cache.get('in use', NOW + 6 * 60 * SECOND, async () => callerOf('read anew'))
    assert.equal(found.claims['sub'], 'read at 0')
  })
})

describe('tokens that were found wrong', () => {
  const wrong = async (): Promise<Caller> => {
    throw new Refused({ code: 'invalid_token' })
  }
  const unexpected = async (): Promise<Caller> => assert.fail('it was read again')

  test('are so for a second at most, and push nothing out', async () => {
    const cache = createTokenCache(() => {}, 100)
    await cache.get('good', NOW, async () => callerOf('ann'))
    for (let id = 0; id < 20_000; id++) await assert.rejects(async () => cache.get(`junk ${id}`, NOW, wrong), Refused)
    assert.equal(cache.size, 1)
    assert.throws(() => cache.get('junk 0', NOW + SECOND - 1, unexpected), Refused)
    assert.equal((await cache.get('junk 0', NOW + SECOND, async () => callerOf('bob'))).claims['sub'], 'bob')
  })

  test('by a clock that was set back are not so for longer', async () => {
    const cache = createTokenCache()
    await assert.rejects(async () => cache.get('junk', NOW, wrong), Refused)
    assert.ok(cache.get('junk', NOW - 3600 * SECOND, async () => callerOf('ann')) instanceof Promise)
  })

  test('because nobody could say are asked about again at once', async () => {
    const cache = createTokenCache()
    const away = async (): Promise<Caller> => {
      throw new Refused({ code: 'keys_unavailable' })
    }
    await assert.rejects(async () => cache.get('token', NOW, away), Refused)
    assert.equal((await cache.get('token', NOW, async () => callerOf('ann'))).claims['sub'], 'ann')
  })
})
