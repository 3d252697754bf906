/** Scopes as pages say them: under the name of the API they belong to, with what its operator says of each. */
import type { Ask } from '../http/consent-view.ts'
import type { Incoming } from '../http/route.ts'
import { userinfoAudience } from '../tokens/access-token.ts'
import type { LoginServices } from './services.ts'

/** `scopes`: audience → scopes. */
export const shownAsks = (
  { resourceServers }: LoginServices,
  incoming: Incoming,
  scopes: Readonly<Record<string, readonly string[]>>,
): Promise<Ask[]> =>
  Promise.all(
    Object.entries(scopes).map(async ([audience, some]) => {
      const isOwn = audience === userinfoAudience(incoming.issuer)
      const api = isOwn ? undefined : await resourceServers.find(incoming.tenant, audience)
      return {
        api: isOwn ? null : (api?.name ?? audience),
        scopes: some.map(value => ({ value, description: api?.descriptions[value] ?? null })),
      }
    }),
  )
