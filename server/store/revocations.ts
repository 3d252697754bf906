/**
 * The log of what no longer counts: numbered without gaps, in the order of commits. The number is taken from
 * one locked head row as the transaction's last statement, so that a reader who has seen *n* has seen all before.
 */
import type { Instant } from '../kernel/clock.ts'
import { skippingLockedIn } from './dialect.ts'
import type { Database, RevocationsTable } from './schema.ts'

export type RevocationKind =
  | 'token'
  | 'authorization'
  | 'session'
  | 'subject'
  | 'subject-client'
  | 'subject-organization'
  | 'organization'
  | 'client'
  | 'key'
  | 'audience'

export interface Revocation {
  readonly tenant: string
  readonly kind: RevocationKind
  /** A `jti`, an authorization's, session's, user's, organization's, client's or key's id, an API's identifier; two ids of a pair are joined by a space. */
  readonly id: string
  /** For subjects, clients and APIs: tokens with a lower epoch are dead. */
  readonly epoch: number | null
  readonly at: Instant
  /** When nothing it covers can still be valid, and it may be forgotten. */
  readonly expiresAt: Instant
}

/** What an entry is about, within its tenant. */
export type RevocationName = Pick<Revocation, 'kind' | 'id'>

export interface NumberedRevocation extends Revocation {
  readonly number: number
}

export interface Revocations {
  /** Numbered at the very end of the transaction it is called in. Outside of one, a TypeError. */
  append(revocation: Revocation): void
  /** The number of the last entry ever made, also when it was forgotten since. */
  head(): Promise<number>
  /** In order, after the number given. */
  after(number: number, limit: number): Promise<NumberedRevocation[]>
  /** The same of one tenant, by index, and only those that still cover something at `now`. */
  ofTenant(tenant: string, number: number, limit: number, now: Instant): Promise<NumberedRevocation[]>
  /** Those about any of the names, by index. */
  among(tenant: string, names: readonly RevocationName[]): Promise<NumberedRevocation[]>
  purge(now: Instant, limit: number): Promise<number>
}

/** Seven parameters each: far below what a statement may carry on either database. */
const REVOCATIONS_PER_STATEMENT = 500

const toRecord = (row: RevocationsTable): NumberedRevocation => ({
  number: row.number,
  tenant: row.tenant,
  kind: row.kind as RevocationKind,
  id: row.id,
  epoch: row.epoch,
  at: row.at,
  expiresAt: row.expires_at,
})

/** `append` is the transaction's to give: it knows when its end has come. */
export const revocationsIn = (db: Database, append: Revocations['append'] = refuseToAppend): Revocations => ({
  append,

  async head() {
    const { number } = await db.selectFrom('revocation_head').select('number').executeTakeFirstOrThrow()
    return number
  },

  async after(number, limit) {
    const rows = await db
      .selectFrom('revocations')
      .selectAll()
      .where('number', '>', number)
      .orderBy('number')
      .limit(limit)
      .execute()
    return rows.map(toRecord)
  },

  async ofTenant(tenant, number, limit, now) {
    const rows = await db
      .selectFrom('revocations')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('number', '>', number)
      .where('expires_at', '>', now)
      .orderBy('number')
      .limit(limit)
      .execute()
    return rows.map(toRecord)
  },

  async among(tenant, names) {
    if (names.length === 0) return []
    const rows = await db
      .selectFrom('revocations')
      .selectAll()
      .where('tenant', '=', tenant)
      .where(row => row.or(names.map(({ kind, id }) => row.and({ kind, id }))))
      .orderBy('number')
      .execute()
    return rows.map(toRecord)
  },

  async purge(now, limit) {
    const purged = await db
      .deleteFrom('revocations')
      .where(row =>
        row(
          'number',
          'in',
          row
            .selectFrom('revocations')
            .select('number')
            .where('expires_at', '<=', now)
            .orderBy('expires_at')
            .limit(limit)
            .$call(skippingLockedIn(db)),
        ),
      )
      .executeTakeFirst()
    return Number(purged.numDeletedRows)
  },
})

export function refuseToAppend(): never {
  throw new TypeError('A revocation is appended inside a transaction, to the transaction’s own log')
}

/**
 * Gives the revocations their numbers and writes them. Call it as the last thing before the commit: raising the
 * head locks it until then, so whoever comes next waits, numbers become visible in their order, and a rollback
 * gives its numbers back. Nothing is waited for while the lock is held.
 */
export async function writeRevocations(
  transaction: Database,
  revocations: readonly Revocation[],
): Promise<readonly NumberedRevocation[]> {
  if (revocations.length === 0) return []
  const { number: last } = await transaction
    .updateTable('revocation_head')
    .set(head => ({ number: head('number', '+', revocations.length) }))
    .returning('number')
    .executeTakeFirstOrThrow()
  const first = last - revocations.length + 1
  const numbered = revocations.map((revocation, index) => ({ ...revocation, number: first + index }))
  const rows = numbered.map(({ expiresAt, ...row }) => ({ ...row, expires_at: expiresAt }))
  for (let from = 0; from < rows.length; from += REVOCATIONS_PER_STATEMENT) {
    await transaction
      .insertInto('revocations')
      .values(rows.slice(from, from + REVOCATIONS_PER_STATEMENT))
      .execute()
  }
  return numbered
}
