/** What resources that speak of permissions have in common: how one is written, which there are, and how a list is described. */
import Type from 'typebox'
import { managed, type Occasion } from '../audit/events.ts'
import { resolveResourceServer } from '../clients/resource-servers.ts'
import { findSystemApi } from '../clients/system-apis.ts'
import { MOST_ROLE_PERMISSIONS, permissionToWire } from '../identity/roles.ts'
import type { Permission } from '../store/permissions.ts'
import type { Nouns } from '../store/store.ts'
import { ManagementFault } from './fault.ts'
import type { ApiServices } from './services.ts'

export const NAME = Type.String({ minLength: 1, maxLength: 600 })

export const PERMISSIONS_BODY = Type.Object(
  {
    permissions: Type.Array(Type.Object({ resource_server_identifier: NAME, permission_name: NAME }), {
      minItems: 1,
      maxItems: MOST_ROLE_PERMISSIONS,
    }),
  },
  { additionalProperties: false },
)

export const PERMISSION = Type.Object({
  resource_server_identifier: Type.String(),
  permission_name: Type.String(),
  resource_server_name: Type.Optional(Type.String()),
  description: Type.Optional(Type.String()),
})

interface PermissionsBody {
  readonly permissions: readonly { readonly resource_server_identifier: string; readonly permission_name: string }[]
}

/** Each once. */
export function readPermissions({ permissions }: PermissionsBody): readonly Permission[] {
  const read = permissions.map(one => ({ audience: one.resource_server_identifier, name: one.permission_name }))
  return [...new Map(read.map(permission => [JSON.stringify(permission), permission])).values()]
}

/** On record, where there are any. */
export async function recordPermissions(
  { events }: Nouns,
  { occasion, client }: { readonly occasion: Occasion; readonly client: { readonly id: string } },
  kind: 'role-permission' | 'user-permission',
  id: string,
  { given = [], taken = [] }: { readonly given?: readonly Permission[]; readonly taken?: readonly Permission[] },
): Promise<void> {
  const by = { client: client.id }
  if (given.length > 0)
    await events.record([
      managed(occasion, by, kind, id, 'created', { permissions: { after: toldPermissions(given) } }),
    ])
  if (taken.length > 0)
    await events.record([
      managed(occasion, by, kind, id, 'removed', { permissions: { before: toldPermissions(taken) } }),
    ])
}

interface Here {
  readonly tenant: string
  readonly incoming: { readonly issuer: string }
}

/** The APIs that the permissions are of, by their identifiers. */
async function apisOf({ store }: ApiServices, { tenant, incoming }: Here, permissions: readonly Permission[]) {
  const named = [...new Set(permissions.map(({ audience }) => audience))]
  const stored = (await store.resourceServers.among(tenant, named)).map(resolveResourceServer)
  const own = named.flatMap(audience => findSystemApi(tenant, incoming.issuer, audience) ?? [])
  return new Map([...own, ...stored].map(api => [api.identifier, api]))
}

/** Throws for one that no API has: it would come to life with whoever makes a scope of that name. */
export async function requirePermissions(services: ApiServices, here: Here, permissions: readonly Permission[]) {
  const apis = await apisOf(services, here, permissions)
  for (const { audience, name } of permissions)
    if (!apis.get(audience)?.scopes.includes(name))
      throw new ManagementFault(
        400,
        'inexistent_permission',
        `Payload validation error: the API ${audience} has no scope ${name}.`,
      )
}

/** With the names that people know them by. */
export async function describePermissions<P extends Permission>(
  services: ApiServices,
  here: Here,
  permissions: readonly P[],
) {
  const apis = await apisOf(services, here, permissions)
  return permissions.map(permission => {
    const api = apis.get(permission.audience)
    const description = api?.descriptions[permission.name]
    return {
      ...permissionToWire(permission),
      ...(api && { resource_server_name: api.name }),
      ...(description !== undefined && { description }),
    }
  })
}

/** For an event: what was given or taken. */
const toldPermissions = (permissions: readonly Permission[]) => permissions.map(permissionToWire)

/** What a checkpoint goes on from. */
export const positionOf = ({ audience, name }: Permission): string => JSON.stringify([audience, name])

export function permissionAt(position: string): Permission {
  try {
    const [audience, name] = JSON.parse(position) as unknown[]
    if (typeof audience === 'string' && typeof name === 'string') return { audience, name }
  } catch {
    // What it is, is said below.
  }
  throw new ManagementFault(
    400,
    'invalid_query_string',
    'Query validation error: from is not what an answer before held as next.',
  )
}
