/** What this issuer says of itself: discovery under both its names, and the key set. Assembled from what the features say. */
import { type Answer, type Incoming, json, type Route } from '../http/route.ts'
import { clientAuthAlgorithms, clientAuthMethodNames } from './client-auth/client-auth.ts'
import type { Feature, OAuthServices, ServerMetadata } from './feature.ts'
import { responseModes } from './response-modes/response-mode.ts'
import { supportedResponseTypes } from './response-types.ts'

/** Verifiers ask again after this, which bounds how long before it signs a key must be published. */
const KEPT_SECONDS = 300

export function discoveryRoutes(services: OAuthServices, features: readonly Feature[]): readonly Route[] {
  const kept = { 'cache-control': `public, max-age=${KEPT_SECONDS}` }
  const describe = async (incoming: Incoming): Promise<Answer> =>
    json(200, await describeServer(services, features, incoming), kept)
  const publish = async ({ tenant }: Incoming): Promise<Answer> => json(200, await services.keyring.jwks(tenant), kept)
  const route = (path: string, answer: Route['answer']): Route => ({
    method: 'GET',
    path,
    cors: 'open',
    speaks: 'json',
    answer,
  })
  return [
    route('/.well-known/openid-configuration', describe),
    route('/.well-known/oauth-authorization-server', describe),
    route('/.well-known/jwks.json', publish),
  ]
}

/** Scalars of a feature are taken as they are; lists are joined, each member once. */
async function describeServer(
  { keyring, tenants }: OAuthServices,
  features: readonly Feature[],
  { tenant: id, issuer }: Incoming,
): Promise<Partial<ServerMetadata>> {
  const tenant = await tenants.find(id)
  const grants = features.flatMap(({ grant }) => grant?.type ?? [])
  const own: Partial<ServerMetadata> = {
    issuer,
    authorization_endpoint: `${issuer}authorize`,
    token_endpoint: `${issuer}oauth/token`,
    jwks_uri: `${issuer}.well-known/jwks.json`,
    // Required (RFC 8414 §2), also when nothing is listed.
    response_types_supported: supportedResponseTypes(features),
    response_modes_supported: responseModes.map(mode => mode.name),
    grant_types_supported: grants,
    // Some of Auth0's libraries refuse access tokens of an algorithm that is missing here.
    id_token_signing_alg_values_supported: await keyring.algorithms(id),
    token_endpoint_auth_methods_supported: clientAuthMethodNames,
    token_endpoint_auth_signing_alg_values_supported: clientAuthAlgorithms,
    authorization_response_iss_parameter_supported: true,
    request_parameter_supported: false,
    // True when left out (Discovery §3).
    request_uri_parameter_supported: false,
  }
  return features
    .flatMap(feature => [feature.metadata?.(issuer) ?? {}, feature.tenantMetadata?.(issuer, tenant) ?? {}])
    .reduce(join, own)
}

function join(one: Partial<ServerMetadata>, other: Partial<ServerMetadata>): Partial<ServerMetadata> {
  const joined: Record<string, unknown> = { ...one }
  for (const [name, value] of Object.entries(other))
    joined[name] = Array.isArray(value)
      ? [...new Set([...((joined[name] as unknown[] | undefined) ?? []), ...value])]
      : value
  return joined
}
