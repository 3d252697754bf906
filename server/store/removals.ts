/**
 * What a removed person, client, API or role has yet to leave behind. It is dead from the transaction that removed it; here its
 * rows go, some hundreds at a time, so that nobody waits for a hundred thousand of them. A person's go in two turns: what they
 * had at once, and an hour later what they left: sessions that others were still to be told of, and what events say of them.
 */
import { type SqlBool, sql } from 'kysely'
import type { Instant } from '../kernel/clock.ts'
import { TRACES_STAY } from '../policy/lifetimes.ts'
import { atomically } from './atomic.ts'
import { toObject, toText } from './columns.ts'
import { lockingIn, skippingLockedIn } from './dialect.ts'
import { CONCERNED_USER } from './events.ts'
import type { Database, RemovalsTable, Tables } from './schema.ts'

export interface Removals {
  /**
   * Removes at most `limit` rows that hang on what was removed, and empties events about people who were. Answers how many:
   * fewer than `limit` when nothing is left for now.
   */
  purge(now: Instant, limit: number): Promise<number>
  /** All that is left of an API of that identifier which was removed, `limit` rows at a time. */
  finishApi(tenant: string, identifier: string, limit: number): Promise<void>
}

type Kind = 'client' | 'api' | 'role' | 'user' | 'traces'

interface Dependent {
  readonly table: keyof Tables
  /** What of it names the removed thing. */
  readonly column: string
  readonly key: readonly string[]
}

const PERMISSION = ['audience', 'permission'] as const

const CONSENT = ['user', 'client', 'audience', 'organization', 'scope'] as const
/** Whatever a person has that could be without end. */
const OF_A_PERSON: readonly Dependent[] = [
  { table: 'user_roles', column: 'user', key: ['user', 'organization', 'role'] },
  { table: 'user_permissions', column: 'user', key: ['user', ...PERMISSION] },
  { table: 'consents', column: 'user', key: CONSENT },
  { table: 'pairwise_subjects', column: 'user', key: ['subject'] },
  { table: 'organization_members', column: 'user', key: ['organization', 'user'] },
  { table: 'api_keys', column: 'user', key: ['id'] },
  { table: 'devices', column: 'user', key: ['user', 'browser_hash'] },
]

/** What hangs on each kind, in the order in which it may go. */
const DEPENDENTS: Readonly<Record<Kind, readonly Dependent[]>> = {
  client: [
    { table: 'consents', column: 'client', key: CONSENT },
    { table: 'api_keys', column: 'client', key: ['id'] },
    { table: 'invitations', column: 'client', key: ['id'] },
  ],
  api: [
    { table: 'consents', column: 'audience', key: CONSENT },
    { table: 'api_keys', column: 'audience', key: ['id'] },
    { table: 'role_permissions', column: 'audience', key: ['role', ...PERMISSION] },
    { table: 'user_permissions', column: 'audience', key: ['user', ...PERMISSION] },
  ],
  role: [
    { table: 'user_roles', column: 'role', key: ['user', 'organization', 'role'] },
    { table: 'role_permissions', column: 'role', key: ['role', ...PERMISSION] },
    { table: 'roles', column: 'id', key: ['id'] },
  ],
  user: OF_A_PERSON,
  // Whoever was about to give them something when they were removed has given it by now.
  traces: OF_A_PERSON,
}

/** What is over from then on, for whoever purges what is over with all that hangs on it. */
const ENDING = [
  { table: 'authorizations', column: 'subject', end: 'expires_at' },
  { table: 'sessions', column: 'user', end: 'live_until' },
] as const

async function endSome(db: Database, { tenant, id, at }: RemovalsTable, limit: number): Promise<number> {
  let ended = 0
  for (const { table, column, end } of ENDING) {
    const [of, until] = [sql.ref(column), sql.ref(end)]
    const result = await sql`
      update ${sql.table(table)} set ${until} = ${at}
       where tenant = ${tenant} and id in (
         select id from ${sql.table(table)}
          where tenant = ${tenant} and ${of} = ${id} and ${until} > ${at} limit ${limit - ended})`.execute(db)
    ended += Number(result.numAffectedRows ?? 0)
  }
  return ended
}

/** What removes a person puts down, of each id that events may know them by. */
export const removalsOfPerson = (tenant: string, ids: readonly string[], at: Instant): RemovalsTable[] =>
  ids.flatMap(id => [
    { tenant, kind: 'user', id, at, seen: null },
    { tenant, kind: 'traces', id, at: at + TRACES_STAY, seen: null },
  ])

