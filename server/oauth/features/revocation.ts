/**
 * `/oauth/revoke`: a client gives a token back. A refresh token takes with it all that it stands for, the access tokens
 * included; an access token goes alone, and so does an API key. What is no token, or none any more, is as good as revoked.
 */
import { isEncrypted } from '@latchkey/sdk/verify'
import {
  accessTokenRevoked,
  apiKeyRevoked,
  type Occasion,
  occasionOf,
  refreshTokenRevoked,
} from '../../audit/events.ts'
import type { Client } from '../../clients/metadata.ts'
import type { Answer, Incoming } from '../../http/route.ts'
import { ProtocolError } from '../../kernel/errors.ts'
import { SECOND } from '../../kernel/seconds.ts'
import { LONGEST_TOKEN_LIFE } from '../../policy/lifetimes.ts'
import { revokeApiKey, revokeAuthorization, revokeToken } from '../../revocation/revoke.ts'
import { bearerOf, findAccessToken } from '../../tokens/returned-token.ts'
import { findApiKey, isApiKey } from '../api-keys.ts'
import { authenticateClient } from '../client-auth/authenticate.ts'
import { clientAuthAlgorithms, clientAuthMethodNames } from '../client-auth/client-auth.ts'
import type { Feature, OAuthServices } from '../feature.ts'
import { findFamily, isRefreshToken } from '../refresh-families.ts'

export const revocation: Feature = {
  name: 'revocation',
  spec: 'RFC 7009',
  metadata: issuer => ({
    revocation_endpoint: `${issuer}oauth/revoke`,
    revocation_endpoint_auth_methods_supported: clientAuthMethodNames,
    revocation_endpoint_auth_signing_alg_values_supported: clientAuthAlgorithms,
  }),
  routes: services => [
    {
      method: 'POST',
      path: '/oauth/revoke',
      cors: 'open',
      speaks: 'json',
      answer: incoming => answer(services, incoming),
    },
  ],
}

/** §2.2: also for a token that is unknown; there is nothing that a client could do about it. */
const DONE: Answer = { status: 200, headers: { 'cache-control': 'no-store' } }

async function answer(services: OAuthServices, incoming: Incoming): Promise<Answer> {
  if (incoming.body.repeated.length > 0)
    throw new ProtocolError('invalid_request', 'A parameter is sent more than once.')
  const occasion = occasionOf(incoming, services.clock())
  const client = await authenticateClient(services, incoming, occasion)
  const token = incoming.body.get('token')
  if (token === undefined) throw new ProtocolError('invalid_request', 'token is missing.')
  // What a token is can be seen, so token_type_hint tells nothing, and an unknown one does no harm.
  if (isApiKey(token)) await endApiKey(services, incoming, client, token, occasion)
  else if (isRefreshToken(token)) await endFamily(services, incoming, client, token, occasion)
  else await endAccessToken(services, incoming, client, token, occasion)
  return DONE
}

async function endFamily(
  services: OAuthServices,
  { tenant }: Incoming,
  client: Client,
  token: string,
  occasion: Occasion,
): Promise<void> {
  const found = await findFamily(services, tenant, token)
  if (!found) return
  const { family, standing } = found
  if (family.client !== client.id) throw notYours()
  await services.store.transaction(async transaction => {
    const ended = await transaction.families.kill(tenant, family.hash)
    await revokeAuthorization(transaction, standing.authorization, occasion.at)
    if (ended === 'killed')
      await transaction.events.record([refreshTokenRevoked(occasion, client.id, family.user, family.authorization)])
  })
}

async function endAccessToken(
  services: OAuthServices,
  incoming: Incoming,
  client: Client,
  token: string,
  occasion: Occasion,
): Promise<void> {
  // RFC 7009 §2.2.1: which one it is, the API alone can read. To answer that it is revoked would be a lie.
  if (isEncrypted(token))
    throw new ProtocolError('unsupported_token_type', 'The token is encrypted to its API. Revoke the refresh token.')
  const own = await findAccessToken(services, incoming, token)
  if (!own) return
  if (own.client !== client.id) throw notYours()
  // Once: whoever has a token could otherwise fill the log with it.
  const bearer = await bearerOf(services, incoming.tenant, own)
  if (!bearer) return
  const user = bearer.person?.user.id ?? null
  const { jti } = own
  // An API's secret is known to the API too, and whoever has it can make a token that ends when they like.
  const expiresAt = Math.min(own.claims.exp * SECOND, occasion.at + LONGEST_TOKEN_LIFE)
  await services.store.transaction(async transaction => {
    revokeToken(transaction, { tenant: incoming.tenant, jti, expiresAt }, occasion.at)
    await transaction.events.record([accessTokenRevoked(occasion, client.id, user, jti)])
  })
}

async function endApiKey(
  services: OAuthServices,
  { tenant }: Incoming,
  client: Client,
  token: string,
  occasion: Occasion,
): Promise<void> {
  const found = await findApiKey(services, tenant, token)
  if (!found) return
  const { id, person, audience } = found.key
  if (found.key.client !== client.id) throw notYours()
  await services.store.transaction(async transaction => {
    if (await revokeApiKey(transaction, found.key, occasion.at)) {
      const facts = { id, client: client.id, user: person?.id ?? null, audience }
      await transaction.events.record([apiKeyRevoked(occasion, 'client', facts)])
    }
  })
}

/** §2.1: refused, and said so. RFC 6749 §5.2 has the code for what was issued to another client. */
const notYours = (): ProtocolError => new ProtocolError('invalid_grant', 'The token was issued to another client.')
