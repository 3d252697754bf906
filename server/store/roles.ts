/** Roles and who has them, in the whole tenant (organization null) or within one organization. What a role may do is `permissions.ts`. */
import { type SelectQueryBuilder, sql } from 'kysely'
import type { Instant } from '../kernel/clock.ts'
import { atomically, attempt } from './atomic.ts'
import { heldByMany, onlyGiven } from './columns.ts'
import { lockingIn } from './dialect.ts'
import type { Database, RolesTable, Tables } from './schema.ts'
import { toUser, type UserRecord, userColumns } from './users.ts'

export interface RoleRecord {
  readonly tenant: string
  readonly id: string
  readonly name: string
  readonly description: string
}

/** Which part of a list: what comes after an id, or so many further on. */
export interface Part {
  readonly after?: string | undefined
  readonly offset?: number | undefined
  readonly limit: number
}

export interface Roles {
  /** By name, which is unique in a tenant: created, changed, or left as it is. */
  put(role: RoleRecord): Promise<'created' | 'changed' | 'same'>
  /** `taken` when another role has the name. */
  create(role: RoleRecord): Promise<'created' | 'taken'>
  /** Removed roles are not found. */
  find(tenant: string, id: string): Promise<RoleRecord | undefined>
  findByName(tenant: string, name: string): Promise<RoleRecord | undefined>
  /** In order of name; those alone whose name holds the text, in whatever case of its letters, when one is given. */
  list(tenant: string, part: Part, name?: string): Promise<RoleRecord[]>
  count(tenant: string, name?: string): Promise<number>
  change(
    tenant: string,
    id: string,
    changes: Partial<Pick<RoleRecord, 'name' | 'description'>>,
  ): Promise<'changed' | 'taken' | 'gone'>
  /** A tombstone: nobody has it from now on, and its name is free. What hung on it is purged with the removals. */
  remove(tenant: string, id: string, at: Instant): Promise<'removed' | 'gone'>
  /**
   * Makes the user's roles exactly these (role ids) in that organization or in none.
   * A role that was removed is no more given than one that never was: see `give`.
   */
  assign(
    tenant: string,
    user: string,
    organization: string | null,
    roles: readonly string[],
  ): Promise<'changed' | 'same'>
  /** Gives roles besides those the user has; answers which were new. A role or a person that is not there: `gone`, and nothing is given. */
  give(
    tenant: string,
    user: string,
    organization: string | null,
    roles: readonly string[],
  ): Promise<readonly string[] | 'gone'>
  /** Takes roles away; answers which the user had. */
  take(tenant: string, user: string, organization: string | null, roles: readonly string[]): Promise<readonly string[]>
  /** In order of name. */
  of(tenant: string, user: string, organization: string | null, part?: Part): Promise<RoleRecord[]>
  countOf(tenant: string, user: string, organization: string | null): Promise<number>
  /** Who has it in the whole tenant, in order of id. */
  usersOf(tenant: string, role: string, part: Part): Promise<UserRecord[]>
  countUsersOf(tenant: string, role: string): Promise<number>
}

const roleColumns = ['tenant', 'id', 'name', 'description'] as const satisfies (keyof RolesTable)[]

const toRecord = (row: Pick<RolesTable, (typeof roleColumns)[number]>): RoleRecord => ({
  tenant: row.tenant,
  id: row.id,
  name: row.name,
  description: row.description,
})

/** For a `like` whose escape is a backslash. */
const containing = (text: string): string => `%${text.toLowerCase().replaceAll(/[\\%_]/g, found => `\\${found}`)}%`

