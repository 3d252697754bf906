/** What can be managed: each resource a file and a line. */
import { logs } from './logs.ts'
import type { Operation } from './operation.ts'
import { revokeAccess } from './revoke-access.ts'
import { roles } from './roles.ts'
import { stats } from './stats.ts'
import { userRoles } from './user-roles.ts'

export const operations: readonly Operation[] = [...logs, ...revokeAccess, ...roles, ...stats, ...userRoles]
