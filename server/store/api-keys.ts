/**
 * API keys: long-lived tokens that a client was given, for itself or for a person, each for one audience. The row holds
 * a hash and nothing that the key could be made of. What counts as alive is `tokens/assert-active.ts`'s to say.
 */
import type { Instant } from '../kernel/clock.ts'
import { columnsOf, heldByMany, prefixed, qualified, toDocument, toObject, toText, unprefixing } from './columns.ts'
import { skippingLockedIn } from './dialect.ts'
import { prepared } from './prepared.ts'
import { isLeaving } from './removals.ts'
import type { ApiKeysTable, Database, UsersTable } from './schema.ts'
import { toUser, type UserRecord, userColumns } from './users.ts'

export interface ApiKeyRecord {
  readonly tenant: string
  /** Also the beginning of the key itself. */
  readonly id: string
  /** SHA-256 of the key's secret part. */
  readonly secretHash: string
  /** The operator's, for people. */
  readonly name: string
  readonly client: string
  /** Whom it stands for, with the connection that vouched for them; null where it stands for the client itself. */
  readonly person: { readonly id: string; readonly connection: string; readonly epoch: number } | null
  /** The identifier of the one API it is for. */
  readonly audience: string
  /** What it was given. What it may is never more than the client's grant holds at the time. */
  readonly scopes: readonly string[]
  /** As of an authorization: it is dead as soon as this or the person's has been raised. */
  readonly clientEpoch: number
  readonly state: 'live' | 'revoked'
  readonly createdAt: Instant
  /** Null: it has no end of its own. */
  readonly expiresAt: Instant | null
  /** To the minute, and a few seconds late; null before the first time. */
  readonly usedAt: Instant | null
  /** Until when its row is worth something to an operator; null for as long as it has no end. */
  readonly keptUntil: Instant | null
}

/** Everything that decides whether a key still counts, from one read. */
export interface ApiKeyStanding {
  readonly key: ApiKeyRecord
  /** Undefined when deleted, and for a key that stands for nobody. */
  readonly user: UserRecord | undefined
  /** Undefined when removed. */
  readonly clientEpoch: number | undefined
  /** What the client's grant for the audience holds now; undefined without one. */
  readonly granted: { readonly scopes: readonly string[]; readonly holdsAll: boolean } | undefined
}

export interface ApiKeys {
  create(key: ApiKeyRecord): Promise<void>
  /** One query, by primary keys. */
  standing(tenant: string, id: string): Promise<ApiKeyStanding | undefined>
  /** In order of id; of a client or a person alone when one is named. */
  list(
    tenant: string,
    page: { client?: string; user?: string; after?: string; limit: number },
  ): Promise<ApiKeyStanding[]>
  /** `revoked` for the one call that did it, `already` for later ones, `gone` when there is no such key. */
  revoke(tenant: string, id: string, keptUntil: Instant): Promise<'revoked' | 'already' | 'gone'>
  /** Revokes every live one of the person with the client, or for one API alone, and answers which those were: each is answered to one call. */
  revokeOf(tenant: string, user: string, client: string, keptUntil: Instant, audience?: string): Promise<string[]>
  /** That it was used at this instant, unless it is known of an instant after `unlessSince`. */
  use(tenant: string, id: string, at: Instant, unlessSince: Instant): Promise<void>
  /** Removes at most `limit` that nobody wants to see any more. Answers how many. */
  purge(now: Instant, limit: number): Promise<number>
}

const apiKeyColumns = [
  'tenant',
  'id',
  'secret_hash',
  'name',
  'client',
  'user',
  'connection',
  'audience',
  'scopes',
  'user_epoch',
  'client_epoch',
  'state',
  'created_at',
  'expires_at',
  'used_at',
  'kept_until',
] as const satisfies (keyof ApiKeysTable)[]

const toRow = (key: ApiKeyRecord): ApiKeysTable => ({
  tenant: key.tenant,
  id: key.id,
  secret_hash: key.secretHash,
  name: key.name,
  client: key.client,
  user: key.person?.id ?? null,
  connection: key.person?.connection ?? null,
  audience: key.audience,
  scopes: toText(key.scopes),
  user_epoch: key.person?.epoch ?? null,
  client_epoch: key.clientEpoch,
  state: key.state,
  created_at: key.createdAt,
  expires_at: key.expiresAt,
  used_at: key.usedAt,
  kept_until: key.keptUntil,
})

const toRecord = (row: ApiKeysTable): ApiKeyRecord => ({
  tenant: row.tenant,
  id: row.id,
  secretHash: row.secret_hash,
  name: row.name,
  client: row.client,
  person:
    row.user === null || row.connection === null || row.user_epoch === null
      ? null
      : { id: row.user, connection: row.connection, epoch: row.user_epoch },
  audience: row.audience,
  scopes: toDocument(row.scopes),
  clientEpoch: row.client_epoch,
  state: row.state as ApiKeyRecord['state'],
  createdAt: row.created_at,
  expiresAt: row.expires_at,
  usedAt: row.used_at,
  keptUntil: row.kept_until,
})

