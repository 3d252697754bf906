/** Reading the event table in the order of commits. One table serves every test, so each has a tenant and a reader of its own. */
import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { newSortableId } from '../../kernel/ids.ts'
import { eventOf, inParallel, NOW, newTenant, type Stage } from './stage.ts'

const ABOUT = ['session']

export function describeEventCursors(stage: Stage): void {
  describe('event cursors', () => {
    let tenant = ''
    let name = ''
    beforeEach(async () => {
      tenant = newTenant()
      name = `reader of ${tenant}`
      await stage.store.eventCursors.open(name)
    })
    const page = (limit = 1000, about: readonly string[] = ABOUT) =>
      stage.store.transaction(transaction => transaction.eventCursors.follow(name, { about, limit }))
    const ids = async (limit?: number, about?: readonly string[]): Promise<string[]> => {
      const read = await page(limit, about)
      assert.ok(read !== 'held')
      return read.events.filter(event => event.tenant === tenant).map(({ id }) => id)
    }
    /** Page by page, until nothing is left. */
    async function all(limit: number): Promise<string[]> {
      const seen: string[] = []
      for (;;) {
        const read = await page(limit)
        assert.ok(read !== 'held')
        seen.push(...read.events.filter(event => event.tenant === tenant).map(({ id }) => id))
        if (!read.more) return seen
      }
    }

    test('a reader sees what is committed after it began, once, as it was recorded', async () => {
      const { events, eventCursors } = stage.store
      const late = `late reader of ${tenant}`
      const [before, after] = [eventOf(tenant, { id: 'a' }), eventOf(tenant, { id: 'b' })]
      await events.record([before])
      await eventCursors.open(late)
      await events.record([after])
      await eventCursors.open(late)
      const read = await stage.store.transaction(transaction =>
        transaction.eventCursors.follow(late, { about: ABOUT, limit: 10 }),
      )
      assert.deepEqual(read, { events: [after], more: false })
      assert.deepEqual(await ids(), ['a', 'b'])
      assert.deepEqual(await ids(), [])
    })

    test('events about anything else are passed over', async () => {
      await stage.store.events.record([
        eventOf(tenant, { id: 'a', target: { kind: 'authorization', id: 'one' } }),
        eventOf(tenant, { id: 'b', target: { kind: 'user', id: 'auth0|ada' } }),
        eventOf(tenant, { id: 'c', target: null }),
      ])
      assert.deepEqual(await ids(10, ['session', 'user']), ['b'])
      assert.deepEqual(await ids(10, ['authorization']), [])
    })

    test('pages hold whole transactions, and together every event once', async () => {
      const recorded: string[] = []
      for (const size of [1, 3, 2, 7, 1]) {
        const some = Array.from({ length: size }, () => eventOf(tenant))
        recorded.push(...some.map(({ id }) => id).sort())
        await stage.store.events.record(some)
      }
      assert.deepEqual(await all(3), recorded)
    })

    test('a reader who fails reads the same again', async () => {
      await stage.store.events.record([eventOf(tenant, { id: 'a' })])
      await assert.rejects(
        stage.store.transaction(async transaction => {
          await transaction.eventCursors.follow(name, { about: ABOUT, limit: 10 })
          throw new Error('no')
        }),
        /no/,
      )
      assert.deepEqual(await ids(), ['a'])
    })

    test('what the transaction that reads records itself is seen once, before as well as after it reads', async () => {
      const read = await stage.store.transaction(async transaction => {
        await transaction.events.record([eventOf(tenant, { id: 'a' })])
        const now = await transaction.eventCursors.follow(name, { about: ABOUT, limit: 10 })
        await transaction.events.record([eventOf(tenant, { id: 'b' })])
        return now
      })
      assert.ok(read !== 'held')
      assert.deepEqual([...read.events.map(({ id }) => id), ...(await ids()), ...(await ids())], ['a', 'b'])
    })

    /** A transaction that has recorded an event and goes on until it is told to finish. */
    async function underWay(id: string) {
      const [begun, release] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      const long = stage.store.transaction(async transaction => {
        await transaction.events.record([eventOf(tenant, { id })])
        begun.resolve()
        await release.promise
      })
      await begun.promise
      return {
        finish() {
          release.resolve()
          return long
        },
      }
    }

    test('a transaction that began first and commits last is not skipped, and holds nobody up', async () => {
      const { store } = stage
      const { finish } = await underWay('late')
      const quick = store.events.record([eventOf(tenant, { id: 'quick' })])
      const seen: string[] = []
      // On SQLite whoever writes next waits for it.
      if (store.dialect === 'postgres') {
        await quick
        assert.deepEqual(await ids(), ['quick'])
        assert.deepEqual(await ids(), [])
        await store.events.record([eventOf(tenant, { id: 'next' })])
        assert.deepEqual(await ids(), ['next'])
        seen.push('quick', 'next')
      }
      await finish()
      await quick
      seen.push(...(await ids()))
      assert.deepEqual(seen, store.dialect === 'postgres' ? ['quick', 'next', 'late'] : ['late', 'quick'])
      assert.deepEqual(await ids(), [])
    })

    test('a reader that begins while a transaction is under way sees what that one commits', async () => {
      const { store } = stage
      const other = `other reader of ${tenant}`
      const { finish } = await underWay('late')
      const opening = store.eventCursors.open(other)
      // SQLite opens it when the transaction is over.
      if (store.dialect === 'postgres') await opening
      await finish()
      await opening
      const read = await store.transaction(transaction =>
        transaction.eventCursors.follow(other, { about: ABOUT, limit: 10 }),
      )
      assert.ok(read !== 'held')
      assert.deepEqual(
        read.events.map(({ id }) => id),
        store.dialect === 'postgres' ? ['late'] : [],
      )
    })

    test('under 32 transactions, some rolled back, two readers of one name miss nothing and see nothing twice', async () => {
      const { store } = stage
      let isWriting = true
      const seen: string[] = []
      const reader = async () => {
        for (let wasWriting = true; wasWriting; ) {
          wasWriting = isWriting
          const read = await page(5)
          if (read === 'held') {
            wasWriting = true
            continue
          }
          seen.push(...read.events.filter(event => event.tenant === tenant).map(({ id }) => id))
          wasWriting ||= read.more
        }
      }
      const readers = [reader(), reader()]
      const written = (
        await inParallel(32, async index => {
          const some = Array.from({ length: (index % 3) + 1 }, () => eventOf(tenant, { id: newSortableId() }))
          try {
            await store.transaction(async transaction => {
              for (const event of some) {
                await transaction.events.record([event])
                for (let query = 0; query < index % 7; query++) await transaction.sessions.find(tenant, 'none')
              }
              if (index % 4 === 0) throw new Error('rolled back')
            })
            return some.map(({ id }) => id)
          } catch {
            return []
          }
        })
      ).flat()
      isWriting = false
      await Promise.all(readers)
      assert.equal(written.length, new Set(written).size)
      assert.deepEqual(seen.sort(), written.sort())
    })

    test('of two that read under one name at once, one gets what there is and the other nothing', async () => {
      const { store } = stage
      await store.events.record([eventOf(tenant, { id: 'a' })])
      const [begun, release] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      const first = store.transaction(async transaction => {
        const read = await transaction.eventCursors.follow(name, { about: ABOUT, limit: 10 })
        begun.resolve()
        await release.promise
        return read
      })
      await begun.promise
      const second = page()
      if (store.dialect === 'postgres') assert.equal(await second, 'held')
      release.resolve()
      const read = await first
      assert.deepEqual(read !== 'held' && read.events.map(({ id }) => id), ['a'])
      await second
      assert.deepEqual(await ids(), [])
    })

    test('under a name that nobody opened, and outside a transaction, nothing is read', async () => {
      const { eventCursors } = stage.store
      await assert.rejects(eventCursors.follow(name, { about: ABOUT, limit: 1 }), TypeError)
      name = 'nobody'
      assert.equal(await page(), 'held')
    })

    test('when the last event is purged, the next one is still after it', async () => {
      const { events } = stage.store
      await events.record([eventOf(tenant, { id: 'a', at: NOW - 1 })])
      assert.deepEqual(await ids(), ['a'])
      await stage.execute('delete from events')
      await events.record([eventOf(tenant, { id: 'b' })])
      assert.deepEqual(await ids(), ['b'])
    })

    test('restored where transactions are numbered anew, it gives what was not seen, then everything, and goes on', async () => {
      const { events } = stage.store
      await events.record([eventOf(tenant, { id: 'seen' })])
      assert.deepEqual(await ids(), ['seen'])
      await events.record([eventOf(tenant, { id: 'unseen' })])
      // As a dump brings it: numbers of a cluster that had come further than this one.
      await stage.execute(`update events set written_in = 900000000000 where tenant = '${tenant}' and id = 'seen'`)
      await stage.execute(`update events set written_in = 900000000002 where tenant = '${tenant}' and id = 'unseen'`)
      await stage.execute(`update event_cursors set next = 900000000001 where name = '${name}'`)
      await events.record([eventOf(tenant, { id: 'new' })])
      assert.deepEqual([...(await ids()), ...(await ids())], ['unseen', 'new'])
      assert.deepEqual(await ids(), [])
      await events.record([eventOf(tenant, { id: 'newer' })])
      assert.deepEqual(await ids(), ['newer'])
    })
  })
}
