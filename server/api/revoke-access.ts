/**
 * `POST /users/{id}/revoke-access`: a service ends what a person has. Everything, unless the body says less: one session,
 * or the sessions without what applications keep beyond them. What ends with what is `revocation/revoke.ts`'s.
 */
import Type from 'typebox'
import { endSessions, signOutEverywhere } from '../identity/sessions.ts'
import { notFound } from './fault.ts'
import { type Operation, operation } from './operation.ts'

/** A member that is misspelt would end more than was meant. */
const WISH = Type.Object(
  { session_id: Type.Optional(Type.String()), preserve_refresh_tokens: Type.Optional(Type.Boolean()) },
  { additionalProperties: false },
)

export const revokeAccess: readonly Operation[] = [
  operation({
    method: 'POST',
    path: '/users/:id/revoke-access',
    summary: 'End the sessions of a user, and what applications keep beyond them',
    scopes: { allOf: ['delete:sessions', 'delete:refresh_tokens'] },
    body: WISH,
    bodyMayBeLeftOut: true,
    answers: { 202: null },
    async run({ tenant, path, body, client, now, occasion }, { store }) {
      const { session_id: session, preserve_refresh_tokens: preserves = false } = body
      const user = await store.users.find(tenant, path('id'))
      if (!user) throw notFound('inexistent_user', 'The user does not exist.')
      const by = { machine: client.id }
      if (session === undefined && !preserves) await signOutEverywhere(store, user, occasion, now, by)
      else {
        const live = await store.sessions.liveOf(tenant, user.id, now)
        const meant = session === undefined ? live : live.filter(({ id }) => id === session)
        if (session !== undefined && meant.length === 0)
          throw notFound('inexistent_session', 'The user has no such session.')
        await endSessions(store, meant, by, occasion, now)
      }
      // Auth0 accepts the request; here it is done.
      return { status: 202 }
    },
  }),
]
