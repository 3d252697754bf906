/**
 * Browsers and the sessions in them. The cookie names a browser, which holds several sessions (one per
 * account); the name rotates at every sign-in, so that a cookie planted or copied before it is worth nothing.
 */
import type { Instant } from '../kernel/clock.ts'
import { newId } from '../kernel/ids.ts'
import type { JsonObject } from '../kernel/json.ts'
import { MINUTE } from '../kernel/seconds.ts'
import { addProofs, type Proof } from '../policy/proof.ts'
import { atomically } from './atomic.ts'
import { heldByMany, prefixed, qualified, toDocument, toObject, toText, unprefixing } from './columns.ts'
import { skippingLockedIn } from './dialect.ts'
import { prepared } from './prepared.ts'
import type { Database, SessionsTable, UsersTable } from './schema.ts'
import type { UserRecord } from './users.ts'
import { toUser, userColumns } from './users.ts'

export interface SessionRecord {
  readonly tenant: string
  /** The `sid` of tokens. Not a secret: only the browser's cookie opens a session. */
  readonly id: string
  readonly browser: string
  readonly user: string
  readonly userEpoch: number
  readonly connection: string
  readonly organization: string | null
  readonly proofs: readonly Proof[]
  /** What the browser called itself at the last sign-in; null when it said nothing. */
  readonly userAgent: string | null
  readonly createdAt: Instant
  readonly usedAt: Instant
  readonly idleExpiresAt: Instant
  readonly expiresAt: Instant
  readonly endedAt: Instant | null
  /** What an application notes about it. */
  readonly metadata: JsonObject | null
}

/** A session of a browser with the user it is for, so that whether it counts is decided from one read. */
export interface BrowserSession {
  readonly session: SessionRecord
  readonly user: UserRecord | undefined
  /** The one that somebody signed in to, or chose, last in this browser: what a request without other wishes means. */
  readonly current: boolean
}

export interface Sessions {
  /**
   * Live (not ended, within both limits) sessions of the browser that has this cookie, the one begun or chosen last
   * first: one query. Use does not count, or an application that renews in the background would change who is meant.
   */
  inBrowser(tenant: string, secretHash: string, now: Instant): Promise<BrowserSession[]>
  /**
   * Makes this the browser's current session. The browser is made when `from` is null or unknown; otherwise its
   * hash changes from `from` to `secretHash`, its id stays, and `from` opens nothing any more.
   *
   * Somebody who has a live session there (of the same epoch) has only proven themselves again: that session
   * takes the new proofs, limits and organization and keeps its id, and so do the tokens that carry it. `renewed` says so.
   */
  begin(
    session: Omit<SessionRecord, 'browser'>,
    browser: { from: string | null; secretHash: string },
  ): Promise<{ id: string; renewed: boolean }>
  /**
   * Makes a live session of the browser that has this cookie its current one. `false`, and nothing is seen to have
   * changed, for a session that is over, of another browser or of none.
   */
  choose(tenant: string, secretHash: string, id: string, now: Instant): Promise<boolean>
  find(tenant: string, id: string): Promise<SessionRecord | undefined>
  /** Live sessions of the user, in all browsers and of their present epoch, newest use first. None of one who was removed. */
  liveOf(tenant: string, user: string, now: Instant): Promise<SessionRecord[]>
  /** The same in order of id, behind the one named. */
  liveAfter(
    tenant: string,
    user: string,
    now: Instant,
    page: { after?: string | undefined; limit: number },
  ): Promise<SessionRecord[]>
  /** Whether there is such a session. */
  note(tenant: string, id: string, metadata: JsonObject | null): Promise<boolean>
  /** Moves a live session's idle limit, at most once a minute so that reading pages does not write rows. */
  touch(tenant: string, id: string, now: Instant, idleExpiresAt: Instant): Promise<void>
  /** `ended` for the call that did it. */
  end(tenant: string, id: string, at: Instant): Promise<'ended' | 'already' | 'gone'>
  /** Ends those that the user began for the organization. Answers how many. */
  endWithin(tenant: string, user: string, organization: string, at: Instant): Promise<number>
  /**
   * Removes at most `limit` that ended or expired by `now`, and the browsers that hold none any more. One that
   * expired, rather than ended, stays as long as an authorization names it: those of an ended session are dead,
   * those of an expired one are not. Answers how many sessions.
   */
  purge(now: Instant, limit: number): Promise<number>
}

