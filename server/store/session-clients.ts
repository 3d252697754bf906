/**
 * Which clients took part in a session and asked to be told when it ends, by the channel they are told over. A row stays
 * when what the client was given is over, and leaves when its end is told: each is told once.
 */
import type { Instant } from '../kernel/clock.ts'
import { skippingLockedIn } from './dialect.ts'
import type { Database, SessionClientsTable } from './schema.ts'

export type LogoutChannel = 'back' | 'front'

export interface SessionClient {
  readonly tenant: string
  readonly session: string
  readonly channel: LogoutChannel
  readonly client: string
  /** Whose session it is. */
  readonly user: string
  /** Under which the client knows us: a tenant may have several. */
  readonly issuer: string
  /** When the session ends by itself, as far as was known. */
  readonly expiresAt: Instant
}

export interface SessionClients {
  /** Once a session, channel and client; the end moves later, never earlier. */
  note(participant: SessionClient): Promise<void>
  /** Removes those of the sessions and answers them: each to one call. */
  takeOfSessions(tenant: string, sessions: readonly string[], channel: LogoutChannel): Promise<SessionClient[]>
  /** The same for every session of the person that does not count any more: ended, of a lower epoch, or gone. */
  takeOfUser(tenant: string, user: string, channel: LogoutChannel): Promise<SessionClient[]>
  /** At most `limit` whose end has passed and whose session is not live all the same. */
  purge(now: Instant, limit: number): Promise<number>
}

const toRecord = (row: SessionClientsTable): SessionClient => ({
  tenant: row.tenant,
  session: row.session,
  channel: row.channel as LogoutChannel,
  client: row.client,
  user: row.user,
  issuer: row.issuer,
  expiresAt: row.expires_at,
})

export const sessionClientsIn = (db: Database): SessionClients => ({
  async note({ expiresAt, ...participant }) {
    await db
      .insertInto('session_clients')
      .values({ ...participant, expires_at: expiresAt })
      .onConflict(conflict =>
        conflict
          .columns(['tenant', 'session', 'channel', 'client'])
          .doUpdateSet(row => ({ expires_at: row.ref('excluded.expires_at') }))
          .whereRef('session_clients.expires_at', '<', 'excluded.expires_at'),
      )
      .execute()
  },

  async takeOfSessions(tenant, sessions, channel) {
    if (sessions.length === 0) return []
    const rows = await db
      .deleteFrom('session_clients')
      .where('tenant', '=', tenant)
      .where('session', 'in', sessions)
      .where('channel', '=', channel)
      .returningAll()
      .execute()
    return rows.map(toRecord)
  },

  async takeOfUser(tenant, user, channel) {
    const rows = await db
      .deleteFrom('session_clients')
      .where('tenant', '=', tenant)
      .where('user', '=', user)
      .where('channel', '=', channel)
      .where(row =>
        row.not(
          row.exists(
            row
              .selectFrom('sessions')
              .innerJoin('users', join =>
                join.onRef('users.tenant', '=', 'sessions.tenant').onRef('users.id', '=', 'sessions.user'),
              )
              .select('sessions.id')
              .whereRef('sessions.tenant', '=', 'session_clients.tenant')
              .whereRef('sessions.id', '=', 'session_clients.session')
              .where('sessions.ended_at', 'is', null)
              .where('users.removed_at', 'is', null)
              .whereRef('sessions.user_epoch', '=', 'users.epoch'),
          ),
        ),
      )
      .returningAll()
      .execute()
    return rows.map(toRecord)
  },

  async purge(now, limit) {
    const purged = await db
      .deleteFrom('session_clients')
      .where(row =>
        row(
          row.refTuple('tenant', 'session', 'channel', 'client'),
          'in',
          row
            .selectFrom('session_clients as over')
            .select(['over.tenant', 'over.session', 'over.channel', 'over.client'])
            .where('over.expires_at', '<=', now)
            .where(over =>
              over.not(
                over.exists(
                  over
                    .selectFrom('sessions')
                    .select('sessions.id')
                    .whereRef('sessions.tenant', '=', 'over.tenant')
                    .whereRef('sessions.id', '=', 'over.session')
                    .where('sessions.live_until', '>', now),
                ),
              ),
            )
            .orderBy('over.expires_at')
            .limit(limit)
            .$call(skippingLockedIn(db))
            .$asTuple('tenant', 'session', 'channel', 'client'),
        ),
      )
      .executeTakeFirst()
    return Number(purged.numDeletedRows)
  },
})
