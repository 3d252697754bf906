/** Notes which clients are to be told when the session ends that a request was answered from. */
import type { LogoutChannel } from '../store/session-clients.ts'
import type { RespondContext } from './feature.ts'

/** With the transaction that gives the authorization, which may be over long before the session is. */
export const noteSessionClient = (
  { transaction, client, incoming, user, session, sessionExpiresAt }: RespondContext,
  channel: LogoutChannel,
): Promise<void> =>
  transaction.sessionClients.note({
    tenant: client.tenant,
    session,
    channel,
    client: client.id,
    user,
    issuer: incoming.issuer,
    expiresAt: sessionExpiresAt,
  })
