/**
 * Permissions: scopes of an API that a role gives, or that a person has of their own. Whether an API asks for them at
 * all is its settings' to say; here stands only who has which.
 */
import { type ExpressionBuilder, sql } from 'kysely'
import { atomically } from './atomic.ts'
import { heldByMany } from './columns.ts'
import { lockingIn } from './dialect.ts'
import { prepared } from './prepared.ts'
import { counted, holdUser, type Part } from './roles.ts'
import type { Database, Tables } from './schema.ts'

export interface Permission {
  /** The API's identifier. */
  readonly audience: string
  /** The scope. */
  readonly name: string
}

/** What a person may, and what of it they have of their own and by which roles of the whole tenant. */
export interface EffectivePermission extends Permission {
  readonly isDirect: boolean
  readonly isByRole: boolean
}

/** After which permission a list goes on. */
export interface PermissionsPart extends Omit<Part, 'after'> {
  readonly after?: Permission | undefined
}

export interface Permissions {
  /** In order of audience and name. */
  ofRole(tenant: string, role: string, part?: PermissionsPart): Promise<Permission[]>
  countOfRole(tenant: string, role: string): Promise<number>
  /** Answers which were new; `gone` when there is no such role. */
  giveRole(tenant: string, role: string, permissions: readonly Permission[]): Promise<readonly Permission[] | 'gone'>
  /** Answers which it had. */
  takeFromRole(tenant: string, role: string, permissions: readonly Permission[]): Promise<readonly Permission[]>
  /** Those that a person has of their own, in order of audience and name. */
  ofUser(tenant: string, user: string, part?: PermissionsPart): Promise<Permission[]>
  countOfUser(tenant: string, user: string): Promise<number>
  giveUser(tenant: string, user: string, permissions: readonly Permission[]): Promise<readonly Permission[] | 'gone'>
  takeFromUser(tenant: string, user: string, permissions: readonly Permission[]): Promise<readonly Permission[]>
  /**
   * What the person may with the API now, in one query: of their own, by the roles they have in the whole tenant, and by
   * those they have in the organization when one is given.
   */
  held(tenant: string, user: string, organization: string | null, audience: string): Promise<string[]>
  /** All that a person may, without organizations, in order of audience and name. */
  effective(tenant: string, user: string, part: PermissionsPart, audience?: string): Promise<EffectivePermission[]>
  /** The ids of those roles of a person, without organizations, that hold the permission, in their order. */
  rolesWith(tenant: string, user: string, permission: Permission): Promise<string[]>
  /** The scopes of the API are no more: nobody has them. */
  forget(tenant: string, audience: string, names: readonly string[]): Promise<void>
}

type Holder = 'role' | 'user'
const TABLES = { role: 'role_permissions', user: 'user_permissions' } as const

/** A statement carries a bounded number of parameters, four for each. */
const AT_ONCE = 500

const toPermission = ({ audience, permission }: { audience: string; permission: string }): Permission => ({
  audience,
  name: permission,
})

interface Asked {
  readonly tenant: string
  readonly user: string
  readonly organization: string
  readonly audience: string
}

/** The roles a person has that were not removed. */
const byRoles = (db: Database) =>
  db
    .selectFrom('user_roles')
    .innerJoin('roles', join =>
      join
        .onRef('roles.tenant', '=', 'user_roles.tenant')
        .onRef('roles.id', '=', 'user_roles.role')
        .on('roles.removed_at', 'is', null),
    )
    .innerJoin('role_permissions', join =>
      join
        .onRef('role_permissions.tenant', '=', 'user_roles.tenant')
        .onRef('role_permissions.role', '=', 'user_roles.role'),
    )

const readHeld = prepared((db, { tenant, user, organization, audience }: Asked) =>
  db
    .selectFrom('user_permissions')
    .select('permission')
    .where('tenant', '=', tenant)
    .where('user', '=', user)
    .where(heldByMany('audience'), '=', audience)
    .union(
      byRoles(db)
        .select('role_permissions.permission')
        .where('user_roles.tenant', '=', tenant)
        .where('user_roles.user', '=', user)
        .where(row =>
          row.or([row('user_roles.organization', '=', ''), row('user_roles.organization', '=', organization)]),
        )
        .where(heldByMany('role_permissions.audience'), '=', audience),
    ),
)

/** Later than the one named, in the order of audience and name. */
const later =
  (after: Permission | undefined) =>
  (row: ExpressionBuilder<{ found: { audience: string; permission: string } }, 'found'>) =>
    after
      ? row.or([
          row('audience', '>', after.audience),
          row.and([row('audience', '=', after.audience), row('permission', '>', after.name)]),
        ])
      : row.val(true)

