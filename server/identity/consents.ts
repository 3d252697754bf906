/** What people allowed clients: in the form the policy asks for, and taken back. */
import { consentWithdrawn, type EndedBy, type Occasion } from '../audit/events.ts'
import type { Instant } from '../kernel/clock.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { ConsentFacts } from '../policy/next-step.ts'
import { revokeGrant, revokeGrants } from '../revocation/revoke.ts'
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
  by: EndedBy = null,
): Promise<void> {
  const { tenant, user, client } = grant
  return store.transaction(async transaction => {
    const hadConsent = await transaction.consents.withdraw(tenant, user, client)
    const ended = await revokeGrants(transaction, grant, at)
    if (hadConsent || ended > 0) await transaction.events.record([consentWithdrawn(occasion, client, user, ended, by)])
  })
}

type OneConsent = Pick<ConsentRecord, 'tenant' | 'user' | 'client' | 'audience' | 'organization'>

/** The same of one API and organization. `false` when there was no such consent. */
export function withdrawOneConsent(
  store: Store,
  consent: OneConsent,
  occasion: Occasion,
  at: Instant,
  by: EndedBy,
): Promise<boolean> {
  const { client, user, audience } = consent
  return store.transaction(async transaction => {
    if (!(await transaction.consents.withdrawOne(consent))) return false
    const ended = await revokeGrant(transaction, consent, at)
    await transaction.events.record([consentWithdrawn(occasion, client, user, ended, by, audience)])
    return true
  })
}

/** By which a consent is known: its names, written as one, since it is kept under nothing else. */
export const consentId = ({ user, client, audience, organization }: OneConsent): string =>
  `grn_${Buffer.from(JSON.stringify([user, client, audience, organization ?? ''])).toString('base64url')}`

/** Undefined for what is the id of no consent. */
export function readConsentId(tenant: string, id: string): OneConsent | undefined {
  const [, encoded] = /^grn_([\w-]+)$/.exec(id) ?? []
  if (encoded === undefined) return undefined
  let names: unknown
  try {
    names = JSON.parse(Buffer.from(encoded, 'base64url').toString())
  } catch {
    return undefined
  }
  if (!Array.isArray(names) || names.length !== 4 || !names.every(name => typeof name === 'string')) return undefined
  const [user, client, audience, organization] = names as [string, string, string, string]
  return { tenant, user, client, audience, organization: organization || null }
}

/** Under Auth0's names. */
export const consentToWire = (consent: ConsentRecord): JsonObject => ({
  id: consentId(consent),
  clientID: consent.client,
  user_id: consent.user,
  audience: consent.audience,
  scope: consent.scopes,
  ...(consent.organization !== null && { organization_id: consent.organization }),
})
