/** Users, the identities by which they are known to connections, and the attributes they are searched by. */
import type { Instant } from '../kernel/clock.ts'
import type { JsonObject } from '../kernel/json.ts'
import { atomically, attempt, Refusal } from './atomic.ts'
import { attributesOf, foldAttribute } from './attributes.ts'
import { onlyGiven, toFlag, toObject, toText } from './columns.ts'
import type { Database, IdentitiesTable, UsersTable } from './schema.ts'

export interface UserRecord {
  readonly tenant: string
  /** `<provider>|<id>`, which is also the `sub` of their tokens. */
  readonly id: string
  /** Raised by whatever ends everything the user has; a token or session that carries a lower one is dead. */
  readonly epoch: number
  readonly blocked: boolean
  readonly email: string | null
  readonly emailVerified: boolean
  /** Standard claims (OpenID Connect Core §5.1) under their wire names, without the e-mail ones. */
  readonly profile: JsonObject
  readonly appMetadata: JsonObject
  readonly userMetadata: JsonObject
  readonly createdAt: Instant
  readonly updatedAt: Instant
}

export interface IdentityRecord {
  readonly tenant: string
  readonly user: string
  /** The connection's id. */
  readonly connection: string
  readonly provider: string
  /** The provider's own id of the person: unique within (tenant, connection). */
  readonly subject: string
  /** The address, NFKC-folded and case-folded: unique within (tenant, connection). */
  readonly emailKey: string | null
}

/** What a user changes to; members left out stay. */
export type UserChanges = Partial<
  Pick<UserRecord, 'blocked' | 'email' | 'emailVerified' | 'profile' | 'appMetadata' | 'userMetadata'>
>

export interface Users {
  /** Writes the user, the first identity and the attributes; `taken` (and nothing written) when the identity's subject or address exists in that connection. Inside a transaction `taken` leaves the transaction usable. */
  create(user: UserRecord, identity: IdentityRecord): Promise<'created' | 'taken'>
  /** Deleted users are not found. */
  find(tenant: string, id: string): Promise<UserRecord | undefined>
  /** By the folded address, within one connection. */
  findByEmailKey(tenant: string, connection: string, emailKey: string): Promise<UserRecord | undefined>
  identitiesOf(tenant: string, id: string): Promise<IdentityRecord[]>
  /** Also rewrites the attributes, and the identity's `emailKey` in `connection` when the e-mail changes. */
  change(
    tenant: string,
    id: string,
    changes: UserChanges,
    at: Instant,
    email?: { connection: string; emailKey: string | null },
  ): Promise<'changed' | 'taken' | 'gone'>
  /** Everything the user was given dies with the old number. Answers the new one. */
  raiseEpoch(tenant: string, id: string): Promise<number>
  /** A tombstone: the row stays, empty of personal data and with a raised epoch, so that the id is never given again. */
  remove(tenant: string, id: string, at: Instant): Promise<'removed' | 'gone'>
  /**
   * Ids, in their order, of the users with this value at this attribute path (`email`, `user_metadata.plan`, …),
   * by index. Letter case and compatibility forms do not count (`attributes.ts`).
   */
  findByAttribute(tenant: string, path: string, value: string, limit: number): Promise<string[]>
}

export const userColumns = [
  'tenant',
  'id',
  'epoch',
  'blocked',
  'email',
  'email_verified',
  'profile',
  'app_metadata',
  'user_metadata',
  'created_at',
  'updated_at',
  'removed_at',
] as const satisfies (keyof UsersTable)[]

export const toUser = (row: UsersTable): UserRecord => ({
  tenant: row.tenant,
  id: row.id,
  epoch: row.epoch,
  blocked: row.blocked === 1,
  email: row.email,
  emailVerified: row.email_verified === 1,
  profile: toObject(row.profile),
  appMetadata: toObject(row.app_metadata),
  userMetadata: toObject(row.user_metadata),
  createdAt: row.created_at,
  updatedAt: row.updated_at,
})

const toIdentity = (row: IdentitiesTable): IdentityRecord => ({
  tenant: row.tenant,
  user: row.user,
  connection: row.connection,
  provider: row.provider,
  subject: row.subject,
  emailKey: row.email_key,
})

async function writeAttributes(db: Database, user: UserRecord) {
  const rows = attributesOf(user).map(({ path, value }) => ({ tenant: user.tenant, path, value, user: user.id }))
  if (rows.length > 0) await db.insertInto('user_attributes').values(rows).execute()
}

