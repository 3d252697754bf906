/** The revocation log. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { DAY } from '../../kernel/seconds.ts'
import type { Revocation } from '../revocations.ts'
import { inParallel, NOW, newTenant, revocationOf, type Stage } from './stage.ts'

export function describeRevocations(stage: Stage): void {
  describe('revocations', () => {
    test('entries come back in order with the numbers after the head', async () => {
      const { store } = stage
      const tenant = newTenant()
      const before = await store.revocations.head()
      const entries = [
        revocationOf(tenant, { kind: 'subject', id: 'auth0|ada', epoch: 3 }),
        revocationOf(tenant, { kind: 'token', id: 'jti' }),
      ]
      await store.transaction(async transaction => {
        for (const entry of entries) transaction.revocations.append(entry)
      })
      assert.equal(await store.revocations.head(), before + 2)
      assert.deepEqual(
        await store.revocations.after(before, 10),
        entries.map((entry, index) => ({ ...entry, number: before + 1 + index })),
      )
      assert.deepEqual(
        (await store.revocations.after(before, 1)).map(entry => entry.number),
        [before + 1],
      )
      assert.deepEqual(await store.revocations.after(before + 2, 10), [])
    })

    test('outside a transaction, and after its end, nothing can be appended', async () => {
      const { store } = stage
      const tenant = newTenant()
      assert.throws(() => store.revocations.append(revocationOf(tenant)), TypeError)
      const over = await store.transaction(async transaction => transaction)
      assert.throws(() => over.revocations.append(revocationOf(tenant)), TypeError)
    })

    test('a transaction that fails takes its numbers back and publishes nothing', async () => {
      const { store, published } = stage
      const tenant = newTenant()
      const before = await store.revocations.head()
      await assert.rejects(
        store.transaction(async transaction => {
          transaction.revocations.append(revocationOf(tenant))
          throw new Error('no')
        }),
        /no/,
      )
      assert.equal(await store.revocations.head(), before)
      assert.deepEqual(await store.revocations.after(before, 10), [])
      assert.deepEqual(
        published.filter(message => message.tenant === tenant),
        [],
      )
    })

    test('each entry wakes the bus once it can be read', async () => {
      const { store, published } = stage
      const tenant = newTenant()
      await store.transaction(async transaction => {
        transaction.revocations.append(revocationOf(tenant, { id: 'a' }))
        await transaction.revocations.head()
        assert.deepEqual(
          published.filter(message => message.tenant === tenant),
          [],
        )
      })
      assert.deepEqual(
        published.filter(message => message.tenant === tenant),
        [{ topic: 'revocation', tenant, id: 'a' }],
      )
    })

    test('entries are found by what they are about, each kind for itself', async () => {
      const { store } = stage
      const [tenant, other] = [newTenant(), newTenant()]
      await store.transaction(async transaction => {
        for (const [kind, id] of [
          ['session', 'a'],
          ['token', 'a'],
          ['session', 'b'],
        ] as const) {
          transaction.revocations.append(revocationOf(tenant, { kind, id }))
          transaction.revocations.append(revocationOf(other, { kind, id }))
        }
      })
      const names = [
        { kind: 'session', id: 'a' },
        { kind: 'token', id: 'b' },
        { kind: 'session', id: 'c' },
      ] as const
      const found = await store.revocations.among(tenant, names)
      assert.deepEqual(
        found.map(entry => [entry.tenant, entry.kind, entry.id]),
        [[tenant, 'session', 'a']],
      )
      assert.deepEqual(await store.revocations.among(tenant, []), [])
    })

    test('entries of one tenant come back in order, without those of others and those that are over', async () => {
      const { store } = stage
      const [tenant, other] = [newTenant(), newTenant()]
      const append = (...entries: readonly Revocation[]) =>
        store.transaction(async transaction => {
          for (const entry of entries) transaction.revocations.append(entry)
        })
      const start = await store.revocations.head()
      await append(
        revocationOf(tenant, { id: 'a', expiresAt: NOW + DAY }),
        revocationOf(other, { id: 'b', expiresAt: NOW + DAY }),
        revocationOf(tenant, { id: 'c', expiresAt: NOW }),
        revocationOf(tenant, { id: 'd', expiresAt: NOW + 1 }),
      )
      const read = async (...rest: readonly [number, number]) =>
        (await store.revocations.ofTenant(tenant, ...rest, NOW)).map(({ id, number }) => [id, number - start])
      assert.deepEqual(await read(0, 10), [
        ['a', 1],
        ['d', 4],
      ])
      assert.deepEqual(await read(0, 1), [['a', 1]])
      assert.deepEqual(await read(start + 1, 10), [['d', 4]])
      assert.deepEqual(await read(start + 4, 10), [])
    })

    test('listeners hear of entries with their numbers, once they can be read and before the caller does, and of none that was rolled back', async () => {
      const { store } = stage
      const tenant = newTenant()
      const heard: string[] = []
      const numbers: number[] = []
      store.onRevoked(entries => {
        for (const { id, number } of entries.filter(one => one.tenant === tenant)) {
          heard.push(id)
          numbers.push(number)
        }
      })
      await store.transaction(async transaction => {
        for (const id of ['a', 'b']) transaction.revocations.append(revocationOf(tenant, { id }))
        assert.deepEqual(heard, [])
      })
      assert.deepEqual(heard, ['a', 'b'])
      assert.deepEqual(
        numbers,
        (await store.revocations.ofTenant(tenant, 0, 10, 0)).map(({ number }) => number),
      )
      await assert.rejects(
        store.transaction(async transaction => {
          transaction.revocations.append(revocationOf(tenant, { id: 'c' }))
          throw new Error('no')
        }),
      )
      assert.deepEqual(heard, ['a', 'b'])
    })

    test('under 32 transactions, some rolled back, a reader never sees a gap', async () => {
      const { store } = stage
      const tenant = newTenant()
      const first = await store.revocations.head()
      let isWriting = true
      let seen = first
      const reader = (async () => {
        while (isWriting || seen < (await store.revocations.head())) {
          const head = await store.revocations.head()
          const entries = await store.revocations.after(seen, 1000)
          for (const entry of entries) {
            assert.equal(entry.number, seen + 1)
            seen = entry.number
          }
          assert.ok(seen >= head, 'the head promised an entry that is not there')
          // The embedded database answers at once, and writers wait for the loop to turn.
          await nextTurn()
        }
      })()
      const outcomes = await inParallel(32, async index => {
        // The first statement is of another length each time, so that transactions do not end as they began.
        const appended = (index % 3) + 1
        try {
          await store.transaction(async transaction => {
            for (let entry = 0; entry < appended; entry++) {
              transaction.revocations.append(revocationOf(tenant, { id: `${index}.${entry}` }))
            }
            for (let query = 0; query < index % 5; query++) await transaction.revocations.after(0, 1)
            if (index % 4 === 0) throw new Error('rolled back')
          })
          return appended
        } catch {
          return 0
        }
      })
      isWriting = false
      await reader
      const written = outcomes.reduce((sum, count) => sum + count, 0)
      assert.equal(outcomes.filter(count => count === 0).length, 8)
      assert.equal(await store.revocations.head(), first + written)
      assert.equal(seen, first + written)
    })

    test('a forgotten entry leaves the head where it was', async () => {
      const { store } = stage
      const tenant = newTenant()
      const expiresAt = NOW - 90 * DAY
      await store.transaction(async transaction => {
        for (const id of ['a', 'b', 'c']) transaction.revocations.append(revocationOf(tenant, { id, expiresAt }))
      })
      const head = await store.revocations.head()
      assert.equal(await store.revocations.purge(expiresAt - 1, 10), 0)
      assert.equal(await store.revocations.purge(expiresAt, 2), 2)
      assert.equal(await store.revocations.purge(expiresAt, 10), 1)
      assert.equal(await store.revocations.head(), head)
    })

    test('more entries than one statement takes are numbered without a gap', async () => {
      const { store } = stage
      const tenant = newTenant()
      const before = await store.revocations.head()
      await store.transaction(async transaction => {
        for (let id = 0; id < 1201; id++) transaction.revocations.append(revocationOf(tenant, { id: `${id}` }))
      })
      const entries = await store.revocations.after(before, 2000)
      assert.deepEqual(
        entries.map(entry => [entry.number, entry.id]),
        Array.from({ length: 1201 }, (_, index) => [before + 1 + index, `${index}`]),
      )
    })
  })
}
