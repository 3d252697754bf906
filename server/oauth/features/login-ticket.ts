/**
 * `login_ticket`: a person who proved who they are on a page of the application, and not on one of ours. Their session
 * begins here, and the request is answered for them. A ticket that does not count is as good as none: then the request
 * asks as any other does.
 */
import { occasionOf } from '../../audit/events.ts'
import { browserHashOf } from '../../identity/browsers.ts'
import { answeredPage, findLogin, spendLogin } from '../../identity/login-tickets.ts'
import { sessionHere } from '../../identity/session-here.ts'
import type { Feature } from '../feature.ts'
import { modeOf } from '../response-modes/response-mode.ts'

/** Thrown inside the transaction to take everything back. */
class SpentElsewhere extends Error {}

export const loginTicket: Feature = {
  name: 'login-ticket',
  spec: 'Auth0 cross-origin authentication',

  async arrive({ services, incoming, client, parameters, request }) {
    const presented = parameters.get('login_ticket')
    if (presented === undefined) return undefined
    const { store, clock, tenants, cookieScope } = services
    const { tenant } = incoming
    const now = clock()
    const login = await findLogin(
      store,
      presented,
      {
        tenant,
        client: client.id,
        browserHash: browserHashOf(incoming),
        answered: answeredPage(request.redirectUri, modeOf(request.responseMode).staysInBrowser),
        referrer: incoming.header('referer'),
      },
      now,
    )
    if (!login) return undefined
    const { user, connection, proof } = login
    const limits = (await tenants.find(tenant)).session
    const here = sessionHere(incoming, await cookieScope(tenant, incoming.issuer), limits)
    try {
      const session = await store.transaction(async transaction => {
        if (!(await spendLogin(transaction, tenant, login, now))) throw new SpentElsewhere()
        const { organization } = request
        const beginning = { user, connection, organization, proofs: [proof], client: client.id }
        return here.begin(transaction, beginning, occasionOf(incoming, now), clock)
      })
      return { session, cookies: here.cookies, provenAt: proof.at }
    } catch (error) {
      if (error instanceof SpentElsewhere) return undefined
      throw error
    }
  },
}
