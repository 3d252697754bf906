/** Organizations, and what belongs to them, under Auth0's names: as they are answered and exported. */

import type { JsonObject } from '../kernel/json.ts'
import { withQuery } from '../kernel/url.ts'
import { type ConnectionRecord, DATABASE_STRATEGY } from '../store/connections.ts'
import type { DiscoveryDomainRecord } from '../store/discovery-domains.ts'
import type { InvitationRecord } from '../store/invitations.ts'
import type { OrganizationConnectionRecord } from '../store/organization-connections.ts'
import type { OrganizationRecord } from '../store/organizations.ts'
import type { RoleRecord } from '../store/roles.ts'
import type { UserRecord } from '../store/users.ts'

/** Auth0's bounds. */
export const LONGEST_ORGANIZATION_TEXT = 255
export const MOST_ORGANIZATION_METADATA = 25
export const ORGANIZATION_COLOUR = '^#(?:[0-9A-Fa-f]{3}){1,2}$'

/** Two labels at least, of letters, digits and hyphens. */
export const DISCOVERY_DOMAIN =
  '^(?=.{1,253}$)([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\\.)+[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$'

export const organizationToWire = ({ id, name, displayName, settings }: OrganizationRecord): JsonObject => ({
  id,
  name,
  display_name: displayName,
  ...settings,
})

/** What a connection is to an organization when nothing is said. */
export const CONNECTION_DEFAULTS = {
  assign_membership_on_login: false,
  show_as_button: true,
  is_signup_enabled: false,
} as const

/** What goes together, as Auth0 has it: only who becomes a member by it may make an account, and only where accounts are made. */
export const enabledConnectionFault = (
  settings: Readonly<Record<string, unknown>>,
  { strategy }: Pick<ConnectionRecord, 'strategy'>,
): string | undefined =>
  settings['is_signup_enabled'] !== true
    ? undefined
    : strategy !== DATABASE_STRATEGY
      ? 'is for databases alone'
      : settings['assign_membership_on_login'] !== true
        ? 'needs assign_membership_on_login'
        : undefined

/** As `enabled_connections` has it. */
export function enabledConnectionToWire(record: OrganizationConnectionRecord): JsonObject {
  const { assign_membership_on_login, show_as_button, is_signup_enabled } = {
    ...CONNECTION_DEFAULTS,
    ...record.settings,
  }
  return {
    connection_id: record.connection,
    assign_membership_on_login,
    show_as_button,
    is_signup_enabled,
    connection: { name: record.name, strategy: record.strategy },
  }
}

/** As its newer twin `connections` has it. */
export const organizationConnectionToWire = (record: OrganizationConnectionRecord): JsonObject => ({
  ...CONNECTION_DEFAULTS,
  is_enabled: true,
  ...record.settings,
  connection_id: record.connection,
  connection: { name: record.name, strategy: record.strategy },
})

export const memberToWire = ({ id, email, profile }: UserRecord): JsonObject => ({
  user_id: id,
  ...(email !== null && { email }),
  ...(typeof profile['name'] === 'string' && { name: profile['name'] }),
  ...(typeof profile['picture'] === 'string' && { picture: profile['picture'] }),
})

export const memberRoleToWire = ({ id, name, description }: RoleRecord): JsonObject => ({ id, name, description })

/** Where the invited person begins: at the application, which brings what stands behind the question mark to `/authorize`. */
export const invitationUrl = ({ url, ticket, organization }: InvitationRecord, name: string): string =>
  withQuery(url, { invitation: ticket, organization, organization_name: name })

export const invitationToWire = (invitation: InvitationRecord, organizationName: string): JsonObject => ({
  id: invitation.id,
  organization_id: invitation.organization,
  inviter: { name: invitation.inviter },
  invitee: { email: invitation.email },
  invitation_url: invitationUrl(invitation, organizationName),
  ticket_id: invitation.ticket,
  client_id: invitation.client,
  ...(invitation.connection !== null && { connection_id: invitation.connection }),
  roles: invitation.roles,
  app_metadata: invitation.appMetadata,
  user_metadata: invitation.userMetadata,
  created_at: new Date(invitation.createdAt).toISOString(),
  expires_at: new Date(invitation.expiresAt).toISOString(),
})

export const discoveryDomainToWire = ({
  id,
  domain,
  isVerified,
  isUsed,
  proof,
}: DiscoveryDomainRecord): JsonObject => ({
  id,
  domain,
  status: isVerified ? 'verified' : 'pending',
  use_for_organization_discovery: isUsed,
  verification_txt: proof,
  verification_host: `_latchkey-challenge.${domain}`,
})
