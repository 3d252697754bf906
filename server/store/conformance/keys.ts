/** The keyring's rows. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { KeyMove } from '../keys.ts'
import { inParallel, keyOf, NOW, newTenant, type Stage, tally } from './stage.ts'

const move = (id: string, from: KeyMove['from'], to: KeyMove['to'], more: Partial<KeyMove> = {}): KeyMove => ({
  id,
  from,
  to,
  dueAt: null,
  destroy: false,
  ...more,
})

export function describeKeys(stage: Stage): void {
  describe('keys', () => {
    test('a rotation demotes before it promotes, whatever the order of its moves', async () => {
      const { keys } = stage.store
      const tenant = newTenant()
      const [old, next] = [keyOf(tenant, { id: 'z-old' }), keyOf(tenant, { id: 'a-next', state: 'announced' })]
      assert.equal(await keys.apply(tenant, { add: [old, next], moves: [] }, NOW), 'applied')
      assert.deepEqual(await keys.list(tenant), [next, old])
      const moves = [
        move('a-next', 'announced', 'signing', { dueAt: NOW + 5 }),
        move('z-old', 'signing', 'verifying', { destroy: true }),
      ]
      assert.equal(await keys.apply(tenant, { add: [], moves }, NOW + 1), 'applied')
      assert.deepEqual(await keys.list(tenant), [
        { ...next, state: 'signing', stateSince: NOW + 1, dueAt: NOW + 5 },
        { ...old, state: 'verifying', stateSince: NOW + 1, sealedPrivate: null },
      ])
    })

    test('of 16 nodes that rotate at once one does, and the others change nothing', async () => {
      const { keys } = stage.store
      const tenant = newTenant()
      await keys.apply(tenant, { add: [keyOf(tenant, { id: 'old' })], moves: [] }, NOW)
      const answers = await inParallel(16, index =>
        keys.apply(
          tenant,
          { add: [keyOf(tenant, { id: `new-${index}` })], moves: [move('old', 'signing', 'verifying')] },
          NOW + 1,
        ),
      )
      assert.deepEqual(tally(answers), { applied: 1, conflict: 15 })
      assert.deepEqual((await keys.list(tenant)).map(key => key.state).sort(), ['signing', 'verifying'])
    })

    test('there is never a second signing key of one purpose, owner and algorithm, nor a second current one', async () => {
      const { keys } = stage.store
      const tenant = newTenant()
      const add = async (id: string, more: Parameters<typeof keyOf>[1]) =>
        keys.apply(tenant, { add: [keyOf(tenant, { id, ...more })], moves: [] }, NOW)
      assert.equal(await add('1', {}), 'applied')
      assert.equal(await add('2', {}), 'conflict')
      assert.equal(await add('3', { algorithm: 'ES256' }), 'applied')
      assert.equal(await add('4', { owner: 'https://api.example' }), 'applied')
      assert.equal(await add('5', { purpose: 'refresh-token', algorithm: 'HS256', state: 'current' }), 'applied')
      assert.equal(await add('6', { purpose: 'refresh-token', algorithm: 'HS256', state: 'current' }), 'conflict')
      assert.equal(await add('7', { state: 'verifying' }), 'applied')
      assert.equal((await keys.list(tenant)).length, 5)
    })

    test('a conflict undoes the whole plan and leaves the transaction around it usable', async () => {
      const { store } = stage
      const tenant = newTenant()
      await store.keys.apply(tenant, { add: [keyOf(tenant)], moves: [] }, NOW)
      const plan = {
        add: [keyOf(tenant, { id: 'new', state: 'announced' })],
        moves: [move('kid', 'signing', 'verifying', { destroy: true }), move('unknown', 'announced', 'retired')],
      }
      const answers = await store.transaction(async transaction => [
        await transaction.keys.apply(tenant, plan, NOW + 1),
        await transaction.keys.apply(tenant, { add: plan.add, moves: [] }, NOW + 1),
      ])
      assert.deepEqual(answers, ['conflict', 'applied'])
      assert.deepEqual(
        (await store.keys.list(tenant)).map(key => [key.id, key.state, key.sealedPrivate]),
        [
          ['kid', 'signing', 'sealed'],
          ['new', 'announced', 'sealed'],
        ],
      )
    })

    test('what is due comes oldest first, of every tenant, and no more than asked for', async () => {
      const { keys } = stage.store
      const [a, b] = [newTenant(), newTenant()]
      const long = NOW - 1e11
      await keys.apply(a, { add: [keyOf(a, { id: 'later', dueAt: long + 2 })], moves: [] }, NOW)
      await keys.apply(b, { add: [keyOf(b, { id: 'first', dueAt: long + 1 })], moves: [] }, NOW)
      await keys.apply(b, { add: [keyOf(b, { id: 'not yet', dueAt: long + 3, algorithm: 'ES256' })], moves: [] }, NOW)
      const names = async (limit: number) => (await keys.due(long + 2, limit)).map(key => key.id)
      assert.deepEqual(await names(10), ['first', 'later'])
      assert.deepEqual(await names(1), ['first'])
    })

    test('a move that only changes when a key is due leaves it in its state since it entered that', async () => {
      const { keys } = stage.store
      const tenant = newTenant()
      await keys.apply(tenant, { add: [keyOf(tenant)], moves: [] }, NOW)
      await keys.apply(tenant, { add: [], moves: [move('kid', 'signing', 'signing', { dueAt: NOW + 9 })] }, NOW + 5)
      assert.deepEqual(await keys.list(tenant), [keyOf(tenant, { dueAt: NOW + 9 })])
    })

    test('the latest expiry rises and never falls', async () => {
      const { keys } = stage.store
      const tenant = newTenant()
      await keys.apply(tenant, { add: [keyOf(tenant)], moves: [] }, NOW)
      await keys.used(tenant, 'kid', NOW + 2)
      await keys.used(tenant, 'kid', NOW + 1)
      assert.equal((await keys.list(tenant))[0]?.latestExpiry, NOW + 2)
    })
  })
}
