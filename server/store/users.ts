/** Users, the identities by which they are known to connections, and the attributes they are searched by. */
import { sql } from 'kysely'
import type { Instant } from '../kernel/clock.ts'
import type { JsonObject } from '../kernel/json.ts'
import { atomically, attempt, Refusal } from './atomic.ts'
import { attributesOf, foldAttribute } from './attributes.ts'
import { heldByMany, onlyGiven, prefixed, qualified, toFlag, toObject, toText, unprefixing } from './columns.ts'
import { passwordIdOf } from './credentials.ts'
import { lockingIn } from './dialect.ts'
import { prepared } from './prepared.ts'
import { finishPerson, removalsOfPerson } from './removals.ts'
import type { Database, IdentitiesTable, RemovalsTable, UsersTable } from './schema.ts'
import { createAllIn, type NewPerson } from './users-at-once.ts'

export interface UserRecord {
  readonly tenant: string
  /** `<provider>|<id>`, which is also the `sub` of their tokens. */
  readonly id: string
  /** Raised by whatever ends everything the user has; a token or session that carries a lower one is dead. */
  readonly epoch: number
  readonly blocked: boolean
  readonly email: string | null
  readonly emailVerified: boolean
  /** As it was typed, for people who sign in with one. */
  readonly username: string | null
  /** Standard claims (OpenID Connect Core §5.1) under their wire names, without the e-mail ones. */
  readonly profile: JsonObject
  readonly appMetadata: JsonObject
  readonly userMetadata: JsonObject
  readonly createdAt: Instant
  readonly updatedAt: Instant
  /** When they last proved who they are, from where, and how often they have. */
  readonly lastLoginAt: Instant | null
  readonly lastIp: string | null
  readonly loginsCount: number
  /** When they last were given another password. */
  readonly lastPasswordResetAt: Instant | null
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
  /** The name somebody signs in with, folded: unique within (tenant, connection). */
  readonly usernameKey: string | null
  /** What the connection says of a person whose user is another's by now; null for the user's first, which is in the user. */
  readonly profile: JsonObject | null
  /** Their order: 0 is the first, whose provider and subject are the user's id. */
  readonly ordinal: number
}

/** The name by which a connection knows somebody. */
export type IdentityKey =
  | { readonly subject: string }
  | { readonly emailKey: string }
  | { readonly usernameKey: string }

/** What a user changes to; members left out stay. */
export type UserChanges = Partial<
  Pick<UserRecord, 'blocked' | 'email' | 'emailVerified' | 'username' | 'profile' | 'appMetadata' | 'userMetadata'>
>

export interface Users {
  /** Writes the user, the first identity and the attributes; `taken` (and nothing written) when the identity's subject or address exists in that connection. Inside a transaction `taken` leaves the transaction usable. */
  create(user: UserRecord, identity: IdentityRecord): Promise<'created' | 'taken'>
  /** As `create`, of many in few statements, with their passwords; in their order. Of two that have a name in common the first is created. */
  createAll(people: readonly NewPerson[]): Promise<('created' | 'taken')[]>
  /** Deleted users are not found. */
  find(tenant: string, id: string): Promise<UserRecord | undefined>
  /** The same, and nobody changes them until the transaction is over. */
  hold(tenant: string, id: string): Promise<UserRecord | undefined>
  /** By the folded address, within one connection. */
  findByEmailKey(tenant: string, connection: string, emailKey: string): Promise<UserRecord | undefined>
  /** By the folded name that somebody signs in with, within one connection. */
  findByUsernameKey(tenant: string, connection: string, usernameKey: string): Promise<UserRecord | undefined>
  /** By any name, with the identity that has it: of a person with several, each has a password of its own. */
  findByIdentity(
    tenant: string,
    connection: string,
    key: IdentityKey,
  ): Promise<{ readonly user: UserRecord; readonly identity: IdentityRecord } | undefined>
  /** The first of them first. */
  identitiesOf(tenant: string, id: string): Promise<IdentityRecord[]>
  /**
   * Also rewrites the attributes, and where they change the `emailKey` and the `usernameKey` of the user's first identity
   * in `connection`.
   */
  change(
    tenant: string,
    id: string,
    changes: UserChanges,
    at: Instant,
    keys?: { connection: string; emailKey?: string | null; usernameKey?: string | null },
  ): Promise<'changed' | 'taken' | 'gone'>
  /** Somebody proved who they are: when, from where, and once more. The user's other members, `updatedAt` too, stay. */
  noteSignIn(tenant: string, id: string, at: Instant, address: string | null): Promise<void>
  /** Another password took the place of the one that they had. The other members stay here too. */
  notePasswordReset(tenant: string, id: string, at: Instant): Promise<void>
  /**
   * The identities of `secondary` become the last of `primary`'s, each with what its connection says of the person, and
   * the passwords with them. `secondary` is a tombstone until `unlink` brings it back: its metadata is gone, and its epoch
   * raised. Answers that epoch; `gone`, and nothing is changed, when either is not there.
   */
  link(tenant: string, primary: string, secondary: string, at: Instant): Promise<number | 'gone'>
  /**
   * The identity is a user of its own again, with what its connection says of it and no metadata, under an epoch
   * higher than any it had. `first` for the identity that the user's own id is made of, which stays.
   */
  unlink(
    tenant: string,
    id: string,
    identity: { readonly connection: string; readonly subject: string },
    at: Instant,
  ): Promise<'unlinked' | 'first' | 'gone'>
  /** Everything the user was given dies with the old number. Answers the new one. */
  raiseEpoch(tenant: string, id: string): Promise<number>
  /**
   * A tombstone: the row stays, empty of personal data and with a raised epoch, so that the id is never given again. Their
   * addresses and names are free at once; what else hung on them is dead with them, and purged with the removals.
   */
  remove(tenant: string, id: string, at: Instant): Promise<'removed' | 'gone'>
  /** How many have signed in since then; by index. */
  countSignedInSince(tenant: string, since: Instant): Promise<number>
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
  'username',
  'last_login_at',
  'last_ip',
  'logins_count',
  'last_password_reset_at',
  'removed_at',
] as const satisfies (keyof UsersTable)[]

