/** What people allowed clients: in the form the policy asks for, and taken back. */
import { consentWithdrawn, type Occasion } from '../audit/events.ts'
import type { Instant } from '../kernel/clock.ts'
import type { ConsentFacts } from '../policy/next-step.ts'
import { revokeGrants } from '../revocation/revoke.ts'
import type { ConsentRecord } from '../store/consents.ts'
import type { Nouns, Store, Transaction } from '../store/store.ts'

/** What a person allows a client within one organization is nothing in another, nor outside of any. */
interface Grounds {
  readonly user: string
  readonly client: string
  readonly organization: string | null
}

export const consentsOf = async (
  store: Nouns,
  tenant: string,
  { user, client, organization }: Grounds,
): Promise<ConsentFacts> => factsOf(await store.consents.of(tenant, user, client), organization)

/** The same for a transaction that gives something on the strength of them: until it ends, they are not taken back. */
export const holdConsents = async (
  transaction: Transaction,
  tenant: string,
  { user, client, organization }: Grounds,
): Promise<ConsentFacts> => factsOf(await transaction.consents.hold(tenant, user, client), organization)

const factsOf = (consents: readonly ConsentRecord[], within: string | null): ConsentFacts =>
  Object.fromEntries(
    consents
      .filter(({ organization }) => organization === within)
      .map(({ audience, scopes, givenAt }) => [audience, { scopes, givenAt }]),
  )

/**
 * Takes back what the person allowed the client and ends all that it was given on the strength of it. The consents go
 * first: an answer that is under way holds them, so that what it gives is there to be ended, or finds none.
 */
export function withdrawConsent(
  store: Store,
  grant: { readonly tenant: string; readonly user: string; readonly client: string },
  occasion: Occasion,
  at: Instant,
): Promise<void> {
  const { tenant, user, client } = grant
  return store.transaction(async transaction => {
    const hadConsent = await transaction.consents.withdraw(tenant, user, client)
    const ended = await revokeGrants(transaction, grant, at)
    if (hadConsent || ended > 0) await transaction.events.record([consentWithdrawn(occasion, client, user, ended)])
  })
}
