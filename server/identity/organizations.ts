/**
 * Organizations as the sign-in sees them: which one is meant, who belongs to it, and how somebody is let in. What an
 * administrator does with them is `organization-management.ts`'s.
 */
import { memberJoined, type Occasion } from '../audit/events.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { AuthorizationRequest, OrganizationFacts, SessionFacts } from '../policy/next-step.ts'
import { isOrganizationId } from '../policy/organization-name.ts'
import type { ConnectionRecord } from '../store/connections.ts'
import type { MembershipStanding } from '../store/memberships.ts'
import type { OrganizationConnectionRecord } from '../store/organization-connections.ts'
import type { OrganizationRecord } from '../store/organizations.ts'
import type { Nouns, Transaction } from '../store/store.ts'
import { defaultDirectoryOf } from './directories.ts'
import { DATABASE_STRATEGY } from './users.ts'

/** Of a person's organizations, so many can be chosen among on a page. */
const MOST_CHOICES = 100

/** By id, or where names are known too by name, in whatever case. */
export const findOrganization = async (
  nouns: Nouns,
  tenant: string,
  named: string,
  { byName }: { readonly byName: boolean },
): Promise<OrganizationRecord | undefined> =>
  isOrganizationId(named)
    ? nouns.organizations.find(tenant, named)
    : byName
      ? nouns.organizations.findByName(tenant, named.toLowerCase())
      : undefined

/** What its pages look like. */
export function brandingOf({ displayName, settings }: OrganizationRecord) {
  const branding = (settings['branding'] ?? {}) as JsonObject
  const colours = (branding['colors'] ?? {}) as JsonObject
  const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)
  return { name: displayName, logoUrl: text(branding['logo_url']), accent: text(colours['primary']) }
}

const joinsBy = ({ settings }: OrganizationConnectionRecord): boolean => settings['assign_membership_on_login'] === true

/** One may be kept and not be in use. */
const isInUse = ({ settings }: Pick<OrganizationConnectionRecord, 'settings'>): boolean =>
  settings['is_enabled'] !== false

/** Whether its people sign in by the connection that its standing was asked with. */
export const isVouchedForBy = ({ connection }: MembershipStanding): boolean =>
  connection !== null && isInUse({ settings: connection })

/** Of the organization that a request is for, and the people of these sessions: null where there is none. */
export async function meantOrganization(
  nouns: Nouns,
  tenant: string,
  { organization: id }: AuthorizationRequest,
  sessions: readonly Pick<SessionFacts, 'user'>[],
): Promise<OrganizationFacts['meant']> {
  if (id === null || !(await nouns.organizations.find(tenant, id))) return null
  const connections = (await nouns.organizationConnections.list(tenant, id)).filter(isInUse)
  return {
    id,
    connections: connections.map(({ connection }) => connection),
    joining: connections.filter(joinsBy).map(({ connection }) => connection),
    members: await nouns.memberships.among(tenant, id, [...new Set(sessions.map(({ user }) => user))]),
  }
}

/** Those of the person that the connection vouches for them in. */
export async function organizationChoices(
  nouns: Nouns,
  tenant: string,
  { user, connection }: Pick<SessionFacts, 'user' | 'connection'>,
): Promise<readonly OrganizationRecord[]> {
  const all = await nouns.memberships.ofUser(tenant, user, { limit: MOST_CHOICES })
  const ids = all.map(({ id }) => id)
  const having = (await nouns.organizationConnections.having(tenant, ids, connection)).filter(isInUse)
  const among = new Set(having.map(({ organization }) => organization))
  return all.filter(({ id }) => among.has(id))
}

/** Null for no organization, undefined for one that is gone: what the gate asks about. */
export const membershipOf = async (
  nouns: Nouns,
  tenant: string,
  organization: string | null,
  { user, connection }: { readonly user: string; readonly connection: string },
): Promise<MembershipStanding | null | undefined> =>
  organization === null ? null : nouns.memberships.standing(tenant, organization, user, connection)

/**
 * Where the passwords of an organization's people are: by the connection that is asked for, or by the one that is used
 * when nobody says which, or by the first that the organization has. Undefined where it has none.
 */
export async function directoryWithin(
  nouns: Nouns,
  tenant: string,
  organization: string,
  asked: string | null,
): Promise<ConnectionRecord | undefined> {
  const own = (await nouns.organizationConnections.list(tenant, organization)).filter(
    one => isInUse(one) && one.strategy === DATABASE_STRATEGY,
  )
  const usual = (await defaultDirectoryOf(nouns, tenant))?.id
  const found = asked
    ? own.find(({ connection }) => connection === asked)
    : (own.find(({ connection }) => connection === usual) ?? own[0])
  return found && nouns.connections.find(tenant, found.connection)
}

/** Whether somebody new may make an account there by that connection: with an invitation always. */
export async function mayJoinBySignUp(
  nouns: Nouns,
  tenant: string,
  { organization, invitation }: AuthorizationRequest,
  connection: string,
): Promise<boolean> {
  if (organization === null || invitation !== null) return true
  const settings = (await nouns.organizationConnections.find({ tenant, organization, connection }))?.settings
  return settings?.['is_signup_enabled'] === true && settings['assign_membership_on_login'] === true
}

/**
 * Makes whoever the policy found welcome a member, by the invitation, which is taken by it, or by their connection. Does
 * nothing for one who is a member already and was not invited, or whose invitation somebody has taken: the gate says
 * whether they belong to it.
 */
export async function letIn(
  transaction: Transaction,
  request: AuthorizationRequest,
  person: { readonly user: string; readonly connection: string },
  occasion: Occasion,
): Promise<void> {
  const { tenant, at } = occasion
  const { organization, invitation } = request
  if (organization === null) return
  const membership = { tenant, organization, user: person.user, since: at }
  if (invitation !== null) {
    const found = await transaction.invitations.find(tenant, organization, invitation.id, at)
    if (!found || (await transaction.invitations.take(tenant, found.id, at)) === 'gone') return
    if ((await transaction.memberships.add(membership)) === 'gone') return
    // One by one: those that were removed since are none any more.
    for (const role of found.roles) await transaction.roles.give(tenant, person.user, organization, [role])
    const user = await transaction.users.find(tenant, person.user)
    await transaction.users.change(
      tenant,
      person.user,
      {
        appMetadata: { ...user?.appMetadata, ...found.appMetadata },
        userMetadata: { ...user?.userMetadata, ...found.userMetadata },
      },
      at,
    )
    const by = { invitation: found.id }
    await transaction.events.record([memberJoined(occasion, request.client, person.user, organization, by)])
    return
  }
  if ((await transaction.memberships.add(membership)) === 'added') {
    const by = { connection: person.connection }
    await transaction.events.record([memberJoined(occasion, request.client, person.user, organization, by)])
  }
}