export const rolesIn = (db: Database): Roles => {
  const live = (tenant: string, name?: string) =>
    db
      .selectFrom('roles')
      .where('tenant', '=', tenant)
      .where('removed_at', 'is', null)
      .$if(name !== undefined, query =>
        query.where(sql<boolean>`lower(name) like ${containing(name as string)} escape '\\'`),
      )

  const held = (tenant: string, user: string, organization: string | null) =>
    db
      .selectFrom('user_roles')
      .innerJoin('roles', join =>
        join
          .onRef('roles.tenant', '=', 'user_roles.tenant')
          .onRef('roles.id', '=', 'user_roles.role')
          .on('roles.removed_at', 'is', null),
      )
      .where('user_roles.tenant', '=', tenant)
      .where('user_roles.user', '=', user)
      .where('user_roles.organization', '=', organization ?? '')

  const holders = (tenant: string, role: string) =>
    db
      .selectFrom('user_roles')
      .innerJoin('users', join =>
        join
          .onRef('users.tenant', '=', 'user_roles.tenant')
          .onRef('users.id', '=', 'user_roles.user')
          .on('users.removed_at', 'is', null),
      )
      .where('user_roles.tenant', '=', tenant)
      .where('user_roles.role', '=', role)
      .where('user_roles.organization', '=', '')

  return {
    async put({ tenant, id, name, description }) {
      const created = await db
        .insertInto('roles')
        .values({ tenant, id, name, description, removed_at: null })
        .onConflict(conflict => conflict.columns(['tenant', 'name']).doNothing())
        .returning('id')
        .executeTakeFirst()
      if (created) return 'created'
      const changed = await db
        .updateTable('roles')
        .set({ description })
        .where('tenant', '=', tenant)
        .where('name', '=', name)
        .where('description', '<>', description)
        .returning('id')
        .executeTakeFirst()
      return changed ? 'changed' : 'same'
    },

    async create({ tenant, id, name, description }) {
      const created = await db
        .insertInto('roles')
        .values({ tenant, id, name, description, removed_at: null })
        .onConflict(conflict => conflict.doNothing())
        .returning('id')
        .executeTakeFirst()
      return created ? 'created' : 'taken'
    },

    async find(tenant, id) {
      const row = await live(tenant).select(roleColumns).where('id', '=', id).executeTakeFirst()
      return row && toRecord(row)
    },

    async findByName(tenant, name) {
      const row = await live(tenant).select(roleColumns).where('name', '=', name).executeTakeFirst()
      return row && toRecord(row)
    },

    async list(tenant, part, name) {
      const rows = await live(tenant, name)
        .select(roleColumns)
        .orderBy('name')
        .limit(part.limit)
        .offset(part.offset ?? 0)
        .execute()
      return rows.map(toRecord)
    },

    count: (tenant, name) => counted(live(tenant, name)),

    async change(tenant, id, changes) {
      const given = onlyGiven({ name: changes.name, description: changes.description })
      if (Object.keys(given).length === 0) return (await this.find(tenant, id)) ? 'changed' : 'gone'
      const outcome = await attempt(db, transaction =>
        transaction
          .updateTable('roles')
          .set(given)
          .where('tenant', '=', tenant)
          .where('id', '=', id)
          .where('removed_at', 'is', null)
          .returning('id')
          .executeTakeFirst(),
      )
      if (outcome === 'refused') return 'taken'
      return outcome ? 'changed' : 'gone'
    },

    remove: (tenant, id, at) =>
      atomically(db, async transaction => {
        const removed = await transaction
          .updateTable('roles')
          // An id is nobody's name: it keeps the index on names unique, and the name free.
          .set({ name: id, description: '', removed_at: at })
          .where('tenant', '=', tenant)
          .where('id', '=', id)
          .where('removed_at', 'is', null)
          .returning('id')
          .executeTakeFirst()
        if (!removed) return 'gone'
        await transaction.insertInto('removals').values({ tenant, kind: 'role', id, at, seen: null }).execute()
        return 'removed'
      }),

    assign: (tenant, user, organization, roles) =>
      atomically(db, async transaction => {
        // Two assignments at once would otherwise leave the union of both.
        await holdUser(transaction, tenant, user)
        const rows = await transaction
          .selectFrom('user_roles')
          .select('role')
          .where('tenant', '=', tenant)
          .where('user', '=', user)
          .where('organization', '=', organization ?? '')
          .execute()
        const before = new Set(rows.map(row => row.role))
        const after = new Set(roles)
        const lost = [...before.difference(after)]
        const gained = [...after.difference(before)]
        await drop(transaction, tenant, user, organization, lost)
        if (gained.length > 0) await add(transaction, tenant, user, organization, gained)
        return lost.length + gained.length > 0 ? 'changed' : 'same'
      }),

    give: (tenant, user, organization, roles) =>
      atomically(db, async transaction => {
        const wanted = [...new Set(roles)]
        if (wanted.length === 0) return []
        // Held until the end, so that none of them is removed meanwhile and keeps a row for ever.
        const there = await transaction
          .selectFrom('roles')
          .select('id')
          .where('tenant', '=', tenant)
          .where('id', 'in', wanted)
          .where('removed_at', 'is', null)
          .orderBy('id')
          .$call(lockingIn(transaction))
          .execute()
        if (there.length < wanted.length || !(await holdUser(transaction, tenant, user))) return 'gone'
        return add(transaction, tenant, user, organization, wanted)
      }),

    take: (tenant, user, organization, roles) => drop(db, tenant, user, organization, [...new Set(roles)]),

    async of(tenant, user, organization, part) {
      const rows = await held(tenant, user, organization)
        .select(['roles.tenant', 'roles.id', 'roles.name', 'roles.description'])
        .orderBy('roles.name')
        .$if(part !== undefined, query => query.limit(part?.limit ?? 0).offset(part?.offset ?? 0))
        .execute()
      return rows.map(toRecord)
    },

    countOf: (tenant, user, organization) => counted(held(tenant, user, organization)),

    async usersOf(tenant, role, { after, offset, limit }) {
      const rows = await holders(tenant, role)
        .select(userColumns.map(column => `users.${column}` as const))
        .$if(after !== undefined, query => query.where('user_roles.user', '>', after as string))
        .orderBy('user_roles.user')
        .limit(limit)
        .offset(offset ?? 0)
        .execute()
      return rows.map(toUser)
    },

    countUsersOf: (tenant, role) => counted(holders(tenant, role)),
  }
}