/** For a query of rows that hang on a person: whether theirs are about to go. */
export const isLeaving = (kind: Kind, tenant: string, column: string) =>
  sql<SqlBool>`exists (select 1 from removals where removals.tenant = ${tenant} and removals.kind = ${sql.lit(kind)} and removals.id = ${sql.ref(column)})`

/**
 * What was told of the person in whatever happened: whose address it is, who acts for them or is them, or nobody is known
 * to be. Of what somebody else did, where that one was stays, and what it did to them goes.
 */
async function emptyEvents(db: Database, { tenant, id, seen }: RemovalsTable, limit: number): Promise<number> {
  const events = await db
    .selectFrom('events')
    .select(['id', 'actor_kind', 'actor_id', 'on_behalf_of', 'personal'])
    .where('tenant', '=', tenant)
    .where(CONCERNED_USER, '=', id)
    .where('id', '>', seen ?? '')
    .orderBy('id')
    .limit(limit)
    .execute()
  const isTheirs = ({ actor_kind, actor_id, on_behalf_of }: (typeof events)[number]) =>
    actor_kind === 'anonymous' || on_behalf_of === id || (actor_kind === 'user' && actor_id === id)
  const left = Map.groupBy(events, event => (isTheirs(event) ? '{}' : whereFrom(event.personal)))
  for (const [personal, those] of left)
    await db
      .updateTable('events')
      .set({ personal })
      .where('tenant', '=', tenant)
      .where(
        'id',
        'in',
        those.map(event => event.id),
      )
      .execute()
  const last = events.at(-1)
  if (last)
    await db
      .updateTable('removals')
      .set({ seen: last.id })
      .where('tenant', '=', tenant)
      .where('kind', '=', 'traces')
      .where('id', '=', id)
      .execute()
  return events.length
}

function whereFrom(personal: string): string {
  const { address = null, userAgent = null } = toObject(personal)
  return toText({ address, userAgent })
}

/** Of one removed thing: at most `limit` rows, and the removal itself when none is left. */
async function leave(db: Database, removal: RemovalsTable, limit: number): Promise<number> {
  const { tenant, kind, id } = removal
  let removed = 0
  for (const { table, column, key } of DEPENDENTS[kind as Kind]) {
    const names = sql.join(key.map(name => sql.ref(name)))
    const result = await sql`
      delete from ${sql.table(table)}
       where tenant = ${tenant} and (${names}) in (
         select ${names} from ${sql.table(table)}
          where tenant = ${tenant} and ${sql.ref(column)} = ${id} limit ${limit - removed})`.execute(db)
    removed += Number(result.numAffectedRows ?? 0)
    if (removed >= limit) return removed
  }
  if (kind === 'traces') {
    removed += await endSome(db, removal, limit - removed)
    removed += await emptyEvents(db, removal, limit - removed)
    if (removed >= limit) return removed
  }
  await db.deleteFrom('removals').where('tenant', '=', tenant).where('kind', '=', kind).where('id', '=', id).execute()
  return removed
}

/** Nobody else takes what belongs to it until the transaction ends. */
const heldIn = (transaction: Database, tenant: string, kind: Kind, id: string) =>
  transaction
    .selectFrom('removals')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('kind', '=', kind)
    .where('id', '=', id)
    .$call(lockingIn(transaction))

/** All that is left of a person before somebody has the id again: whoever was linked to another, and is no more. */
export async function finishPerson(transaction: Database, tenant: string, id: string): Promise<void> {
  const removals = await heldIn(transaction, tenant, 'user', id).execute()
  for (const removal of removals) await leave(transaction, removal, Number.MAX_SAFE_INTEGER)
}

export const removalsIn = (db: Database): Removals => {
  const next = (transaction: Database, now: Instant) =>
    transaction
      .selectFrom('removals')
      .selectAll()
      .where('at', '<=', now)
      .orderBy('at')
      .limit(1)
      .$call(skippingLockedIn(transaction))

  return {
    async purge(now, limit) {
      let removed = 0
      while (removed < limit) {
        const some = await atomically(db, async transaction => {
          const removal = await next(transaction, now).executeTakeFirst()
          return removal && leave(transaction, removal, limit - removed)
        })
        if (some === undefined) break
        removed += some
      }
      return removed
    },

    async finishApi(tenant, identifier, limit) {
      for (let isLeft = true; isLeft; )
        isLeft = await atomically(db, async transaction => {
          // One at a time: of two who take the same rows, one would find none and think that none is left.
          const removal = await heldIn(transaction, tenant, 'api', identifier).executeTakeFirst()
          if (removal) await leave(transaction, removal, limit)
          return removal !== undefined
        })
    },
  }
}
