/**
 * Who belongs to which organization. A membership counts while its person and its organization exist; whoever reads one
 * reads that with it.
 */
import { sql } from 'kysely'
import type { Instant } from '../kernel/clock.ts'
import type { JsonObject } from '../kernel/json.ts'
import { atomically } from './atomic.ts'
import { heldByMany, qualified, toObject } from './columns.ts'
import { lockingIn } from './dialect.ts'
import { type OrganizationRecord, organizationColumns, toOrganization } from './organizations.ts'
import { type Page, pageOf } from './pages.ts'
import type { Database } from './schema.ts'
import { toUser, type UserRecord, userColumns } from './users.ts'

export interface MembershipRecord {
  readonly tenant: string
  readonly organization: string
  readonly user: string
  readonly since: Instant
}

/** An organization, and whether a person belongs to it. */
export interface MembershipStanding {
  readonly organization: OrganizationRecord
  readonly isMember: boolean
  /** What the connection that was asked about means there; null where the organization has it not, or none was. */
  readonly connection: JsonObject | null
}

export interface Memberships {
  /** `gone` for a person or an organization that is not there (any more): neither goes before this has committed. */
  add(membership: MembershipRecord): Promise<'added' | 'already' | 'gone'>
  /** With the roles that the person had within the organization. */
  remove(tenant: string, organization: string, user: string): Promise<'removed' | 'gone'>
  /** One query, with a connection and without. Undefined for an organization that is gone. */
  standing(
    tenant: string,
    organization: string,
    user: string,
    connection?: string,
  ): Promise<MembershipStanding | undefined>
  /** Those of the users who are members: one query for however many. */
  among(tenant: string, organization: string, users: readonly string[]): Promise<string[]>
  /** Whether the person is a member, and stays one until the transaction ends. */
  hold(tenant: string, organization: string, user: string): Promise<boolean>
  /** People, by id. */
  members(tenant: string, organization: string, page: Page): Promise<UserRecord[]>
  countMembers(tenant: string, organization: string): Promise<number>
  /** By id. */
  ofUser(tenant: string, user: string, page: Page): Promise<OrganizationRecord[]>
  countOfUser(tenant: string, user: string): Promise<number>
  /** Members who have the role within the organization, by id. */
  withRole(tenant: string, organization: string, role: string, page: Page): Promise<UserRecord[]>
}

/** Of all organizations, or within the one that is named. */
const memberships = (db: Database, tenant: string, organization?: string) =>
  db
    .selectFrom('organization_members')
    .innerJoin('organizations', join =>
      join
        .onRef('organizations.tenant', '=', 'organization_members.tenant')
        .on('organizations.id', '=', organization ?? sql.ref<string>('organization_members.organization'))
        .on('organizations.removed_at', 'is', null),
    )
    .innerJoin('users', join =>
      join
        .onRef('users.tenant', '=', 'organization_members.tenant')
        .onRef('users.id', '=', 'organization_members.user')
        .on('users.removed_at', 'is', null),
    )
    .where('organization_members.tenant', '=', tenant)

