/**
 * APIs made and changed, whoever has it done. Each takes a transaction, and nothing is left for the caller to forget: what hung
 * on a scope goes with the scope, and every cache is told. An API is removed by `revocation/revoke.ts`.
 */
import type { JsonObject } from '../kernel/json.ts'
import type { ResourceServerRecord } from '../store/resource-servers.ts'
import type { Transaction } from '../store/store.ts'
import { resolveResourceServer } from './resource-servers.ts'

/** `leaving`: first `store.removals.finishApi`, outside of the transaction. */
export async function createApi(
  transaction: Transaction,
  api: Omit<ResourceServerRecord, 'epoch'>,
): Promise<'created' | 'taken' | 'leaving'> {
  const outcome = await transaction.resourceServers.create(api)
  transaction.announce({ topic: 'resource-server', tenant: api.tenant, id: api.identifier })
  return outcome
}

/** What was granted of a scope that is left out, to roles and people, is nothing to one of its name that comes later. */
export async function changeApi(
  transaction: Transaction,
  before: ResourceServerRecord,
  settings: JsonObject,
  at: number,
): Promise<'changed' | 'gone'> {
  const { tenant, id, identifier } = before
  if ((await transaction.resourceServers.change(tenant, id, settings, at)) === 'gone') return 'gone'
  const scopes = new Set(resolveResourceServer({ ...before, settings }).scopes)
  const lost = resolveResourceServer(before).scopes.filter(scope => !scopes.has(scope))
  if (lost.length > 0) await transaction.permissions.forget(tenant, identifier, lost)
  transaction.announce({ topic: 'resource-server', tenant, id: identifier })
  return 'changed'
}
