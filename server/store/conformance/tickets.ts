/** Tickets. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SealError } from '../../kernel/sealer.ts'
import { DAY, MINUTE } from '../../kernel/seconds.ts'
import { authorizationOf, inParallel, NOW, newTenant, type Stage, tally, ticketOf } from './stage.ts'

export function describeTickets(stage: Stage): void {
  describe('tickets', () => {
    test('a ticket comes back as it was issued, under its own kind and tenant alone', async () => {
      const { tickets } = stage.store
      const tenant = newTenant()
      const hashes = { secretHash: 's', browserHash: 'b', handleHash: 'h' }
      const ticket = ticketOf(tenant, { ...hashes, subject: 'auth0|ada', authorization: 'a', state: 'begun' })
      await tickets.issue(ticket)
      assert.deepEqual(await tickets.peek(tenant, 'code', 'ticket', NOW), {
        ...ticket,
        attempts: 0,
        version: 0,
        consumedAt: null,
      })
      assert.equal(await tickets.peek(tenant, 'request', 'ticket', NOW), undefined)
      assert.equal(await tickets.peek(newTenant(), 'code', 'ticket', NOW), undefined)
      await assert.rejects(tickets.issue(ticket))
    })

    test('a ticket that is issued again stands in the place of the one before, and whatever became of that', async () => {
      const { tickets } = stage.store
      const tenant = newTenant()
      await tickets.reissue(ticketOf(tenant, { data: { code: 1 } }))
      await tickets.fail(tenant, 'code', 'ticket', 5, NOW)
      await tickets.consume(tenant, 'code', 'ticket', NOW)
      const again = ticketOf(tenant, { data: { code: 2 }, subject: 'auth0|ada', createdAt: NOW + 1 })
      await tickets.reissue(again)
      const found = await tickets.peek(tenant, 'code', 'ticket', NOW)
      assert.deepEqual(
        [found?.data, found?.subject, found?.attempts, found?.consumedAt, found?.createdAt],
        [{ code: 2 }, 'auth0|ada', 0, null, NOW + 1],
      )
      const answers = await inParallel(64, () => tickets.consume(tenant, 'code', 'ticket', NOW))
      assert.deepEqual(tally(answers), { consumed: 1, replayed: 63 })
    })

    test('an expired ticket is not seen, unless it was consumed before', async () => {
      const { tickets } = stage.store
      const tenant = newTenant()
      await tickets.issue(ticketOf(tenant, { id: 'unspent' }))
      await tickets.issue(ticketOf(tenant, { id: 'spent' }))
      await tickets.consume(tenant, 'code', 'spent', NOW)
      assert.equal(await tickets.peek(tenant, 'code', 'unspent', NOW + MINUTE), undefined)
      assert.equal((await tickets.peek(tenant, 'code', 'spent', NOW + MINUTE))?.consumedAt, NOW)
    })

    test('of 64 consumptions exactly one is told so, the others that it was a replay', async () => {
      const { tickets } = stage.store
      const tenant = newTenant()
      await tickets.issue(ticketOf(tenant))
      const answers = await inParallel(64, () => tickets.consume(tenant, 'code', 'ticket', NOW))
      assert.deepEqual(tally(answers), { consumed: 1, replayed: 63 })
      assert.equal(await tickets.consume(tenant, 'code', 'ticket', NOW + DAY), 'replayed')
    })

    test('of 64 transactions that consume, those rolled back leave it to another', async () => {
      const { store } = stage
      const tenant = newTenant()
      await store.tickets.issue(ticketOf(tenant))
      const answers = await inParallel(64, async index => {
        let answer = ''
        await store
          .transaction(async transaction => {
            answer = await transaction.tickets.consume(tenant, 'code', 'ticket', NOW)
            if (index % 2 === 0) throw new Error('changed my mind')
          })
          .catch(() => {
            answer = 'rolled back'
          })
        return answer
      })
      assert.deepEqual(tally(answers), { 'rolled back': 32, consumed: 1, replayed: 31 })
    })

    test('what never was, is of another kind or tenant, or has expired is gone', async () => {
      const { tickets } = stage.store
      const tenant = newTenant()
      await tickets.issue(ticketOf(tenant))
      assert.equal(await tickets.consume(tenant, 'code', 'unknown', NOW), 'gone')
      assert.equal(await tickets.consume(tenant, 'request', 'ticket', NOW), 'gone')
      assert.equal(await tickets.consume(newTenant(), 'code', 'ticket', NOW), 'gone')
      assert.equal(await tickets.consume(tenant, 'code', 'ticket', NOW + MINUTE), 'gone')
      assert.equal(await tickets.consume(tenant, 'code', 'ticket', NOW + MINUTE - 1), 'consumed')
    })

    test('an advance succeeds once per version, and changes only what it names', async () => {
      const { tickets } = stage.store
      const tenant = newTenant()
      await tickets.issue(ticketOf(tenant, { subject: 'auth0|ada', state: 'a' }))
      const answers = await inParallel(16, () => tickets.advance(tenant, 'code', 'ticket', 0, { state: 'b' }))
      assert.deepEqual(tally(answers), { true: 1, false: 15 })
      assert.equal(await tickets.advance(tenant, 'code', 'ticket', 1, { data: { step: 2 }, subject: null }), true)
      const ticket = await tickets.peek(tenant, 'code', 'ticket', NOW)
      assert.deepEqual([ticket?.version, ticket?.state, ticket?.data, ticket?.subject], [2, 'b', { step: 2 }, null])
      assert.equal(await tickets.advance(tenant, 'request', 'ticket', 2, { state: 'c' }), false)
      await tickets.consume(tenant, 'code', 'ticket', NOW)
      assert.equal(await tickets.advance(tenant, 'code', 'ticket', 2, { state: 'c' }), false)
    })

    test('wrong tries are counted without a loss, and the one that reaches the limit spends the ticket', async () => {
      const { tickets } = stage.store
      const tenant = newTenant()
      await tickets.issue(ticketOf(tenant))
      const tries = await inParallel(4, () => tickets.fail(tenant, 'code', 'ticket', 5, NOW))
      assert.deepEqual(tries.sort(), [1, 2, 3, 4])
      assert.equal((await tickets.peek(tenant, 'code', 'ticket', NOW))?.consumedAt, null)
      assert.equal(await tickets.fail(tenant, 'code', 'ticket', 5, NOW), 5)
      assert.equal((await tickets.peek(tenant, 'code', 'ticket', NOW))?.consumedAt, NOW)
      assert.notEqual(await tickets.consume(tenant, 'code', 'ticket', NOW), 'consumed')
      assert.equal(await tickets.fail(tenant, 'code', 'ticket', 5, NOW), 5)
      assert.equal(await tickets.fail(tenant, 'code', 'unknown', 5, NOW), 5)
    })

    test('of 64 marks the first is told so, and again once the mark has expired', async () => {
      const { tickets } = stage.store
      const tenant = newTenant()
      const mark = (now: number) => tickets.mark(tenant, 'jti', 'once', now, now + MINUTE)
      assert.deepEqual(tally(await inParallel(64, () => mark(NOW))), { first: 1, seen: 63 })
      assert.equal(await mark(NOW + MINUTE - 1), 'seen')
      assert.deepEqual(tally(await inParallel(64, () => mark(NOW + MINUTE))), { first: 1, seen: 63 })
    })

    test('a mark chosen by somebody else does not stand in the way of a ticket of that name', async () => {
      const { tickets } = stage.store
      const tenant = newTenant()
      assert.equal(await tickets.mark(tenant, 'jti', 'ticket', NOW, NOW + MINUTE), 'first')
      await tickets.issue(ticketOf(tenant))
      assert.equal(await tickets.consume(tenant, 'code', 'ticket', NOW), 'consumed')
      assert.equal(await tickets.mark(newTenant(), 'jti', 'ticket', NOW, NOW + MINUTE), 'first')
    })

    for (const [where, move] of Object.entries({
      tenant: (_tenant: string, other: string) => `tenant = '${other}'`,
      name: () => `id = 'moved'`,
      kind: () => `kind = 'moved'`,
    })) {
      test(`a ticket moved to another ${where} in the database does not open`, async () => {
        const [tenant, other] = [newTenant(), newTenant()]
        await stage.store.tickets.issue(ticketOf(tenant))
        await stage.execute(`update tickets set ${move(tenant, other)} where tenant = '${tenant}'`)
        const [at, kind, id] = [
          where === 'tenant' ? other : tenant,
          where === 'kind' ? 'moved' : 'code',
          where === 'name' ? 'moved' : 'ticket',
        ]
        await assert.rejects(stage.store.tickets.peek(at, kind, id, NOW), SealError)
      })
    }

    test('what a ticket carries cannot be read from the database', async () => {
      const tenant = newTenant()
      await stage.store.tickets.issue(ticketOf(tenant, { data: { verifier: 'plain-to-see' } }))
      await stage.execute(`update tickets set state = data where tenant = '${tenant}'`)
      const ticket = await stage.store.tickets.peek(tenant, 'code', 'ticket', NOW)
      assert.equal(ticket?.state.includes('plain-to-see'), false)
      assert.deepEqual(ticket?.data, { verifier: 'plain-to-see' })
    })

    test('the purge leaves a spent code to its authorization and takes the rest, at most what it may', async () => {
      const { tickets, authorizations } = stage.store
      const tenant = newTenant()
      const at = NOW - 60 * DAY
      await authorizations.create(authorizationOf(tenant))
      const old = { createdAt: at, expiresAt: at + 1 }
      await tickets.issue(ticketOf(tenant, { ...old, id: 'spent code', authorization: 'authorization' }))
      await tickets.issue(ticketOf(tenant, { ...old, id: 'unspent code', authorization: 'authorization' }))
      await tickets.issue(ticketOf(tenant, { ...old, id: 'spent request' }))
      await tickets.mark(tenant, 'jti', 'mark', at, at + 1)
      await tickets.issue(ticketOf(tenant, { id: 'young' }))
      for (const id of ['spent code', 'spent request']) await tickets.consume(tenant, 'code', id, at)
      assert.equal(await tickets.purge(at, 10), 0)
      assert.equal(await tickets.purge(at + 1, 2), 2)
      assert.equal(await tickets.purge(at + 1, 10), 1)
      assert.equal(await tickets.consume(tenant, 'code', 'spent code', at), 'replayed')
      assert.equal(await tickets.consume(tenant, 'code', 'spent request', at), 'gone')
      assert.equal(await tickets.consume(tenant, 'code', 'young', NOW), 'consumed')
    })
  })
}
