/** What every place that counts tries owes, held against each of them: both databases, and Redis in `bus/`. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Count, Counted, Counter, Rule } from '../../kernel/counter.ts'
import { HOUR, MINUTE } from '../../kernel/seconds.ts'
import { type Standing, step, stepBack } from '../../policy/rate.ts'
import { inParallel, NOW, newTenant, tally } from './stage.ts'

/** Three freely, then a minute, two, and an hour; one forgotten an hour. */
const RULE: Rule = { free: 3, pauses: [MINUTE, 2 * MINUTE, HOUR], forgets: HOUR }

const of = (...keys: string[]): Count[] => keys.map(key => ({ key, rule: RULE }))

export function describeCounter(counter: () => Counter): void {
  const count = async (tenant: string, now: number, ...keys: string[]): Promise<readonly Counted[] | number> => {
    const counting = await counter().count(tenant, of(...keys), now)
    return counting.state === 'counted' ? counting.counts : counting.freeAt
  }
  /** How many get through one after another, at one instant. */
  async function untilRefused(tenant: string, now: number, ...keys: string[]): Promise<number> {
    for (let through = 0; through < 100; through++)
      if ((await counter().count(tenant, of(...keys), now)).state === 'refused') return through
    return assert.fail('a hundred got through')
  }

  describe('tries that are counted', () => {
    test('are free, then one at a time after each pause, and none is counted that has to wait', async () => {
      const tenant = newTenant()
      assert.equal(await untilRefused(tenant, NOW, 'a'), 3)
      assert.equal(await count(tenant, NOW + MINUTE - 1, 'a'), NOW + MINUTE)
      const [fourth] = (await count(tenant, NOW + MINUTE, 'a')) as readonly Counted[]
      assert.deepEqual(fourth, { key: 'a', rule: RULE, tries: 4, freeAt: NOW + 3 * MINUTE })
      assert.equal(await count(tenant, NOW + 2 * MINUTE, 'a'), NOW + 3 * MINUTE)
    })

    test('are as many in whatever order the clock was looked at', async () => {
      const tenant = newTenant()
      for (const [index, now] of [NOW + 5, NOW, NOW + 3].entries()) {
        const [counted] = (await count(tenant, now, 'a')) as readonly Counted[]
        assert.equal(counted?.tries, index + 1)
      }
    })

    test('are forgotten one by one, and in the end all', async () => {
      const tenant = newTenant()
      await untilRefused(tenant, NOW, 'a')
      assert.equal(await untilRefused(tenant, NOW + HOUR, 'a'), 1)
      assert.equal(await untilRefused(tenant, NOW + 10 * HOUR, 'a'), 3)
    })

    test('let no more through at once than one after another', async () => {
      const tenant = newTenant()
      const answers = await inParallel(32, () => counter().count(tenant, of('a', 'b'), NOW))
      assert.deepEqual(tally(answers.map(({ state }) => state)), { counted: 3, refused: 29 })
    })

    test('are counted under all keys or under none, whatever the order they are named in', async () => {
      const tenant = newTenant()
      await untilRefused(tenant, NOW, 'full')
      assert.equal(await count(tenant, NOW, 'a', 'full', 'b'), NOW + MINUTE)
      assert.equal(await untilRefused(tenant, NOW, 'a', 'b'), 3)
      const other = newTenant()
      const answers = await inParallel(16, index =>
        counter().count(other, index % 2 ? of('x', 'y', 'z') : of('z', 'y', 'x'), NOW),
      )
      assert.equal(answers.filter(({ state }) => state === 'counted').length, 3)
    })

    test('never stand in the way of one another, whatever is counted, given back and forgotten at once', async () => {
      const tenant = newTenant()
      const [first, ...others] = ['a', 'b', 'c'] as const
      await inParallel(8, async index => {
        for (let round = 0; round < 12; round++) {
          const counting = await counter().count(tenant, of(first, ...others), NOW)
          if (counting.state === 'refused') await counter().forget(tenant, [others[(index + round) % 2] ?? first])
          else if (round % 2) await counter().giveBack(tenant, counting.counts, NOW)
          else await counter().forget(tenant, others)
        }
      })
    })

    test('under no key are none', async () =>
      assert.deepEqual(await counter().count(newTenant(), [], NOW), { state: 'counted', counts: [] }))

    test('say when the last of the keys is free', async () => {
      const tenant = newTenant()
      await untilRefused(tenant, NOW, 'a')
      await count(tenant, NOW + MINUTE, 'a')
      await untilRefused(tenant, NOW + MINUTE, 'b')
      assert.equal(await count(tenant, NOW + MINUTE, 'b', 'a'), NOW + 3 * MINUTE)
    })

    test('that were none are given back with the pause they began, and no other try with them', async () => {
      const tenant = newTenant()
      await count(tenant, NOW, 'a')
      const second = (await count(tenant, NOW, 'a')) as readonly Counted[]
      const third = (await count(tenant, NOW, 'a')) as readonly Counted[]
      assert.equal(await count(tenant, NOW, 'a'), NOW + MINUTE)
      await counter().giveBack(tenant, second, NOW)
      assert.equal(await count(tenant, NOW, 'a'), NOW + MINUTE, 'the pause is of the third')
      await counter().giveBack(tenant, third, NOW)
      assert.equal(await untilRefused(tenant, NOW, 'a'), 2)
    })

    test('are given back to a key of which nothing is remembered, and nothing comes of it', async () => {
      const tenant = newTenant()
      const first = (await count(tenant, NOW, 'a')) as readonly Counted[]
      await counter().forget(tenant, ['a'])
      await counter().giveBack(tenant, first, NOW)
      await counter().giveBack(tenant, [], NOW)
      assert.equal(await untilRefused(tenant, NOW, 'a'), 3)
    })

    test('are forgotten under the keys that are named, and those of another tenant never', async () => {
      const [tenant, other] = [newTenant(), newTenant()]
      for (const one of [tenant, other]) for (const key of ['a', 'b']) await untilRefused(one, NOW, key)
      await counter().forget(tenant, ['a'])
      await counter().forget(tenant, [])
      assert.equal(await untilRefused(tenant, NOW, 'a'), 3)
      assert.equal(await untilRefused(tenant, NOW, 'b'), 0)
      assert.equal(await untilRefused(other, NOW, 'a'), 0)
    })

    test('are known to wait under the keys that have to, for as long as they do, and looking counts nothing', async () => {
      const tenant = newTenant()
      await untilRefused(tenant, NOW, 'held')
      await count(tenant, NOW, 'free')
      const waits = (now: number, of = tenant) => counter().waits(of, ['held', 'free', 'unknown'], now)
      assert.deepEqual([...(await waits(NOW))], [['held', NOW + MINUTE]])
      assert.deepEqual([...(await waits(NOW))], [['held', NOW + MINUTE]])
      assert.deepEqual([...(await waits(NOW + MINUTE))], [])
      assert.deepEqual([...(await waits(NOW, newTenant()))], [])
      assert.deepEqual([...(await counter().waits(tenant, [], NOW))], [])
    })

    test('add up as the policy says, in any order of tries, returns and pauses', async () => {
      const tenant = newTenant()
      let standing: Standing | undefined
      let now = NOW
      let last: Counted | undefined
      // A fixed row of numbers that looks like none.
      for (let round = 0, seed = 7; round < 60; round++, seed = (seed * 75 + 74) % 65_537) {
        now += (seed % 5) * 17 * MINUTE
        if (seed % 4 === 0 && last) {
          await counter().giveBack(tenant, [last], now)
          standing = standing && stepBack(standing, last, now)
          last = undefined
          continue
        }
        const expected = step(standing, RULE, now)
        const counting = await counter().count(tenant, of('a'), now)
        if (!expected.may) {
          assert.deepEqual(counting, { state: 'refused', freeAt: expected.freeAt })
          continue
        }
        standing = expected.standing
        last = { key: 'a', rule: RULE, tries: expected.tries, freeAt: standing.freeAt }
        assert.deepEqual(counting, { state: 'counted', counts: [last] })
      }
    })
  })
}