export const usersIn = (db: Database): Users => ({
  async create(user, identity) {
    const outcome = await attempt(db, async transaction => {
      const free = await transaction
        .insertInto('users')
        .values({
          tenant: user.tenant,
          id: user.id,
          epoch: user.epoch,
          blocked: toFlag(user.blocked),
          email: user.email,
          email_verified: toFlag(user.emailVerified),
          profile: toText(user.profile),
          app_metadata: toText(user.appMetadata),
          user_metadata: toText(user.userMetadata),
          created_at: user.createdAt,
          updated_at: user.updatedAt,
          removed_at: null,
        })
        .onConflict(conflict => conflict.doNothing())
        .returning('id')
        .executeTakeFirst()
      if (!free) throw new Refusal('the id is taken')
      const joined = await transaction
        .insertInto('identities')
        .values({
          tenant: identity.tenant,
          user: identity.user,
          connection: identity.connection,
          provider: identity.provider,
          subject: identity.subject,
          email_key: identity.emailKey,
        })
        .onConflict(conflict => conflict.doNothing())
        .returning('user')
        .executeTakeFirst()
      if (!joined) throw new Refusal('the identity is taken')
      await writeAttributes(transaction, user)
      return 'created' as const
    })
    return outcome === 'refused' ? 'taken' : outcome
  },

  async find(tenant, id) {
    const row = await db
      .selectFrom('users')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('id', '=', id)
      .where('removed_at', 'is', null)
      .executeTakeFirst()
    return row && toUser(row)
  },

  async findByEmailKey(tenant, connection, emailKey) {
    const row = await db
      .selectFrom('identities')
      .innerJoin('users', join =>
        join.onRef('users.tenant', '=', 'identities.tenant').onRef('users.id', '=', 'identities.user'),
      )
      .selectAll('users')
      .where('identities.tenant', '=', tenant)
      .where('identities.connection', '=', connection)
      .where('identities.email_key', '=', emailKey)
      .executeTakeFirst()
    return row && toUser(row)
  },

  async identitiesOf(tenant, id) {
    const rows = await db
      .selectFrom('identities')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('user', '=', id)
      .orderBy('connection')
      .orderBy('subject')
      .execute()
    return rows.map(toIdentity)
  },

  async change(tenant, id, changes, at, email) {
    const outcome = await attempt(db, async transaction => {
      const row = await transaction
        .updateTable('users')
        .set({
          ...onlyGiven({
            blocked: changes.blocked === undefined ? undefined : toFlag(changes.blocked),
            email: changes.email,
            email_verified: changes.emailVerified === undefined ? undefined : toFlag(changes.emailVerified),
            profile: changes.profile && toText(changes.profile),
            app_metadata: changes.appMetadata && toText(changes.appMetadata),
            user_metadata: changes.userMetadata && toText(changes.userMetadata),
          }),
          updated_at: at,
        })
        .where('tenant', '=', tenant)
        .where('id', '=', id)
        .where('removed_at', 'is', null)
        .returningAll()
        .executeTakeFirst()
      if (!row) return 'gone' as const
      if (email) {
        await transaction
          .updateTable('identities')
          .set({ email_key: email.emailKey })
          .where('tenant', '=', tenant)
          .where('user', '=', id)
          .where('connection', '=', email.connection)
          .execute()
      }
      await transaction.deleteFrom('user_attributes').where('tenant', '=', tenant).where('user', '=', id).execute()
      await writeAttributes(transaction, toUser(row))
      return 'changed' as const
    })
    return outcome === 'refused' ? 'taken' : outcome
  },

  async raiseEpoch(tenant, id) {
    const { epoch } = await db
      .updateTable('users')
      .set(row => ({ epoch: row('epoch', '+', 1) }))
      .where('tenant', '=', tenant)
      .where('id', '=', id)
      .returning('epoch')
      .executeTakeFirstOrThrow()
    return epoch
  },

  remove: (tenant, id, at) =>
    atomically(db, async transaction => {
      const removed = await transaction
        .updateTable('users')
        .set(row => ({
          epoch: row('epoch', '+', 1),
          email: null,
          email_verified: 0,
          profile: '{}',
          app_metadata: '{}',
          user_metadata: '{}',
          updated_at: at,
          removed_at: at,
        }))
        .where('tenant', '=', tenant)
        .where('id', '=', id)
        .where('removed_at', 'is', null)
        .returning('id')
        .executeTakeFirst()
      if (!removed) return 'gone'
      for (const table of [
        'identities',
        'user_attributes',
        'credentials',
        'user_roles',
        'consents',
        'pairwise_subjects',
        'api_keys',
      ] as const) {
        await transaction.deleteFrom(table).where('tenant', '=', tenant).where('user', '=', id).execute()
      }
      return 'removed'
    }),

  async findByAttribute(tenant, path, value, limit) {
    const rows = await db
      .selectFrom('user_attributes')
      .select('user')
      .where('tenant', '=', tenant)
      .where('path', '=', path)
      .where('value', '=', foldAttribute(value))
      .orderBy('user')
      .limit(limit)
      .execute()
    return rows.map(row => row.user)
  },
})
