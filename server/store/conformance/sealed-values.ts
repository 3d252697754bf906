/** Sealed values, whichever noun's: who is sealed under what, and their replacement. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { randomSecret } from '../../kernel/secrets.ts'
import type { SealedPlace, SealedValue } from '../sealed-values.ts'
import { clientOf, inParallel, keyOf, NOW, newTenant, type Stage, tally } from './stage.ts'

/** As `keys/sealer.ts` writes them, with a name of a master key that no other test has. */
const under = (masterKey: string) => `1.${masterKey}.purpose.${randomSecret().slice(0, 16)}.${randomSecret()}`
const newMaster = () => `m_${randomSecret().slice(0, 12)}`

export function describeSealedValues(stage: Stage): void {
  /** All of the tenant that a place holds under other master keys, page by page. */
  async function walk(place: SealedPlace, masterKey: string, tenant: string, limit = 3): Promise<SealedValue[]> {
    const seen: SealedValue[] = []
    let after: SealedValue | undefined
    do {
      const page = await stage.store.sealedValues.notUnder(masterKey, { place, after, limit })
      assert.ok(page.length <= limit)
      seen.push(...page)
      after = page.at(-1)
    } while (after)
    return seen.filter(({ context }) => context.tenant === tenant)
  }

  describe('sealed values', () => {
    test('are counted by the master key that seals them, wherever they stand', async () => {
      const { store } = stage
      const [tenant, old, current] = [newTenant(), newMaster(), newMaster()]
      const add = [
        keyOf(tenant, { id: '1', sealedPrivate: under(old) }),
        keyOf(tenant, { id: '2', state: 'announced', sealedPrivate: under(current) }),
        keyOf(tenant, { id: '3', state: 'retired', sealedPrivate: null }),
      ]
      await store.keys.apply(tenant, { add, moves: [] }, NOW)
      await store.clients.create(clientOf(tenant, { sealedSecret: under(old) }))
      await store.clients.create(clientOf(tenant, { id: 'public', sealedSecret: null }))
      const counts = await store.sealedValues.countByMasterKey()
      assert.deepEqual([counts.get(old), counts.get(current)], [2, 1])
    })

    test('are walked through page by page, each once, but for those under the master key named', async () => {
      const { store } = stage
      const [tenant, old, current] = [newTenant(), newMaster(), newMaster()]
      const ids = Array.from({ length: 10 }, (_, index) => `client-${index}`)
      for (const id of ids)
        await store.clients.create(clientOf(tenant, { id, sealedSecret: under(id === 'client-4' ? current : old) }))
      await store.clients.create(clientOf(tenant, { id: 'public', sealedSecret: null }))
      const seen = await walk('clients', current, tenant)
      assert.deepEqual(
        seen.map(({ row }) => row),
        ids.filter(id => id !== 'client-4').map(id => [tenant, id]),
      )
      assert.deepEqual(seen[0]?.context, { purpose: 'client-secret', tenant, record: 'client-0' })
    })

    test('a master key is told from one whose name begins alike', async () => {
      const { store } = stage
      const [tenant, name] = [newTenant(), newMaster()]
      await store.clients.create(clientOf(tenant, { id: 'a', sealedSecret: under(`${name}2`) }))
      await store.clients.create(clientOf(tenant, { id: 'b', sealedSecret: under(name.replace('_', 'x')) }))
      await store.clients.create(clientOf(tenant, { id: 'c', sealedSecret: under(name) }))
      assert.deepEqual(
        (await walk('clients', name, tenant)).map(({ row }) => row[1]),
        ['a', 'b'],
      )
    })

    test('a key is sealed to all that says what it may be used for', async () => {
      const tenant = newTenant()
      const key = keyOf(tenant, { owner: 'api', sealedPrivate: under(newMaster()) })
      await stage.store.keys.apply(tenant, { add: [key], moves: [] }, NOW)
      const [value] = await walk('keys', 'another', tenant)
      assert.deepEqual(value?.context, {
        purpose: 'token-signing',
        tenant,
        record: JSON.stringify(['kid', 'RS256', 'api']),
      })
    })

    test('of 16 that replace the same one does, and one that was changed meanwhile is left as it is', async () => {
      const { store } = stage
      const [tenant, old, current] = [newTenant(), newMaster(), newMaster()]
      for (const id of ['a', 'b']) await store.clients.create(clientOf(tenant, { id, sealedSecret: under(old) }))
      const [a, b] = await walk('clients', current, tenant)
      assert.ok(a && b)
      const answers = await inParallel(16, () => store.sealedValues.replace(a, under(current)))
      assert.deepEqual(tally(answers), { true: 1, false: 15 })

      const rotated = under(old)
      await store.clients.change(tenant, 'b', { sealedSecret: rotated }, NOW)
      assert.equal(await store.sealedValues.replace(b, under(current)), false)
      assert.equal((await store.clients.find(tenant, 'b'))?.sealedSecret, rotated)
      await store.clients.remove(tenant, 'a', NOW)
      assert.equal(await store.sealedValues.replace(a, under(current)), false)
    })

    test('replaced in a transaction that fails, are what they were', async () => {
      const { store } = stage
      const [tenant, old] = [newTenant(), newMaster()]
      await store.clients.create(clientOf(tenant, { sealedSecret: under(old) }))
      const [value] = await walk('clients', 'another', tenant)
      assert.ok(value)
      const failing = store.transaction(async transaction => {
        assert.equal(await transaction.sealedValues.replace(value, under(newMaster())), true)
        throw new Error('changed my mind')
      })
      await assert.rejects(failing, /changed my mind/)
      assert.equal((await store.clients.find(tenant, 'app'))?.sealedSecret, value.sealed)
    })
  })
}
