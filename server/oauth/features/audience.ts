/**
 * Which API a person's authorization is for: `audience` as Auth0's SDKs say it, `resource` as RFC 8707 does.
 * Scopes are kept per audience, so that what was allowed for one is never good for another.
 */
import { findApi, namedAudience } from '../audiences.ts'
import type { Feature } from '../feature.ts'

export const audience: Feature = {
  name: 'audience',
  spec: 'RFC 8707',
  steps: {
    'authorize.receive': async context => {
      const { services, incoming, parameters, tenant } = context
      const named = namedAudience(parameters) ?? tenant.defaultAudience ?? undefined
      context.api = await findApi(services.resourceServers, incoming.tenant, incoming.issuer, named)
    },

    'authorize.validate': ({ api, scopes, allow }) => {
      if (api)
        allow(
          api.identifier,
          scopes.filter(scope => api.scopes.includes(scope)),
        )
    },
  },
}
