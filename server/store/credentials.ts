/** What a person enrolled to prove who they are: one table for every factor, so that a new one needs no migration. */
import { sql } from 'kysely'
import type { Instant } from '../kernel/clock.ts'
import type { CredentialsTable, Database } from './schema.ts'

export interface CredentialRecord {
  readonly tenant: string
  readonly user: string
  /** The factor's kind: `password`, `totp`, `passkey`, … */
  readonly kind: string
  readonly id: string
  /** What anybody may know: a public key, or nothing. */
  readonly publicPart: string
  /** A hash (`password`, `recovery-code`) or a sealed value: never a secret as it was. */
  readonly secret: string
  /** A signature counter or the last time step that was accepted. */
  readonly counter: number
  readonly createdAt: Instant
  /** 0 unless checking it takes longer than checking what is made here does; then how much, in steps of the caller's. */
  readonly costClass: number
}

export interface Credentials {
  /** Adds it, or replaces the one of that (user, kind, id). */
  put(credential: CredentialRecord): Promise<void>
  of(tenant: string, user: string, kind: string): Promise<CredentialRecord[]>
  /** Of every kind, the oldest first. */
  ofUser(tenant: string, user: string): Promise<CredentialRecord[]>
  /** Removes the older ones, beyond so many, of one kind and public part. */
  keepNewest(of: Pick<CredentialRecord, 'tenant' | 'user' | 'kind' | 'publicPart'>, count: number): Promise<void>
  /** The highest cost class of any in the tenant; an index look-up. */
  dearest(tenant: string): Promise<number>
  /**
   * Replaces the secret only if it still is `expected`: a password changed meanwhile is not overwritten by a re-hash. What
   * is put there was made here, so its cost class is 0.
   */
  replaceSecret(
    credential: Pick<CredentialRecord, 'tenant' | 'user' | 'kind' | 'id'>,
    expected: string,
    secret: string,
  ): Promise<boolean>
}

export const FIRST_PASSWORD = 'password'

/** Of a person with several identities each has its own password. */
export const passwordIdOf = (identity: { connection: string; subject: string; ordinal: number }): string =>
  identity.ordinal === 0 ? FIRST_PASSWORD : `${identity.connection}|${identity.subject}`

const toRecord = (row: CredentialsTable): CredentialRecord => ({
  tenant: row.tenant,
  user: row.user,
  kind: row.kind,
  id: row.id,
  publicPart: row.public_part,
  secret: row.secret,
  counter: row.counter,
  createdAt: row.created_at,
  costClass: row.cost_class,
})

export const credentialsIn = (db: Database): Credentials => ({
  async put(credential) {
    const enrolled = {
      public_part: credential.publicPart,
      secret: credential.secret,
      counter: credential.counter,
      created_at: credential.createdAt,
      cost_class: credential.costClass,
    }
    await db
      .insertInto('credentials')
      .values({
        tenant: credential.tenant,
        user: credential.user,
        kind: credential.kind,
        id: credential.id,
        ...enrolled,
      })
      .onConflict(conflict => conflict.columns(['tenant', 'user', 'kind', 'id']).doUpdateSet(enrolled))
      .execute()
  },

  async of(tenant, user, kind) {
    const rows = await db
      .selectFrom('credentials')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('user', '=', user)
      .where('kind', '=', kind)
      .orderBy('created_at')
      .orderBy('id')
      .execute()
    return rows.map(toRecord)
  },

  async ofUser(tenant, user) {
    const rows = await db
      .selectFrom('credentials')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('user', '=', user)
      .orderBy('created_at')
      .orderBy('kind')
      .orderBy('id')
      .execute()
    return rows.map(toRecord)
  },

  async keepNewest({ tenant, user, kind, publicPart }, count) {
    await db
      .deleteFrom('credentials')
      .where('tenant', '=', tenant)
      .where('user', '=', user)
      .where('kind', '=', kind)
      .where('public_part', '=', publicPart)
      .where(row =>
        row(
          'id',
          'not in',
          row
            .selectFrom('credentials as newer')
            .select('newer.id')
            .where('newer.tenant', '=', tenant)
            .where('newer.user', '=', user)
            .where('newer.kind', '=', kind)
            .where('newer.public_part', '=', publicPart)
            .orderBy('newer.created_at', 'desc')
            .orderBy('newer.id', 'desc')
            .limit(count),
        ),
      )
      .execute()
  },

  async dearest(tenant) {
    const row = await db
      .selectFrom('credentials')
      .select('cost_class')
      .where('tenant', '=', tenant)
      // Written out, as in the index: with a parameter SQLite does not see that it may use it.
      .where('cost_class', '>', sql.lit(0))
      .orderBy('cost_class', 'desc')
      .limit(1)
      .executeTakeFirst()
    return row?.cost_class ?? 0
  },

  async replaceSecret({ tenant, user, kind, id }, expected, secret) {
    const replaced = await db
      .updateTable('credentials')
      .set({ secret, cost_class: 0 })
      .where('tenant', '=', tenant)
      .where('user', '=', user)
      .where('kind', '=', kind)
      .where('id', '=', id)
      .where('secret', '=', expected)
      .returning('id')
      .executeTakeFirst()
    return replaced !== undefined
  },
})
