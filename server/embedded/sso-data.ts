/** `/user/ssodata`: who is signed in here, asked by auth0-js on a page under this server's own host. To others, nobody is. */
import { type Answer, type Incoming, json } from '../http/route.ts'
import { liveSessions } from '../identity/browsers.ts'
import { isOurs } from './caller.ts'
import type { EmbeddedServices } from './services.ts'

export async function ssoData({ store, clock }: EmbeddedServices, incoming: Incoming): Promise<Answer> {
  const page = incoming.header('origin')
  const isOwnPage = page === undefined ? incoming.header('sec-fetch-site') === 'same-origin' : isOurs(incoming, page)
  const [current] = isOwnPage ? await liveSessions(store, incoming, clock()) : []
  if (!current) return json(200, { sso: false })
  const { session, user } = current
  const connection = await store.connections.find(incoming.tenant, session.connection)
  return json(200, {
    sso: true,
    lastUsedConnection: { name: connection?.name ?? null, strategy: connection?.strategy ?? null },
    lastUsedUserID: user.id,
    lastUsedUsername: user.email ?? user.id,
    sessionClients: [],
  })
}
