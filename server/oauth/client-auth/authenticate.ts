/** Which client asks, and is it that client? The same for every endpoint that clients call themselves. */
import { clientRefused, type Occasion } from '../../audit/events.ts'
import type { Client } from '../../clients/metadata.ts'
import type { Incoming } from '../../http/route.ts'
import { ProtocolError } from '../../kernel/errors.ts'
import type { OAuthServices } from '../feature.ts'
import { clientAuthMethods } from './client-auth.ts'
import { BASIC_CHALLENGE } from './secret.ts'

/** Throws `invalid_client` (401), the same for an unknown client and for a wrong secret, and `too_many_attempts` for too many of these. */
export async function authenticateClient(
  services: OAuthServices,
  incoming: Incoming,
  occasion: Occasion,
): Promise<Client> {
  const { clients, audit, secretBrake } = services
  const usesHeader = incoming.header('authorization') !== undefined
  const ways = [usesHeader, incoming.body.has('client_secret'), incoming.body.has('client_assertion')]
  // RFC 6749 §2.3: one method a request. `none` is not one: it only names the client.
  if (ways.filter(Boolean).length > 1)
    throw new ProtocolError('invalid_request', 'Two ways of client authentication are used at once.')

  for (const method of clientAuthMethods) {
    const claimed = method.find(incoming)
    if (!claimed) continue
    const named = incoming.body.get('client_id')
    if (named !== undefined && named !== claimed.clientId) throw refusal(usesHeader)
    const client = await clients.find(incoming.tenant, claimed.clientId)
    const now = services.clock()
    if (method.isGuessable) secretBrake.refuse(incoming, claimed.clientId, now)
    // Not awaited yet: of many guesses at once the first that are wrong count before the next is looked at.
    const judging = client ? method.disprove({ services, incoming, client, proof: claimed.proof, now }) : 'secret'
    if (method.isGuessable && judging === 'secret')
      await secretBrake.wrong(incoming, claimed.clientId, client !== undefined, now)
    if (!client) throw refusal(usesHeader)
    const disproof = await judging
    if (disproof === null) return client
    audit.addSparsely(
      `${client.tenant} ${client.id} ${disproof} ${incoming.address}`,
      clientRefused(occasion, client.id, disproof),
    )
    throw refusal(usesHeader)
  }
  if (incoming.body.has('client_assertion')) throw refusal(usesHeader)
  throw new ProtocolError('invalid_client', 'The request names no client.')
}

/** RFC 6749 §5.2 wants the challenge when the header was used; otherwise it would hide the body from openid-client. */
const refusal = (usesHeader: boolean): ProtocolError =>
  new ProtocolError('invalid_client', 'Client authentication failed.', usesHeader ? BASIC_CHALLENGE : {})
