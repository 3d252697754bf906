/**
 * Browsers in which somebody has signed in to an account before. A row is worth something only together with the
 * secret whose hash it holds, and only for its own account; what it is worth is `identity/brake.ts`'s.
 */
import type { Instant } from '../kernel/clock.ts'
import { skippingLockedIn } from './dialect.ts'
import type { Database } from './schema.ts'

export interface Device {
  readonly tenant: string
  readonly user: string
  /** SHA-256 of the browser's secret. */
  readonly browserHash: string
}

export interface Devices {
  /** From `now` until `expiresAt`, in place of whatever was known. Of each account only the `most` last used stay. */
  remember(device: Device, now: Instant, expiresAt: Instant, most: number): Promise<void>
  isKnown(device: Device, now: Instant): Promise<boolean>
  /** All of an account. */
  forget(tenant: string, user: string): Promise<void>
  /** Removes at most `limit` expired ones. */
  purge(now: Instant, limit: number): Promise<number>
}

export const devicesIn = (db: Database): Devices => ({
  async remember({ tenant, user, browserHash }, now, expiresAt, most) {
    const times = { used_at: now, expires_at: expiresAt }
    await db
      .insertInto('devices')
      .values({ tenant, user, browser_hash: browserHash, ...times })
      .onConflict(conflict => conflict.columns(['tenant', 'user', 'browser_hash']).doUpdateSet(times))
      .execute()
    await db
      .deleteFrom('devices')
      .where('tenant', '=', tenant)
      .where('user', '=', user)
      .where('browser_hash', 'in', row =>
        row
          .selectFrom('devices')
          .select('browser_hash')
          .where('tenant', '=', tenant)
          .where('user', '=', user)
          .orderBy('used_at', 'desc')
          .orderBy('browser_hash')
          // Both want a limit with an offset; no account has more.
          .limit(1000)
          .offset(most),
      )
      .execute()
  },

  async isKnown({ tenant, user, browserHash }, now) {
    const known = await db
      .selectFrom('devices')
      .select('user')
      .where('tenant', '=', tenant)
      .where('user', '=', user)
      .where('browser_hash', '=', browserHash)
      .where('expires_at', '>', now)
      .executeTakeFirst()
    return known !== undefined
  },

  async forget(tenant, user) {
    await db.deleteFrom('devices').where('tenant', '=', tenant).where('user', '=', user).execute()
  },

  async purge(now, limit) {
    const purged = await db
      .deleteFrom('devices')
      .where(row =>
        row(
          row.refTuple('tenant', 'user', 'browser_hash'),
          'in',
          row
            .selectFrom('devices')
            .select(['tenant', 'user', 'browser_hash'])
            .where('expires_at', '<=', now)
            .orderBy('expires_at')
            .limit(limit)
            .$call(skippingLockedIn(db))
            .$asTuple('tenant', 'user', 'browser_hash'),
        ),
      )
      .executeTakeFirst()
    return Number(purged.numDeletedRows)
  },
})