export const sessionColumns = [
  'tenant',
  'id',
  'browser',
  'ordinal',
  'user',
  'user_epoch',
  'connection',
  'organization',
  'proofs',
  'user_agent',
  'created_at',
  'used_at',
  'idle_expires_at',
  'expires_at',
  'live_until',
  'ended_at',
  'metadata',
] as const satisfies (keyof SessionsTable)[]

/** What decides whether a session counts: `identity/sessions.ts`. */
export type SessionStanding = Pick<
  SessionRecord,
  'id' | 'user' | 'userEpoch' | 'idleExpiresAt' | 'expiresAt' | 'endedAt'
>

export const standingColumns = [
  'tenant',
  'id',
  'user',
  'user_epoch',
  'idle_expires_at',
  'expires_at',
  'ended_at',
] as const satisfies (keyof SessionsTable)[]

export const toStanding = (row: Pick<SessionsTable, (typeof standingColumns)[number]>): SessionStanding => ({
  id: row.id,
  user: row.user,
  userEpoch: row.user_epoch,
  idleExpiresAt: row.idle_expires_at,
  expiresAt: row.expires_at,
  endedAt: row.ended_at,
})

export const toSession = (row: SessionsTable): SessionRecord => ({
  tenant: row.tenant,
  id: row.id,
  browser: row.browser,
  user: row.user,
  userEpoch: row.user_epoch,
  connection: row.connection,
  organization: row.organization,
  proofs: toDocument(row.proofs),
  userAgent: row.user_agent,
  createdAt: row.created_at,
  usedAt: row.used_at,
  idleExpiresAt: row.idle_expires_at,
  expiresAt: row.expires_at,
  endedAt: row.ended_at,
  metadata: row.metadata === null ? null : toObject(row.metadata),
})

/**
 * The browser that now has the hash: the one that had `from`, or a new one. Of parallel sign-ins from one
 * cookie a single one keeps the browser; the others begin in browsers of their own.
 */
async function takeBrowser(db: Database, tenant: string, from: string | null, secretHash: string) {
  const kept =
    from !== null &&
    (await db
      .updateTable('browsers')
      .set(browser => ({ secret_hash: secretHash, begun: browser('begun', '+', 1) }))
      .where('tenant', '=', tenant)
      .where('secret_hash', '=', from)
      .returning(['id', 'begun'])
      .executeTakeFirst())
  if (kept) return kept
  const made = { id: newId('brw'), begun: 1 }
  await db
    .insertInto('browsers')
    .values({ tenant, secret_hash: secretHash, ...made })
    .execute()
  return made
}

/**
 * `begun` is compared because PostgreSQL, when it has waited for a sign-in to commit, looks at the browser anew but
 * not at its sessions: the count alone tells that there is one more by now.
 */
async function removeEmptyBrowsers(db: Database, tenant: string, ids: readonly string[]) {
  await db
    .deleteFrom('browsers')
    .where(row =>
      row(
        row.refTuple('tenant', 'id', 'begun'),
        'in',
        row
          .selectFrom('browsers as empty')
          .select(['empty.tenant', 'empty.id', 'empty.begun'])
          .where('empty.tenant', '=', tenant)
          .where('empty.id', 'in', ids)
          .where(browser =>
            browser.not(
              browser.exists(
                browser
                  .selectFrom('sessions')
                  .select('sessions.id')
                  .whereRef('sessions.tenant', '=', 'empty.tenant')
                  .whereRef('sessions.browser', '=', 'empty.id'),
              ),
            ),
          )
          .$asTuple('tenant', 'id', 'begun'),
      ),
    )
    .execute()
}

const readInBrowser = prepared(
  (db, { tenant, secretHash, now }: { readonly tenant: string; readonly secretHash: string; readonly now: Instant }) =>
    db
      .selectFrom('browsers')
      .innerJoin('sessions', join =>
        join.onRef('sessions.tenant', '=', 'browsers.tenant').onRef('sessions.browser', '=', 'browsers.id'),
      )
      .leftJoin('users', join =>
        join
          .onRef('users.tenant', '=', 'sessions.tenant')
          .onRef('users.id', '=', 'sessions.user')
          .on('users.removed_at', 'is', null),
      )
      .select(qualified('sessions', sessionColumns))
      .select(prefixed('users', 'user__', userColumns))
      .where('browsers.tenant', '=', tenant)
      .where('browsers.secret_hash', '=', secretHash)
      .where('sessions.ended_at', 'is', null)
      .where('sessions.live_until', '>', now)
      .orderBy('sessions.ordinal', 'desc'),
)