export const identityColumns = [
  'tenant',
  'user',
  'connection',
  'provider',
  'subject',
  'email_key',
  'username_key',
  'profile',
  'ordinal',
] as const satisfies (keyof IdentitiesTable)[]

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
  username: row.username,
  lastLoginAt: row.last_login_at,
  lastIp: row.last_ip,
  loginsCount: row.logins_count,
  lastPasswordResetAt: row.last_password_reset_at,
})

export const toIdentity = (row: IdentitiesTable): IdentityRecord => ({
  tenant: row.tenant,
  user: row.user,
  connection: row.connection,
  provider: row.provider,
  subject: row.subject,
  emailKey: row.email_key,
  usernameKey: row.username_key,
  profile: row.profile === null ? null : toObject(row.profile),
  ordinal: row.ordinal,
})

async function writeAttributes(db: Database, user: UserRecord) {
  const rows = attributesOf(user).map(({ path, value }) => ({ tenant: user.tenant, path, value, user: user.id }))
  if (rows.length > 0) await db.insertInto('user_attributes').values(rows).execute()
}

async function findByIdentity(db: Database, tenant: string, connection: string, key: IdentityKey) {
  const [column, name] = columnOf(key)
  // Of the three indexes only that of the providers' own names has the connection before the name.
  const within = 'subject' in key ? sql.ref<string>('identities.connection') : heldByMany('identities.connection')
  const row = await db
    .selectFrom('identities')
    .innerJoin('users', join =>
      join.onRef('users.tenant', '=', 'identities.tenant').onRef('users.id', '=', 'identities.user'),
    )
    .select(qualified('identities', identityColumns))
    .select(prefixed('users', 'user__', userColumns))
    .where('identities.tenant', '=', tenant)
    .where(within, '=', connection)
    .where(column, '=', name)
    .executeTakeFirst()
  const user = row && joinedUser(row)
  return row && user && { user: toUser(user), identity: toIdentity(row) }
}

const columnOf = (key: IdentityKey) => {
  if ('subject' in key) return ['identities.subject', key.subject] as const
  if ('emailKey' in key) return ['identities.email_key', key.emailKey] as const
  return ['identities.username_key', key.usernameKey] as const
}

const joinedUser = unprefixing<UsersTable>('user__', userColumns)

interface SignIn {
  readonly tenant: string
  readonly id: string
  readonly at: Instant
  readonly address: string | null
}

const countSignIn = prepared((db, { tenant, id, at, address }: SignIn) =>
  db
    .updateTable('users')
    .set(row => ({ last_login_at: at, last_ip: address, logins_count: row('logins_count', '+', 1) }))
    .where('tenant', '=', tenant)
    .where('id', '=', id)
    .where('removed_at', 'is', null),
)

/** Personal data, as a user has it who has none. */
const NOBODY = {
  epoch: 0,
  blocked: 0,
  email: null,
  email_verified: 0,
  username: null,
  profile: '{}',
  app_metadata: '{}',
  user_metadata: '{}',
  last_login_at: null,
  last_ip: null,
  logins_count: 0,
  last_password_reset_at: null,
} as const satisfies Partial<UsersTable>

