/**
 * Links by which somebody whose own wrong passwords have to wait lets themselves try again: mailed with the word of the
 * guesses (`brake.ts`), good once, for a day. What they forget is what stands before the next try, and nothing else: no
 * password is looked at, and nobody is signed in.
 */
import { type Occasion, signInReleased } from '../audit/events.ts'
import type { Instant } from '../kernel/clock.ts'
import { randomSecret, sha256 } from '../kernel/secrets.ts'
import type { Nouns, Store, Transaction } from '../store/store.ts'
import type { UserRecord } from '../store/users.ts'

const RELEASE_TICKET = 'sign-in-release'

/** A type and not an interface, because it is stored as JSON. An account by one of its names, as `sign-in-holds.ts` has it. */
type Released = {
  readonly connection: string
  readonly key: string
}

export interface OpenRelease {
  readonly user: UserRecord
  readonly account: Released & { readonly tenant: string }
}

/** Of nobody too, at the same cost: a link that nobody knows. Answers its secret. */
export async function issueRelease(
  { tickets }: Transaction,
  {
    tenant,
    user,
    life,
    ...data
  }: Released & { readonly tenant: string; readonly user: string | null; readonly life: number },
  now: Instant,
): Promise<string> {
  const secret = randomSecret()
  const times = { createdAt: now, expiresAt: now + life }
  await tickets.issue({ tenant, kind: RELEASE_TICKET, id: sha256(secret), subject: user, data, ...times })
  return secret
}

/** Spends nothing. Undefined for one that is over. */
export async function findRelease(
  nouns: Nouns,
  tenant: string,
  secret: string,
  now: Instant,
): Promise<OpenRelease | undefined> {
  const ticket = await nouns.tickets.peek<Released>(tenant, RELEASE_TICKET, sha256(secret), now)
  if (!ticket || ticket.consumedAt !== null || ticket.subject === null) return undefined
  const user = await nouns.users.find(tenant, ticket.subject)
  return user && { user, account: { tenant, ...ticket.data } }
}

/** Spends it; whoever is answered `true` lets the account go. Of any number of calls one is. */
export async function spendRelease(
  store: Store,
  { user }: OpenRelease,
  secret: string,
  occasion: Occasion,
): Promise<boolean> {
  const { tenant, at } = occasion
  return store.transaction(async transaction => {
    if ((await transaction.tickets.consume(tenant, RELEASE_TICKET, sha256(secret), at)) !== 'consumed') return false
    await transaction.events.record([signInReleased(occasion, user.id)])
    return true
  })
}