const userOf = unprefixing<UsersTable>('user__', userColumns)

interface Touch {
  readonly tenant: string
  readonly id: string
  readonly now: Instant
  /** Whoever was used later is left as it is. */
  readonly lastUsedBy: Instant
  readonly idleExpiresAt: Instant
}

const moveIdleLimit = prepared((db, { tenant, id, now, lastUsedBy, idleExpiresAt }: Touch) =>
  db
    .updateTable('sessions')
    .set(session => ({
      used_at: now,
      idle_expires_at: idleExpiresAt,
      live_until: session
        .case()
        .when('expires_at', '<', idleExpiresAt)
        .then(session.ref('expires_at'))
        .else(idleExpiresAt)
        .end(),
    }))
    .where('tenant', '=', tenant)
    .where('id', '=', id)
    .where('ended_at', 'is', null)
    .where('live_until', '>', now)
    .where('used_at', '<=', lastUsedBy),
)

const liveOfUser = (db: Database, tenant: string, user: string, now: Instant) =>
  db
    .selectFrom('sessions')
    .innerJoin('users', join =>
      join.onRef('users.tenant', '=', 'sessions.tenant').onRef('users.id', '=', 'sessions.user'),
    )
    .selectAll('sessions')
    .where('sessions.tenant', '=', tenant)
    .where('sessions.user', '=', user)
    .whereRef('sessions.user_epoch', '=', 'users.epoch')
    .where('users.removed_at', 'is', null)
    .where('sessions.ended_at', 'is', null)
    .where('sessions.live_until', '>', now)

