/** Roles under Auth0's names, and what may be said of them, whoever says it. Who has one, and what it may do, is the store's. */
import type { Members } from '../config/members.ts'
import type { JsonObject } from '../kernel/json.ts'
import { isName } from '../policy/profile-text.ts'
import type { Permission } from '../store/permissions.ts'
import type { RoleRecord } from '../store/roles.ts'

export const LONGEST_ROLE_NAME = 200
/** Auth0's. What a token tells is bounded by what an API has. */
export const MOST_ROLE_PERMISSIONS = 1000

/** What is wrong with the name of a role. */
export const roleNameFault = (name: string): string | undefined =>
  isName(name, LONGEST_ROLE_NAME)
    ? undefined
    : `The name of a role has at most ${LONGEST_ROLE_NAME} characters and no controls.`

export const PERMISSION_MEMBERS = {
  permission_name: { is: 'text' },
  resource_server_identifier: { is: 'text' },
} as const satisfies Members

export const roleToWire = ({ id, name, description }: RoleRecord): JsonObject => ({
  id,
  name,
  description,
  type: 'tenant',
})

export const permissionToWire = ({ audience, name }: Permission) => ({
  permission_name: name,
  resource_server_identifier: audience,
})
