/** Counted tries as rows, and the browsers an account was used in. What counting means is `counter.ts`'s. */
import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { DAY, HOUR } from '../../kernel/seconds.ts'
import { storeCounter } from '../counters.ts'
import { describeCounter } from './counter.ts'
import { inParallel, NOW, newTenant, type Stage } from './stage.ts'

export function describeGuessing(stage: Stage): void {
  describeCounter(() => storeCounter(stage.store))

  describe('rows of counters', () => {
    test('are purged once nothing is remembered, and not before', async () => {
      const { counters } = stage.store
      const tenant = newTenant()
      const at = (emptyAt: number) => ({ emptyAt, freeAt: emptyAt - HOUR })
      await counters.put(
        tenant,
        new Map([
          ['over', at(1000)],
          ['on', at(NOW)],
        ]),
      )
      while ((await counters.purge(1000, 1)) > 0);
      assert.deepEqual([...(await counters.find(tenant, ['over', 'on'])).keys()], ['on'])
    })
  })

  describe('devices', () => {
    let tenant = ''
    beforeEach(() => {
      tenant = newTenant()
    })
    const device = (more: { user?: string; browserHash?: string; tenant?: string } = {}) => ({
      tenant,
      user: 'auth0|ada',
      browserHash: 'browser',
      ...more,
    })

    test('are known to the account they were used with, to no other, and for a time', async () => {
      const { devices } = stage.store
      await devices.remember(device(), NOW, NOW + DAY, 5)
      assert.equal(await devices.isKnown(device(), NOW + DAY - 1), true)
      assert.equal(await devices.isKnown(device(), NOW + DAY), false)
      for (const other of [{ user: 'auth0|eve' }, { browserHash: 'another' }, { tenant: newTenant() }])
        assert.equal(await devices.isKnown(device(other), NOW), false)
    })

    test('are known for longer when they are used again, however often at once', async () => {
      const { devices } = stage.store
      await inParallel(8, () => devices.remember(device(), NOW, NOW + DAY, 5))
      await devices.remember(device(), NOW + 1, NOW + 2 * DAY, 5)
      assert.equal(await devices.isKnown(device(), NOW + DAY), true)
    })

    test('of an account are bounded, and the last used stay', async () => {
      const { devices } = stage.store
      const names = ['a', 'b', 'c', 'd', 'e', 'f']
      for (const [index, browserHash] of names.entries())
        await devices.remember(device({ browserHash }), NOW + index, NOW + DAY, 4)
      await devices.remember(device({ browserHash: 'c', user: 'auth0|eve' }), NOW, NOW + DAY, 4)
      const known = []
      for (const browserHash of names) if (await devices.isKnown(device({ browserHash }), NOW)) known.push(browserHash)
      assert.deepEqual(known, ['c', 'd', 'e', 'f'])
      assert.equal(await devices.isKnown(device({ browserHash: 'c', user: 'auth0|eve' }), NOW), true)
    })

    test('of an account are forgotten together', async () => {
      const { devices } = stage.store
      for (const user of ['auth0|ada', 'auth0|eve']) await devices.remember(device({ user }), NOW, NOW + DAY, 5)
      await devices.forget(tenant, 'auth0|ada')
      assert.equal(await devices.isKnown(device(), NOW), false)
      assert.equal(await devices.isKnown(device({ user: 'auth0|eve' }), NOW), true)
    })

    test('are purged when they are over', async () => {
      const { devices } = stage.store
      await devices.remember(device({ browserHash: 'over' }), 0, 1000, 5)
      await devices.remember(device(), NOW, NOW + DAY, 5)
      while ((await devices.purge(1000, 1)) > 0);
      assert.equal(await devices.isKnown(device({ browserHash: 'over' }), 0), false)
      assert.equal(await devices.isKnown(device(), NOW), true)
    })
  })
}
