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
  const found = await store.transaction(async transaction => {
    const removed = await transaction.connections.removedWithPeople(limit)
    if (!removed) return false
    const { tenant, id, people } = removed
    const occasion: Occasion = { tenant, at: now, requestId: `removal of ${id}`, address: null, userAgent: null }
    const users = await removePeople(transaction, removed, now)
    await transaction.events.record(users.map(user => userRemovedWithConnection(occasion, user, id)))
    if (people.length < limit) await transaction.connections.forget(tenant, id)
    return true
  })
  // There may be another.
  return found ? limit : 0
}

/** Answers the ids of the users who are no more. */
export async function removePeople(
  transaction: Transaction,
  { tenant, id, people }: RemovedConnection,
  now: Instant,
): Promise<string[]> {
  const removed: string[] = []
  for (const one of people) {
    const user = one.isFirst ? one.user : await unlinked(transaction, tenant, id, one, now)
    if (user !== undefined && (await removeUser(transaction, { tenant, id: user }, now)) === 'removed')
      removed.push(user)
  }
  return removed
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
