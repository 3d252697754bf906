/**
 * Access tokens that somebody ended by name, for whoever asks which those are. What has them refused is an entry of the
 * revocation log, which is written with the row; a row stays no longer than any token could be valid.
 */
import type { Instant } from '../kernel/clock.ts'
import { skippingLockedIn } from './dialect.ts'
import type { Database } from './schema.ts'

export interface EndedToken {
  readonly tenant: string
  readonly jti: string
  /** What whoever ended it says that it was for; empty for nothing. */
  readonly audience: string
  readonly endedAt: Instant
  readonly expiresAt: Instant
}

export interface EndedTokens {
  /** Once each: `already` for one that is listed, whatever is said of it now. */
  add(token: EndedToken): Promise<'added' | 'already'>
  /** Those of one audience, or without any, in order of their `jti`. */
  list(tenant: string, audience: string, now: Instant, limit: number): Promise<EndedToken[]>
  purge(now: Instant, limit: number): Promise<number>
}

export const endedTokensIn = (db: Database): EndedTokens => ({
  async add({ tenant, jti, audience, endedAt, expiresAt }) {
    const added = await db
      .insertInto('ended_tokens')
      .values({ tenant, jti, audience, ended_at: endedAt, expires_at: expiresAt })
      .onConflict(conflict => conflict.doNothing())
      .returning('jti')
      .executeTakeFirst()
    return added ? 'added' : 'already'
  },

  async list(tenant, audience, now, limit) {
    const rows = await db
      .selectFrom('ended_tokens')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('audience', '=', audience)
      .where('expires_at', '>', now)
      .orderBy('jti')
      .limit(limit)
      .execute()
    return rows.map(row => ({
      tenant: row.tenant,
      jti: row.jti,
      audience: row.audience,
      endedAt: row.ended_at,
      expiresAt: row.expires_at,
    }))
  },

  async purge(now, limit) {
    const purged = await db
      .deleteFrom('ended_tokens')
      .where(row =>
        row(
          row.refTuple('tenant', 'jti'),
          'in',
          row
            .selectFrom('ended_tokens')
            .select(['tenant', 'jti'])
            .where('expires_at', '<=', now)
            .orderBy('expires_at')
            .limit(limit)
            .$call(skippingLockedIn(db))
            .$asTuple('tenant', 'jti'),
        ),
      )
      .executeTakeFirst()
    return Number(purged.numDeletedRows)
  },
})