export const membershipsIn = (db: Database): Memberships => ({
  add: ({ tenant, organization, user, since }) =>
    atomically(db, async transaction => {
      for (const [table, id] of [
        ['organizations', organization],
        ['users', user],
      ] as const) {
        const held = await transaction
          .selectFrom(table)
          .select('id')
          .where('tenant', '=', tenant)
          .where('id', '=', id)
          .where('removed_at', 'is', null)
          .$call(lockingIn(transaction))
          .executeTakeFirst()
        if (!held) return 'gone'
      }
      const added = await transaction
        .insertInto('organization_members')
        .values({ tenant, organization, user, since })
        .onConflict(conflict => conflict.doNothing())
        .returning('user')
        .executeTakeFirst()
      return added ? 'added' : 'already'
    }),

  remove: (tenant, organization, user) =>
    atomically(db, async transaction => {
      const removed = await transaction
        .deleteFrom('organization_members')
        .where('tenant', '=', tenant)
        .where('organization', '=', organization)
        .where('user', '=', user)
        .returning('user')
        .executeTakeFirst()
      if (!removed) return 'gone'
      await transaction
        .deleteFrom('user_roles')
        .where('tenant', '=', tenant)
        .where('organization', '=', organization)
        .where('user', '=', user)
        .execute()
      return 'removed'
    }),

  async standing(tenant, organization, user, connection = '') {
    const row = await db
      .selectFrom('organizations')
      .leftJoin('organization_members', join =>
        join
          .onRef('organization_members.tenant', '=', 'organizations.tenant')
          .onRef('organization_members.organization', '=', 'organizations.id')
          .on('organization_members.user', '=', user),
      )
      .leftJoin('organization_connections', join =>
        join
          .onRef('organization_connections.tenant', '=', 'organizations.tenant')
          .onRef('organization_connections.organization', '=', 'organizations.id')
          .on('organization_connections.connection', '=', connection),
      )
      .select(qualified('organizations', organizationColumns))
      .select(['organization_members.user as member', 'organization_connections.settings as vouching'])
      .where('organizations.tenant', '=', tenant)
      .where('organizations.id', '=', organization)
      .where('organizations.removed_at', 'is', null)
      .executeTakeFirst()
    return (
      row && {
        organization: toOrganization(row),
        isMember: row.member !== null,
        connection: row.vouching === null ? null : toObject(row.vouching),
      }
    )
  },

  async among(tenant, organization, users) {
    if (users.length === 0) return []
    const rows = await memberships(db, tenant, organization)
      .select('organization_members.user')
      .where(heldByMany('organization_members.organization'), '=', organization)
      .where('organization_members.user', 'in', users)
      .execute()
    return rows.map(({ user }) => user)
  },

  async hold(tenant, organization, user) {
    const held = await db
      .selectFrom('organization_members')
      .select('user')
      .where('tenant', '=', tenant)
      .where('organization', '=', organization)
      .where('user', '=', user)
      .$call(lockingIn(db))
      .executeTakeFirst()
    return held !== undefined
  },

  async members(tenant, organization, { after, ...page }) {
    const rows = await memberships(db, tenant)
      .select(qualified('users', userColumns))
      .where('organization_members.organization', '=', organization)
      .$if(after !== undefined, query => query.where('organization_members.user', '>', after ?? ''))
      .orderBy('organization_members.user')
      .$call(pageOf(page))
      .execute()
    return rows.map(toUser)
  },

  async countMembers(tenant, organization) {
    const { there } = await memberships(db, tenant)
      .select(row => row.fn.countAll<number>().as('there'))
      .where('organization_members.organization', '=', organization)
      .executeTakeFirstOrThrow()
    return Number(there)
  },

  async ofUser(tenant, user, { after, ...page }) {
    const rows = await memberships(db, tenant)
      .select(qualified('organizations', organizationColumns))
      .where('organization_members.user', '=', user)
      .$if(after !== undefined, query => query.where('organization_members.organization', '>', after ?? ''))
      .orderBy('organization_members.organization')
      .$call(pageOf(page))
      .execute()
    return rows.map(toOrganization)
  },

  async countOfUser(tenant, user) {
    const { there } = await memberships(db, tenant)
      .select(row => row.fn.countAll<number>().as('there'))
      .where('organization_members.user', '=', user)
      .executeTakeFirstOrThrow()
    return Number(there)
  },

  async withRole(tenant, organization, role, { after, ...page }) {
    const rows = await memberships(db, tenant)
      .innerJoin('user_roles', join =>
        join
          .onRef('user_roles.tenant', '=', 'organization_members.tenant')
          .onRef('user_roles.organization', '=', 'organization_members.organization')
          .onRef('user_roles.user', '=', 'organization_members.user')
          .on('user_roles.role', '=', role),
      )
      .select(qualified('users', userColumns))
      .where('organization_members.organization', '=', organization)
      .$if(after !== undefined, query => query.where('organization_members.user', '>', after ?? ''))
      .orderBy('organization_members.user')
      .$call(pageOf(page))
      .execute()
    return rows.map(toUser)
  },
})
