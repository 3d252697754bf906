/** Which client asks, and is it that client? The same for every endpoint that clients call themselves. */
import { clientRefused, type Occasion } from '../../audit/events.ts'
import type { Client } from '../../clients/metadata.ts'
import type { Incoming } from '../../http/route.ts'
import { ProtocolError } from '../../kernel/errors.ts'
import type { OAuthServices } from '../feature.ts'
import { clientAuthMethods } from './client-auth.ts'
import { BASIC_CHALLENGE } from './secret.ts'

/** Throws `invalid_client` (401), the same for an unknown client and for a wrong secret. */
export async function authenticateClient(
  { clients, audit }: OAuthServices,
  incoming: Incoming,
  occasion: Occasion,
): Promise<Client> {
  const usesHeader = incoming.header('authorization') !== undefined
  // RFC 6749 §2.3: one method a request. `none` is not one: it only names the client.
  if (usesHeader && incoming.body.has('client_secret'))
    throw new ProtocolError('invalid_request', 'Two ways of client authentication are used at once.')

  for (const method of clientAuthMethods) {
    const claimed = method.find(incoming)
    if (!claimed) continue
    const named = incoming.body.get('client_id')
    if (named !== undefined && named !== claimed.clientId) throw refusal(usesHeader)
    const client = await clients.find(incoming.tenant, claimed.clientId)
    if (client && method.verify(client, claimed.proof)) return client
    if (client)
      audit.addSparsely(`${client.tenant} ${client.id} ${incoming.address}`, clientRefused(occasion, client.id))
    throw refusal(usesHeader)
  }
  throw new ProtocolError('invalid_client', 'The request names no client.')
}

/** RFC 6749 §5.2 wants the challenge when the header was used; otherwise it would hide the body from openid-client. */
const refusal = (usesHeader: boolean): ProtocolError =>
  new ProtocolError('invalid_client', 'Client authentication failed.', usesHeader ? BASIC_CHALLENGE : {})
