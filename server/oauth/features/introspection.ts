/**
 * `/oauth/introspect`: whether a token counts now, said to those it concerns: the client that was given it, and the
 * clients that an operator let introspect for the API it is for. Everybody else, and whoever asks about anything else,
 * is told that it does not, in the same words.
 *
 * Whoever remembers an answer, as a gateway does, learns of its end by the revocation log, and matches by `iss` and
 *
 *   token          `jti`
 *   authorization  what stands before the dot of `jti`: an authorization's id, or an API key's
 *   session        `sid`
 *   subject        `sub`, where the entry's epoch is above `subject_epoch`
 *   client         `client_id`, where the entry's epoch is above `client_epoch`
 *   audience       `aud`, where the entry's epoch is above `api_epoch`, which is 0 where it is not said
 *
 * The log does not tell of a client grant that was narrowed: for that, an answer is remembered no longer than an operator
 * is to wait for it.
 */
import { occasionOf } from '../../audit/events.ts'
import { type Client, isPublic } from '../../clients/metadata.ts'
import { type Answer, type Incoming, json } from '../../http/route.ts'
import { ProtocolError } from '../../kernel/errors.ts'
import type { JsonObject } from '../../kernel/json.ts'
import { toSeconds } from '../../kernel/seconds.ts'
import { userinfoAudience } from '../../tokens/access-token.ts'
import { apiKeyTokenId } from '../../tokens/api-key.ts'
import { bearerOf, findAccessToken, type OwnToken } from '../../tokens/returned-token.ts'
import { subjectOf } from '../../tokens/subject.ts'
import { activeKey, findApiKey, isApiKey } from '../api-keys.ts'
import { authenticateClient } from '../client-auth/authenticate.ts'
import { clientAuthAlgorithms, clientAuthMethodNames } from '../client-auth/client-auth.ts'
import type { Feature, OAuthServices } from '../feature.ts'
import { openToMachine } from '../permitted.ts'
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
  const found = await readerOf(token)(services, incoming, client, token)
  return json(200, found ?? INACTIVE)
}

type Reader = (
  services: OAuthServices,
  incoming: Incoming,
  client: Client,
  token: string,
) => Promise<JsonObject | undefined>

function readerOf(token: string): Reader {
  if (isApiKey(token)) return apiKeyNow
  return isRefreshToken(token) ? refreshTokenNow : accessTokenNow
}

async function accessTokenNow(
  services: OAuthServices,
  incoming: Incoming,
  client: Client,
  token: string,
): Promise<JsonObject | undefined> {
  const own = await findAccessToken(services, incoming, token)
  if (!own) return undefined
  const isForApi = await isForApiOf(services, incoming, client, own.audiences)
  // A shared secret vouches for its tokens to nobody but the API that shares it.
  if (!isForApi && (own.client !== client.id || own.header.alg === 'HS256')) return undefined
  return (await bearerOf(services, incoming.tenant, own)) && describe(own, isForApi)
}

/** Whether the client may introspect for an API that the token is for. */
async function isForApiOf(
  services: OAuthServices,
  { issuer }: Incoming,
  client: Client,
  audiences: readonly string[],
): Promise<boolean> {
  for (const audience of audiences) {
    if (audience === userinfoAudience(issuer)) continue
    if ((await openToMachine(services, client, issuer, audience))?.includes(INTROSPECT)) return true
  }
  return false
}

/** §2.2: all that the token says, in the one dialect. Its epochs are told to those for whom the log is. */
function describe({ claims, client }: OwnToken, withEpochs: boolean): JsonObject {
  const { client_epoch, subject_epoch, api_epoch, azp: _azp, ...said } = claims as JsonObject
  const epochs = {
    ...(client_epoch !== undefined && { client_epoch }),
    ...(subject_epoch !== undefined && { subject_epoch }),
    ...(api_epoch !== undefined && { api_epoch }),
  }
  return { active: true, ...said, ...(withEpochs && epochs), client_id: client, token_type: 'Bearer' }
}

/** What an access token would say in its place. It has an end only if it was given one. */
async function apiKeyNow(
  services: OAuthServices,
  incoming: Incoming,
  client: Client,
  token: string,
): Promise<JsonObject | undefined> {
  const { tenant, issuer } = incoming
  const standing = await findApiKey(services, tenant, token)
  if (!standing) return undefined
  const { key } = standing
  const isForApi = await isForApiOf(services, incoming, client, [key.audience])
  if (!isForApi && key.client !== client.id) return undefined
  const found = await activeKey(services, standing, services.clock())
  services.meter?.apiKeyAsked(found ? 'counts' : 'refused')
  if (!found) return undefined
  services.keyUses.note(key)
  const { active, api, scopes, permissions } = found
  return {
    active: true,
    iss: issuer,
    sub: await subjectOf(services.subjects, active),
    aud: key.audience,
    client_id: key.client,
    scope: scopes.join(' '),
    ...(permissions !== null && { permissions }),
    jti: apiKeyTokenId(key.id),
    iat: toSeconds(key.createdAt),
    ...(key.expiresAt !== null && { exp: toSeconds(key.expiresAt) }),
    ...(isForApi && {
      client_epoch: key.clientEpoch,
      ...(key.person && { subject_epoch: key.person.epoch }),
      ...(api.epoch > 0 && { api_epoch: api.epoch }),
    }),
    token_type: 'api_key',
  }
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
