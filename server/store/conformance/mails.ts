/** Promised mail. Claims look across tenants, so each test has an era of its own in which nothing else is due. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { newSortableId } from '../../kernel/ids.ts'
import { SealError } from '../../kernel/sealer.ts'
import { DAY, MINUTE } from '../../kernel/seconds.ts'
import type { NewMail } from '../mails.ts'
import { inParallel, newTenant, type Stage } from './stage.ts'

/** Long before any other test's instants, each later than the one before: what is over stays out of sight. */
let era = 1_000_000_000_000
const newEra = (): number => {
  era += 10 * DAY
  return era
}

const mailAt = (tenant: string, createdAt: number, more: Partial<NewMail> = {}): NewMail => ({
  tenant,
  id: newSortableId(),
  letter: { message: 'a letter', link: 'https://login.example.com/reset-password/plain-to-see' },
  createdAt,
  giveUpAt: createdAt + DAY,
  ...more,
})

export function describeMails(stage: Stage): void {
  describe('mails', () => {
    let tenant = ''
    let now = 0
    beforeEach(() => {
      tenant = newTenant()
      now = newEra()
    })
    // What a test has left is to be due for no other.
    afterEach(async () => {
      const { mails } = stage.store
      for (const left of await mails.claim(now + 9 * DAY, now + 9 * DAY, 1000)) await mails.remove(left.tenant, left.id)
    })

    test('those that have not left are counted, whether due or claimed', async () => {
      const { mails } = stage.store
      const before = await mails.count()
      for (const id of ['one', 'two']) await mails.promise({ ...mailAt(tenant, now), id })
      assert.equal((await mails.count()) - before, 2)
      await mails.claim(now, now + MINUTE, 1)
      assert.equal((await mails.count()) - before, 2)
      await mails.remove(tenant, 'one')
      assert.equal((await mails.count()) - before, 1)
    })

    test('a promised one is due at once and comes as it was written', async () => {
      const { mails } = stage.store
      const { letter, ...rest } = mailAt(tenant, now)
      await mails.promise({ letter, ...rest })
      assert.equal(await mails.nextDue(), now)
      assert.deepEqual(await mails.claim(now - 1, now + MINUTE, 10), [])
      const [claimed, ...more] = await mails.claim(now, now + MINUTE, 10)
      assert.ok(claimed)
      assert.equal(more.length, 0)
      const { read, ...known } = claimed
      assert.deepEqual(known, { ...rest, attempts: 1 })
      assert.deepEqual(read(), letter)
    })

    test('of 16 that claim at once each gets others, and all together every one', async () => {
      const { mails } = stage.store
      const promised = Array.from({ length: 30 }, (_, index) => mailAt(tenant, now + index))
      for (const mail of promised) await mails.promise(mail)
      const claimed = (await inParallel(16, () => mails.claim(now + MINUTE, now + 2 * MINUTE, 2))).flat()
      assert.deepEqual(claimed.map(({ id }) => id).sort(), promised.map(({ id }) => id).sort())
    })

    test('the longest due go first, at most as many as were asked for', async () => {
      const { mails } = stage.store
      const [late, early, latest] = [mailAt(tenant, now + 2), mailAt(tenant, now + 1), mailAt(tenant, now + 3)]
      for (const mail of [late, early, latest]) await mails.promise(mail)
      const claimed = await mails.claim(now + 5, now + MINUTE, 2)
      assert.deepEqual(claimed.map(({ id }) => id).sort(), [late.id, early.id].sort())
    })

    test('one that was claimed is due again only when its lease is over, and counts its claims', async () => {
      const { mails } = stage.store
      await mails.promise(mailAt(tenant, now))
      await mails.claim(now, now + MINUTE, 10)
      assert.equal(await mails.nextDue(), now + MINUTE)
      assert.deepEqual(await mails.claim(now + MINUTE - 1, now + 2 * MINUTE, 10), [])
      const [again] = await mails.claim(now + MINUTE, now + 2 * MINUTE, 10)
      assert.equal(again?.attempts, 2)
    })

    test('only whoever holds one postpones it', async () => {
      const { mails } = stage.store
      await mails.promise(mailAt(tenant, now))
      const [first] = await mails.claim(now, now + MINUTE, 10)
      const [second] = await mails.claim(now + MINUTE, now + 2 * MINUTE, 10)
      assert.ok(first && second)
      assert.equal(await mails.postpone(first, now + 3 * MINUTE), false)
      assert.equal(await mails.nextDue(), now + 2 * MINUTE)
      assert.equal(await mails.postpone(second, now + 5 * MINUTE), true)
      assert.equal(await mails.nextDue(), now + 5 * MINUTE)
    })

    test('one is removed once, and by its own tenant', async () => {
      const { mails } = stage.store
      const mail = mailAt(tenant, now)
      await mails.promise(mail)
      assert.equal(await mails.remove(newTenant(), mail.id), false)
      const answers = await inParallel(8, () => mails.remove(tenant, mail.id))
      assert.equal(answers.filter(Boolean).length, 1)
      assert.deepEqual(await mails.claim(now, now + MINUTE, 10), [])
    })

    test('one promised in a transaction that fails was never promised', async () => {
      const { store } = stage
      const failing = store.transaction(async transaction => {
        await transaction.mails.promise(mailAt(tenant, now))
        throw new Error('changed my mind')
      })
      await assert.rejects(failing, /changed my mind/)
      assert.deepEqual(await store.mails.claim(now, now + MINUTE, 10), [])
    })

    test('what one says can be read neither in the database nor in the place of another', async () => {
      const { mails } = stage.store
      const other = newTenant()
      const mail = mailAt(tenant, now)
      await mails.promise(mail)
      await stage.execute(`update mails set id = letter where tenant = '${tenant}'`)
      const [moved] = await mails.claim(now, now, 10)
      assert.ok(moved)
      assert.equal(moved.id.includes('plain-to-see'), false)
      assert.throws(() => moved.read(), SealError)
      await stage.execute(`update mails set id = '${mail.id}', tenant = '${other}' where tenant = '${tenant}'`)
      const [elsewhere] = await mails.claim(now, now, 10)
      assert.throws(() => elsewhere?.read(), SealError)
    })
  })
}
