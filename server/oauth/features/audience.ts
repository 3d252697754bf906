/**
 * Which APIs a person's authorization is for: `audience` as Auth0's SDKs say it, `resource` as RFC 8707 does, once
 * or several times. Scopes are kept per audience, so that what was allowed for one is never good for another, and
 * each token is for one of them.
 */
import { ProtocolError } from '../../kernel/errors.ts'
import { AUDIENCE_NOTE, findApi, namedAudiences, noteOfApis } from '../audiences.ts'
import type { Feature } from '../feature.ts'
import { openToPeople } from '../permitted.ts'

/** Far more than an application calls, and few enough for one page to ask about. */
const MOST_APIS = 10

export const audience: Feature = {
  name: 'audience',
  spec: 'RFC 8707',
  steps: {
    'authorize.target': async context => {
      const { services, incoming, client, parameters, tenant } = context
      const named = namedAudiences(parameters)
      if (named.length > MOST_APIS)
        throw new ProtocolError('invalid_target', `More than ${MOST_APIS} resources are named.`)
      const wanted = named.length === 0 && tenant.defaultAudience !== null ? [tenant.defaultAudience] : named
      const apis = []
      for (const one of wanted) {
        const api = await findApi(services.resourceServers, incoming.tenant, incoming.issuer, one)
        if (!api) continue
        // Before anybody is asked anything; what each token may hold is found out when it is made.
        await openToPeople(services, client, api)
        apis.push(api)
      }
      context.apis = apis
    },

    'authorize.validate': ({ apis, scopes, draft, allow }) => {
      const note = noteOfApis(apis)
      if (note) draft.lasting[AUDIENCE_NOTE] = note
      for (const api of apis)
        allow(
          api.identifier,
          scopes.filter(scope => api.scopes.includes(scope)),
        )
    },
  },
}