/**
 * Answers the epoch that the user left with, or undefined when there is none. What they are found by and prove themselves
 * with goes at once; of what else hangs on them, which could be without end, `removals.ts` has the rest.
 */
async function leaveTombstone(transaction: Database, tenant: string, id: string, at: Instant) {
  const { epoch: _, blocked: __, ...empty } = NOBODY
  const removed = await transaction
    .updateTable('users')
    .set(row => ({ ...empty, epoch: row('epoch', '+', 1), updated_at: at, removed_at: at }))
    .where('tenant', '=', tenant)
    .where('id', '=', id)
    .where('removed_at', 'is', null)
    .returning('epoch')
    .executeTakeFirst()
  if (!removed) return undefined
  for (const table of ['identities', 'user_attributes', 'credentials'] as const)
    await transaction.deleteFrom(table).where('tenant', '=', tenant).where('user', '=', id).execute()
  return removed.epoch
}

const leaveBehind = (transaction: Database, removals: readonly RemovalsTable[]) =>
  transaction
    .insertInto('removals')
    .values(removals)
    .onConflict(conflict => conflict.doNothing())
    .execute()

/** What a connection says of a person, under the wire names: all that a user has but what administrators wrote. */
const saidBy = ({ profile, email, emailVerified, username }: UserRecord): JsonObject => ({
  ...profile,
  ...(email !== null && { email, email_verified: emailVerified }),
  ...(username !== null && { username }),
})

function asSaid({ email, email_verified, username, ...profile }: JsonObject) {
  return {
    email: typeof email === 'string' ? email : null,
    email_verified: toFlag(email_verified === true),
    username: typeof username === 'string' ? username : null,
    profile: toText(profile),
  }
}

const isIdentity =
  (connection: string, subject: string) =>
  (identity: IdentityRecord): boolean =>
    identity.connection === connection && identity.subject === subject