/** How many rows a query finds. */
export async function counted<Table extends keyof Tables>(
  query: SelectQueryBuilder<Tables, Table, object>,
): Promise<number> {
  const { found } = await query.select(row => row.fn.countAll<number | string>().as('found')).executeTakeFirstOrThrow()
  return Number(found)
}

/** Whether the person is there; nobody removes them, or changes what they have, until the transaction ends. */
export async function holdUser(transaction: Database, tenant: string, user: string): Promise<boolean> {
  const row = await transaction
    .selectFrom('users')
    .select('id')
    .where('tenant', '=', tenant)
    .where('id', '=', user)
    .where('removed_at', 'is', null)
    .$call(lockingIn(transaction))
    .executeTakeFirst()
  return row !== undefined
}

async function add(
  db: Database,
  tenant: string,
  user: string,
  organization: string | null,
  roles: readonly string[],
): Promise<readonly string[]> {
  const rows = await db
    .insertInto('user_roles')
    .values(roles.map(role => ({ tenant, user, organization: organization ?? '', role })))
    .onConflict(conflict => conflict.doNothing())
    .returning('role')
    .execute()
  return rows.map(row => row.role)
}

async function drop(
  db: Database,
  tenant: string,
  user: string,
  organization: string | null,
  roles: readonly string[],
): Promise<readonly string[]> {
  if (roles.length === 0) return []
  const rows = await db
    .deleteFrom('user_roles')
    .where('tenant', '=', tenant)
    .where('user', '=', user)
    .where('organization', '=', organization ?? '')
    .where(heldByMany('role'), 'in', roles)
    .returning('role')
    .execute()
  return rows.map(row => row.role)
}
