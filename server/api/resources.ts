/** What can be managed: each resource a file and a line. */
import type { Operation } from './operation.ts'
import { revokeAccess } from './revoke-access.ts'

export const operations: readonly Operation[] = [...revokeAccess]
