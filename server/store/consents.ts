/** What a person allowed a client to do with an API, remembered: keyed by (user, client, audience, organization). */
import type { Instant } from '../kernel/clock.ts'
import type { ConsentsTable, Database } from './schema.ts'

export interface ConsentRecord {
  readonly tenant: string
  readonly user: string
  readonly client: string
  readonly audience: string
  readonly organization: string | null
  readonly scopes: readonly string[]
  readonly givenAt: Instant
}

export interface Consents {
  /** Scopes are added to those allowed before. */
  give(consent: ConsentRecord): Promise<void>
  of(tenant: string, user: string, client: string): Promise<ConsentRecord[]>
}

/** Stands in every consent, so that one without scopes is a row as well. No scope is empty (RFC 6749 §3.3). */
const CONSENT_ITSELF = ''

function toRecord(rows: readonly [ConsentsTable, ...ConsentsTable[]]): ConsentRecord {
  const [{ tenant, user, client, audience, organization }] = rows
  return {
    tenant,
    user,
    client,
    audience,
    organization: organization || null,
    scopes: rows.map(row => row.scope).filter(scope => scope !== CONSENT_ITSELF),
    givenAt: Math.max(...rows.map(row => row.given_at)),
  }
}

export const consentsIn = (db: Database): Consents => ({
  async give({ tenant, user, client, audience, organization, scopes, givenAt }) {
    // The consent itself comes first: of two answers given at once one waits there, before either holds a scope.
    const rows = [...new Set([CONSENT_ITSELF, ...scopes])].map(scope => ({
      tenant,
      user,
      client,
      audience,
      organization: organization ?? '',
      scope,
      given_at: givenAt,
    }))
    await db
      .insertInto('consents')
      .values(rows)
      .onConflict(conflict =>
        conflict
          .columns(['tenant', 'user', 'client', 'audience', 'organization', 'scope'])
          .doUpdateSet({ given_at: givenAt }),
      )
      .execute()
  },

  async of(tenant, user, client) {
    const rows = await db
      .selectFrom('consents')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('user', '=', user)
      .where('client', '=', client)
      .orderBy('audience')
      .orderBy('organization')
      .orderBy('scope')
      .execute()
    const consents = Map.groupBy(rows, row => JSON.stringify([row.audience, row.organization]))
    return [...consents.values()].map(group => toRecord(group as [ConsentsTable, ...ConsentsTable[]]))
  },
})
