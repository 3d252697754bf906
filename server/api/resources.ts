/** What can be managed: each resource a file and a line. */
import { actions } from './actions.ts'
import { attackProtection } from './attack-protection.ts'
import { authenticationMethods } from './authentication-methods.ts'
import { blacklists } from './blacklists.ts'
import { branding } from './branding.ts'
import { clientCredentials } from './client-credentials.ts'
import { clientGrants } from './client-grants.ts'
import { clients } from './clients.ts'
import { connections } from './connections.ts'
import { customDomains } from './custom-domains.ts'
import { deviceCredentials } from './device-credentials.ts'
import { emailProvider } from './email-provider.ts'
import { emailTemplates } from './email-templates.ts'
import { grants } from './grants.ts'
import { jobs } from './jobs.ts'
import { logs } from './logs.ts'
import type { Operation } from './operation.ts'
import { organizationClients } from './organization-clients.ts'
import { organizationConnections } from './organization-connections.ts'
import { organizationDomains } from './organization-domains.ts'
import { organizationInvitations } from './organization-invitations.ts'
import { organizationMembers } from './organization-members.ts'
import { organizationSearch } from './organization-search.ts'
import { organizations } from './organizations.ts'
import { prompts } from './prompts.ts'
import { refreshTokens } from './refresh-tokens.ts'
import { resourceServerSearch } from './resource-server-search.ts'
import { resourceServers } from './resource-servers.ts'
import { revokeAccess } from './revoke-access.ts'
import { roles } from './roles.ts'
import { sessions } from './sessions.ts'
import { signingKeys } from './signing-keys.ts'
import { stats } from './stats.ts'
import { tenantSettings } from './tenant-settings.ts'
import { tickets } from './tickets.ts'
import { userBlocks } from './user-blocks.ts'
import { userRoles } from './user-roles.ts'
import { users } from './users.ts'

export const operations: readonly Operation[] = [
  ...actions,
  ...attackProtection,
  ...authenticationMethods,
  ...blacklists,
  ...branding,
  ...clientCredentials,
  ...clientGrants,
  ...clients,
  ...connections,
  ...customDomains,
  ...deviceCredentials,
  ...emailProvider,
  ...emailTemplates,
  ...grants,
  ...jobs,
  ...logs,
  ...organizationClients,
  ...organizationConnections,
  ...organizationDomains,
  ...organizationInvitations,
  ...organizationMembers,
  ...organizationSearch,
  ...organizations,
  ...prompts,
  ...refreshTokens,
  ...resourceServerSearch,
  ...resourceServers,
  ...revokeAccess,
  ...roles,
  ...sessions,
  ...signingKeys,
  ...stats,
  ...tenantSettings,
  ...userBlocks,
  ...tickets,
  ...userRoles,
  ...users,
]
