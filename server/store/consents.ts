/** What a person allowed a client to do with an API, remembered: keyed by (user, client, audience, organization). */
import { sql } from 'kysely'
import type { Instant } from '../kernel/clock.ts'
import { heldByMany } from './columns.ts'
import { lockingIn } from './dialect.ts'
import { isLeaving } from './removals.ts'
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
  /** As `of`, in a transaction: nobody takes them back before that has ended, and what it does is seen by whoever then does. */
  hold(tenant: string, user: string, client: string): Promise<ConsentRecord[]>
  /** To every client, in the order of their ids. */
  ofUser(tenant: string, user: string): Promise<ConsentRecord[]>
  /** Of a person, a client or an API, as far as they are named, in the order of their names. */
  page(
    tenant: string,
    of: { user?: string | undefined; client?: string | undefined; audience?: string | undefined },
    page: { skip: number; limit: number },
  ): Promise<ConsentRecord[]>
  count(
    tenant: string,
    of: { user?: string | undefined; client?: string | undefined; audience?: string | undefined },
  ): Promise<number>
  /** Takes back whatever the user allowed the client, in every organization. `false` when that was nothing. */
  withdraw(tenant: string, user: string, client: string): Promise<boolean>
  /** The same of one API and organization alone. */
  withdrawOne(
    consent: Pick<ConsentRecord, 'tenant' | 'user' | 'client' | 'audience' | 'organization'>,
  ): Promise<boolean>
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

const consentsOf = (db: Database, tenant: string, user: string) =>
  db
    .selectFrom('consents')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('user', '=', user)
    .where(row => row.not(isLeaving('user', tenant, 'consents.user')))
    .orderBy('client')
    .orderBy('audience')
    .orderBy('organization')
    .orderBy('scope')

const themselves = (
  db: Database,
  tenant: string,
  { user, client, audience }: { user?: string | undefined; client?: string | undefined; audience?: string | undefined },
) => {
  // Written out, as in the indexes: with a parameter SQLite does not see that it may use one.
  let rows = db
    .selectFrom('consents')
    .where('tenant', '=', tenant)
    .where('scope', '=', sql.lit(CONSENT_ITSELF))
    .where(row => row.not(isLeaving('user', tenant, 'consents.user')))
    .where(row => row.not(isLeaving('client', tenant, 'consents.client')))
    .where(row => row.not(isLeaving('api', tenant, 'consents.audience')))
  if (user !== undefined) rows = rows.where('user', '=', user)
  const besides = (column: 'client' | 'audience') => (user === undefined ? sql.ref<string>(column) : heldByMany(column))
  if (client !== undefined) rows = rows.where(besides('client'), '=', client)
  if (audience !== undefined) rows = rows.where(besides('audience'), '=', audience)
  return rows
}

function toRecords(rows: readonly ConsentsTable[]): ConsentRecord[] {
  const consents = Map.groupBy(rows, row => JSON.stringify([row.user, row.client, row.audience, row.organization]))
  return [...consents.values()].map(group => toRecord(group as [ConsentsTable, ...ConsentsTable[]]))
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

  of: async (tenant, user, client) =>
    toRecords(await consentsOf(db, tenant, user).where(heldByMany('client'), '=', client).execute()),

  hold: async (tenant, user, client) =>
    toRecords(
      await consentsOf(db, tenant, user).where(heldByMany('client'), '=', client).$call(lockingIn(db)).execute(),
    ),

  ofUser: async (tenant, user) => toRecords(await consentsOf(db, tenant, user).execute()),

  async page(tenant, of, { skip, limit }) {
    const named = await themselves(db, tenant, of)
      .select(['user', 'client', 'audience', 'organization'])
      .orderBy('user')
      .orderBy('client')
      .orderBy('audience')
      .orderBy('organization')
      .offset(skip)
      .limit(limit)
      .execute()
    if (named.length === 0) return []
    const rows = await db
      .selectFrom('consents')
      .selectAll()
      .where('tenant', '=', tenant)
      .where(consent =>
        consent(
          consent.refTuple('user', 'client', 'audience', 'organization'),
          'in',
          named.map(({ user, client, audience, organization }) => consent.tuple(user, client, audience, organization)),
        ),
      )
      .orderBy('user')
      .orderBy('client')
      .orderBy('audience')
      .orderBy('organization')
      .orderBy('scope')
      .execute()
    return toRecords(rows)
  },

  async count(tenant, of) {
    const { count } = await themselves(db, tenant, of)
      .select(row => row.fn.countAll<number | string>().as('count'))
      .executeTakeFirstOrThrow()
    return Number(count)
  },

  async withdrawOne({ tenant, user, client, audience, organization }) {
    const withdrawn = await db
      .deleteFrom('consents')
      .where('tenant', '=', tenant)
      .where('user', '=', user)
      .where(heldByMany('client'), '=', client)
      .where(heldByMany('audience'), '=', audience)
      .where('organization', '=', organization ?? '')
      .returning('scope')
      .execute()
    return withdrawn.length > 0
  },

  async withdraw(tenant, user, client) {
    const withdrawn = await db
      .deleteFrom('consents')
      .where('tenant', '=', tenant)
      .where('user', '=', user)
      .where(heldByMany('client'), '=', client)
      .returning('scope')
      .execute()
    return withdrawn.length > 0
  },
})
