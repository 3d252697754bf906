/** What holds of the store as a whole: transactions, and the events written in them. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DAY } from '../../kernel/seconds.ts'
import { authorizationOf, clientOf, eventOf, inParallel, NOW, newTenant, type Stage } from './stage.ts'

export function describeTransactions(stage: Stage): void {
  describe('transactions', () => {
    test('all is written or nothing, and messages follow the commit alone', async () => {
      const { store, published } = stage
      const [kept, lost] = [newTenant(), newTenant()]
      const write = (tenant: string, fail: boolean) =>
        store.transaction(async transaction => {
          await transaction.clients.create(clientOf(tenant))
          await transaction.events.record([eventOf(tenant)])
          transaction.announce({ topic: 'client', tenant, id: 'app' })
          if (fail) throw new RangeError('fails')
          return 'done'
        })
      assert.equal(await write(kept, false), 'done')
      await assert.rejects(write(lost, true), RangeError)
      assert.notEqual(await store.clients.find(kept, 'app'), undefined)
      assert.equal(await store.clients.find(lost, 'app'), undefined)
      assert.equal((await store.events.list(kept, { limit: 10 })).length, 1)
      assert.equal((await store.events.list(lost, { limit: 10 })).length, 0)
      const announced = published.filter(message => message.tenant === kept || message.tenant === lost)
      assert.deepEqual(announced, [{ topic: 'client', tenant: kept, id: 'app' }])
    })

    test('a failed statement fails the transaction, and the store goes on', async () => {
      const { store } = stage
      const tenant = newTenant()
      await assert.rejects(
        store.transaction(async transaction => {
          await transaction.clients.create(clientOf(tenant))
          await transaction.authorizations.create(authorizationOf(tenant))
          await transaction.authorizations.create(authorizationOf(tenant))
        }),
      )
      assert.equal(await store.clients.find(tenant, 'app'), undefined)
      assert.equal(await store.clients.create(clientOf(tenant)), 'created')
    })

    test('nothing is left of statements that were asked at once with one that fails', async () => {
      const { store } = stage
      const tenant = newTenant()
      for (let time = 0; time < 50; time++)
        await assert.rejects(
          store.transaction(async ({ events }) => {
            const unwritable = { ...eventOf(tenant), at: null as unknown as number }
            await Promise.all(
              [unwritable, ...Array.from({ length: 4 }, () => eventOf(tenant))].map(event => events.record([event])),
            )
          }),
        )
      assert.deepEqual(await store.events.list(tenant, { limit: 10 }), [])
    })

    test('what a transaction that failed still asks is refused', async () => {
      const { store } = stage
      const tenant = newTenant()
      let late: Promise<unknown> | undefined
      await assert.rejects(
        store.transaction(async ({ events }) => {
          late = events.list(tenant, { limit: 1 }).then(() => events.record([eventOf(tenant)]))
          late.catch(() => {})
          throw new RangeError('fails')
        }),
        RangeError,
      )
      await assert.rejects(async () => late)
      assert.deepEqual(await store.events.list(tenant, { limit: 10 }), [])
    })

    test('a transaction sees what it has written', async () => {
      const { store } = stage
      const tenant = newTenant()
      const seen = await store.transaction(async transaction => {
        await transaction.clients.create(clientOf(tenant))
        return transaction.clients.find(tenant, 'app')
      })
      assert.deepEqual(seen, clientOf(tenant))
    })

    test('the store itself, asked from inside, refuses instead of waiting for ever', async () => {
      const { store } = stage
      const tenant = newTenant()
      await store.transaction(async transaction => {
        await assert.rejects(store.clients.find(tenant, 'app'), TypeError)
        await assert.rejects(store.users.remove(tenant, 'auth0|ada', NOW), TypeError)
        await assert.rejects(
          store.transaction(async () => {}),
          TypeError,
        )
        await assert.rejects(store.ping(), TypeError)
        assert.equal(await transaction.clients.create(clientOf(tenant)), 'created')
      })
      assert.notEqual(await store.clients.find(tenant, 'app'), undefined)
    })

    test('what a transaction started may ask the store once it is over', async () => {
      const { store } = stage
      const tenant = newTenant()
      let later: Promise<unknown> = Promise.resolve()
      let start = () => {}
      await store.transaction(async () => {
        later = new Promise<void>(resolve => {
          start = resolve
        }).then(() => store.clients.find(tenant, 'app'))
      })
      start()
      assert.equal(await later, undefined)
    })

    test('the transaction is of no use after its end', async () => {
      const { store } = stage
      const over = await store.transaction(async transaction => transaction)
      await assert.rejects(over.clients.create(clientOf(newTenant())))
    })

    test('32 transactions that read before they write do not fail one another', async () => {
      const { store } = stage
      const tenant = newTenant()
      await store.clients.create(clientOf(tenant))
      await inParallel(32, () =>
        store.transaction(async transaction => {
          await transaction.clients.find(tenant, 'app')
          await transaction.clients.raiseEpoch(tenant, 'app')
        }),
      )
      assert.equal((await store.clients.find(tenant, 'app'))?.epoch, 32)
    })

    test('the store answers a ping', async () => {
      await stage.store.ping()
    })
  })

  describe('events', () => {
    test('come back as they were recorded, in order of id, page by page', async () => {
      const { events } = stage.store
      const tenant = newTenant()
      const recorded = [
        eventOf(tenant, { id: 'a' }),
        eventOf(tenant, { id: 'b', target: null }),
        eventOf(tenant, { id: 'c', type: 'token.refreshed' }),
      ]
      await events.record(recorded.toReversed())
      await events.record([])
      // As after a commit whose answer was lost: one alone, and among others that are new.
      await events.record(recorded.slice(0, 1))
      await events.record(recorded)
      assert.deepEqual(await events.list(tenant, { limit: 2 }), recorded.slice(0, 2))
      assert.deepEqual(await events.list(tenant, { after: 'b', limit: 10 }), recorded.slice(2))
      assert.deepEqual(await events.list(newTenant(), { limit: 10 }), [])
    })

    test('more than one statement takes are all recorded, or none', async () => {
      const { events } = stage.store
      const tenant = newTenant()
      const many = Array.from({ length: 1201 }, () => eventOf(tenant))
      const noRow = eventOf(tenant, { at: null as never })
      await assert.rejects(events.record([...many, noRow]))
      assert.equal((await events.list(tenant, { limit: 5000 })).length, 0)
      await events.record(many)
      assert.equal((await events.list(tenant, { limit: 5000 })).length, 1201)
    })

    test('the purge takes the oldest, at most what it may', async () => {
      const { events } = stage.store
      const tenant = newTenant()
      const at = NOW - 400 * DAY
      await events.record([eventOf(tenant, { at }), eventOf(tenant, { at: at + 1 }), eventOf(tenant)])
      assert.equal(await events.purge(at + 2, 1), 1)
      assert.equal(await events.purge(at + 2, 10), 1)
      assert.equal(await events.purge(at + 2, 10), 0)
      assert.equal((await events.list(tenant, { limit: 10 })).length, 1)
    })
  })
}
