/** Roles and who has them, in the whole tenant (organization null) or within one organization. */
import { atomically } from './atomic.ts'
import { lockingIn } from './dialect.ts'
import type { Database, RolesTable } from './schema.ts'

export interface RoleRecord {
  readonly tenant: string
  readonly id: string
  readonly name: string
  readonly description: string
}

export interface Roles {
  /** By name, which is unique in a tenant: created, changed, or left as it is. */
  put(role: RoleRecord): Promise<'created' | 'changed' | 'same'>
  findByName(tenant: string, name: string): Promise<RoleRecord | undefined>
  /** Makes the user's roles exactly these (role ids) in that organization or in none. */
  assign(
    tenant: string,
    user: string,
    organization: string | null,
    roles: readonly string[],
  ): Promise<'changed' | 'same'>
  of(tenant: string, user: string, organization: string | null): Promise<RoleRecord[]>
}

const toRecord = (row: RolesTable): RoleRecord => ({
  tenant: row.tenant,
  id: row.id,
  name: row.name,
  description: row.description,
})

export const rolesIn = (db: Database): Roles => ({
  async put({ tenant, id, name, description }) {
    const created = await db
      .insertInto('roles')
      .values({ tenant, id, name, description })
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

  async findByName(tenant, name) {
    const row = await db
      .selectFrom('roles')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('name', '=', name)
      .executeTakeFirst()
    return row && toRecord(row)
  },

  assign: (tenant, user, organization, roles) =>
    atomically(db, async transaction => {
      // Two assignments at once would otherwise leave the union of both.
      await transaction
        .selectFrom('users')
        .select('id')
        .where('tenant', '=', tenant)
        .where('id', '=', user)
        .$call(lockingIn(transaction))
        .execute()
      const held = await transaction
        .selectFrom('user_roles')
        .select('role')
        .where('tenant', '=', tenant)
        .where('user', '=', user)
        .where('organization', '=', organization ?? '')
        .execute()
      const before = new Set(held.map(row => row.role))
      const after = new Set(roles)
      const lost = [...before.difference(after)]
      const gained = [...after.difference(before)]
      if (lost.length > 0) {
        await transaction
          .deleteFrom('user_roles')
          .where('tenant', '=', tenant)
          .where('user', '=', user)
          .where('organization', '=', organization ?? '')
          .where('role', 'in', lost)
          .execute()
      }
      if (gained.length > 0) {
        await transaction
          .insertInto('user_roles')
          .values(gained.map(role => ({ tenant, user, organization: organization ?? '', role })))
          .execute()
      }
      return lost.length + gained.length > 0 ? 'changed' : 'same'
    }),

  async of(tenant, user, organization) {
    const rows = await db
      .selectFrom('user_roles')
      .innerJoin('roles', join =>
        join.onRef('roles.tenant', '=', 'user_roles.tenant').onRef('roles.id', '=', 'user_roles.role'),
      )
      .selectAll('roles')
      .where('user_roles.tenant', '=', tenant)
      .where('user_roles.user', '=', user)
      .where('user_roles.organization', '=', organization ?? '')
      .orderBy('roles.name')
      .execute()
    return rows.map(toRecord)
  },
})