async function movePassword(transaction: Database, from: IdentityRecord, to: IdentityRecord) {
  await transaction
    .updateTable('credentials')
    .set({ user: to.user, id: passwordIdOf(to) })
    .where('tenant', '=', from.tenant)
    .where('user', '=', from.user)
    .where('kind', '=', 'password')
    .where('id', '=', passwordIdOf(from))
    .execute()
  // What may not be chosen again is told by the password that it was.
  await transaction
    .updateTable('credentials')
    .set({ user: to.user, public_part: passwordIdOf(to) })
    .where('tenant', '=', from.tenant)
    .where('user', '=', from.user)
    .where('kind', '=', 'former-password')
    .where('public_part', '=', passwordIdOf(from))
    .execute()
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
          username: user.username,
          last_login_at: user.lastLoginAt,
          last_ip: user.lastIp,
          logins_count: user.loginsCount,
          last_password_reset_at: user.lastPasswordResetAt,
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
          username_key: identity.usernameKey,
          profile: identity.profile && toText(identity.profile),
          ordinal: identity.ordinal,
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

  createAll: people => createAllIn(db, people),

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

  async hold(tenant, id) {
    const row = await lockingIn(db)(
      db
        .selectFrom('users')
        .select(userColumns)
        .where('tenant', '=', tenant)
        .where('id', '=', id)
        .where('removed_at', 'is', null),
    ).executeTakeFirst()
    return row && toUser(row)
  },

  async findByEmailKey(tenant, connection, emailKey) {
    return (await findByIdentity(db, tenant, connection, { emailKey }))?.user
  },

  async findByUsernameKey(tenant, connection, usernameKey) {
    return (await findByIdentity(db, tenant, connection, { usernameKey }))?.user
  },

  findByIdentity: (tenant, connection, key) => findByIdentity(db, tenant, connection, key),

  async identitiesOf(tenant, id) {
    const rows = await db
      .selectFrom('identities')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('user', '=', id)
      .orderBy('ordinal')
      .orderBy('connection')
      .orderBy('subject')
      .execute()
    return rows.map(toIdentity)
  },

  async change(tenant, id, changes, at, keys) {
    const outcome = await attempt(db, async transaction => {
      const row = await transaction
        .updateTable('users')
        .set({
          ...onlyGiven({
            blocked: changes.blocked === undefined ? undefined : toFlag(changes.blocked),
            email: changes.email,
            email_verified: changes.emailVerified === undefined ? undefined : toFlag(changes.emailVerified),
            username: changes.username,
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
      if (keys) {
        await transaction
          .updateTable('identities')
          .set(onlyGiven({ email_key: keys.emailKey, username_key: keys.usernameKey }))
          .where('tenant', '=', tenant)
          .where('user', '=', id)
          .where(heldByMany('connection'), '=', keys.connection)
          .where('ordinal', '=', 0)
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

  async noteSignIn(tenant, id, at, address) {
    await countSignIn(db, { tenant, id, at, address })
  },

  async notePasswordReset(tenant, id, at) {
    await db
      .updateTable('users')
      .set({ last_password_reset_at: at })
      .where('tenant', '=', tenant)
      .where('id', '=', id)
      .where('removed_at', 'is', null)
      .execute()
  },

  link: (tenant, primary, secondary, at) =>
    atomically(db, async transaction => {
      const rows = await lockingIn(transaction)(
        transaction
          .selectFrom('users')
          .select(userColumns)
          .where('tenant', '=', tenant)
          .where('id', 'in', [primary, secondary])
          .where('removed_at', 'is', null)
          // Whoever links the two the other way round waits rather than holding what this one waits for.
          .orderBy('id'),
      ).execute()
      const leaving = rows.find(row => row.id === secondary)
      if (!leaving || rows.length < 2) return 'gone'
      const identities = await usersIn(transaction).identitiesOf(tenant, secondary)
      const { ordinal: last } = (await usersIn(transaction).identitiesOf(tenant, primary)).at(-1) ?? { ordinal: -1 }
      for (const [index, before] of identities.entries()) {
        const after = { ...before, user: primary, ordinal: last + 1 + index }
        const profile = before.profile ?? saidBy(toUser(leaving))
        await transaction
          .updateTable('identities')
          .set({ user: after.user, ordinal: after.ordinal, profile: toText(profile) })
          .where('tenant', '=', tenant)
          .where('connection', '=', before.connection)
          .where('subject', '=', before.subject)
          .execute()
        await movePassword(transaction, before, after)
      }
      const epoch = await leaveTombstone(transaction, tenant, secondary, at)
      // Events about the one are about the other from now on: they stay as long as that one.
      await leaveBehind(
        transaction,
        removalsOfPerson(tenant, [secondary], at).filter(({ kind }) => kind === 'user'),
      )
      await transaction
        .updateTable('users')
        .set({ updated_at: at })
        .where('tenant', '=', tenant)
        .where('id', '=', primary)
        .execute()
      return epoch ?? 'gone'
    }),

  unlink: (tenant, id, { connection, subject }, at) =>
    atomically(db, async transaction => {
      const held = await transaction
        .updateTable('users')
        .set({ updated_at: at })
        .where('tenant', '=', tenant)
        .where('id', '=', id)
        .where('removed_at', 'is', null)
        .returning('id')
        .executeTakeFirst()
      const before = held && (await usersIn(transaction).identitiesOf(tenant, id)).find(isIdentity(connection, subject))
      if (!before) return 'gone'
      if (before.ordinal === 0) return 'first'
      const after = { ...before, user: `${before.provider}|${before.subject}`, ordinal: 0, profile: null }
      const columns = asSaid(before.profile ?? {})
      await finishPerson(transaction, tenant, after.user)
      const row = await transaction
        .insertInto('users')
        .values({ ...NOBODY, ...columns, tenant, id: after.user, created_at: at, updated_at: at, removed_at: null })
        .onConflict(conflict =>
          conflict.columns(['tenant', 'id']).doUpdateSet({ ...columns, blocked: 0, updated_at: at, removed_at: null }),
        )
        .returning(userColumns)
        .executeTakeFirstOrThrow()
      await transaction
        .updateTable('identities')
        .set({ user: after.user, ordinal: after.ordinal, profile: after.profile })
        .where('tenant', '=', tenant)
        .where('connection', '=', connection)
        .where('subject', '=', subject)
        .execute()
      await movePassword(transaction, before, after)
      await writeAttributes(transaction, toUser(row))
      return 'unlinked'
    }),

  remove: (tenant, id, at) =>
    atomically(db, async transaction => {
      const identities = await usersIn(transaction).identitiesOf(tenant, id)
      if ((await leaveTombstone(transaction, tenant, id, at)) === undefined) return 'gone'
      // Whoever became another way to be them is known to events as who they were.
      const ids = new Set([id, ...identities.map(({ provider, subject }) => `${provider}|${subject}`)])
      await leaveBehind(transaction, removalsOfPerson(tenant, [...ids], at))
      return 'removed'
    }),

  async countSignedInSince(tenant, since) {
    const { count } = await db
      .selectFrom('users')
      .select(row => row.fn.countAll<number | string>().as('count'))
      .where('tenant', '=', tenant)
      // A tombstone says nothing of when somebody signed in.
      .where('last_login_at', '>=', since)
      .executeTakeFirstOrThrow()
    return Number(count)
  },

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
