/**
 * What an operation is: something an operator may have done, a function from what was asked to what there is to
 * tell. It runs where the data is open, in the server or in the command itself, and neither reads a file of the
 * operator's nor writes to a terminal: both are the command's (`commands/`). The list is `operations.ts`.
 */
import type { Occasion } from '../audit/events.ts'
import type { Clients } from '../clients/clients.ts'
import type { Connections } from '../identity/connections.ts'
import type { HashQueue } from '../identity/hash-queue.ts'
import type { Clock } from '../kernel/clock.ts'
import { OperatorError } from '../kernel/errors.ts'
import { newSortableId } from '../kernel/ids.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { Keyring } from '../keys/keyring.ts'
import type { Rewrapped } from '../keys/rewrap.ts'
import type { Store } from '../store/store.ts'

/** Both what it is given and what it tells can be JSON: either may come from, or go to, another process. */
export type Operation<Given extends JsonObject, Result> = (services: OperatorServices, given: Given) => Promise<Result>

export interface OperatorServices {
  readonly store: Store
  readonly clients: Clients
  readonly connections: Connections
  readonly keyring: Keyring
  readonly clock: Clock
  readonly hashQueue: HashQueue
  /** Moves everything sealed, of every tenant, to the current master key. */
  readonly rewrap: () => Promise<Rewrapped>
}

/** The tenant of that id, or of that name. Throws `OperatorError` where there is none. */
export async function findTenant({ store }: OperatorServices, named: string): Promise<string> {
  const found = (await store.tenants.find(named)) ?? (await store.tenants.findByName(named))
  if (!found) throw new OperatorError(`There is no tenant "${named}". See latchkey tenants list.`)
  return found.id
}

export const occasionOfCommand = (tenant: string, clock: Clock): Occasion => ({
  tenant,
  at: clock(),
  requestId: newSortableId(),
  address: null,
  userAgent: null,
})
