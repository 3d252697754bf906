/** The keyring's rows. What the states mean, and who may move a key from one to the next, is `keys/rotation.ts`'s to say. */
import type { Instant } from '../kernel/clock.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { SealContext } from '../kernel/sealer.ts'
import { attempt, Refusal } from './atomic.ts'
import { toObject, toText } from './columns.ts'
import type { Database, KeysTable } from './schema.ts'

/** Signature keys: announced → signing → verifying → retired. Secret keys: current → accepted → destroyed. */
export type KeyState = 'announced' | 'signing' | 'verifying' | 'retired' | 'current' | 'accepted' | 'destroyed'

export interface KeyRecord {
  readonly tenant: string
  /** The `kid`: unique in a tenant. */
  readonly id: string
  /** `token-signing`, `refresh-token`, `api-secret`, …: the list is `keys/purposes.ts`. */
  readonly purpose: string
  /** Whose it is within the purpose (the API of an HS256 secret), or empty. */
  readonly owner: string
  /** `RS256`, …; `HS256` for MAC keys. */
  readonly algorithm: string
  readonly state: KeyState
  /** The public JWK, for pairs. */
  readonly publicKey: JsonObject | null
  /** Null once destroyed; but of a revoked secret of an API, what it is known again by. */
  readonly sealedPrivate: string | null
  readonly createdAt: Instant
  /** When it entered its state. */
  readonly stateSince: Instant
  /** When the schedule has something to do with it, or null. */
  readonly dueAt: Instant | null
  /** No later than this expires anything made with it. Raised as it is used, in steps. */
  readonly latestExpiry: Instant
  /** Of a pair: X.509 in PEM. Null in a row of an earlier version, until somebody asks for it. */
  readonly certificate: string | null
}

export interface KeyMove {
  readonly id: string
  readonly from: KeyState
  readonly to: KeyState
  readonly dueAt: Instant | null
  /** Removes the private part. */
  readonly destroy: boolean
  /** With `destroy`: a sealed value that takes its place. */
  readonly kept?: string | null
}

export interface Keys {
  list(tenant: string): Promise<KeyRecord[]>
  /** Every tenant's, by index: those with `dueAt` at or before now, oldest first. */
  due(now: Instant, limit: number): Promise<KeyRecord[]>
  /**
   * Inserts the new keys and makes the moves, each only from the state it expects; `conflict`, and nothing
   * changed, when another node was first. There is never more than one `signing` key per (tenant, purpose,
   * owner, algorithm), nor more than one `current`: a unique index says so too.
   */
  apply(
    tenant: string,
    plan: { add: readonly KeyRecord[]; moves: readonly KeyMove[] },
    at: Instant,
  ): Promise<'applied' | 'conflict'>
  /** Gives the key a certificate if it has none, and answers the one that it then has; undefined for no such key. */
  certify(tenant: string, id: string, certificate: string): Promise<string | undefined>
  /** Raises `latestExpiry`, never lowers it. */
  used(tenant: string, id: string, latestExpiry: Instant): Promise<void>
}

/**
 * What a key row is sealed to: all that says what the key may be used for, so that no part of it can be rewritten. What
 * is kept of a destroyed one is no key, and opens as none if its state is.
 */
export const sealContextOfKey = (
  key: Pick<KeyRecord, 'tenant' | 'purpose' | 'owner' | 'algorithm' | 'id' | 'state'>,
): SealContext => ({
  purpose: key.state === 'destroyed' ? `destroyed-${key.purpose}` : key.purpose,
  tenant: key.tenant,
  record: JSON.stringify([key.id, key.algorithm, key.owner]),
})

const toRecord = (row: KeysTable): KeyRecord => ({
  tenant: row.tenant,
  id: row.id,
  purpose: row.purpose,
  owner: row.owner,
  algorithm: row.algorithm,
  state: row.state as KeyState,
  publicKey: row.public_key === null ? null : toObject(row.public_key),
  sealedPrivate: row.sealed_private,
  createdAt: row.created_at,
  stateSince: row.state_since,
  dueAt: row.due_at,
  latestExpiry: row.latest_expiry,
  certificate: row.certificate,
})

const toRow = (tenant: string, key: KeyRecord): KeysTable => ({
  tenant,
  id: key.id,
  purpose: key.purpose,
  owner: key.owner,
  algorithm: key.algorithm,
  state: key.state,
  public_key: key.publicKey === null ? null : toText(key.publicKey),
  sealed_private: key.sealedPrivate,
  created_at: key.createdAt,
  state_since: key.stateSince,
  due_at: key.dueAt,
  latest_expiry: key.latestExpiry,
  certificate: key.certificate,
})

/** The unique indexes look at every statement, not at the end: a key steps down before another steps up. */
const takesOver = (move: KeyMove): boolean => move.to === 'signing' || move.to === 'current'

export const keysIn = (db: Database): Keys => ({
  async list(tenant) {
    const rows = await db
      .selectFrom('keys')
      .selectAll()
      .where('tenant', '=', tenant)
      .orderBy('created_at')
      .orderBy('id')
      .execute()
    return rows.map(toRecord)
  },

  async due(now, limit) {
    const rows = await db
      .selectFrom('keys')
      .selectAll()
      .where('due_at', 'is not', null)
      .where('due_at', '<=', now)
      .orderBy('due_at')
      .limit(limit)
      .execute()
    return rows.map(toRecord)
  },

  async apply(tenant, { add, moves }, at) {
    const outcome = await attempt(db, async transaction => {
      const inOrder = moves.toSorted((a, b) => Number(takesOver(a)) - Number(takesOver(b)) || (a.id < b.id ? -1 : 1))
      for (const move of inOrder) {
        const moved = await transaction
          .updateTable('keys')
          .set({
            state: move.to,
            ...(move.from !== move.to && { state_since: at }),
            due_at: move.dueAt,
            ...(move.destroy && { sealed_private: move.kept ?? null }),
          })
          .where('tenant', '=', tenant)
          .where('id', '=', move.id)
          .where('state', '=', move.from)
          .returning('id')
          .executeTakeFirst()
        if (!moved) throw new Refusal(`key ${move.id} is no longer ${move.from}`)
      }
      for (const key of add) await transaction.insertInto('keys').values(toRow(tenant, key)).execute()
      return 'applied' as const
    })
    return outcome === 'refused' ? 'conflict' : outcome
  },

  async certify(tenant, id, certificate) {
    const row = await db
      .updateTable('keys')
      .set(key => ({ certificate: key.fn.coalesce('certificate', key.val(certificate)) }))
      .where('tenant', '=', tenant)
      .where('id', '=', id)
      .returning('certificate')
      .executeTakeFirst()
    return row?.certificate ?? undefined
  },

  async used(tenant, id, latestExpiry) {
    await db
      .updateTable('keys')
      .set({ latest_expiry: latestExpiry })
      .where('tenant', '=', tenant)
      .where('id', '=', id)
      .where('latest_expiry', '<', latestExpiry)
      .execute()
  },
})
