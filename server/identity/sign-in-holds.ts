/**
 * What the brake holds up now, for whoever is asked for help: an account, from which networks, or a network. Counters are
 * found by their keys alone, so the brake leaves a mark of each under which somebody had to wait.
 */
import type { Instant } from '../kernel/clock.ts'
import type { Counter } from '../kernel/counter.ts'
import type { Nouns } from '../store/store.ts'
import { accountKey, codeKey, HOLD_MARK, networkKeys } from './brake.ts'

/** Of one account that are looked at: a list of more networks than this would help nobody. */
const MOST_HOLDS = 200

/** An account by one of its names: by the connection's id, and the name without what makes no other account of it. */
export interface NamedAccount {
  readonly tenant: string
  readonly connection: string
  readonly key: string
}

export interface Hold {
  /** The network that it is about; null for one of every network, or of the person's own browser. */
  readonly network: string | null
  readonly freeAt: Instant
}

export interface HoldServices {
  readonly store: Nouns
  readonly counter: Counter
}

async function heldKeys({ store }: HoldServices, account: NamedAccount, now: Instant): Promise<string[]> {
  const beginning = `${accountKey(account)} `
  const marks = await store.tickets.marksUnder(account.tenant, HOLD_MARK, beginning, now, MOST_HOLDS)
  return marks.map(mark => mark.slice(beginning.length))
}

/** What stands before the next try to sign in to the account, from wherever. */
export async function holdsOf(services: HoldServices, account: NamedAccount, now: Instant): Promise<Hold[]> {
  const waits = await services.counter.waits(account.tenant, await heldKeys(services, account, now), now)
  const here = `${accountKey(account)}.`
  return [...waits].map(([key, freeAt]) => ({
    network: key.startsWith(here) ? key.slice(here.length) : null,
    freeAt,
  }))
}

/** All tries at the account are forgotten. Whether anything stood before the next. */
export async function releaseAccount(services: HoldServices, account: NamedAccount, now: Instant): Promise<boolean> {
  const keys = await heldKeys(services, account, now)
  const waits = await services.counter.waits(account.tenant, keys, now)
  await services.counter.forget(account.tenant, [...new Set([...keys, accountKey(account), codeKey(account)])])
  return waits.size > 0
}

/** Whether the network that the address is in has to wait before it tries to sign in, or up, again. */
export async function isNetworkHeld({ counter }: HoldServices, tenant: string, address: string, now: Instant) {
  const { signIn, signUp } = networkKeys(address)
  return (await counter.waits(tenant, [signIn, signUp], now)).size > 0
}

export const releaseNetwork = ({ counter }: HoldServices, tenant: string, address: string): Promise<void> =>
  counter.forget(tenant, Object.values(networkKeys(address)))
