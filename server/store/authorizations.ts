/**
 * Authorizations: what a client was given. Every code, refresh family and access token belongs to one, so that
 * ending it ends them all without a row per token.
 */
import type { Instant } from '../kernel/clock.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { Proof } from '../policy/proof.ts'
import { atomically } from './atomic.ts'
import { columnsOf, prefixed, qualified, toDocument, toObject, toText, unprefixing } from './columns.ts'
import { skippingLockedIn } from './dialect.ts'
import { prepared } from './prepared.ts'
import type { AuthorizationsTable, Database, SessionsTable, UsersTable } from './schema.ts'
import { type SessionStanding, standingColumns, toStanding } from './sessions.ts'
import type { UserRecord } from './users.ts'
import { toUser, userColumns } from './users.ts'

export interface AuthorizationRecord {
  readonly tenant: string
  readonly id: string
  /** The user's id. Machines have client grants instead. */
  readonly subject: string
  readonly client: string
  readonly organization: string | null
  /** The session it ends with; null when it outlives it (`offline_access`). */
  readonly session: string | null
  readonly connection: string
  /** Audience → granted scopes. The scopes that belong to no API stand under the issuer's own audience. */
  readonly audiences: Readonly<Record<string, readonly string[]>>
  /** How the person proved who they are, for `auth_time`, `acr` and `amr` long after the session is gone. */
  readonly proofs: readonly Proof[]
  /** Requested claims and other things a refreshed token is shaped by. */
  readonly request: JsonObject
  /** The epochs it was given under: it is dead as soon as either has been raised. */
  readonly userEpoch: number
  readonly clientEpoch: number
  readonly state: 'live' | 'killed'
  readonly createdAt: Instant
  /** When nothing that belongs to it can be valid any more. */
  readonly expiresAt: Instant
}

/** Everything that decides whether something given to a client still counts, from one read. */
export interface Standing {
  readonly authorization: AuthorizationRecord
  readonly user: UserRecord | undefined
  readonly session: SessionStanding | undefined
}

export interface Authorizations {
  create(authorization: AuthorizationRecord): Promise<void>
  find(tenant: string, id: string): Promise<AuthorizationRecord | undefined>
  /** Those that there are, in no order. */
  findAll(tenant: string, ids: readonly string[]): Promise<AuthorizationRecord[]>
  /** Live ones that the user gave the client. */
  liveOf(tenant: string, subject: string, client: string): Promise<AuthorizationRecord[]>
  /** Clients that were given something in the session, in order of id. */
  clientsIn(tenant: string, session: string, limit: number): Promise<string[]>
  /**
   * One query: the authorization joined with its user (undefined when deleted) and with the session named, or its own
   * session when none is named. Its client is whoever asks. What counts as alive is `tokens/assert-active.ts`'s to say.
   */
  standing(tenant: string, id: string, session?: string): Promise<Standing | undefined>
  /** The authorization with the person who gave it, undefined when deleted: one query, by primary keys. */
  holder(tenant: string, id: string): Promise<Pick<Standing, 'authorization' | 'user'> | undefined>
  /** Moves the end later, never earlier. */
  extend(tenant: string, id: string, expiresAt: Instant): Promise<void>
  /** `killed` for the one call that did it, `already` for later ones, `gone` when there is no such authorization. */
  kill(tenant: string, id: string): Promise<'killed' | 'already' | 'gone'>
  /** Kills every live one that the user gave the client, and answers which those were: each is answered to one call. */
  killOf(tenant: string, subject: string, client: string): Promise<Pick<AuthorizationRecord, 'id' | 'expiresAt'>[]>
  /** The same for those that the user gave within the organization, whichever client. */
  killWithin(
    tenant: string,
    subject: string,
    organization: string,
  ): Promise<Pick<AuthorizationRecord, 'id' | 'expiresAt'>[]>
  /** Removes at most `limit` that ended, with their tickets and families. Answers how many. */
  purge(now: Instant, limit: number): Promise<number>
}

