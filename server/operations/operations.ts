/** THE LIST of what an operator may have done, by the name under which a command asks for it. */
import { OperatorError } from '../kernel/errors.ts'
import type { JsonObject, JsonValue } from '../kernel/json.ts'
import { createApiKey, listApiKeys, revokeApiKey } from './api-keys.ts'
import { applyFile, exportFile, planFile } from './apply.ts'
import { removeClient, revokeClient } from './clients.ts'
import { listKeys, revokeKey, rewrapAll, rotateApiSecret, rotateKey } from './keys.ts'
import type { OperatorServices } from './operation.ts'
import { addHost, createTenant, listTenants } from './tenants.ts'
import { blockUser, createUser, removeUser, unblockUser } from './users.ts'

const operations = {
  'tenants create': createTenant,
  'tenants add-host': addHost,
  'tenants list': listTenants,
  'users create': createUser,
  'users block': blockUser,
  'users unblock': unblockUser,
  'users remove': removeUser,
  'clients revoke': revokeClient,
  'clients remove': removeClient,
  'api-keys create': createApiKey,
  'api-keys list': listApiKeys,
  'api-keys revoke': revokeApiKey,
  'keys list': listKeys,
  'keys rotate': rotateKey,
  'keys rotate-api': rotateApiSecret,
  'keys revoke': revokeKey,
  'keys rewrap': rewrapAll,
  apply: applyFile,
  plan: planFile,
  export: exportFile,
  // Whoever has the data open has migrated it.
  migrate: async () => ({}),
} as const

type Operations = typeof operations
export type OperationName = keyof Operations
export type GivenTo<Name extends OperationName> = Parameters<Operations[Name]>[1] extends infer Given extends JsonObject
  ? Given
  : Record<never, never>
export type ResultOf<Name extends OperationName> = Awaited<ReturnType<Operations[Name]>>

/**
 * Carries out the operation of that name. What it is given is believed to be of its type: the same version of the
 * command has put it together, for the owner of the data. Throws `OperatorError` for what the operator can mend.
 */
export async function carryOut(services: OperatorServices, name: string, given: JsonObject): Promise<JsonValue> {
  if (!Object.hasOwn(operations, name)) throw new OperatorError(`There is no operation "${name}".`)
  const operation = operations[name as OperationName] as (
    services: OperatorServices,
    given: never,
  ) => Promise<JsonValue>
  return operation(services, given as never)
}
