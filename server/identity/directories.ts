/**
 * In which database a password is looked for and an account is made: the one that is asked for, or else the tenant's
 * default, among those that serve the client.
 */
import type { ConnectionRecord } from '../store/connections.ts'
import type { Nouns } from '../store/store.ts'
import { serves } from './connections.ts'
import { DATABASE_CONNECTION, DATABASE_STRATEGY } from './users.ts'

/** Whom it is for. */
type Served = Parameters<typeof serves>[1] & { readonly tenant: string }

/** A tenant has one or two; whoever has more says which. */
const LOOKED_AT = 100

export const isDatabase = (connection: ConnectionRecord | undefined): connection is ConnectionRecord =>
  connection?.strategy === DATABASE_STRATEGY

/** The database of that name or id, if it serves the client. */
export async function databaseFor(
  { connections }: Nouns,
  client: Served,
  named: { readonly name: string } | { readonly id: string },
): Promise<ConnectionRecord | undefined> {
  const found =
    'name' in named
      ? await connections.findByName(client.tenant, named.name)
      : await connections.find(client.tenant, named.id)
  return isDatabase(found) && serves(found, client) ? found : undefined
}

/** Where nobody says which: undefined when no database serves the client. */
export const defaultDirectoryFor = (nouns: Nouns, client: Served): Promise<ConnectionRecord | undefined> =>
  firstDirectory(nouns, client.tenant, connection => serves(connection, client))

/** The same for an operator, whom every database serves. */
export const defaultDirectoryOf = (nouns: Nouns, tenant: string): Promise<ConnectionRecord | undefined> =>
  firstDirectory(nouns, tenant, () => true)

/** The one that the tenant names, the one that it began with, or the first by name. */
async function firstDirectory(
  { connections, tenants }: Nouns,
  tenant: string,
  does: (connection: ConnectionRecord) => boolean,
): Promise<ConnectionRecord | undefined> {
  const named = (await tenants.find(tenant))?.settings['default_directory']
  for (const name of [named, DATABASE_CONNECTION]) {
    if (typeof name !== 'string' || name === '') continue
    const connection = await connections.findByName(tenant, name)
    if (isDatabase(connection) && does(connection)) return connection
  }
  return (await connections.list(tenant, { strategies: [DATABASE_STRATEGY], limit: LOOKED_AT })).find(does)
}
