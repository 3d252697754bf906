/**
 * APIs of this server itself. Every tenant has them under each of its issuers without writing them down; a client gets
 * a token for one by a client grant, as for any other. `/userinfo` is one too, of people's tokens (`tokens/access-token.ts`).
 */
import { DAY, HOUR, SECOND } from '../kernel/seconds.ts'
import { MANAGEMENT_SCOPES } from './management-scopes.ts'
import type { ResourceServer } from './resource-servers.ts'

/** Auth0's name for it, by which its deployment tool knows that it is none of the operator's. */
export const MANAGEMENT_API = 'Auth0 Management API'

/** Auth0's name for it, so that what asks for it there asks for it here. */
export const managementAudience = (issuer: string): string => `${issuer}api/v2/`

/**
 * The API of that audience, for machines alone: what a person may do there is not decided by what an application asks
 * for. No secret vouches for it, and it has no settings.
 */
export function findSystemApi(tenant: string, issuer: string, audience: string): ResourceServer | undefined {
  if (audience !== managementAudience(issuer)) return undefined
  return {
    tenant,
    id: 'management',
    identifier: audience,
    name: MANAGEMENT_API,
    scopes: Object.keys(MANAGEMENT_SCOPES),
    descriptions: MANAGEMENT_SCOPES,
    algorithm: 'RS256',
    epoch: 0,
    enforcesPermissions: false,
    tellsPermissions: false,
    takes: { user: 'deny_all', client: 'require_client_grant' },
    dialect: 'rfc9068_profile',
    lifetimeSeconds: HOUR / SECOND,
    machineLifetimeSeconds: DAY / SECOND,
    allowsOfflineAccess: false,
    encryption: null,
    claims: [],
  }
}
