/** `/sessions` and `/users/{id}/sessions`: where people are signed in. */
import Type from 'typebox'
import { changesBetween } from '../audit/changes.ts'
import { managedUnlessSame } from '../audit/events.ts'
import { endSessions, isLive, sessionToWire } from '../identity/sessions.ts'
import type { Instant } from '../kernel/clock.ts'
import type { SessionRecord } from '../store/sessions.ts'
import type { Nouns } from '../store/store.ts'
import { notFound } from './fault.ts'
import { findUser } from './find-user.ts'
import { METADATA, metadataFrom } from './metadata.ts'
import { type Operation, operation } from './operation.ts'
import { CHECKPOINT_QUERY, checkpointOf, listReply } from './paging.ts'

const SESSION = Type.Object({
  id: Type.String(),
  user_id: Type.String(),
  created_at: Type.String(),
  expires_at: Type.String(),
  clients: Type.Array(Type.Object({ client_id: Type.String() })),
})
/** Of one session. */
const MOST_CLIENTS = 100

export const sessions: readonly Operation[] = [
  operation({
    method: 'GET',
    path: '/users/:id/sessions',
    summary: 'List where a user is signed in',
    scopes: ['read:sessions'],
    query: Type.Object({ ...CHECKPOINT_QUERY, include_totals: Type.Optional(Type.Boolean()) }),
    answers: { 200: Type.Object({ sessions: Type.Array(SESSION), next: Type.Optional(Type.String()) }) },
    async run({ tenant, path, query, now }, { store }) {
      const user = await findUser(store, tenant, path('id'))
      const paging = checkpointOf(query)
      const { after, limit } = paging
      const found = await store.sessions.liveAfter(tenant, user.id, now, {
        after: after ?? undefined,
        limit: limit + 1,
      })
      const page = found.slice(0, limit)
      const items = await Promise.all(page.map(session => written(store, session)))
      return listReply('sessions', paging, { items, next: found.length > limit ? page.at(-1)?.id : undefined })
    },
  }),

  operation({
    method: 'DELETE',
    path: '/users/:id/sessions',
    summary: 'Sign a user out of every session',
    scopes: ['delete:sessions'],
    answers: { 202: null },
    async run({ tenant, path, client, now, occasion }, { store }) {
      const user = await findUser(store, tenant, path('id'))
      const live = await store.sessions.liveOf(tenant, user.id, now)
      await endSessions(store, live, { machine: client.id }, occasion, now)
      return { status: 202 }
    },
  }),

  operation({
    method: 'GET',
    path: '/sessions/:id',
    summary: 'Read a session',
    scopes: ['read:sessions'],
    answers: { 200: SESSION },
    async run({ tenant, path, now }, { store }) {
      return { status: 200, body: await written(store, await findSession(store, tenant, path('id'), now)) }
    },
  }),

  operation({
    method: 'PATCH',
    path: '/sessions/:id',
    summary: 'Note something about a session',
    scopes: ['update:sessions'],
    body: Type.Object({ session_metadata: Type.Optional(METADATA) }, { additionalProperties: false }),
    answers: { 200: SESSION },
    async run({ tenant, path, body, client, now, occasion }, { store }) {
      const session = await findSession(store, tenant, path('id'), now)
      if (body.session_metadata === undefined) return { status: 200, body: await written(store, session) }
      const metadata = metadataFrom(body.session_metadata)
      await store.transaction(async transaction => {
        await transaction.sessions.note(tenant, session.id, metadata)
        const changes = changesBetween({ session_metadata: session.metadata }, { session_metadata: metadata })
        await transaction.events.record(
          managedUnlessSame(occasion, { client: client.id }, 'session', session.id, 'changed', changes, session.user),
        )
      })
      return { status: 200, body: await written(store, { ...session, metadata }) }
    },
  }),

  ...(
    [
      ['DELETE', '/sessions/:id'],
      ['POST', '/sessions/:id/revoke'],
    ] as const
  ).map(([method, path]) =>
    operation({
      method,
      path,
      summary: 'End a session, with every token that is of it',
      scopes: ['delete:sessions'],
      answers: { 202: null },
      async run({ tenant, path, client, now, occasion }, { store }) {
        const session = await findSession(store, tenant, path('id'), now)
        await endSessions(store, [session], { machine: client.id }, occasion, now)
        return { status: 202 }
      },
    }),
  ),
]

/** One that still counts: what is over is not there any more. */
async function findSession(store: Nouns, tenant: string, id: string, now: Instant): Promise<SessionRecord> {
  const session = await store.sessions.find(tenant, id)
  const user = session && (await store.users.find(tenant, session.user))
  if (!session || !user || !isLive(session, user, now))
    throw notFound('inexistent_session', 'The session does not exist.')
  return session
}

const written = async (store: Nouns, session: SessionRecord) =>
  sessionToWire(session, await store.authorizations.clientsIn(session.tenant, session.id, MOST_CLIENTS))