/** With all it hangs on: the person, the client and its grant for the audience. */
const withAll = (db: Database, tenant: string) =>
  db
    .selectFrom('api_keys')
    .leftJoin('users', join =>
      join
        .onRef('users.tenant', '=', 'api_keys.tenant')
        .onRef('users.id', '=', 'api_keys.user')
        .on('users.removed_at', 'is', null),
    )
    .leftJoin('clients', join =>
      join
        .onRef('clients.tenant', '=', 'api_keys.tenant')
        .onRef('clients.id', '=', 'api_keys.client')
        .on('clients.removed_at', 'is', null),
    )
    .leftJoin('client_grants', join =>
      join
        .onRef('client_grants.tenant', '=', 'api_keys.tenant')
        .onRef('client_grants.client', '=', 'api_keys.client')
        .onRef('client_grants.audience', '=', 'api_keys.audience'),
    )
    .select(qualified('api_keys', apiKeyColumns))
    .select(prefixed('users', 'user__', userColumns))
    .select([
      'clients.epoch as epoch_now',
      'client_grants.scopes as scopes_now',
      'client_grants.settings as settings_now',
    ])
    .where('api_keys.tenant', '=', tenant)

const readStanding = prepared((db, { tenant, id }: Pick<ApiKeyRecord, 'tenant' | 'id'>) =>
  withAll(db, tenant).where('api_keys.id', '=', id),
)

const userOf = unprefixing<UsersTable>('user__', userColumns)

function toStanding(
  row: ApiKeysTable & {
    readonly epoch_now: number | null
    readonly scopes_now: string | null
    readonly settings_now: string | null
  },
): ApiKeyStanding {
  const user = userOf(row)
  return {
    key: toRecord(row),
    user: user && toUser(user),
    clientEpoch: row.epoch_now ?? undefined,
    granted:
      row.scopes_now === null
        ? undefined
        : {
            scopes: toDocument(row.scopes_now),
            holdsAll: toObject(row.settings_now ?? '{}')['allow_all_scopes'] === true,
          },
  }
}

export const apiKeysIn = (db: Database): ApiKeys => ({
  async create(key) {
    await db
      .insertInto('api_keys')
      .values(columnsOf(toRow(key), apiKeyColumns))
      .execute()
  },

  async standing(tenant, id) {
    const [row] = await readStanding(db, { tenant, id })
    return row && toStanding(row)
  },

  async list(tenant, { client, user, after, limit }) {
    const rows = await withAll(db, tenant)
      .where('api_keys.id', '>', after ?? '')
      .where(row => row.not(isLeaving('user', tenant, 'api_keys.user')))
      .$if(client !== undefined, query => query.where('api_keys.client', '=', client as string))
      .$if(user !== undefined, query => query.where('api_keys.user', '=', user as string))
      .orderBy('api_keys.id')
      .limit(limit)
      .execute()
    return rows.map(toStanding)
  },

  async revoke(tenant, id, keptUntil) {
    const revoked = await db
      .updateTable('api_keys')
      .set({ state: 'revoked', kept_until: keptUntil })
      .where('tenant', '=', tenant)
      .where('id', '=', id)
      .where('state', '=', 'live')
      .returning('id')
      .executeTakeFirst()
    if (revoked) return 'revoked'
    const found = await db
      .selectFrom('api_keys')
      .select('id')
      .where('tenant', '=', tenant)
      .where('id', '=', id)
      .executeTakeFirst()
    return found ? 'already' : 'gone'
  },

  async revokeOf(tenant, user, client, keptUntil, audience) {
    const revoked = await db
      .updateTable('api_keys')
      .set({ state: 'revoked', kept_until: keptUntil })
      .where('tenant', '=', tenant)
      .where('user', '=', user)
      .where(heldByMany('client'), '=', client)
      .$if(audience !== undefined, keys => keys.where(heldByMany('audience'), '=', audience ?? ''))
      .where('state', '=', 'live')
      .returning('id')
      .execute()
    return revoked.map(({ id }) => id)
  },

  async use(tenant, id, at, unlessSince) {
    await db
      .updateTable('api_keys')
      .set({ used_at: at })
      .where('tenant', '=', tenant)
      .where('id', '=', id)
      .where(row => row.or([row('used_at', 'is', null), row('used_at', '<=', unlessSince)]))
      .execute()
  },

  async purge(now, limit) {
    const purged = await db
      .deleteFrom('api_keys')
      .where(row =>
        row(
          row.refTuple('tenant', 'id'),
          'in',
          row
            .selectFrom('api_keys')
            .select(['tenant', 'id'])
            .where('kept_until', '<=', now)
            .orderBy('kept_until')
            .limit(limit)
            .$call(skippingLockedIn(db))
            .$asTuple('tenant', 'id'),
        ),
      )
      .executeTakeFirst()
    return Number(purged.numDeletedRows)
  },
})
