/**
 * Refresh families. A row holds no token and nothing a token could be made from: the hash of the family's
 * name, its current generation and the id of the key its tokens are made with.
 */
import type { ExpressionBuilder } from 'kysely'
import type { Instant } from '../kernel/clock.ts'
import type { JsonObject } from '../kernel/json.ts'
import { toObject, toText } from './columns.ts'
import { prepared } from './prepared.ts'
import type { Database, FamiliesTable, Tables } from './schema.ts'

export interface FamilyRecord {
  readonly tenant: string
  /** SHA-256 of the family's 32 random bytes, base64url. */
  readonly hash: string
  readonly authorization: string
  readonly client: string
  readonly user: string
  readonly userEpoch: number
  readonly clientEpoch: number
  /** The newest generation that was issued. */
  readonly generation: number
  /** The MAC key's id, so that a replay yields the same bytes after a rotation. */
  readonly keyId: string
  readonly state: 'live' | 'killed'
  /** When the current generation was issued: the leeway counts from here. */
  readonly rotatedAt: Instant
  readonly createdAt: Instant
  readonly idleExpiresAt: Instant
  readonly expiresAt: Instant
  /** What an application notes about it. */
  readonly metadata: JsonObject | null
}

export interface Families {
  create(family: FamilyRecord): Promise<void>
  find(tenant: string, hash: string): Promise<FamilyRecord | undefined>
  /** The user's families that `redeem` would redeem now, newest use first. */
  liveOf(tenant: string, user: string, now: Instant): Promise<FamilyRecord[]>
  /** The same in order of their authorizations, behind the one named; of one client if it is named. */
  liveAfter(
    tenant: string,
    user: string,
    now: Instant,
    page: { client?: string | undefined; after?: string | undefined; limit: number },
  ): Promise<FamilyRecord[]>
  /** Of the authorization's families, the one that `redeem` would redeem now. */
  liveIn(tenant: string, authorization: string, now: Instant): Promise<FamilyRecord | undefined>
  /** Whether there is such a family. */
  note(tenant: string, hash: string, metadata: JsonObject | null): Promise<boolean>
  /**
   * One conditional UPDATE, which succeeds only when, in that instant, the family is live and within both
   * limits, its generation is the one presented, its authorization is live, that authorization's session (when
   * it has one) is not ended, and its user and client exist, are not blocked and still have the family's
   * epochs. `advance: false` (clients that do not rotate) keeps the generation and moves only the idle limit.
   * Answers the row as it now is, or undefined: why, the caller finds out with `find`.
   */
  redeem(presented: {
    tenant: string
    hash: string
    client: string
    generation: number
    now: Instant
    idleExpiresAt: Instant
    advance: boolean
  }): Promise<FamilyRecord | undefined>
  kill(tenant: string, hash: string): Promise<'killed' | 'already' | 'gone'>
}

const familyColumns = [
  'tenant',
  'hash',
  'authorization',
  'client',
  'user',
  'user_epoch',
  'client_epoch',
  'generation',
  'key_id',
  'state',
  'rotated_at',
  'created_at',
  'idle_expires_at',
  'expires_at',
  'metadata',
] as const satisfies (keyof FamiliesTable)[]

const toRecord = (row: FamiliesTable): FamilyRecord => ({
  tenant: row.tenant,
  hash: row.hash,
  authorization: row.authorization,
  client: row.client,
  user: row.user,
  userEpoch: row.user_epoch,
  clientEpoch: row.client_epoch,
  generation: row.generation,
  keyId: row.key_id,
  state: row.state as FamilyRecord['state'],
  rotatedAt: row.rotated_at,
  createdAt: row.created_at,
  idleExpiresAt: row.idle_expires_at,
  expiresAt: row.expires_at,
  metadata: row.metadata === null ? null : toObject(row.metadata),
})

/** Whether the authorization, its session if it has one, the user and the client are all as the family wants them. */
const stillHangsTogether = (family: ExpressionBuilder<Tables, 'families'>) =>
  family.exists(
    family
      .selectFrom('authorizations')
      .innerJoin('users', join =>
        join.onRef('users.tenant', '=', 'families.tenant').onRef('users.id', '=', 'families.user'),
      )
      .innerJoin('clients', join =>
        join.onRef('clients.tenant', '=', 'families.tenant').onRef('clients.id', '=', 'families.client'),
      )
      .leftJoin('sessions', join =>
        join
          .onRef('sessions.tenant', '=', 'authorizations.tenant')
          .onRef('sessions.id', '=', 'authorizations.session')
          .on('sessions.ended_at', 'is', null),
      )
      .select('authorizations.id')
      .whereRef('authorizations.tenant', '=', 'families.tenant')
      .whereRef('authorizations.id', '=', 'families.authorization')
      .where('authorizations.state', '=', 'live')
      .where(joined => joined.or([joined('authorizations.session', 'is', null), joined('sessions.id', 'is not', null)]))
      .where('users.removed_at', 'is', null)
      .where('users.blocked', '=', 0)
      .whereRef('users.epoch', '=', 'families.user_epoch')
      .where('clients.removed_at', 'is', null)
      .whereRef('clients.epoch', '=', 'families.client_epoch'),
  )

