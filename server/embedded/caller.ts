/**
 * Whose page asks. Only an application of the operator may take passwords and codes itself (RFC 9700 §2.4), and a browser
 * may ask for it from its own pages alone: whoever sends no `Origin` is no page of anybody's, and has no cookies to send.
 */
import type { Client } from '../clients/metadata.ts'
import type { Incoming } from '../http/route.ts'
import { defaultDirectoryFor, databaseFor as findDatabase } from '../identity/directories.ts'
import type { ConnectionRecord } from '../store/connections.ts'
import { Refused } from './refused.ts'
import type { Sent } from './sent.ts'
import type { EmbeddedServices } from './services.ts'

export async function callerOf(
  { clients }: Pick<EmbeddedServices, 'clients'>,
  incoming: Incoming,
  sent: Sent,
): Promise<Client> {
  const client = await clients.find(incoming.tenant, sent.required('client_id'))
  if (!client) throw new Refused(400, 'invalid_client', 'There is no application with this client_id.')
  if (!client.isFirstParty)
    throw new Refused(403, 'unauthorized_client', 'Only an application of the operator may sign people in itself.')
  refuseForeignPage(incoming, client)
  return client
}

export function refuseForeignPage(incoming: Incoming, client: Client): void {
  const origin = incoming.header('origin')
  if (origin === undefined || isOurs(incoming, origin) || client.origins.includes(origin)) return
  throw new Refused(
    403,
    'access_denied',
    'The origin of this page is none of the client. Add it to its allowed_origins, web_origins or callbacks.',
  )
}

/** Of a page that is served under our own host. */
export const isOurs = ({ issuer }: Incoming, origin: string): boolean => `${origin}/` === issuer

/** The database of passwords of that name, if this client may use it; without a name, its default one. */
export async function databaseFor(
  { store }: Pick<EmbeddedServices, 'store'>,
  client: Client,
  name?: string,
): Promise<ConnectionRecord> {
  const connection =
    name === undefined ? await defaultDirectoryFor(store, client) : await findDatabase(store, client, { name })
  if (!connection) throw new Refused(400, 'invalid_connection', 'The connection is no database of this client.')
  return connection
}