const authorizationColumns = [
  'tenant',
  'id',
  'subject',
  'client',
  'organization',
  'session',
  'connection',
  'audiences',
  'proofs',
  'request',
  'user_epoch',
  'client_epoch',
  'state',
  'created_at',
  'expires_at',
] as const satisfies (keyof AuthorizationsTable)[]

const toRecord = (row: AuthorizationsTable): AuthorizationRecord => ({
  tenant: row.tenant,
  id: row.id,
  subject: row.subject,
  client: row.client,
  organization: row.organization,
  session: row.session,
  connection: row.connection,
  audiences: toDocument(row.audiences),
  proofs: toDocument(row.proofs),
  request: toObject(row.request),
  userEpoch: row.user_epoch,
  clientEpoch: row.client_epoch,
  state: row.state as AuthorizationRecord['state'],
  createdAt: row.created_at,
  expiresAt: row.expires_at,
})

const toRow = (authorization: AuthorizationRecord): AuthorizationsTable => ({
  tenant: authorization.tenant,
  id: authorization.id,
  subject: authorization.subject,
  client: authorization.client,
  organization: authorization.organization,
  session: authorization.session,
  connection: authorization.connection,
  audiences: toText(authorization.audiences),
  proofs: toText(authorization.proofs),
  request: toText(authorization.request),
  user_epoch: authorization.userEpoch,
  client_epoch: authorization.clientEpoch,
  state: authorization.state,
  created_at: authorization.createdAt,
  expires_at: authorization.expiresAt,
})

const insert = prepared((db, row: AuthorizationsTable) =>
  db.insertInto('authorizations').values(columnsOf(row, authorizationColumns)),
)

/** The authorization, and the person who gave it unless they were deleted. */
const withUser = (db: Database, tenant: string, id: string) =>
  db
    .selectFrom('authorizations')
    .leftJoin('users', join =>
      join
        .onRef('users.tenant', '=', 'authorizations.tenant')
        .onRef('users.id', '=', 'authorizations.subject')
        .on('users.removed_at', 'is', null),
    )
    .select(qualified('authorizations', authorizationColumns))
    .select(prefixed('users', 'user__', userColumns))
    .where('authorizations.tenant', '=', tenant)
    .where('authorizations.id', '=', id)

/** The same with the session named, or else the authorization's own. */
const withAll = (db: Database, tenant: string, id: string, session?: string) =>
  withUser(db, tenant, id)
    .leftJoin('sessions', join => {
      const inTenant = join.onRef('sessions.tenant', '=', 'authorizations.tenant')
      return session === undefined
        ? inTenant.onRef('sessions.id', '=', 'authorizations.session')
        : inTenant.on('sessions.id', '=', session)
    })
    .select(prefixed('sessions', 'session__', standingColumns))

type Named = Pick<AuthorizationRecord, 'tenant' | 'id'>

const readHolder = prepared((db, { tenant, id }: Named) => withUser(db, tenant, id))
const readStanding = prepared((db, { tenant, id }: Named) => withAll(db, tenant, id))
const readStandingWith = prepared((db, { tenant, id, session }: Named & { readonly session: string }) =>
  withAll(db, tenant, id, session),
)

const userOf = unprefixing<UsersTable>('user__', userColumns)
const sessionOf = unprefixing<Pick<SessionsTable, (typeof standingColumns)[number]>>('session__', standingColumns)