export const sessionsIn = (db: Database): Sessions => ({
  async inBrowser(tenant, secretHash, now) {
    const rows = await readInBrowser(db, { tenant, secretHash, now })
    return rows.map((row, index) => {
      const user = userOf(row)
      return { session: toSession(row), user: user && toUser(user), current: index === 0 }
    })
  },

  begin: (session, { from, secretHash }) =>
    atomically(db, async transaction => {
      const browser = await takeBrowser(transaction, session.tenant, from, secretHash)
      const known = await transaction
        .selectFrom('sessions')
        .select(['id', 'proofs'])
        .where('tenant', '=', session.tenant)
        .where('browser', '=', browser.id)
        .where('user', '=', session.user)
        .where('user_epoch', '=', session.userEpoch)
        .where('ended_at', 'is', null)
        .where('live_until', '>', session.createdAt)
        .executeTakeFirst()
      // The browser's row is held since `takeBrowser`, so no other sign-in of it is in between. A sign-out may
      // be: then nothing is renewed, and the session begins anew.
      const renewed =
        known &&
        (await transaction
          .updateTable('sessions')
          .set({
            ordinal: browser.begun,
            organization: session.organization,
            proofs: toText(addProofs(toDocument(known.proofs), session.proofs)),
            user_agent: session.userAgent,
            used_at: session.usedAt,
            idle_expires_at: session.idleExpiresAt,
            expires_at: session.expiresAt,
            live_until: Math.min(session.idleExpiresAt, session.expiresAt),
          })
          .where('tenant', '=', session.tenant)
          .where('id', '=', known.id)
          .where('ended_at', 'is', null)
          .returning('id')
          .executeTakeFirst())
      if (renewed) return { id: renewed.id, renewed: true }
      await transaction
        .insertInto('sessions')
        .values({
          tenant: session.tenant,
          id: session.id,
          browser: browser.id,
          ordinal: browser.begun,
          user: session.user,
          user_epoch: session.userEpoch,
          connection: session.connection,
          organization: session.organization,
          proofs: toText(session.proofs),
          user_agent: session.userAgent,
          created_at: session.createdAt,
          used_at: session.usedAt,
          idle_expires_at: session.idleExpiresAt,
          expires_at: session.expiresAt,
          live_until: Math.min(session.idleExpiresAt, session.expiresAt),
          ended_at: session.endedAt,
          metadata: session.metadata && toText(session.metadata),
        })
        .execute()
      return { id: session.id, renewed: false }
    }),

  // In the order in which `begin` takes its locks: the browser, then the session.
  choose: (tenant, secretHash, id, now) =>
    atomically(db, async transaction => {
      const browser = await transaction
        .updateTable('browsers')
        .set(row => ({ begun: row('begun', '+', 1) }))
        .where('tenant', '=', tenant)
        .where('secret_hash', '=', secretHash)
        .returning(['id', 'begun'])
        .executeTakeFirst()
      if (!browser) return false
      const chosen = await transaction
        .updateTable('sessions')
        .set({ ordinal: browser.begun })
        .where('tenant', '=', tenant)
        .where('id', '=', id)
        .where('browser', '=', browser.id)
        .where('ended_at', 'is', null)
        .where('live_until', '>', now)
        .returning('id')
        .executeTakeFirst()
      return chosen !== undefined
    }),

  async find(tenant, id) {
    const row = await db
      .selectFrom('sessions')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('id', '=', id)
      .executeTakeFirst()
    return row && toSession(row)
  },

  async liveOf(tenant, user, now) {
    const rows = await liveOfUser(db, tenant, user, now)
      .orderBy('sessions.used_at', 'desc')
      .orderBy('sessions.id', 'desc')
      .execute()
    return rows.map(toSession)
  },

  async liveAfter(tenant, user, now, { after, limit }) {
    const rows = await liveOfUser(db, tenant, user, now)
      .where('sessions.id', '>', after ?? '')
      .orderBy('sessions.id')
      .limit(limit)
      .execute()
    return rows.map(toSession)
  },

  async note(tenant, id, metadata) {
    const noted = await db
      .updateTable('sessions')
      .set({ metadata: metadata && toText(metadata) })
      .where('tenant', '=', tenant)
      .where('id', '=', id)
      .returning('id')
      .executeTakeFirst()
    return noted !== undefined
  },

  async touch(tenant, id, now, idleExpiresAt) {
    await moveIdleLimit(db, { tenant, id, now, lastUsedBy: now - MINUTE, idleExpiresAt })
  },

  async end(tenant, id, at) {
    const ended = await db
      .updateTable('sessions')
      .set({ ended_at: at, live_until: at })
      .where('tenant', '=', tenant)
      .where('id', '=', id)
      .where('ended_at', 'is', null)
      .returning('id')
      .executeTakeFirst()
    if (ended) return 'ended'
    const found = await db
      .selectFrom('sessions')
      .select('id')
      .where('tenant', '=', tenant)
      .where('id', '=', id)
      .executeTakeFirst()
    return found ? 'already' : 'gone'
  },

  async endWithin(tenant, user, organization, at) {
    const ended = await db
      .updateTable('sessions')
      .set({ ended_at: at, live_until: at })
      .where('tenant', '=', tenant)
      .where('user', '=', user)
      .where(heldByMany('organization'), '=', organization)
      .where('ended_at', 'is', null)
      .executeTakeFirst()
    return Number(ended.numUpdatedRows)
  },

  purge: (now, limit) =>
    atomically(db, async transaction => {
      const purged = await transaction
        .deleteFrom('sessions')
        .where(row =>
          row(
            row.refTuple('tenant', 'id'),
            'in',
            row
              .selectFrom('sessions')
              .select(['tenant', 'id'])
              .where('live_until', '<=', now)
              .where(session =>
                session.or([
                  session('ended_at', 'is not', null),
                  session.not(
                    session.exists(
                      session
                        .selectFrom('authorizations')
                        .select('authorizations.id')
                        .whereRef('authorizations.tenant', '=', 'sessions.tenant')
                        .whereRef('authorizations.session', '=', 'sessions.id')
                        .where('authorizations.expires_at', '>', now),
                    ),
                  ),
                ]),
              )
              .orderBy('live_until')
              .limit(limit)
              .$call(skippingLockedIn(transaction))
              .$asTuple('tenant', 'id'),
          ),
        )
        .returning(['tenant', 'browser'])
        .execute()
      for (const [tenant, rows] of Map.groupBy(purged, row => row.tenant)) {
        await removeEmptyBrowsers(
          transaction,
          tenant,
          rows.map(row => row.browser),
        )
      }
      return purged.length
    }),
})
