/**
 * `/oauth/introspect`: whether a token counts now, said to those it concerns: the client that was given it, and the
 * clients that an operator let introspect for the API it is for. Everybody else, and whoever asks about anything else,
 * is told that it does not, in the same words.
 */
import { occasionOf } from '../../audit/events.ts'
import { type Client, isPublic } from '../../clients/metadata.ts'
import { type Answer, type Incoming, json } from '../../http/route.ts'
import { ProtocolError } from '../../kernel/errors.ts'
import type { JsonObject } from '../../kernel/json.ts'
import { toSeconds } from '../../kernel/seconds.ts'
import { userinfoAudience } from '../../tokens/access-token.ts'
import { bearerOf, findAccessToken, type OwnToken } from '../../tokens/returned-token.ts'
import { authenticateClient } from '../client-auth/authenticate.ts'
import { clientAuthAlgorithms, clientAuthMethodNames } from '../client-auth/client-auth.ts'
import type { Feature, OAuthServices } from '../feature.ts'
import { findFamily, isRefreshToken, standsNow } from '../refresh-families.ts'

/** Granted to a client for an API's audience, it opens that API's tokens to it. */
const INTROSPECT = 'introspect:tokens'

export const introspection: Feature = {
  name: 'introspection',
  spec: 'RFC 7662',
  metadata: issuer => ({
    introspection_endpoint: `${issuer}oauth/introspect`,
    introspection_endpoint_auth_methods_supported: clientAuthMethodNames.filter(name => name !== 'none'),
    introspection_endpoint_auth_signing_alg_values_supported: clientAuthAlgorithms,
  }),
  routes: services => [
    {
      method: 'POST',
      path: '/oauth/introspect',
      speaks: 'json',
      answer: incoming => answer(services, incoming),
    },
  ],
}

const INACTIVE = { active: false }

async function answer(services: OAuthServices, incoming: Incoming): Promise<Answer> {
  if (incoming.body.repeated.length > 0)
    throw new ProtocolError('invalid_request', 'A parameter is sent more than once.')
  const client = await authenticateClient(services, incoming, occasionOf(incoming, services.clock()))
  // §2.1: whoever could ask without a proof could try out tokens.
  if (isPublic(client)) throw new ProtocolError('invalid_client', 'A public client cannot introspect tokens.')
  const token = incoming.body.get('token')
  if (token === undefined) throw new ProtocolError('invalid_request', 'token is missing.')
  // What a token is can be seen, so token_type_hint tells nothing.
  const found = isRefreshToken(token)
    ? await refreshTokenNow(services, incoming, client, token)
    : await accessTokenNow(services, incoming, client, token)
  return json(200, found ?? INACTIVE)
}

async function accessTokenNow(
  services: OAuthServices,
  incoming: Incoming,
  client: Client,
  token: string,
): Promise<JsonObject | undefined> {
  const own = await findAccessToken(services, incoming, token)
  if (!own || !(await concerns(services, incoming, client, own))) return undefined
  return (await bearerOf(services, incoming.tenant, own)) && describe(own)
}

async function concerns(
  { clients }: OAuthServices,
  { tenant, issuer }: Incoming,
  client: Client,
  own: OwnToken,
): Promise<boolean> {
  // A shared secret vouches for its tokens to nobody but the API that shares it.
  if (own.client === client.id && own.header.alg !== 'HS256') return true
  for (const audience of own.audiences) {
    if (audience === userinfoAudience(issuer)) continue
    if ((await clients.grantedScopes(tenant, client.id, audience))?.includes(INTROSPECT)) return true
  }
  return false
}

/** §2.2: all that the token says, in the one dialect, but what is between this server and itself. */
function describe({ claims, client }: OwnToken): JsonObject {
  const { client_epoch: _client, subject_epoch: _subject, azp: _azp, ...said } = claims as JsonObject
  return { active: true, ...said, client_id: client, token_type: 'Bearer' }
}

/** Genuine for this client only: its MAC says whose it is. */
async function refreshTokenNow(
  services: OAuthServices,
  { tenant, issuer }: Incoming,
  client: Client,
  token: string,
): Promise<JsonObject | undefined> {
  const found = await findFamily(services, tenant, token)
  if (found?.family.client !== client.id || !(await standsNow(services, client, found, services.clock())))
    return undefined
  const { family, standing } = found
  const { authorization } = standing
  return {
    active: true,
    iss: issuer,
    sub: await services.subjects.of(client, family.user),
    aud: issuer,
    client_id: client.id,
    scope: [...new Set(Object.values(authorization.audiences).flat())].join(' '),
    iat: toSeconds(family.rotatedAt),
    exp: toSeconds(Math.min(family.idleExpiresAt, family.expiresAt)),
    ...(authorization.session !== null && { sid: authorization.session }),
  }
}
