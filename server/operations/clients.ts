/** Applications ended by hand. What they are is a tenant file's to say. */
import { clientRemoved, clientRevoked } from '../audit/events.ts'
import { OperatorError } from '../kernel/errors.ts'
import { removeClient as remove, revokeClient as revoke } from '../revocation/revoke.ts'
import { findTenant, type Operation, type OperatorServices, occasionOfCommand } from './operation.ts'

export type NamedClient = { readonly tenant: string; readonly client: string }
export type EndedClient = { readonly id: string }

/** Ends all that it was ever given, its own tokens included: a secret of its became known. It may ask anew at once. */
export const revokeClient: Operation<NamedClient, EndedClient> = async (services, given) => {
  const tenant = await findClient(services, given)
  const occasion = occasionOfCommand(tenant, services.clock)
  await services.store.transaction(async transaction => {
    await revoke(transaction, { tenant, id: given.client }, occasion.at)
    await transaction.events.record([clientRevoked(occasion, given.client)])
  })
  return { id: given.client }
}

/** For good: its id is never given again. */
export const removeClient: Operation<NamedClient, EndedClient> = async (services, given) => {
  const tenant = await findClient(services, given)
  const occasion = occasionOfCommand(tenant, services.clock)
  await services.store.transaction(async transaction => {
    if ((await remove(transaction, { tenant, id: given.client }, occasion.at)) === 'removed')
      await transaction.events.record([clientRemoved(occasion, given.client)])
  })
  return { id: given.client }
}

/** Answers its tenant. */
async function findClient(services: OperatorServices, given: NamedClient): Promise<string> {
  const tenant = await findTenant(services, given.tenant)
  if (!(await services.store.clients.find(tenant, given.client)))
    throw new OperatorError(`The tenant ${tenant} has no client "${given.client}".`)
  return tenant
}