export const permissionsIn = (db: Database): Permissions => {
  const list = async (holder: Holder, tenant: string, id: string, part: PermissionsPart | undefined) => {
    const rows = await db
      .selectFrom(TABLES[holder] as 'role_permissions')
      .select(['audience', 'permission'])
      .where('tenant', '=', tenant)
      .where(sql.ref<string>(holder), '=', id)
      .$if(part?.after !== undefined, query => query.where(later(part?.after) as never))
      .orderBy('audience')
      .orderBy('permission')
      .$if(part !== undefined, query => query.limit(part?.limit ?? 0).offset(part?.offset ?? 0))
      .execute()
    return rows.map(toPermission)
  }

  const count = (holder: Holder, tenant: string, id: string) =>
    counted(
      db
        .selectFrom(TABLES[holder] as 'role_permissions')
        .where('tenant', '=', tenant)
        .where(sql.ref<string>(holder), '=', id),
    )

  async function give(
    transaction: Database,
    holder: Holder,
    tenant: string,
    id: string,
    permissions: readonly Permission[],
  ): Promise<readonly Permission[]> {
    const given: Permission[] = []
    for (let from = 0; from < permissions.length; from += AT_ONCE) {
      const rows = await transaction
        .insertInto(TABLES[holder] as 'role_permissions')
        .values(
          permissions
            .slice(from, from + AT_ONCE)
            .map(({ audience, name }) => ({ tenant, [holder]: id, audience, permission: name })) as never,
        )
        .onConflict(conflict => conflict.doNothing())
        .returning(['audience', 'permission'])
        .execute()
      given.push(...rows.map(toPermission))
    }
    return given
  }

  const take = (holder: Holder, tenant: string, id: string, permissions: readonly Permission[]) =>
    atomically(db, async transaction => {
      const taken: Permission[] = []
      for (const [audience, some] of Map.groupBy(permissions, permission => permission.audience))
        for (let from = 0; from < some.length; from += AT_ONCE) {
          const rows = await transaction
            .deleteFrom(TABLES[holder] as 'role_permissions')
            .where('tenant', '=', tenant)
            .where(sql.ref<string>(holder), '=', id)
            .where(heldByMany('audience'), '=', audience)
            .where(
              'permission',
              'in',
              some.slice(from, from + AT_ONCE).map(({ name }) => name),
            )
            .returning(['audience', 'permission'])
            .execute()
          taken.push(...rows.map(toPermission))
        }
      return taken
    })

  return {
    ofRole: (tenant, role, part) => list('role', tenant, role, part),
    countOfRole: (tenant, role) => count('role', tenant, role),

    giveRole: (tenant, role, permissions) =>
      atomically(db, async transaction => {
        // Held until the end, so that it is not removed meanwhile and keeps rows for ever.
        const there = await transaction
          .selectFrom('roles')
          .select('id')
          .where('tenant', '=', tenant)
          .where('id', '=', role)
          .where('removed_at', 'is', null)
          .$call(lockingIn(transaction))
          .executeTakeFirst()
        return there ? give(transaction, 'role', tenant, role, permissions) : 'gone'
      }),

    takeFromRole: (tenant, role, permissions) => take('role', tenant, role, permissions),
    ofUser: (tenant, user, part) => list('user', tenant, user, part),
    countOfUser: (tenant, user) => count('user', tenant, user),

    giveUser: (tenant, user, permissions) =>
      atomically(db, async transaction =>
        (await holdUser(transaction, tenant, user)) ? give(transaction, 'user', tenant, user, permissions) : 'gone',
      ),

    takeFromUser: (tenant, user, permissions) => take('user', tenant, user, permissions),

    async held(tenant, user, organization, audience) {
      const rows = await readHeld(db, { tenant, user, organization: organization ?? '', audience })
      return rows.map(row => row.permission)
    },

    async rolesWith(tenant, user, { audience, name }) {
      const rows = await byRoles(db)
        .select('roles.id')
        .where('user_roles.tenant', '=', tenant)
        .where('user_roles.user', '=', user)
        .where('user_roles.organization', '=', '')
        .where('role_permissions.audience', '=', audience)
        .where('role_permissions.permission', '=', name)
        .orderBy('roles.id')
        .execute()
      return rows.map(({ id }) => id)
    },

    async effective(tenant, user, { after, offset, limit }, audience) {
      const direct = db
        .selectFrom('user_permissions')
        .select(['audience', 'permission', sql<number>`1`.as('direct')])
        .where('tenant', '=', tenant)
        .where('user', '=', user)
      const byRole = byRoles(db)
        .select(['role_permissions.audience', 'role_permissions.permission', sql<number>`0`.as('direct')])
        .where('user_roles.tenant', '=', tenant)
        .where('user_roles.user', '=', user)
        .where('user_roles.organization', '=', '')
      const rows = await db
        .selectFrom(direct.unionAll(byRole).as('found'))
        .select(row => [
          'audience',
          'permission',
          row.fn.max('direct').as('is_direct'),
          row.fn.min('direct').as('is_only_direct'),
        ])
        .$if(audience !== undefined, query => query.where('audience', '=', audience as string))
        .$if(after !== undefined, query => query.where(later(after) as never))
        .groupBy(['audience', 'permission'])
        .orderBy('audience')
        .orderBy('permission')
        .limit(limit)
        .offset(offset ?? 0)
        .execute()
      return rows.map(row => ({
        ...toPermission(row),
        isDirect: Number(row.is_direct) === 1,
        isByRole: Number(row.is_only_direct) === 0,
      }))
    },

    forget: (tenant, audience, names) =>
      atomically(db, async (transaction: Database) => {
        for (let from = 0; from < names.length; from += AT_ONCE)
          for (const table of ['role_permissions', 'user_permissions'] as const satisfies (keyof Tables)[])
            await transaction
              .deleteFrom(table)
              .where('tenant', '=', tenant)
              .where('audience', '=', audience)
              .where('permission', 'in', names.slice(from, from + AT_ONCE))
              .execute()
      }),
  }
}
