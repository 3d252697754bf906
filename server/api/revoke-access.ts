/**
 * `POST /api/v2/users/{id}/revoke-access`: a service ends what a person has. Everything, unless the body says less: one
 * session, or the sessions without what applications keep beyond them. What ends with what is `revocation/revoke.ts`'s.
 */
import { occasionOf } from '../audit/events.ts'
import type { Incoming, Route } from '../http/route.ts'
import { endSessions, signOutEverywhere } from '../identity/sessions.ts'
import type { JsonObject } from '../kernel/json.ts'
import { admit } from './admit.ts'
import { ManagementFault, managementRoute } from './management-route.ts'
import type { ApiServices } from './services.ts'

interface Wish {
  readonly session: string | null
  readonly preserveRefreshTokens: boolean
}

export const revokeAccessRoute = (services: ApiServices): Route =>
  managementRoute('POST', '/users/:id/revoke-access', async incoming => {
    const { client } = await admit(services, incoming, 'delete:sessions', 'delete:refresh_tokens')
    const { session, preserveRefreshTokens } = wishOf(incoming)
    const { store, clock } = services
    const { tenant } = incoming
    const user = await store.users.find(tenant, incoming.path['id'] ?? '')
    if (!user) throw new ManagementFault(404, 'inexistent_user', 'The user does not exist.')

    const now = clock()
    const occasion = occasionOf(incoming, now)
    const by = { machine: client.id }
    if (session === null && !preserveRefreshTokens) await signOutEverywhere(store, user, occasion, now, by)
    else {
      const live = await store.sessions.liveOf(tenant, user.id, now)
      const meant = session === null ? live : live.filter(({ id }) => id === session)
      if (session !== null && meant.length === 0)
        throw new ManagementFault(404, 'inexistent_session', 'The user has no such session.')
      await endSessions(store, meant, by, occasion, now)
    }
    // Auth0 accepts the request; here it is done.
    return { status: 202, headers: { 'cache-control': 'no-store' } }
  })

/** A member that is misspelt would end more than was meant, and so would a form, whose members are not looked at. */
function wishOf({ document, header }: Incoming): Wish {
  const isForm = /^application\/x-www-form-urlencoded/i.test(header('content-type') ?? '')
  if (isForm) throw invalid('Send JSON.')
  const { session_id: session = null, preserve_refresh_tokens: preserve = false, ...rest }: JsonObject = document ?? {}
  const [unknown] = Object.keys(rest)
  if (unknown !== undefined) throw invalid('There are session_id and preserve_refresh_tokens, and nothing else.')
  if (session !== null && typeof session !== 'string') throw invalid('session_id is the id of a session.')
  if (typeof preserve !== 'boolean') throw invalid('preserve_refresh_tokens is true or false.')
  return { session, preserveRefreshTokens: preserve }
}

const invalid = (message: string) => new ManagementFault(400, 'invalid_body', `Payload validation error: ${message}`)
