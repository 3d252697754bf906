/** What can be managed: each resource a file and a line. */
import { logs } from './logs.ts'
import type { Operation } from './operation.ts'
import { revokeAccess } from './revoke-access.ts'
import { stats } from './stats.ts'

export const operations: readonly Operation[] = [...logs, ...revokeAccess, ...stats]