export const authorizationsIn = (db: Database): Authorizations => ({
  async create(authorization) {
    await insert(db, toRow(authorization))
  },

  async find(tenant, id) {
    const row = await db
      .selectFrom('authorizations')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('id', '=', id)
      .executeTakeFirst()
    return row && toRecord(row)
  },

  async findAll(tenant, ids) {
    if (ids.length === 0) return []
    const rows = await db
      .selectFrom('authorizations')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('id', 'in', ids)
      .execute()
    return rows.map(toRecord)
  },

  async liveOf(tenant, subject, client) {
    const rows = await db
      .selectFrom('authorizations')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('subject', '=', subject)
      .where('client', '=', client)
      .where('state', '=', 'live')
      .execute()
    return rows.map(toRecord)
  },

  async clientsIn(tenant, session, limit) {
    const rows = await db
      .selectFrom('authorizations')
      .select('client')
      .distinct()
      .where('tenant', '=', tenant)
      .where('session', '=', session)
      .orderBy('client')
      .limit(limit)
      .execute()
    return rows.map(({ client }) => client)
  },

  async standing(tenant, id, session) {
    const [row] =
      session === undefined
        ? await readStanding(db, { tenant, id })
        : await readStandingWith(db, { tenant, id, session })
    if (!row) return undefined
    const joinedUser = userOf(row)
    const joinedSession = sessionOf(row)
    return {
      authorization: toRecord(row),
      user: joinedUser && toUser(joinedUser),
      session: joinedSession && toStanding(joinedSession),
    }
  },

  async holder(tenant, id) {
    const [row] = await readHolder(db, { tenant, id })
    if (!row) return undefined
    const joinedUser = userOf(row)
    return { authorization: toRecord(row), user: joinedUser && toUser(joinedUser) }
  },

  async extend(tenant, id, expiresAt) {
    await db
      .updateTable('authorizations')
      .set({ expires_at: expiresAt })
      .where('tenant', '=', tenant)
      .where('id', '=', id)
      .where('expires_at', '<', expiresAt)
      .execute()
  },

  async kill(tenant, id) {
    const killed = await db
      .updateTable('authorizations')
      .set({ state: 'killed' })
      .where('tenant', '=', tenant)
      .where('id', '=', id)
      .where('state', '=', 'live')
      .returning('id')
      .executeTakeFirst()
    if (killed) return 'killed'
    const found = await db
      .selectFrom('authorizations')
      .select('id')
      .where('tenant', '=', tenant)
      .where('id', '=', id)
      .executeTakeFirst()
    return found ? 'already' : 'gone'
  },

  async killOf(tenant, subject, client) {
    const killed = await db
      .updateTable('authorizations')
      .set({ state: 'killed' })
      .where('tenant', '=', tenant)
      .where('subject', '=', subject)
      .where('client', '=', client)
      .where('state', '=', 'live')
      .returning(['id', 'expires_at'])
      .execute()
    return killed.map(row => ({ id: row.id, expiresAt: row.expires_at }))
  },

  async killWithin(tenant, subject, organization) {
    const killed = await db
      .updateTable('authorizations')
      .set({ state: 'killed' })
      .where('tenant', '=', tenant)
      .where('subject', '=', subject)
      .where('organization', '=', organization)
      .where('state', '=', 'live')
      .returning(['id', 'expires_at'])
      .execute()
    return killed.map(row => ({ id: row.id, expiresAt: row.expires_at }))
  },

  purge: (now, limit) =>
    atomically(db, async transaction => {
      const ended = await transaction
        .deleteFrom('authorizations')
        .where(row =>
          row(
            row.refTuple('tenant', 'id'),
            'in',
            row
              .selectFrom('authorizations')
              .select(['tenant', 'id'])
              .where('expires_at', '<=', now)
              .orderBy('expires_at')
              .limit(limit)
              .$call(skippingLockedIn(transaction))
              .$asTuple('tenant', 'id'),
          ),
        )
        .returning(['tenant', 'id'])
        .execute()
      for (const [tenant, rows] of Map.groupBy(ended, row => row.tenant)) {
        const ids = rows.map(row => row.id)
        await transaction.deleteFrom('tickets').where('tenant', '=', tenant).where('authorization', 'in', ids).execute()
        await transaction
          .deleteFrom('families')
          .where('tenant', '=', tenant)
          .where('authorization', 'in', ids)
          .execute()
      }
      return ended.length
    }),
})
