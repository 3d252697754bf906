/**
 * The people of connections that were removed. Nobody is let in any more from the moment of the removal, since whoever
 * gives tokens asks the connection; here they are removed, a few hundred in a transaction, and told to those who verify
 * tokens alone.
 */
import { type Occasion, userRemovedWithConnection } from '../audit/events.ts'
import type { Instant } from '../kernel/clock.ts'
import { removeUser } from '../revocation/revoke.ts'
import type { RemovedConnection } from '../store/connections.ts'
import type { Store, Transaction } from '../store/store.ts'

/** At most `limit`, of one connection. Answers how many: as many as were asked for as long as there may be more. */
export async function removePeopleOfRemovedConnections(store: Store, now: Instant, limit: number): Promise<number> {
  const removed = await store.transaction(async transaction => {
    const found = await transaction.connections.removedWithPeople(limit)
    if (!found) return undefined
    const { tenant, id, people } = found
    const occasion: Occasion = { tenant, at: now, requestId: `removal of ${id}`, address: null, userAgent: null }
    for (const one of people) {
      const user = one.isFirst ? one.user : await unlinked(transaction, tenant, id, one, now)
      if (user === undefined || (await removeUser(transaction, { tenant, id: user }, now)) === 'gone') continue
      await transaction.events.record([userRemovedWithConnection(occasion, user, id)])
    }
    if (people.length < limit) await transaction.connections.forget(tenant, id)
    return people.length
  })
  // There may be another.
  return removed === undefined ? 0 : limit
}

/** The user that the identity alone is: the person whose it became by linking stays, without it. */
async function unlinked(
  { users }: Transaction,
  tenant: string,
  connection: string,
  { user, subject }: RemovedConnection['people'][number],
  now: Instant,
): Promise<string | undefined> {
  const identity = (await users.identitiesOf(tenant, user)).find(
    one => one.connection === connection && one.subject === subject,
  )
  if (!identity || (await users.unlink(tenant, user, { connection, subject }, now)) !== 'unlinked') return undefined
  return `${identity.provider}|${subject}`
}
