/**
 * How much mail a stranger can have sent by asking for it: to one address, and from one network. Counted in the store, so
 * that it holds on all nodes and through a restart, and the same whether anybody has an account there.
 */
import type { Occasion } from '../audit/events.ts'
import type { Instant } from '../kernel/clock.ts'
import { networkOf } from '../kernel/network-of.ts'
import { HOUR, MINUTE } from '../kernel/seconds.ts'
import { sha256 } from '../kernel/secrets.ts'
import type { MailMessage } from '../notify/letter.ts'
import { emailKey } from '../policy/email-address.ts'
import type { Transaction } from '../store/store.ts'

const LIMIT_MARK = 'mail-limit'
const NETWORK_COUNT = 'mail-network'

/** Enough for whoever looks in the wrong mailbox first; a mailbox with five unwanted mails can still be read. */
const MOST_AN_HOUR = 5
/** An office behind one address can sign up together; a flood of made-up addresses holds up nobody's mail. */
const MOST_OF_NETWORK = 200

/**
 * Takes one of the mails that may go to the address: one a minute, and five within any hour, of each message; and one of
 * the two hundred that may be asked for from its network within an hour of the clock. `false` when there is none to take.
 * Undone with the transaction.
 */
export async function takeMail(
  { tickets }: Transaction,
  tenant: string,
  message: MailMessage,
  address: string,
  { at: now, address: caller }: Pick<Occasion, 'at' | 'address'>,
): Promise<boolean> {
  if (caller !== null && !(await takeOfNetwork(tickets, tenant, `${message}.${networkOf(caller)}`, now))) return false
  const name = `${message}.${sha256(emailKey(address))}`
  if ((await tickets.mark(tenant, LIMIT_MARK, `${name}.minute`, now, now + MINUTE)) === 'seen') return false
  // Each place is free again an hour after it was taken, so no hour sees more than there are places.
  for (let place = 1; place <= MOST_AN_HOUR; place++)
    if ((await tickets.mark(tenant, LIMIT_MARK, `${name}.${place}`, now, now + HOUR)) === 'first') return true
  return false
}

/** An hour of the clock has a count of its own, which ends with it. */
async function takeOfNetwork(
  tickets: Transaction['tickets'],
  tenant: string,
  name: string,
  now: Instant,
): Promise<boolean> {
  const hour = Math.floor(now / HOUR)
  const id = `${name}.${hour}`
  await tickets.mark(tenant, NETWORK_COUNT, id, now, (hour + 1) * HOUR)
  return (await tickets.fail(tenant, NETWORK_COUNT, id, MOST_OF_NETWORK + 1, now)) <= MOST_OF_NETWORK
}
