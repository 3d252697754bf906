/** What can be managed: each resource a file and a line. */
import { blacklists } from './blacklists.ts'
import { grants } from './grants.ts'
import { logs } from './logs.ts'
import type { Operation } from './operation.ts'
import { organizationClients } from './organization-clients.ts'
import { organizationConnections } from './organization-connections.ts'
import { organizationDomains } from './organization-domains.ts'
import { organizationInvitations } from './organization-invitations.ts'
import { organizationMembers } from './organization-members.ts'
import { organizations } from './organizations.ts'
import { refreshTokens } from './refresh-tokens.ts'
import { revokeAccess } from './revoke-access.ts'
import { roles } from './roles.ts'
import { sessions } from './sessions.ts'
import { stats } from './stats.ts'
import { userRoles } from './user-roles.ts'
import { users } from './users.ts'

export const operations: readonly Operation[] = [
  ...blacklists,
  ...grants,
  ...logs,
  ...refreshTokens,
  ...revokeAccess,
  ...roles,
  ...sessions,
  ...stats,
  ...userRoles,
  ...users,
  ...logs,
  ...organizations,
  ...organizationMembers,
  ...organizationConnections,
  ...organizationInvitations,
  ...organizationClients,
  ...organizationDomains,
  ...revokeAccess,
  ...roles,
  ...stats,
  ...userRoles,
]
