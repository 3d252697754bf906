import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startRedis, type TestRedis } from '../../../tests/fixtures/redis.ts'
import type { JsonObject } from '../../kernel/json.ts'
import { silentLog } from '../../kernel/log.ts'
import { MINUTE, toSeconds } from '../../kernel/seconds.ts'
import type { Credential } from '../credentials.ts'
import { type Arrival, type Caller, type RefusalCode, Refused } from '../exchange.ts'
import type { EdgeIssuer } from '../issuers.ts'
import type { RoutePlan } from '../plan.ts'
import { createSharedRedis, type SharedRedis } from '../shared-redis.ts'
import { singleUseCredential } from './single-use.ts'
import { type SpentTokens, spentHere, spentInRedis } from './spent-tokens.ts'

const NOW = 1_789_012_345_678
const arrival = { now: NOW } as Arrival

const callerOf = (claims: JsonObject, issuer = 'https://id.example/'): Caller =>
  ({ kind: 'bearer', claims, issuer: { plan: { issuer } } as EdgeIssuer }) as Caller

const sound = (jti: string): JsonObject => ({ jti, iat: toSeconds(NOW) - 1, exp: toSeconds(NOW) + 60 })

/** Whatever is presented, it is this caller's: what a JWT says is the bearer credential's to find out. */
const bearer: Credential = { kind: 'bearer', find: () => 'token', read: () => callerOf(sound('read')) }

const spends = (spent: SpentTokens) => {
  const { spend } = singleUseCredential(bearer, spent)
  return async (caller: Caller): Promise<RefusalCode | 'passed'> => {
    try {
      await spend?.(caller, arrival)
      return 'passed'
    } catch (error) {
      assert.ok(error instanceof Refused, String(error))
      return error.refusal.code
    }
  }
}

/** A gateway that has been up for a while. */
const here = (most?: number) => spentHere(() => NOW - MINUTE, most)

describe('a single-use token', () => {
  test('is read as a bearer token is, and stands for the same caller', async () => {
    const { read } = singleUseCredential(bearer, here())
    const caller = await read('token', arrival, {} as RoutePlan)
    assert.equal(caller.kind, 'single-use')
    assert.deepEqual(caller.claims, sound('read'))
  })

  test('without a jti, or without an end, is refused', async () => {
    const spend = spends(here())
    for (const changes of [{ jti: undefined }, { jti: '' }, { jti: 7 }, { exp: undefined }, { iat: undefined }])
      assert.equal(await spend(callerOf({ ...sound('x'), ...changes })), 'invalid_token', JSON.stringify(changes))
  })

  test('of one issuer does not spend another’s of the same jti', async () => {
    const spend = spends(here())
    assert.equal(await spend(callerOf(sound('same'))), 'passed')
    assert.equal(await spend(callerOf(sound('same'), 'https://other.example/')), 'passed')
    assert.equal(await spend(callerOf(sound('same'))), 'token_spent')
  })

  test('from before the gateway began to remember is refused, since it may have been spent', async () => {
    const spend = spends(spentHere(() => NOW))
    assert.equal(await spend(callerOf({ ...sound('old'), iat: toSeconds(NOW) + 4 })), 'token_spent')
    assert.equal(await spend(callerOf({ ...sound('new'), iat: toSeconds(NOW) + 6 })), 'passed')
  })

  test('for which there is no room is refused, and none is forgotten that could still be used', async () => {
    const spend = spends(here(2))
    assert.equal(await spend(callerOf(sound('one'))), 'passed')
    assert.equal(await spend(callerOf({ ...sound('over'), exp: toSeconds(NOW) - 61 })), 'passed')
    // The one that is over made room for it.
    assert.equal(await spend(callerOf(sound('two'))), 'passed')
    assert.equal(await spend(callerOf(sound('three'))), 'shared_state_unavailable')
    assert.equal(await spend(callerOf(sound('one'))), 'token_spent')
  })
})

describe('spent tokens', () => {
  let server: TestRedis
  let redis: SharedRedis
  before(async () => {
    server = await startRedis()
    redis = createSharedRedis(server.url, silentLog)
  })
  after(async () => {
    redis.close()
    await server.stop()
  })

  test('are spent by one of many at once, in memory and in Redis', async () => {
    for (const [place, spent] of Object.entries({ memory: here(), redis: spentInRedis(redis) })) {
      const spend = spends(spent)
      const outcomes = await Promise.all(Array.from({ length: 64 }, () => spend(callerOf(sound('raced')))))
      assert.equal(outcomes.filter(outcome => outcome === 'passed').length, 1, place)
      assert.equal(outcomes.filter(outcome => outcome === 'token_spent').length, 63, place)
    }
  })

  test('are known to another gateway, for as long as they last and a minute', async () => {
    const other = createSharedRedis(server.url, silentLog)
    try {
      assert.equal(await spends(spentInRedis(redis))(callerOf(sound('shared'))), 'passed')
      assert.equal(await spends(spentInRedis(other))(callerOf(sound('shared'))), 'token_spent')
      const names = await redis.ask(shared => shared.keys('latchkey:edge:spent:*'))
      const lives = await Promise.all(names.map(name => redis.ask(shared => shared.pttl(name))))
      assert.ok(lives.length > 0 && lives.every(life => life > MINUTE && life <= 2 * MINUTE), `${lives}`)
    } finally {
      other.close()
    }
  })

  test('let nothing pass while Redis is away', async () => {
    const spend = spends(spentInRedis(redis))
    await server.stop()
    assert.equal(await spend(callerOf(sound('away'))), 'shared_state_unavailable')
    await server.start()
  })

  test('let nothing pass through a gateway whose Redis was never there', async () => {
    const nowhere = createSharedRedis('redis://127.0.0.1:1', silentLog)
    assert.equal(await spends(spentInRedis(nowhere))(callerOf(sound('never'))), 'shared_state_unavailable')
    nowhere.close()
  })
})