const live = (db: Database, tenant: string, now: Instant) =>
  db
    .selectFrom('families')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('state', '=', 'live')
    .where('idle_expires_at', '>', now)
    .where('expires_at', '>', now)
    .where(stillHangsTogether)

type Presented = Omit<Parameters<Families['redeem']>[0], 'advance'>

const redeeming = (advance: boolean) =>
  prepared((db, { tenant, hash, client, generation, now, idleExpiresAt }: Presented) =>
    db
      .updateTable('families')
      .set(family => ({
        idle_expires_at: idleExpiresAt,
        ...(advance && { generation: family('generation', '+', 1), rotated_at: now }),
      }))
      .where('tenant', '=', tenant)
      .where('hash', '=', hash)
      .where('client', '=', client)
      .where('generation', '=', generation)
      .where('state', '=', 'live')
      .where('idle_expires_at', '>', now)
      .where('expires_at', '>', now)
      .where(stillHangsTogether)
      .returning(familyColumns),
  )
const redeemAndAdvance = redeeming(true)
const redeemInPlace = redeeming(false)

export const familiesIn = (db: Database): Families => ({
  async create(family) {
    await db
      .insertInto('families')
      .values({
        tenant: family.tenant,
        hash: family.hash,
        authorization: family.authorization,
        client: family.client,
        user: family.user,
        user_epoch: family.userEpoch,
        client_epoch: family.clientEpoch,
        generation: family.generation,
        key_id: family.keyId,
        state: family.state,
        rotated_at: family.rotatedAt,
        created_at: family.createdAt,
        idle_expires_at: family.idleExpiresAt,
        expires_at: family.expiresAt,
        metadata: family.metadata && toText(family.metadata),
      })
      .execute()
  },

  async find(tenant, hash) {
    const row = await db
      .selectFrom('families')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('hash', '=', hash)
      .executeTakeFirst()
    return row && toRecord(row)
  },

  async liveOf(tenant, user, now) {
    const rows = await live(db, tenant, now)
      .where('user', '=', user)
      .orderBy('rotated_at', 'desc')
      .orderBy('hash')
      .execute()
    return rows.map(toRecord)
  },

  async liveAfter(tenant, user, now, { client, after, limit }) {
    const rows = await live(db, tenant, now)
      .where('user', '=', user)
      .$if(client !== undefined, families => families.where('client', '=', client ?? ''))
      .where('authorization', '>', after ?? '')
      .orderBy('authorization')
      .limit(limit)
      .execute()
    return rows.map(toRecord)
  },

  async liveIn(tenant, authorization, now) {
    const row = await live(db, tenant, now).where('authorization', '=', authorization).executeTakeFirst()
    return row && toRecord(row)
  },

  async note(tenant, hash, metadata) {
    const noted = await db
      .updateTable('families')
      .set({ metadata: metadata && toText(metadata) })
      .where('tenant', '=', tenant)
      .where('hash', '=', hash)
      .returning('hash')
      .executeTakeFirst()
    return noted !== undefined
  },

  /*
   * Of parallel calls PostgreSQL lets one through and judges the others again by the row it left behind, so a
   * generation is redeemed once. The joined rows are read as they were when the statement began: an end that
   * commits meanwhile comes after this redemption, and what is minted from it is dead by that end's own mark.
   */
  async redeem({ advance, ...presented }) {
    const [row] = await (advance ? redeemAndAdvance : redeemInPlace)(db, presented)
    return row && toRecord(row)
  },

  async kill(tenant, hash) {
    const killed = await db
      .updateTable('families')
      .set({ state: 'killed' })
      .where('tenant', '=', tenant)
      .where('hash', '=', hash)
      .where('state', '=', 'live')
      .returning('hash')
      .executeTakeFirst()
    if (killed) return 'killed'
    const found = await db
      .selectFrom('families')
      .select('hash')
      .where('tenant', '=', tenant)
      .where('hash', '=', hash)
      .executeTakeFirst()
    return found ? 'already' : 'gone'
  },
})
