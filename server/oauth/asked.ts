/**
 * What a token request asks for by itself, where no authorization came before: one API, and of the scopes those that
 * the API has or a feature vouches for. What is unknown is left out in silence, as at `/authorize` (RFC 6749 §3.3).
 */
import type { Client } from '../clients/metadata.ts'
import type { Parameters } from '../http/parameters.ts'
import { userinfoAudience } from '../tokens/access-token.ts'
import { AUDIENCE_NOTE, findApi, namedAudience, noteOfApis } from './audiences.ts'
import type { Asked, Feature, OAuthServices } from './feature.ts'
import { openToPeople } from './permitted.ts'
import { runPhase } from './phases.ts'

interface Asking {
  readonly tenant: string
  readonly issuer: string
  readonly client: Client
  readonly parameters: Parameters
}

/** Throws `invalid_target`, and `access_denied` for an API of which the client may ask nothing for people. */
export async function askedHere(
  services: OAuthServices,
  features: readonly Feature[],
  { tenant, issuer, client, parameters }: Asking,
): Promise<Asked> {
  const { tenants, resourceServers } = services
  const named = namedAudience(parameters) ?? (await tenants.find(tenant)).defaultAudience ?? undefined
  const api = await findApi(resourceServers, tenant, issuer, named)
  const open = api && (await openToPeople(services, client, api))
  const own = userinfoAudience(issuer)
  const scopes = [...new Set(parameters.get('scope')?.split(' ').filter(Boolean))]
  const allowed = new Map<string, Set<string>>([[own, new Set()]])
  if (api && open) allowed.set(api.identifier, new Set(open))

  const allow = (audience: string, more: readonly string[]) => {
    for (const scope of more) allowed.get(audience)?.add(scope)
  }
  await runPhase('token.ask', features, { issuer, client, api, scopes, allow })
  const audiences = [...allowed].map(([audience, may]): [string, string[]] => [
    audience,
    scopes.filter(scope => may.has(scope)),
  ])
  const note = api && noteOfApis([api])
  return {
    audiences: Object.fromEntries(audiences),
    audience: api?.identifier ?? own,
    lasting: note ? { [AUDIENCE_NOTE]: note } : {},
  }
}
