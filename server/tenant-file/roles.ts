/** The `roles` of a tenant file, and what each may do. An entry that does not speak of permissions leaves those there are. */
import type { Findings } from '../config/findings.ts'
import { type Member, readMembers } from '../config/members.ts'
import type { Path } from '../config/yaml.ts'
import { MOST_ROLE_PERMISSIONS, PERMISSION_MEMBERS, roleNameFault } from '../identity/roles.ts'
import { newId } from '../kernel/ids.ts'
import { isObject, type JsonObject, type JsonValue } from '../kernel/json.ts'
import type { Permission } from '../store/permissions.ts'
import type { RoleRecord } from '../store/roles.ts'
import type { Nouns } from '../store/store.ts'
import { type Entry, isSound, refuseRepeats } from './entries.ts'
import type { Exporting } from './export.ts'
import { differences, type Planning, type Step } from './plan.ts'
import { isOfAnother, type ResourceServerPlan } from './resource-servers.ts'

export interface RoleEntry {
  readonly path: Path
  readonly name: string
  readonly description: string
  /** Null: not spoken of. */
  readonly permissions: readonly (Permission & { readonly path: Path })[] | null
}

const MEMBERS = {
  name: { is: 'text' },
  description: { is: 'text', optional: true },
  permissions: { is: 'any', optional: true },
  /** Auth0's word for a role that is not an organization's own. */
  type: { is: 'text', oneOf: ['tenant'], optional: true },
} as const satisfies Readonly<Record<string, Member>>

export function readRoles(entries: readonly Entry[], findings: Findings): readonly RoleEntry[] {
  const roles = entries.flatMap(entry => {
    if (!isSound('a role', MEMBERS, entry, findings)) return namedOnly(entry)
    const { name, description = '' } = readMembers(MEMBERS, entry.given)
    const fault = roleNameFault(name)
    if (fault !== undefined) findings.fault(entry.path, fault)
    const permissions = readPermissions(entry.given['permissions'], [...entry.path, 'permissions'], findings)
    return [{ path: entry.path, name, description, permissions }]
  })
  refuseRepeats(
    roles,
    ({ name }) => name,
    ({ name }) => `The role "${name}" is there twice.`,
    findings,
  )
  return roles
}

/** So that whoever has a role with a fault is not told that there is none. */
const namedOnly = ({ path, given: { name } }: Entry): readonly RoleEntry[] =>
  typeof name === 'string' ? [{ path, name, description: '', permissions: null }] : []

function readPermissions(given: JsonValue | undefined, path: Path, findings: Findings): RoleEntry['permissions'] {
  if (given === undefined || given === null) return null
  if (!Array.isArray(given) || given.length > MOST_ROLE_PERMISSIONS) {
    findings.fault(path, `permissions must be a list of at most ${MOST_ROLE_PERMISSIONS}.`)
    return null
  }
  const permissions = given.flatMap((permission: JsonValue, index) => {
    const at = [...path, index]
    if (!isObject(permission)) {
      findings.fault(at, 'Each of permissions must be a mapping of permission_name and resource_server_identifier.')
      return []
    }
    if (!isSound('a permission', PERMISSION_MEMBERS, { path: at, given: permission }, findings)) return []
    const { permission_name: name, resource_server_identifier: audience } = readMembers(PERMISSION_MEMBERS, permission)
    return [{ path: at, name, audience }]
  })
  refuseRepeats(permissions, nameOf, ({ name }) => `The permission "${name}" is there twice.`, findings)
  return permissions
}

const nameOf = ({ audience, name }: Permission): string => JSON.stringify([audience, name])

const LISTED_AT_ONCE = 500

export async function exportRoles({ store, tenant }: Exporting): Promise<JsonValue> {
  const exported: JsonObject[] = []
  for (const role of await everyRole(store, tenant))
    exported.push(shown(role, await store.permissions.ofRole(tenant, role.id)))
  return exported
}

export async function everyRole({ roles }: Nouns, tenant: string): Promise<readonly RoleRecord[]> {
  const all: RoleRecord[] = []
  for (;;) {
    const page = await roles.list(tenant, { offset: all.length, limit: LISTED_AT_ONCE })
    all.push(...page)
    if (page.length < LISTED_AT_ONCE) return all
  }
}

/** Under the file's names; without permissions where they are not spoken of. */
const shown = (
  { name, description }: Pick<RoleRecord, 'name' | 'description'>,
  permissions: readonly Permission[] | null,
): JsonObject => ({
  name,
  description,
  ...(permissions && {
    permissions: permissions
      .toSorted((one, other) => (nameOf(one) < nameOf(other) ? -1 : 1))
      .map(({ name, audience }) => ({ permission_name: name, resource_server_identifier: audience })),
  }),
})

export interface RolePlan {
  readonly steps: readonly Step[]
  /** The id of a role in the file or else in the store. */
  find(name: string): Promise<string | undefined>
}

/** Of an API of another server it is told that nothing is given; whatever else is not there is a fault. */
async function thoseThereAre<P extends Permission & { readonly path: Path }>(
  permissions: readonly P[],
  apis: ResourceServerPlan,
  findings: Findings,
): Promise<readonly P[]> {
  const there: P[] = []
  for (const permission of permissions) {
    const { path, name, audience } = permission
    const scopes = await apis.scopesOf(audience)
    if (scopes?.includes(name)) there.push(permission)
    else if (!scopes && isOfAnother(audience))
      findings.warn(path, `"${name}" is not given: "${audience}" is an API of another server.`)
    else findings.fault(path, `The API "${audience}" has no scope "${name}".`)
  }
  return there
}

/** Without `apis` permissions are not looked at: for finding roles alone. */
export async function planRoles(
  { store, tenant, findings, giveWay }: Planning,
  entries: readonly RoleEntry[],
  apis?: ResourceServerPlan,
): Promise<RolePlan> {
  const ids = new Map<string, string | undefined>()
  const steps: Step[] = []
  for (const { path, name, description, permissions: named } of entries) {
    await giveWay()
    const permissions = named && apis ? await thoseThereAre(named, apis, findings) : named
    const before = await store.roles.findByName(tenant, name)
    const id = before?.id ?? newId('rol')
    ids.set(name, id)
    const held = before && permissions ? await store.permissions.ofRole(tenant, id) : []
    const wanted = new Set(permissions?.map(nameOf))
    const has = new Set(held.map(nameOf))
    const gained = (permissions ?? []).filter(permission => !has.has(nameOf(permission)))
    const lost = held.filter(permission => !wanted.has(nameOf(permission)))
    if (before?.description === description && gained.length + lost.length === 0) continue
    const change = before ? 'changed' : 'created'
    steps.push({
      kind: 'role',
      id,
      name,
      change,
      changes: differences(
        before ? shown(before, permissions ? held : null) : null,
        shown({ name, description }, permissions),
      ),
      path,
      async write(transaction) {
        const outcome = await transaction.roles.put({ tenant, id, name, description })
        if ((outcome === 'created') !== (change === 'created')) return 'overtaken'
        if (lost.length > 0) await transaction.permissions.takeFromRole(tenant, id, lost)
        const given = gained.length > 0 ? await transaction.permissions.giveRole(tenant, id, gained) : []
        return given === 'gone' ? 'overtaken' : 'written'
      },
    })
  }
  return {
    steps,
    async find(name) {
      if (!ids.has(name)) ids.set(name, (await store.roles.findByName(tenant, name))?.id)
      return ids.get(name)
    },
  }
}
